"""What every reader yields: rows, and the faults found in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

NO_MEMBERS: Mapping[str, bytes] = MappingProxyType({})


class Kind(Enum):
    """What the rows of one input are. The first row settles it for all rows of its file."""

    FLAT = "flat"
    """The object itself is the `input_values` of a task."""
    TASK = "task"
    """An API task: it has `input_values`. Rows of tables are turned into these."""
    SUITE = "suite"
    """An API task suite: it has `tasks`."""


class Fault(NamedTuple):
    """One thing wrong with a row, in the API's own words, so that people can search for them.

    `field` is a path like `input_values.image` or `tasks.0.input_values.image`, or empty for the row as a
    whole; `code` an upper-case name (`VALUE_REQUIRED`); `message` says what to do about it.
    """

    field: str
    code: str
    message: str


class Row(NamedTuple):
    """One record as read.

    Attributes:
        line: 1-based physical line where the row starts (XLSX: the sheet's row; JSON: the line of its `{`).
        raw: What the rejects file gets for this row, line end included: the very bytes of the input in its own
            encoding for JSONL, CSV and TSV; one line of JSONL for JSON; one CSV record for XLSX.
        text: The row's JSON object as UTF-8 without line breaks and without surrounding white space. For JSON
            inputs these are the original bytes: digits, escapes and key order as written.
        value: `text` parsed. Of a row with faults it has the fields that could be read, so that what else is wrong
            with them can be told; empty if none could. Such a row has no `text`.
        faults: What is wrong with the row already at reading (no JSON, wrong number of cells, a bad cell).
        outer: Members that belong to what travels (the task, or the suite it is grouped into) and are not in
            `text`: `overlap`, `infinite_overlap`, `latitude`, `longitude` as JSON text. Rows of tables
            and of the web interface's JSON have them.
        group: Number of the blank-line group the row stands in, from 0; always 0 unless
            `suites_by_blank_line` is set.
    """

    line: int
    raw: bytes
    text: bytes
    value: dict[str, Any]
    faults: tuple[Fault, ...] = ()
    outer: Mapping[str, bytes] = NO_MEMBERS
    group: int = 0


Signature = tuple[tuple[str, ...], tuple[str, ...]]
"""What is alike in rows that are handled together: the names of a value's members, and of the outer ones, in order."""

NO_OUTER: tuple[str, ...] = ()


class Batch(NamedTuple):
    """Rows of one kind, by the column: the good ones, and beside them those with faults.

    The columns `lines`, `raws`, `texts`, `values` and `outers` are of the good rows, and what `Row` says of each.

    Attributes:
        signatures: Of the good rows.
        groups: The blank-line group of each good row; None: all stand in one.
        bad: Rows with faults, each with its position among all rows of the batch.
        whole: Every line of the input became a good row as it stood.
    """

    lines: list[int]
    raws: list[bytes]
    texts: list[bytes]
    values: list[dict[str, Any]]
    outers: list[Mapping[str, bytes]]
    signatures: list[Signature]
    groups: list[int] | None = None
    bad: Sequence[tuple[int, Row]] = ()
    whole: bool = False

    @property
    def size(self) -> int:
        """How many rows, good and bad."""
        return len(self.lines) + len(self.bad)

    def positions(self) -> Sequence[int]:
        """The position of each good row among all rows."""
        bad = {position for position, _ in self.bad}
        if not bad:
            return range(len(self.lines))
        return [position for position in range(self.size) if position not in bad]

    def select(self, rows: Sequence[int]) -> Batch:
        """Some of the good rows, without the bad ones."""
        return Batch(
            [self.lines[row] for row in rows],
            [self.raws[row] for row in rows],
            [self.texts[row] for row in rows],
            [self.values[row] for row in rows],
            [self.outers[row] for row in rows],
            [self.signatures[row] for row in rows],
            [self.groups[row] for row in rows] if self.groups else None,
        )

    def pick(self, positions: Sequence[int]) -> Batch:
        """The rows, good and bad, that stand at some of its positions."""
        if len(positions) == self.size:
            return self
        good = {position: row for row, position in enumerate(self.positions())}
        bad = dict(self.bad)
        chosen = self.select([good[position] for position in positions if position in good])
        return chosen._replace(
            bad=[(at, bad[position]) for at, position in enumerate(positions) if position in bad]
        )

    def alike(self) -> list[tuple[Sequence[int], Batch]]:
        """The good rows by signature: which they are, and they themselves."""
        if not self.signatures:
            return []
        if self.signatures.count(self.signatures[0]) == len(self.signatures):
            return [(range(len(self.signatures)), self)]
        groups: dict[Signature, list[int]] = {}
        for row, signature in enumerate(self.signatures):
            groups.setdefault(signature, []).append(row)
        return [(rows, self.select(rows)) for rows in groups.values()]

    def columns(self) -> dict[str, tuple[Any, ...]]:
        """The members of the values, by name, of good rows with one signature that is not that of flat rows."""
        names = self.signatures[0][0]
        return dict(zip(names, zip(*map(dict.values, self.values), strict=True), strict=True))

    def row(self, index: int) -> Row:
        """One good row."""
        return Row(
            self.lines[index],
            self.raws[index],
            self.texts[index],
            self.values[index],
            (),
            self.outers[index],
            self.groups[index] if self.groups else 0,
        )

    def rows(self) -> list[Row]:
        """All rows in order, one by one."""
        no_faults, groups = repeat(()), self.groups or repeat(0)
        good = (self.lines, self.raws, self.texts, self.values, no_faults, self.outers, groups)
        found = list(map(Row, *good))
        for position, row in self.bad:
            found.insert(position, row)
        return found


def batch_of(rows: Iterable[Row]) -> Batch:
    """Rows one by one as a batch."""
    good: list[Row] = []
    bad: list[tuple[int, Row]] = []
    for position, row in enumerate(rows):
        if row.faults:
            bad.append((position, row))
        else:
            good.append(row)
    return Batch(
        [row.line for row in good],
        [row.raw for row in good],
        [row.text for row in good],
        [row.value for row in good],
        [row.outer for row in good],
        [(tuple(row.value), tuple(row.outer)) for row in good],
        [row.group for row in good],
        bad,
    )


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How inputs are read. `None` means: told from the input itself.

    Attributes:
        format: `jsonl`, `json`, `csv`, `tsv`, `xlsx`, `parquet`; None: by extension, else by content.
        delimiter: One character between the cells of CSV; None: detected from the header.
        encoding: A codec's name; None: UTF-8, with or without BOM.
        sheet: Name of the XLSX sheet; None: the first.
        suites_by_blank_line: A blank line ends a suite (CSV and TSV only).
        infinite_golden: Rows with `GOLDEN:` columns get `infinite_overlap: true` unless the row or
            `--overlap` names an overlap, as the web interface does.
    """

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    suites_by_blank_line: bool = False
    infinite_golden: bool = True


class RowFile(Protocol):
    """One opened input. Iterating reads it once, as a stream."""

    name: str
    """The input as the user named it (`-` for standard input)."""
    format: str
    """`jsonl`, `json`, `csv`, `tsv`, `xlsx` or `parquet`."""
    warnings: list[str]
    """What the user should know about the input, which stops nothing; complete once all rows were read."""

    @property
    def kind(self) -> Kind:
        """What the rows are; settled once the first row was read."""
        ...

    @property
    def letters(self) -> Mapping[str, str]:
        """Of a sheet, the letter of each column by the API's name for what it holds (`input_values.image`)."""
        ...

    @property
    def rejects_suffix(self) -> str:
        """The extension of a rejects file: `.jsonl`, `.csv` or `.tsv`."""
        ...

    @property
    def rejects_head(self) -> bytes:
        """What stands before the first `Row.raw` in a rejects file (a table's header), or nothing."""
        ...

    @property
    def size(self) -> int | None:
        """Bytes of the input as stored, or None where it cannot be told."""
        ...

    @property
    def position(self) -> int:
        """Bytes of the input consumed so far; comparable with `size`."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in order.

        Raises:
            BadInput: The input as a whole cannot be used (header, encoding, archive); names file and line.
            NoInput: It cannot be read.
        """
        ...

    def batches(self) -> Iterator[Batch]:
        """The same rows, some hundred at a time. What was read before an error comes before the error."""
        ...

    def close(self) -> None:
        """Give back what the input holds open."""
        ...
