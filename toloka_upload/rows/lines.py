"""Whole lines, some at a time: a batch is small whatever the lines are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, islice

from toloka_upload.errors import UploadError
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import BATCH
from toloka_upload.rows.source import MAX_ROW, Source

_PIECE = 1 << 16
"""Most bytes of a line that are read at once: a hundred such pieces are still little."""


class Lines:
    """The lines of an input, line ends included.

    Of a line longer than `MAX_ROW` only so much more than that is kept that it shows.

    Attributes:
        number: The physical line that comes next, from 1.
    """

    def __init__(self, source: Source) -> None:
        self._stream = source.stream
        self._pieces = iter(partial(source.stream.readline, _PIECE), b"")
        self._error: Damaged | UploadError | None = None
        self.number = 1

    def __iter__(self) -> Iterator[tuple[int, int, list[bytes]]]:
        """
        Yield the number of the first line, its byte offset in the stream, and the lines of a batch.

        What was read before an error comes before the error.

        Raises:
            Damaged: The compressed data is damaged or cut off, or a wide encoding is.
            NoInput: The input cannot be read any further.
        """
        while not self._error:
            start, first = self._stream.tell(), self.number
            lines = self._whole(self._take())
            if not lines:
                break
            self.number += len(lines)
            yield first, start, lines
        if self._error:
            raise self._error

    def more(self) -> bytes:
        """Return one more line, nothing at the end."""
        found = self._whole(list(islice(self._pieces, 1)))
        self.number += len(found)
        return found[0] if found else b""

    def _take(self) -> list[bytes]:
        """The next lines, in pieces of a bounded size."""
        batch: list[bytes] = []
        try:
            batch.extend(islice(self._pieces, BATCH))
        except (Damaged, UploadError) as error:
            self._error = error
        return batch

    def _whole(self, pieces: list[bytes]) -> list[bytes]:
        """Whole lines from pieces of lines; the last is read to its end, but held no further than it may be long."""
        if max(map(len, pieces), default=0) < _PIECE:
            return pieces
        lines: list[bytes] = []
        parts: list[bytes] = []
        held, left = 0, len(pieces)
        try:
            for piece in chain(pieces, self._pieces):
                left -= 1
                if held <= MAX_ROW:
                    parts.append(piece)
                held += len(piece)
                if piece.endswith(b"\n"):
                    lines.append(b"".join(parts))
                    parts, held = [], 0
                    if left <= 0:
                        break
        except (Damaged, UploadError) as error:
            self._error, parts = error, []
        return [*lines, b"".join(parts)] if parts else lines
