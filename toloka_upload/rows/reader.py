"""What the readers of all formats share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NoReturn

from toloka_upload.errors import BadInput, UploadError
from toloka_upload.rows.model import Columns, Kind, Row
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.source import MAX_ROW, Source

ROW_TOO_LONG = (
    f"the row is longer than {MAX_ROW:,} bytes and is passed over, in the rejects file, too"
)

BATCH = 128
"""Rows in a batch: few enough for their objects to stay in the processor's cache, which halves the time they take."""

_MOST_BYTES = 8 << 20
"""Bytes of rows in a batch: beyond them it is full, however few they are."""


class Reader:
    """The common part of every `RowFile`.

    Attributes:
        name: The input as the user named it.
        format: `jsonl`, `json`, `csv`, `tsv` or `xlsx`.
        warnings: What the user should know about the input, which stops nothing.
    """

    def __init__(self, source: Source, format_name: str) -> None:
        self._source = source
        self.name = source.name
        self.format = format_name
        self.warnings: list[str] = []

    @property
    def kind(self) -> Kind:
        """What the rows are."""
        return Kind.TASK

    @property
    def rejects_suffix(self) -> str:
        """The extension of a rejects file."""
        return ".jsonl"

    @property
    def rejects_head(self) -> bytes:
        """What stands before the first row of a rejects file: here a byte order mark that must be there."""
        return self._source.byte_order_mark if self._source.codec else b""

    @property
    def size(self) -> int | None:
        """Bytes of the input as stored, or None where it cannot be told."""
        return self._source.size

    @property
    def position(self) -> int:
        """Bytes of the input consumed so far, read-ahead included."""
        return self._source.position

    def close(self) -> None:
        """Give back what the input holds open."""
        self._source.close()

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in order."""
        raise NotImplementedError

    def batches(self) -> Iterator[list[Row] | Columns]:
        """The same rows, some hundred at a time."""
        rows = iter(self)
        while True:
            batch: list[Row] = []
            held = 0
            try:
                for row in islice(rows, BATCH):  # what came before an error must not be lost
                    batch.append(row)
                    held += len(row.raw)
                    if held > _MOST_BYTES:
                        break
            except UploadError:
                if batch:
                    yield batch
                raise
            if not batch:
                return
            yield batch

    def _unusable(self, line: int, why: Damaged | str) -> NoReturn:
        """End the reading of this input at a line."""
        raise BadInput(f"{self.name}:{line}: {why}") from (
            why if isinstance(why, Damaged) else None
        )
