"""The body of an answer, unpacked without ever holding more than may come. Pure.

A few kilobytes can unpack to gigabytes, and twice packed to terabytes: what is unpacked is counted as it comes, and
only the one packing that was asked for is undone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

ACCEPTED = "gzip"
"""What to ask for in `Accept-Encoding`."""
_STEP = 1024 * 1024


class Unusable(Exception):
    """The body is not as was asked for: too long, packed otherwise, damaged, cut off."""


def unpacked(parts: Iterable[bytes], encoding: str, most: int) -> bytearray:
    """
    The whole body, without a second copy of it.

    Args:
        parts: The body as it arrives.
        encoding: The `Content-Encoding` header; empty where there is none.
        most: Bytes after which it is given up.

    Raises:
        Unusable: Says why.
    """
    packing = encoding.strip().lower()
    if packing in ("gzip", "x-gzip"):
        parts = _inflated(parts)
    elif packing not in ("", "identity"):
        raise Unusable(f"the answer is packed as {encoding!r}, which was not asked for")
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > most:
            raise Unusable(f"the answer is longer than {most} bytes")
    return body


def _inflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Undo gzip, a piece of at most `_STEP` bytes at a time; members one after the other are one body."""
    stream = zlib.decompressobj(wbits=31)
    begun = False
    try:
        for part in parts:
            rest = part
            while rest:
                if stream.eof:
                    stream = zlib.decompressobj(wbits=31)
                begun = True
                yield stream.decompress(rest, _STEP)
                rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise Unusable(f"the answer cannot be unpacked: {error}") from error
    if begun and not stream.eof:
        raise Unusable("the answer is cut off")
