"""Compression: told by the first bytes, undone as a stream in flat memory."""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from toloka_upload.errors import BadInput

Read = Callable[[int], bytes]
"""Give at most that many bytes, at least one, or nothing at the end."""

_XZ_MEMORY = 256 << 20
"""Bytes an xz stream may make us hold (its dictionary); `xz -9` needs 65 MiB."""


class Damaged(Exception):
    """The input cannot be turned into text from here on. `str()` says why; readers add the line."""


class _Decompressor(Protocol):
    """What `bz2`, `lzma` and `compression.zstd` share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor in the dress of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _gzip(name: str) -> Callable[[], _Decompressor]:  # noqa: ARG001
    return _Gzip


def _bzip2(name: str) -> Callable[[], _Decompressor]:  # noqa: ARG001
    import bz2

    return bz2.BZ2Decompressor


def _xz(name: str) -> Callable[[], _Decompressor]:  # noqa: ARG001
    import lzma

    return lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)


def _zstd(name: str) -> Callable[[], _Decompressor]:
    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        zstd: Any = importlib.import_module(module)
    except ImportError as error:
        raise BadInput(
            f"{name}: reading Zstandard needs a package: pip install 'backports.zstd>=1.0'",
            code="EXTRA_MISSING",
            install="backports.zstd>=1.0",
        ) from error
    make: Callable[[], _Decompressor] = zstd.ZstdDecompressor
    return make


_KINDS: tuple[tuple[bytes, str, Callable[[str], Callable[[], _Decompressor]]], ...] = (
    (b"\x1f\x8b", "gzip", _gzip),
    (b"BZh", "bzip2", _bzip2),
    (b"\xfd7zXZ\x00", "xz", _xz),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
)
MAGIC_LENGTH = max(len(magic) for magic, _, _ in _KINDS)
"""How many first bytes `unpack` must see."""

SUFFIXES = frozenset({".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd"})
"""Extensions of compressed files; only looked through, never believed."""


def unpack(read: Read, head: bytes, name: str) -> Read:
    """Return a reader of what `read` gives, decompressed if `head`, its first bytes, say so.

    Several compressed members in a row are read as one, as the programs `gzip` and `xz` do.

    Raises:
        BadInput: The extra that undoes this compression is not installed.
    """
    for magic, kind, prepare in _KINDS:
        if head.startswith(magic):
            return _Unpacked(read, kind, prepare(name)).read
    return read


class _Unpacked:
    """Decompressed bytes, never more than asked for, whatever the ratio."""

    def __init__(self, read: Read, kind: str, make: Callable[[], _Decompressor]) -> None:
        self._read, self._kind, self._make = read, kind, make
        self._inner = make()
        self._pending = b""

    def read(self, n: int) -> bytes:
        """Give at most `n` bytes.

        Raises:
            Damaged: The compressed data is wrong, or ends too early.
        """
        while not self._inner.eof or self._next_member():
            data = self._input(n) if self._inner.needs_input else b""
            starved = self._inner.needs_input and not data
            out = self._decompress(data, n)
            if out:
                return out
            if starved and not self._inner.eof:
                raise Damaged(f"the {self._kind} data ends too early: the file was cut off")
        return b""

    def _decompress(self, data: bytes, n: int) -> bytes:
        try:
            return self._inner.decompress(data, n)
        except Exception as error:  # each library has its own, zstd's is not always there
            raise Damaged(f"the {self._kind} data is damaged: {error}") from error

    def _input(self, n: int) -> bytes:
        data, self._pending = self._pending, b""
        return data or self._read(n)

    def _next_member(self) -> bool:
        """Start on what follows a finished member; zeros after it are padding."""
        rest = self._inner.unused_data.lstrip(b"\x00")
        while not rest:
            data = self._read(1 << 16)
            if not data:
                return False
            rest = data.lstrip(b"\x00")
        self._pending, self._inner = rest, self._make()
        return True
