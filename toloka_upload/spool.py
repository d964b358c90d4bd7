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
from pathlib import Path
from typing import NamedTuple

from toloka_upload.chunks import Chunk, Size
from toloka_upload.errors import CannotWrite
from toloka_upload.outcomes import Places


class Planned(NamedTuple):
    """A chunk in the spool."""

    number: int
    pool: str
    kind: str
    items: int
    rows: int
    size: Size
    start: int
    length: int


class Spool:
    """Chunks, written once, read as often as needed. One thread writes, any may read.

    Raises:
        CannotWrite: There is no room for it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: FileIO | None = None
        self._end = 0
        self._count = 0

    def close(self) -> None:
        """Give the room back."""
        if self._file:
            self._file.close()

    def add(self, chunk: Chunk) -> Planned:
        """Write a chunk."""
        record = marshal.dumps(
            (
                chunk.texts,
                chunk.raws,
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
        try:
            self._file = self._file or self._make()
            view, at = memoryview(record), self._end
            while view:
                written = os.pwrite(self._file.fileno(), view, at)
                view, at = view[written:], at + written
        except OSError as error:
            raise _no_room(self._directory, error) from error
        self._count += 1
        planned = Planned(
            self._count,
            chunk.pool,
            chunk.kind,
            chunk.items,
            chunk.rows,
            chunk.size,
            self._end,
            len(record),
        )
        self._end += len(record)
        return planned

    def _make(self) -> FileIO:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return tempfile.TemporaryFile(dir=self._directory, buffering=0)

    def load(self, planned: Planned) -> Chunk:
        """Read a chunk back."""
        if self._file is None:
            raise AssertionError("what is read was written before")
        record = os.pread(self._file.fileno(), planned.length, planned.start)
        texts, raws, identities, contents, per_item, lines, files, *more = marshal.loads(record)  # noqa: S302
        return Chunk(
            planned.pool,
            planned.kind,
            texts,
            raws,
            identities,
            identities if contents is None else contents,
            None if per_item is None else array("q", per_item),
            Places(array("q", lines), files),
            planned.size,
            *more,
        )


def _no_room(directory: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"The plan cannot be written to {directory}: {error.strerror or error}. Make room (about twice the input's "
        "size), or name another directory with --state-dir.",
        code="SPOOL",
    )
