"""Planned chunks on disk: what was checked is what is sent, whatever happens to the input meanwhile.

The file has no name (it is unlinked when made), so that it vanishes with the process. It takes about twice the input's
size (uncompressed); memory stays flat.
"""

from __future__ import annotations

import marshal
import os
import tempfile
from array import array
from io import FileIO
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from toloka_upload.directories import make_directory
from toloka_upload.errors import CannotWrite
from toloka_upload.items.chunks import Chunk, Size
from toloka_upload.outcomes import Places


class Planned(NamedTuple):
    """A chunk in the spool: where its two records begin and end, and what one must know without reading them.

    `again`: its request left in an earlier run, and may have arrived.
    """

    number: int
    pool: str
    kind: str
    items: int
    rows: int
    size: Size
    start: int
    middle: int
    stop: int
    again: bool


class Spool:
    """Chunks, written once, read as often as needed. One thread writes, any may read.

    A chunk has two records: what a request needs (the items by the line: none has a line break), and its rows as they
    came, which only rejects and cuts need.

    Raises:
        CannotWrite: There is no room for it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: FileIO | None = None
        self._end = 0
        self._count = 0

    @property
    def chunks(self) -> int:
        """How many chunks were written."""
        return self._count

    def close(self) -> None:
        """Give the room back."""
        if self._file:
            self._file.close()

    def add(self, chunk: Chunk) -> Planned:
        """Write a chunk."""
        request = marshal.dumps(
            (
                b"\n".join(chunk.texts),
                chunk.identities,
                None if chunk.contents == chunk.identities else chunk.contents,
                None if chunk.per_item is None else chunk.per_item.tobytes(),
                chunk.places.lines.tobytes(),
                chunk.places.files,
                chunk.attempt,
                chunk.replaces,
            ),
            2,
        )
        raws = marshal.dumps((b"".join(chunk.raws), array("q", map(len, chunk.raws)).tobytes()), 2)
        start, middle = self._end, self._end + len(request)
        stop = middle + len(raws)
        self._write(request, start)
        self._write(raws, middle)
        self._end = stop
        self._count += 1
        return Planned(
            self._count,
            chunk.pool,
            chunk.kind,
            chunk.items,
            chunk.rows,
            chunk.size,
            start,
            middle,
            stop,
            chunk.replaces is not None,
        )

    def load(self, planned: Planned, *, raws: bool = True) -> Chunk:
        """Read a chunk back, with `raws` off without its rows as they came."""
        texts, identities, contents, per_item, lines, files, *more = self._read(
            planned.start, planned.middle
        )
        return Chunk(
            planned.pool,
            planned.kind,
            texts.split(b"\n"),
            self._raws(planned) if raws else [],
            identities,
            identities if contents is None else contents,
            None if per_item is None else array("q", per_item),
            Places(array("q", lines), files),
            planned.size,
            *more,
        )

    def _raws(self, planned: Planned) -> list[bytes]:
        joined, lengths = self._read(planned.middle, planned.stop)
        ends = accumulate(array("q", lengths), initial=0)
        return [joined[start:stop] for start, stop in pairwise(ends)]

    def _read(self, start: int, stop: int) -> Any:
        if self._file is None:
            raise AssertionError("what is read was written before")
        return marshal.loads(os.pread(self._file.fileno(), stop - start, start))  # noqa: S302  # our own

    def _write(self, record: bytes, at: int) -> None:
        try:
            self._file = self._file or self._make()
            view = memoryview(record)
            while view:
                written = os.pwrite(self._file.fileno(), view, at)
                view, at = view[written:], at + written
        except OSError as error:
            raise _no_room(self._directory, error) from error

    def _make(self) -> FileIO:
        make_directory(self._directory)
        return tempfile.TemporaryFile(dir=self._directory, buffering=0)


def _no_room(directory: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"The plan cannot be written to {directory}: {error.strerror or error}. Make room (about twice the input's "
        "size), or name another directory with --state-dir.",
        code="SPOOL",
    )
