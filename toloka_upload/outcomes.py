"""What became of rows. Outcomes are values, kept in columns: one object for a chunk's thousands of rows."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from toloka_upload.rows.model import Fault


class Status(IntEnum):
    """A row's outcome. The value is the byte that stands for it in a column."""

    CREATED = ord("c")
    """The API has it, and told its id."""
    ALREADY_UPLOADED = ord("a")
    """The pool has it from an earlier run."""
    REJECTED = ord("r")
    """It failed the check here, or the API refused it."""
    UNKNOWN = ord("u")
    """It was sent, and what became of it could not be settled."""
    UNSENT = ord("n")
    """It was not created. In a chunk's outcome: it goes on in another chunk."""

    @property
    def word(self) -> str:
        """The name in results and counts."""
        return self.name.lower()


@dataclass(slots=True)
class Places:
    """Where rows stand: for each its physical line, and the files in runs of consecutive rows."""

    lines: array[int] = field(default_factory=lambda: array("q"))
    files: list[tuple[str, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, file: str, line: int) -> None:
        """Add the place of one more row."""
        self.lines.append(line)
        if self.files and self.files[-1][0] == file:
            self.files[-1] = (file, self.files[-1][1] + 1)
        else:
            self.files.append((file, 1))

    def extend(self, file: str, lines: Sequence[int]) -> None:
        """Add the places of consecutive rows."""
        self.lines.extend(lines)
        if self.files and self.files[-1][0] == file:
            self.files[-1] = (file, self.files[-1][1] + len(lines))
        else:
            self.files.append((file, len(lines)))

    def file_of_rows(self) -> Iterator[str]:
        """The file of each row, in order."""
        for file, count in self.files:
            for _ in range(count):
                yield file

    def at(self, index: int) -> tuple[str, int]:
        """File and line of one row."""
        start = 0
        for file, count in self.files:
            start += count
            if index < start:
                return file, self.lines[index]
        raise IndexError(index)

    def select(self, rows: Sequence[int]) -> Places:
        """The places of some rows, in that order."""
        if len(self.files) == 1 and rows:
            [(file, _)] = self.files
            return Places(array("q", [self.lines[row] for row in rows]), [(file, len(rows))])
        files, chosen = list(self.file_of_rows()), Places()
        for row in rows:
            chosen.add(files[row], self.lines[row])
        return chosen


@dataclass(slots=True)
class Outcome:
    """What became of a chunk's rows.

    Attributes:
        statuses: A `Status` byte for each row.
        ids: The task's or suite's id for each item; "" where there is none.
        faults: What is wrong with a row, by its index among the rows.
    """

    statuses: bytearray
    ids: list[str]
    faults: Mapping[int, list[Fault]]

    def row_ids(self, per_item: Iterable[int] | None) -> list[str]:
        """The id for each row, from that of each item; `per_item` are the rows of each item, None: one."""
        if per_item is None:
            return self.ids
        return [item for item, rows in zip(self.ids, per_item, strict=True) for _ in range(rows)]

    def count(self, status: Status) -> int:
        """How many rows ended so."""
        return self.statuses.count(status)


@dataclass(slots=True)
class Block:
    """Rows with their outcomes, ready for the results file.

    Attributes:
        pool: The pool, or "" where a row never got as far as having one.
        kind: `tasks` or `task-suites`: whether `ids` are of tasks or of suites.
        operation_id: The operation that created them, where there was one.
        ids: For each row, "" where there is none.
    """

    places: Places
    statuses: bytes | bytearray
    pool: str
    kind: str
    operation_id: str | None = None
    ids: list[str] | None = None
    faults: Mapping[int, list[Fault]] = field(default_factory=dict)

    def without(self, status: Status) -> Block:
        """The rows that did not end so; itself if none did."""
        if status not in self.statuses:
            return self
        rows = [row for row, value in enumerate(self.statuses) if value != status]
        return Block(
            self.places.select(rows),
            bytes(self.statuses[row] for row in rows),
            self.pool,
            self.kind,
            self.operation_id,
            [self.ids[row] for row in rows] if self.ids else None,
            {new: self.faults[row] for new, row in enumerate(rows) if row in self.faults},
        )
