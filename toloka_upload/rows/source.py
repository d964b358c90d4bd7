"""Opening an input: its bytes, decompressed and in UTF-8, as one buffered stream."""

from __future__ import annotations

import codecs
import io
import os
import stat
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from toloka_upload.errors import BadInput, NoInput
from toloka_upload.rows import encoding as text_encoding
from toloka_upload.rows import guess_encoding, sniff
from toloka_upload.rows.packing import MAGIC_LENGTH, Damaged, Read, unpack

MAX_ROW = 32 << 20
"""Most bytes of one row as it stands in the input. One request carries 5 MiB of values at most, so a longer
row can never be uploaded; it is skipped without being held in memory."""

_BUFFER = 1 << 18
_HEAD = 1 << 16
_LAST_ASCII = 0x7F
_LONGEST = 4  # bytes of a character of UTF-8
_SAMPLE_LINES = 1000


class Source:
    """One opened input.

    Attributes:
        name: The input as the user named it (`-` for standard input).
        size: Bytes of the input as stored, or None where it cannot be told.
        codec: What the text is transcoded from; None for UTF-8.
    """

    def __init__(
        self, name: str, *, encoding: str | None = None, stdin: BinaryIO | None = None
    ) -> None:
        """Open `name`, or `stdin` (default: the process's own) if it is `-`, and read its first bytes.

        Raises:
            NoInput: It is missing, is a directory, or cannot be read.
            BadInput: It is packed in a way that needs an extra, or encoded in a way that needs `--encoding`.
            UsageProblem: There is no such encoding.
        """
        self.name = name
        self._file, self._owned = _open(name, stdin)
        self.size = _size(self._file) if self._owned else None
        self._stored = _Stored(name, self._file)
        try:
            packed = _Ahead(self._stored.read)
            self._unpacked = _Ahead(unpack(packed.read, packed.peek(MAGIC_LENGTH), name))
            self.magic = self._unpacked.peek(sniff.HEAD, lambda head: b"\n" in head[8:])
            self.codec = text_encoding.codec_name(encoding, self.magic)
        except BaseException:
            self.close()
            raise
        self._assumed = encoding is None
        self._mark = b""

    @property
    def position(self) -> int:
        """Bytes taken from the input as stored so far, read-ahead included."""
        return self._stored.taken

    def close(self) -> None:
        """Give back the file; standard input stays open."""
        if self._owned:
            self._file.close()

    def seekable(self) -> BinaryIO | None:
        """Return the input as a file of its own that can be read from anywhere, if it is stored as it is."""
        if self.size is None:
            return None
        file = Path(self.name).open("rb")  # noqa: SIM115  # it is the caller's to close
        if file.read(len(self.magic)) == self.magic:
            return file
        file.close()
        return None

    def binary(self, limit: int) -> bytes:
        """Return all of the input, decompressed, but not more than `limit` + 1 bytes."""
        parts: list[bytes] = []
        held = 0
        while held <= limit and (part := self._unpacked.read(min(_BUFFER, limit + 1 - held))):
            parts.append(part)
            held += len(part)
        return b"".join(parts)

    @cached_property
    def _text(self) -> _Ahead:
        """The input as UTF-8, past its byte order mark."""
        read: Read = self._unpacked.read
        if self.codec:
            read = text_encoding.Transcoded(read, self.codec).read
        elif name := text_encoding.told_by_bom(self.magic):
            raise BadInput(
                f"{self.name}:1: the text is {name.upper()}: add --encoding {name}",
                code="WRONG_ENCODING",
                options=("--encoding", name),
            )
        text = _Ahead(read)
        if text.peek(3).startswith(codecs.BOM_UTF8):
            self._mark = self.original(text.read(3))
        return text

    def head(self) -> bytes:
        """Return the start of the text: its first two lines if they are short, else its first 64 KiB."""
        return self._text.peek(_HEAD, lambda head: head.lstrip().count(b"\n") > 1)

    @cached_property
    def stream(self) -> io.BufferedReader:
        """The input as UTF-8 without byte order mark. Bytes that do not decode are invalid in it, too.

        Reading it raises `NoInput`, `Damaged`, or `BadInput` if the input as a whole is not UTF-8 as was assumed.
        """
        read: Read = self._text.read
        if self._assumed:
            read = _Judged(self.name, read, len(self.byte_order_mark)).read
        return io.BufferedReader(_Stream(read), _BUFFER)

    @property
    def byte_order_mark(self) -> bytes:
        """The mark that the input starts with, in its own encoding, or nothing."""
        self._text.peek(0)
        return self._mark

    def kept(self, lines: bytes) -> bytes:
        """Return a row's lines for the rejects file: the input's own bytes.

        The last line of an input may lack its end. In another encoding than UTF-8 it gets one here, where it is
        known what a line end is in it.
        """
        if self.codec is None:
            return lines
        return self.original(lines if lines.endswith(b"\n") else lines + b"\n")

    def original(self, text: bytes) -> bytes:
        """Return a part of the stream as it stands in the input."""
        return text_encoding.restore(text, self.codec) if self.codec else text

    def undecodable(self, line: bytes, what: str = "line", start: int | None = None) -> str:
        """Say which byte of `line` is no text; empty if all of it is.

        Args:
            line: A part of the stream.
            what: What it is.
            start: Its byte offset in the stream, if known.
        """
        try:
            line.decode()
        except UnicodeDecodeError as error:
            before = self.original(line[: error.start])
            bad = (
                self.original(line[error.start : error.start + 3])
                if self.codec
                else line[error.start :]
            )
            place = f"byte 0x{bad[0]:02x} at byte offset {len(before)} of the {what} is not"
            if self.codec:
                return f"{place} {self.codec} text"
            if start is not None:
                whole = start + error.start + len(self.byte_order_mark)
                place = place.replace(" is not", f" ({whole} of the input) is not")
            return f"{place} UTF-8"
        return ""


def _open(name: str, stdin: BinaryIO | None) -> tuple[BinaryIO, bool]:
    """Return the file, and whether it is ours to close."""
    if name == "-":
        standard = stdin or getattr(sys.stdin, "buffer", None)
        if standard is None:
            raise NoInput("standard input is closed")
        return standard, False
    try:
        file: Any = Path(name).open("rb", buffering=0)  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise NoInput(f"{name}: {_reason(error)}") from error
    return file, True


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "is a directory; name the files in it"
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _size(file: BinaryIO) -> int | None:
    status = os.fstat(file.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class _Stored:
    """The bytes as stored, counted."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name = name
        self._read: Read = getattr(file, "read1", file.read)
        self.taken = 0

    def read(self, n: int) -> bytes:
        try:
            data = self._read(n)
        except (OSError, ValueError) as error:
            raise NoInput(f"{self._name}: {_reason(error)}") from error
        self.taken += len(data)
        return data


class _Ahead:
    """A reader whose next bytes can be looked at."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._held = b""
        self._damage: Damaged | None = None

    def peek(self, n: int, enough: Callable[[bytes], bool] = lambda _: False) -> bytes:
        """Return the next bytes: `n`, or less if they are `enough`, or what follows is damaged or the end."""
        while len(self._held) < n and not self._damage and not enough(self._held):
            try:
                data = self._read(n - len(self._held))
            except Damaged as why:
                if not self._held:
                    raise
                self._damage = why
                break
            if not data:
                break
            self._held += data
        return self._held

    def read(self, n: int) -> bytes:
        if not self._held and self._damage:
            raise self._damage
        if not self._held:
            return self._read(n)
        out, self._held = self._held[:n], self._held[n:]
        return out


class _Judged:
    """A reader of text that is taken for UTF-8: the first bytes beyond ASCII decide whether all of it is.

    If they are UTF-8, so is the file, and bytes elsewhere that are not spoil their own rows. If they are not, each row
    with such bytes would be wrong for one and the same reason.
    """

    def __init__(self, name: str, read: Read, before: int) -> None:
        self._name, self._pull = name, read
        self._line, self._offset = 1, before
        self._decided, self._held = False, b""

    def read(self, n: int) -> bytes:
        if self._held:
            out, self._held = self._held[:n], self._held[n:]
            return out
        data = self._pull(n)
        if not self._decided:
            if data.isascii():
                self._line += data.count(b"\n")
                self._offset += len(data)
            else:
                self._judge(data)
        return data

    def _judge(self, data: bytes) -> None:
        self._decided = True
        first = next(at for at, byte in enumerate(data) if byte > _LAST_ASCII)
        while len(data) + len(self._held) < first + _LONGEST and (more := self._pull(_LONGEST)):
            self._held += more  # the character may be cut in two
        start = (data + self._held)[first : first + _LONGEST]
        for length in range(2, len(start) + 1):
            try:
                start[:length].decode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                continue
            return
        raise self._not_utf_8(data + self._held, first)

    def _not_utf_8(self, data: bytes, first: int) -> BadInput:
        lines = [line for line in data.split(b"\n")[:_SAMPLE_LINES] if not line.isascii()]
        if not lines:
            lines = [data[data.rfind(b"\n", 0, first) + 1 :].split(b"\n", 1)[0]]
        line = self._line + data.count(b"\n", 0, first)
        what = f"byte 0x{data[first]:02x} at byte offset {self._offset + first} is not UTF-8"
        found = guess_encoding.candidates(lines)
        told = [f"--encoding {codec:9}  reads it as  {sample}" for codec, sample in found]
        advice = (
            "add the one that reads right, or save the file as UTF-8"
            if told
            else ("save the file as UTF-8, or name its encoding with --encoding")
        )
        if told:
            advice += "; --encoding utf-8 rejects only the rows with such bytes"
        return BadInput(
            "\n".join(
                [f"{self._name}:{line}: {what}: the file is in another encoding", *told, advice]
            ),
            code="WRONG_ENCODING",
            options=("--encoding", found[0][0]) if found else (),
        )


class _Stream(io.RawIOBase):
    """A reader as the raw file that `io.BufferedReader` wants."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self._pull = read
        self._given = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._given

    def readinto(self, target: Any, /) -> int:
        data = self._pull(len(target))
        target[: len(data)] = data
        self._given += len(data)
        return len(data)
