"""Tables: a header's columns and a record's cells become a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from toloka_upload.rows.cells import CellError, Converter, converter, shown
from toloka_upload.rows.columns import OUTSIDE, Column, Place, read_header, spec_warnings
from toloka_upload.rows.model import NO_MEMBERS, Fault, Row
from toloka_upload.rows.objects import task_text

_PLACE_TYPES = {Place.OVERLAP: "integer", Place.LATITUDE: "float", Place.LONGITUDE: "float"}
_SPEC_PARTS = {Place.INPUT: "input_spec", Place.GOLDEN: "output_spec"}


class HeaderError(Exception):
    """A header that cannot be used. `str()` names each column that is wrong."""


class _Cell(NamedTuple):
    """Where a column's cells are found and what becomes of them: `head` stands before each as `"name":`."""

    at: int
    head: bytes
    convert: Converter
    column: Column


class Layout:
    """A header, compiled: turns records into rows.

    Attributes:
        columns: The columns in order.
        types: The spec's type of each column's field in lower case; None where no spec knows it.
        warnings: Columns that the spec does not know, fields that have no column.
    """

    def __init__(
        self, names: Sequence[str], task_spec: Mapping[str, Any] | None, *, infinite_golden: bool
    ) -> None:
        """Compile a header.

        Raises:
            HeaderError: A column is unknown, unnamed or there twice, or there are too many.
        """
        self.columns, problems = read_header(names)
        if problems:
            raise HeaderError("; ".join(problems))
        self.types = [_field_type(column, task_spec or {}) for column in self.columns]
        self.warnings = spec_warnings(self.columns, task_spec) if task_spec else []
        self._infinite_golden = infinite_golden
        cells = [
            _Cell(at, orjson.dumps(column.field) + b":", _converter(column, kind), column)
            for at, (column, kind) in enumerate(zip(self.columns, self.types, strict=True))
        ]
        self._inputs = [cell for cell in cells if cell.column.place is Place.INPUT]
        self._golden = [cell for cell in cells if cell.column.place is Place.GOLDEN]
        self._others = [cell for cell in cells if cell.column.place not in _SPEC_PARTS]

    def row(
        self,
        line: int,
        raw: bytes,
        cells: Sequence[str],
        group: int = 0,
        known: Sequence[Fault] = (),
    ) -> Row:
        """Turn a record into a row.

        Args:
            line: Its first physical line.
            raw: The record as the rejects file gets it.
            cells: The cells' texts; an empty one leaves its field out.
            group: The number of its blank-line suite.
            known: Faults found in it before; cells that have one must be empty.
        """
        faults = list(known)
        if len(cells) != len(self.columns):
            faults.append(self._wrong_number(cells))
            return Row(line, raw, b"", {}, tuple(faults), NO_MEMBERS, group)
        inputs = _members(self._inputs, cells, faults)
        golden = _members(self._golden, cells, faults) if self._golden else []
        hint, outer = b"", NO_MEMBERS
        if self._others or golden:
            hint, outer = self._outside(cells, faults, golden=bool(golden))
        text = task_text(inputs, golden, hint)
        value: dict[str, Any] = {}
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:  # nested too deep, or a number beyond every float
            faults.append(
                Fault("", "INVALID_JSON", f"the row's values cannot be sent: {error.msg}")
            )
        if faults:
            return Row(line, raw, b"", value, tuple(faults), NO_MEMBERS, group)
        return Row(line, raw, text, value, (), outer, group)

    def _outside(
        self, cells: Sequence[str], faults: list[Fault], *, golden: bool
    ) -> tuple[bytes, Mapping[str, bytes]]:
        """Return the hint's text, and the members that stand outside the task's own text."""
        hint = b""
        outer: dict[str, bytes] = {}
        for cell in self._others:
            for part in _members([cell._replace(head=b"")], cells, faults):
                if cell.column.place is Place.HINT:
                    hint = part
                else:
                    outer[cell.column.place.value] = part
        if golden and self._infinite_golden and "overlap" not in outer:
            outer["infinite_overlap"] = b"true"
        return hint, outer

    def _wrong_number(self, cells: Sequence[str]) -> Fault:
        have, want = len(cells), len(self.columns)
        if have < want:
            what = f"the first without a cell is column {have + 1}, {self.columns[have].name!r}"
        else:
            what = f"the first too many is cell {want + 1}, {shown(cells[want])}"
        return Fault(
            "",
            "WRONG_CELL_COUNT",
            f"the row has {have} cells and the header {want} columns; {what}. "
            "In CSV and TSV, a cell with the delimiter, a quote or a line break in it must stand in quotes",
        )


def _field_type(column: Column, task_spec: Mapping[str, Any]) -> str | None:
    """Return the type of a column's field as the spec has it, or as its place demands."""
    if column.place in _PLACE_TYPES:
        return _PLACE_TYPES[column.place]
    part = _SPEC_PARTS.get(column.place)
    rules = (task_spec.get(part) or {}).get(column.field) if part else None
    kind = rules.get("type") if isinstance(rules, Mapping) else None
    return kind.lower() if isinstance(kind, str) else None


def _converter(column: Column, field_type: str | None) -> Converter:
    return OUTSIDE.get(column.place) or converter(field_type)


def _members(wanted: list[_Cell], cells: Sequence[str], faults: list[Fault]) -> list[bytes]:
    """Return the JSON text of those cells that are not empty, and add what is wrong with the others."""
    parts = []
    for at, head, convert, column in wanted:
        if cell := cells[at]:
            try:
                parts.append(head + convert(cell))
            except CellError as error:
                message = f"column {column.name!r}: {error}"
                faults.append(Fault(column.path, error.code, message))
    return parts
