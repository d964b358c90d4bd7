"""Tables: a header's columns and the records' cells become tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from toloka_upload.rows.cells import (
    CellError,
    Converter,
    convert_all,
    converter,
    shown,
    without_zeros,
)
from toloka_upload.rows.columns import OUTSIDE, Column, Place, read_header, spec_warnings
from toloka_upload.rows.model import NO_MEMBERS, Batch, Fault, Row, Signature
from toloka_upload.rows.objects import half_written, task_text
from toloka_upload.text import counted

_PLACE_TYPES = {Place.OVERLAP: "integer", Place.LATITUDE: "float", Place.LONGITUDE: "float"}
_SPEC_PARTS = {Place.INPUT: "input_spec", Place.GOLDEN: "output_spec"}
_MOST_PATTERNS = 1000

Cells = Sequence[str]
"""The texts of a record's cells; an empty one leaves its field out."""


class HeaderError(Exception):
    """A header that cannot be used. `str()` names each column that is wrong."""


class _Cell(NamedTuple):
    """Where a column's cells are found and what becomes of them: `head` stands before each as `"name":`.

    `strict` is the converter of its type alone, which tells when all cells of a column can be converted at once.
    """

    at: int
    head: bytes
    convert: Converter
    strict: Converter
    column: Column

    def all(self, columns: Sequence[Sequence[str]]) -> list[bytes]:
        """The column's cells, converted."""
        return convert_all(self.convert, columns[self.at], self.strict)


class _Pattern:
    """Records of which the same cells are filled: one template makes the texts of all of them."""

    def __init__(self, cells: list[_Cell], *, infinite_golden: bool) -> None:
        inputs, golden, hint = (
            [cell for cell in cells if cell.column.place is place]
            for place in (Place.INPUT, Place.GOLDEN, Place.HINT)
        )
        self._inside = [*inputs, *golden, *hint]
        self._template = task_text(
            [cell.head.replace(b"%", b"%%") + b"%b" for cell in inputs],
            [cell.head.replace(b"%", b"%%") + b"%b" for cell in golden],
            b"%b" if hint else b"",
        )
        self._outside = [cell for cell in cells if cell.column.place in OUTSIDE]
        names = [cell.column.place.value for cell in self._outside]
        # As the web interface has it: what checks workers must not run out.
        infinite = golden and infinite_golden and "overlap" not in names
        self._default = {"infinite_overlap": b"true"} if infinite else NO_MEMBERS
        members = ["input_values"]
        members += ["known_solutions"] if golden else []
        members += ["message_on_unknown_solution"] if hint else []
        self.signature: Signature = (tuple(members), (*names, *self._default))

    def convert(self, records: list[Cells]) -> tuple[list[bytes], list[Mapping[str, bytes]]]:
        """Return the texts of the tasks, and the members that stand outside of them.

        Raises:
            CellError: There is a cell that cannot be what its field is.
        """
        columns = list(zip(*records, strict=True))
        inside = [cell.all(columns) for cell in self._inside]
        filled = zip(*inside, strict=True) if inside else [()] * len(records)
        texts = list(map(self._template.__mod__, filled))
        if not self._outside:
            return texts, [self._default] * len(records)
        outside = [cell.all(columns) for cell in self._outside]
        outside += [[value] * len(records) for value in self._default.values()]
        names = self.signature[1]
        return texts, [dict(zip(names, parts, strict=True)) for parts in zip(*outside, strict=True)]


class _Made(NamedTuple):
    """Columns of the tasks that records of one pattern became."""

    texts: list[bytes]
    values: list[dict[str, Any]]
    outers: list[Mapping[str, bytes]]
    signature: Signature


class Layout:
    """A header, compiled: turns records into rows.

    Attributes:
        columns: The columns in order.
        types: The spec's type of each column's field in lower case; None where no spec knows it.
        warnings: Columns that the spec does not know, fields that have no column.
    """

    def __init__(
        self,
        names: Sequence[str],
        task_spec: Mapping[str, Any] | None,
        *,
        infinite_golden: bool,
        convert: Callable[[Column, str | None], Converter] | None = None,
        called: Callable[[int], str] = "column {}".format,
    ) -> None:
        """Compile a header.

        Args:
            names: The columns' names.
            task_spec: The project's spec; None: every field is a string.
            infinite_golden: Tasks with answers get an infinite overlap.
            convert: What makes JSON of a column's cells, from the field's type; None: cells are texts as people
                write them.
            called: What to call a column, by its number from 1.

        Raises:
            HeaderError: A column is unknown, unnamed or there twice, or there are too many.
        """
        self.columns, problems = read_header(names, called)
        if problems:
            raise HeaderError("; ".join(problems))
        self.types = [_field_type(column, task_spec or {}) for column in self.columns]
        self._called = called
        self.warnings = spec_warnings(self.columns, task_spec, self._named) if task_spec else []
        self._infinite_golden = infinite_golden
        self._zeros: dict[Column, str] = {}
        self._cells = [
            _Cell(at, _head(column), *self._converters(column, kind, convert), column)
            for at, (column, kind) in enumerate(zip(self.columns, self.types, strict=True))
        ]
        self._patterns: dict[tuple[bool, ...], _Pattern] = {}

    @property
    def late_warnings(self) -> list[str]:
        """What the rows showed: number fields in whose cells there are leading zeros, with the first of them."""
        return [
            f"{self._named(column)} is a number in the project, so leading zeros are lost: {cell} becomes "
            f"{without_zeros(cell)} (a field of type string keeps them)"
            for column, cell in self._zeros.items()
        ]

    def _named(self, column: Column) -> str:
        """A column by its name; in a sheet, by its letter as well."""
        called = self._called(self.columns.index(column) + 1)
        letter = (
            "" if called.removeprefix("column ").isdigit() else f"{called.removeprefix('column ')} "
        )
        return f"column {letter}{column.name!r}"

    def _converters(
        self,
        column: Column,
        field_type: str | None,
        given: Callable[[Column, str | None], Converter] | None,
    ) -> tuple[Converter, Converter]:
        """A column's converter, and the one of its type alone."""
        if given:
            convert = given(column, field_type)
            return convert, convert
        convert = OUTSIDE.get(column.place) or converter(field_type)
        return self._forgiving(column, field_type, convert), convert

    def _forgiving(self, column: Column, field_type: str | None, convert: Converter) -> Converter:
        """Numbers may be padded with zeros, of which is told."""
        if field_type not in ("integer", "float"):
            return convert

        def converted(cell: str) -> bytes:
            try:
                return convert(cell)
            except CellError:
                text = without_zeros(cell)
                if text == cell.strip():
                    raise
                found = convert(text)
                self._zeros.setdefault(column, cell.strip()[:60])
                return found

        return converted

    def batch(
        self,
        lines: list[int],
        raws: list[bytes],
        records: list[Cells],
        groups: list[int],
        bad: Sequence[tuple[int, Row]] = (),
    ) -> Batch:
        """Turn records into rows.

        Args:
            lines: The first physical line of each.
            raws: Each as the rejects file gets it.
            records: Their cells.
            groups: The numbers of their blank-line suites.
            bad: Those that are known to be wrong, with their positions.
        """
        wrong = dict(bad)

        def sound(row: int) -> bool:
            found = self.judge(lines[row], raws[row], records[row], groups[row])
            if found.faults:
                wrong[row] = found
            return not found.faults

        if not {len(self.columns)}.issuperset(map(len, records)):
            for row, cells in enumerate(records):
                if len(cells) != len(self.columns) and row not in wrong:
                    sound(row)
        rows: list[int] = []
        made: list[_Made] = []
        for filled, alike in self._by_pattern(records, wrong).items():
            some = records if len(alike) == len(records) else [records[row] for row in alike]
            part = self._make(filled, some)
            if part is None:
                alike = list(filter(sound, alike))
                part = self._make(filled, [records[row] for row in alike])
            if part is not None:
                rows += alike
                made.append(part)
        if len(rows) == len(lines) and len(made) == 1:
            texts, values, outers, signature = made[0]
            return Batch(lines, raws, texts, values, outers, [signature] * len(lines), groups)
        batch = Batch(
            [lines[row] for row in rows],
            [raws[row] for row in rows],
            [text for part in made for text in part.texts],
            [value for part in made for value in part.values],
            [outer for part in made for outer in part.outers],
            [part.signature for part in made for _ in part.texts],
            [groups[row] for row in rows],
        )
        if len(made) > 1:
            batch = batch.select(sorted(range(len(rows)), key=rows.__getitem__))
        return batch._replace(bad=sorted(wrong.items()))

    def _by_pattern(
        self, records: list[Cells], wrong: Mapping[int, Row]
    ) -> dict[tuple[bool, ...], list[int]]:
        """The good records by which of their cells are filled."""
        if not wrong and not any(["" in cells for cells in records]):
            return {(True,) * len(self.columns): list(range(len(records)))}
        found: dict[tuple[bool, ...], list[int]] = {}
        for row, cells in enumerate(records):
            if row not in wrong:
                found.setdefault(tuple(map(bool, cells)), []).append(row)
        return found

    def _make(self, filled: tuple[bool, ...], records: list[Cells]) -> _Made | None:
        """Tasks from records of one pattern; None if something is wrong with one of them, or there are none."""
        if not records:
            return None
        pattern = self._patterns.get(filled)
        if pattern is None:
            cells = [cell for cell in self._cells if filled[cell.at]]
            pattern = _Pattern(cells, infinite_golden=self._infinite_golden)
            if len(self._patterns) < _MOST_PATTERNS:
                self._patterns[filled] = pattern
        try:
            texts, outers = pattern.convert(records)
            return _Made(texts, list(map(orjson.loads, texts)), outers, pattern.signature)
        except (CellError, orjson.JSONDecodeError):
            return None

    def judge(
        self, line: int, raw: bytes, cells: Cells, group: int = 0, known: Sequence[Fault] = ()
    ) -> Row:
        """Return a record as a row that has all its faults, and the values that could be read.

        Args:
            line: Its first physical line.
            raw: The record as the rejects file gets it.
            cells: Its cells.
            group: The number of its blank-line suite.
            known: Faults found in it before; cells that have one must be empty.
        """
        faults = list(known)
        if len(cells) != len(self.columns):
            faults.append(self._wrong_number(cells, cut=not raw.endswith((b"\n", b"\r"))))
            return Row(line, raw, b"", {}, tuple(faults), NO_MEMBERS, group)
        parts: dict[Place, list[bytes]] = {place: [] for place in Place}
        for at, head, convert, _, column in sorted(self._cells, key=_order):
            if cell := cells[at]:
                try:
                    parts[column.place].append(head + convert(cell))
                except CellError as error:
                    message = f"column {column.name!r}: {error}"
                    faults.append(Fault(column.path, error.code, message))
        text = task_text(parts[Place.INPUT], parts[Place.GOLDEN], b"".join(parts[Place.HINT]))
        value: dict[str, Any] = {}
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:  # nested too deep, or a number beyond every float
            faults.append(
                Fault("", "INVALID_JSON", f"the row's values cannot be sent: {error.msg}")
            )
        return Row(line, raw, b"", value, tuple(faults), NO_MEMBERS, group)

    def _wrong_number(self, cells: Sequence[str], *, cut: bool) -> Fault:
        """The fault of a row with too few or too many cells; `cut`: the file ends within it."""
        have, want = len(cells), len(self.columns)
        if have < want:
            what = f"the first without a cell is column {have + 1}, {self.columns[have].name!r}"
            what = half_written(what) if cut else f"{what}: empty cells need their delimiters, too"
        else:
            what = f"the first too many is cell {want + 1}, {shown(cells[want])}"
            parts = "".join(cells[want - 1 : want + 1])
            what += (
                f": if it belongs to cell {want}, put that into quotes"
                if parts.strip()
                else ": remove it"
            )
        title = "; or is the header's line a title above it?" if want == 1 else ""
        return Fault(
            "",
            "WRONG_CELL_COUNT",
            f"the row has {counted(have, 'cell')} and the header {counted(want, 'column')}; {what}{title}",
        )


def _field_type(column: Column, task_spec: Mapping[str, Any]) -> str | None:
    """Return the type of a column's field as the spec has it, or as its place demands."""
    if column.place in _PLACE_TYPES:
        return _PLACE_TYPES[column.place]
    part = _SPEC_PARTS.get(column.place)
    rules = (task_spec.get(part) or {}).get(column.field) if part else None
    kind = rules.get("type") if isinstance(rules, Mapping) else None
    return kind.lower() if isinstance(kind, str) else None


def _head(column: Column) -> bytes:
    return orjson.dumps(column.field) + b":" if column.place in _SPEC_PARTS else b""


def _order(cell: _Cell) -> int:
    """Input fields first, then answers, then what stands beside them."""
    return list(_SPEC_PARTS).index(cell.column.place) if cell.column.place in _SPEC_PARTS else 2
