"""What the readers of all formats share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NoReturn, TypeVar

from toloka_upload.errors import BadInput, UploadError
from toloka_upload.rows.model import Batch, Kind, Row
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.source import MAX_ROW, Source

ROW_TOO_LONG = f"the row is longer than {MAX_ROW:,} bytes; it is skipped, in the rejects file, too"

BATCH = 128
"""Rows in a batch: few enough for their objects to stay in the processor's cache, which halves the time they take."""

_MOST_BYTES = 8 << 20
"""Bytes of rows in a batch: beyond them it is full, however few they are."""


_T = TypeVar("_T")


def batched(parts: Iterator[_T], size: Callable[[_T], int]) -> Iterator[list[_T]]:
    """Group parts of an input, at most `BATCH` to a group, of a bounded size in all.

    What came before an error comes before the error.
    """
    error: Exception | None = None
    while not error:
        batch: list[_T] = []
        held = 0
        try:
            for part in islice(parts, BATCH):
                batch.append(part)
                held += size(part)
                if held > _MOST_BYTES:
                    break
        except (Damaged, UploadError) as why:
            error = why
        if batch:
            yield batch
        elif not error:
            return
    raise error


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
    def letters(self) -> Mapping[str, str]:
        """Only the columns of sheets have letters."""
        return {}

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

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order, some hundred at a time."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows one by one."""
        for batch in self.batches():
            yield from batch.rows()

    def _unusable(self, line: int, why: Damaged | str) -> NoReturn:
        """End the reading of this input at a line: it is damaged there, or its header is none."""
        if isinstance(why, Damaged):
            raise BadInput(f"{self.name}:{line}: {why}", code="DAMAGED_FILE") from why
        raise BadInput(f"{self.name}:{line}: {why}", code="BAD_HEADER")
