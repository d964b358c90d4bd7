"""Text encodings other than UTF-8: transcoded as a stream, and back for the rejects file."""

from __future__ import annotations

import codecs

from toloka_upload.errors import UsageProblem
from toloka_upload.rows.packing import Damaged, Read

_MARK = "toloka_upload.mark"
_WIDE = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_FOR_PROGRAMS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    """Turn a byte that does not decode into half a surrogate pair, and that back into the byte.

    Its UTF-8 form is invalid, so that it spoils its own row and no other.
    """
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + b) for b in error.object[error.start : error.end]), error.end
    if isinstance(error, UnicodeEncodeError):
        points = [ord(c) - 0xDC00 for c in error.object[error.start : error.end]]
        if all(0 <= point < 0x100 for point in points):
            return bytes(points), error.end
    raise error


codecs.register_error(_MARK, _mark)


def codec_name(encoding: str | None, head: bytes) -> str | None:
    """Return the codec to transcode from, or None for UTF-8.

    Args:
        encoding: A codec's name as the user gives it.
        head: The first four bytes of the input: `utf-16` and `utf-32` ask the byte order mark.

    Raises:
        UsageProblem: There is no such text encoding.
    """
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name
        if name in _FOR_PROGRAMS:
            raise LookupError(name)
        "".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, ValueError) as error:
        raise UsageProblem(
            f"--encoding {encoding}: there is no such text encoding; try utf-16, cp1251 or cp1252"
        ) from error
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return None
    if name in _WIDE:
        marks = (bom for bom, codec in _BOMS.items() if codec.startswith(name))
        return next((_BOMS[bom] for bom in marks if head.startswith(bom)), _WIDE[name])
    return name


def told_by_bom(head: bytes) -> str | None:
    """Return the name to give `--encoding` if `head` starts with a mark other than UTF-8's."""
    return next((name[:6] for bom, name in _BOMS.items() if head.startswith(bom)), None)


def restore(line: bytes, codec: str) -> bytes:
    """Return a line that `Transcoded` gave, in its own encoding again."""
    text = line.decode("utf-8", "surrogatepass")
    try:
        return text.encode(codec, _MARK)
    except UnicodeError:  # a stateful codec that cannot hold the mark
        return text.encode(codec, "replace")


class Transcoded:
    """UTF-8 from another encoding, as a stream."""

    def __init__(self, read: Read, codec: str) -> None:
        errors = "strict" if codec.startswith(("utf-16", "utf-32")) else _MARK
        self._decoder = codecs.getincrementaldecoder(codec)(errors)
        self._read, self._codec = read, codec
        self._ready = b""
        self._consumed = 0

    def read(self, n: int) -> bytes:
        """Give at most `n` bytes of UTF-8.

        Raises:
            Damaged: A wide encoding has lost its step: nothing after that place can be trusted.
        """
        while not self._ready:
            data = self._read(n)
            self._ready = self._decode(data)
            if not data:
                break
        out, self._ready = self._ready[:n], self._ready[n:]
        return out

    def _decode(self, data: bytes) -> bytes:
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            at = self._consumed + len(data) - len(error.object) + error.start
            raise Damaged(f"byte offset {at} of the input is not {self._codec} text") from error
        except UnicodeError as error:
            raise Damaged(f"the input is not {self._codec} text: {error}") from error
        self._consumed += len(data)
        return text.encode("utf-8", "surrogatepass")
