"""XLSX: the first sheet that is shown, or a named one, as a table.

Spreadsheet programs turn what people type into numbers, truth values and dates. What that was is put back
where it is certain: `5` in a string field, `TRUE` in a boolean one, `007` where the cell shows it. Where it is not, the
cell is refused: dates, truth values in string fields, numbers beyond the 15 digits that are kept, error cells, formulas
that nobody computed, cells covered by a merged one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from toloka_upload.errors import BadInput
from toloka_upload.rows import number_formats
from toloka_upload.rows.cells import CellError
from toloka_upload.rows.model import Batch, Fault, ReadOptions
from toloka_upload.rows.reader import Reader, batched
from toloka_upload.rows.sheet import Cell, Holds, Sheet, has_cells, letters
from toloka_upload.rows.source import Source
from toloka_upload.rows.tables import HeaderError, Layout
from toloka_upload.rows.workbook import MAX_ARCHIVE, BadWorkbook, Book, SheetPart
from toloka_upload.text import counted, listed

_SPECIAL = re.compile(
    '[";\t\r\n]'
)  # a semicolon or tab, too: else they might pass for the delimiter
_DIGITS = 15
"""Significant digits of a number that spreadsheet programs keep."""
_AS_TEXT = "format the column as text and enter it again"
_AS_SHOWN = f"{_AS_TEXT}, or save the sheet as CSV, which has it as it is shown"
_NUMERIC = frozenset({"float", "array_float", "json", "array_json"})
_LOGICAL = frozenset({"boolean", "array_boolean", "json", "array_json"})
_TYPED = _NUMERIC | _LOGICAL | {"integer", "array_integer"}


class _Record(NamedTuple):
    """One row of the sheet: its number, itself as CSV, its cells as text, what is wrong with it."""

    line: int
    raw: bytes
    cells: Sequence[str]
    faults: Sequence[Fault]


class Workbook(Reader):
    """The rows of one sheet. Empty rows are skipped."""

    def __init__(
        self, source: Source, options: ReadOptions, task_spec: Mapping[str, Any] | None
    ) -> None:
        """Open the workbook and read the sheet's header.

        Raises:
            BadInput: The file is damaged or too large, the sheet is not in it, or something is wrong with
                the header.
        """
        super().__init__(source, "xlsx")
        self._header = b""
        self._layout: Layout | None = None
        try:
            self._book = Book(source.binary(MAX_ARCHIVE))
            chosen = self._choose(options.sheet)
            self._sheet = Sheet(self._book, chosen.part, self._book.texts())
            self._rows: Iterator[tuple[int, list[str | Cell]]] = iter(self._sheet)
            self._read_header(task_spec, infinite_golden=options.infinite_golden)
        except BadWorkbook as error:
            raise self._bad(error) from error

    def _bad(self, error: BadWorkbook) -> BadInput:
        return BadInput(f"{self.name}: {error}", code=error.code)

    def _choose(self, wanted: str | None) -> SheetPart:
        """The sheet to read: the one named, else the first that is shown."""
        sheets = self._book.sheets
        if wanted is not None:
            for sheet in sheets:
                if sheet.name == wanted:
                    return sheet
            there = ", ".join(repr(sheet.name) for sheet in sheets)
            raise BadWorkbook(f"there is no sheet {wanted!r}; there are {there}", "NO_SUCH_SHEET")
        shown = [sheet for sheet in sheets if not sheet.hidden]
        if not shown:
            raise BadWorkbook("no sheet of it is shown; name one with --sheet", "NO_SUCH_SHEET")
        others = [
            sheet.name
            for sheet in sheets
            if sheet != shown[0] and has_cells(self._book, sheet.part)
        ]
        if others:
            self.warnings.append(
                f"only its first sheet, {shown[0].name!r}, is read, and not {listed(others)}: "
                "--sheet NAME reads another"
            )
        return shown[0]

    def _read_header(self, task_spec: Mapping[str, Any] | None, *, infinite_golden: bool) -> None:
        for at, cells in self._rows:
            names = [self._shown(cell).strip() for cell in cells]
            while names and not names[-1]:
                names.pop()
            left = next((index for index, name in enumerate(names) if name), 0)
            if names:
                self._left = left
                self._refuse_title(at, names)
                try:
                    self._layout = Layout(
                        names[left:],
                        task_spec,
                        infinite_golden=infinite_golden,
                        called=self._called,
                    )
                except HeaderError as error:
                    self._unusable(at, str(error))
                self._header = csv_record(names[left:])
                self.warnings += self._layout.warnings
                return

    def _called(self, number: int) -> str:
        """What people call a column, which counts from 1."""
        return f"column {letters(self._left + number - 1)}"

    def _refuse_title(self, at: int, names: list[str]) -> None:
        """Notice a line above the header: it has one text, and the next row, texts alone, has more."""
        if len(names) != self._left + 1 or (following := next(self._rows, None)) is None:
            return
        self._rows = chain([following], self._rows)
        filled = [cell for cell in following[1] if cell]
        if len(filled) > 1 and all(isinstance(cell, str) for cell in filled):
            cell = f"{letters(self._left)}{at}"
            self._unusable(
                at,
                f"only cell {cell} has a name, {names[-1][:60]!r}, and row {following[0]} has more cells: is row {at} "
                "a title? The columns' names must come first: remove the rows above them",
            )

    @property
    def letters(self) -> Mapping[str, str]:
        """The letter of each column, by the API's name for what it holds."""
        columns = self._layout.columns if self._layout else []
        return {column.path: letters(self._left + at) for at, column in enumerate(columns)}

    @property
    def rejects_suffix(self) -> str:
        """Rejects of a sheet are CSV."""
        return ".csv"

    @property
    def rejects_head(self) -> bytes:
        """The header as CSV."""
        return self._header

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order. `line` is the sheet's row, from 1.

        Raises:
            BadInput: The sheet is damaged.
        """
        layout = self._layout
        if layout is None:
            return
        for records in batched(self._records(layout), lambda record: len(record.raw)):
            lines = [record.line for record in records]
            raws = [record.raw for record in records]
            cells = [record.cells for record in records]
            bad = [
                (at, layout.judge(record.line, record.raw, record.cells, known=record.faults))
                for at, record in enumerate(records)
                if record.faults
            ]
            yield layout.batch(lines, raws, cells, [0] * len(lines), bad)
        self.warnings += layout.late_warnings
        self._warn()

    def _records(self, layout: Layout) -> Iterator[_Record]:
        width = len(layout.columns)
        try:
            for number, found in self._rows:
                cells = found[self._left :]
                if any(cells):
                    cells += [""] * (width - len(cells))
                    yield self._record(number, cells, layout)
        except BadWorkbook as error:
            raise self._bad(error) from error

    def _record(self, number: int, cells: Sequence[str | Cell], layout: Layout) -> _Record:
        width = len(layout.columns)
        faults: list[Fault] = []
        texts = [
            cell if isinstance(cell, str) else self._text(number, at, cell, layout, faults)
            for at, cell in enumerate(cells[:width])
        ]
        if any(cells[width:]):
            faults.append(self._beyond(number, cells, width))
        shown = list(map(self._shown, cells)) if faults else texts
        return _Record(number, csv_record(shown), texts, faults)

    def _text(self, number: int, at: int, cell: Cell, layout: Layout, faults: list[Fault]) -> str:
        """A cell's text; nothing, and a fault, if it is not certain."""
        try:
            return self.cell_text(cell, layout.types[at])
        except CellError as error:
            column = layout.columns[at]
            place = f"cell {letters(self._left + at)}{number}, column {column.name!r}"
            faults.append(Fault(column.path, error.code, f"{place}: {error}"))
            return ""

    def cell_text(self, cell: Cell, field_type: str | None) -> str:
        """The text that a cell stands for in a field of a type.

        Raises:
            CellError: It is not certain what was meant.
        """
        kind = field_type or "string"
        expected = f"{_scalar(kind).upper()}_EXPECTED"
        if cell.holds in _CURES:
            raise CellError("INVALID_VALUE", _CURES[cell.holds].format(cell.text))
        if cell.holds is Holds.BOOLEAN:
            if kind in _LOGICAL:
                return cell.text
            raise CellError(expected, f"it holds a truth value, {cell.text.upper()}; {_AS_SHOWN}")
        if cell.holds is Holds.DATE or number_formats.is_date(self._format(cell)):
            raise CellError(expected, f"it holds a date or time, {self._shown(cell)}; {_AS_SHOWN}")
        return self._number(cell, kind, expected)

    def _number(self, cell: Cell, kind: str, expected: str) -> str:
        number, code = float(cell.text), self._format(cell)
        text = number_text(number, exact=kind not in _NUMERIC)
        if text is None:
            raise CellError(
                expected,
                f"it holds the number {number!r}, of which only {_DIGITS} digits were kept; {_AS_TEXT}",
            )
        if kind in _TYPED or number_formats.is_plain(code):
            return text
        shown = number_formats.shown(number, code)
        if shown is None:
            raise CellError(
                expected,
                f"it holds the number {text}, and shows it in the format {code!r}; {_AS_SHOWN}",
            )
        return shown

    def _format(self, cell: Cell) -> str:
        formats = self._book.formats
        return formats[cell.style] if cell.style < len(formats) else "General"

    def _shown(self, cell: str | Cell) -> str:
        """A cell for a header, a message or the rejects file."""
        if isinstance(cell, str):
            return cell
        if cell.holds is Holds.MERGED:
            return ""
        if cell.holds is not Holds.NUMBER:
            return cell.text
        number = float(cell.text)
        if number_formats.is_date(self._format(cell)):
            return number_formats.moment(number, since_1904=self._book.since_1904)
        return number_text(number, exact=False) or cell.text

    def _beyond(self, number: int, cells: Sequence[str | Cell], width: int) -> Fault:
        at = next(index for index in range(width, len(cells)) if cells[index])
        last = letters(self._left + width - 1)
        return Fault(
            "",
            "WRONG_CELL_COUNT",
            f"cell {letters(self._left + at)}{number} holds {self._shown(cells[at])[:60]!r}, and the header ends "
            f"with column {last}: give the column a name, or clear the cell",
        )

    def _warn(self) -> None:
        """Say what of the sheet may not be what people see."""
        sheet = self._sheet
        if sheet.hidden_rows:
            self.warnings.append(
                f"{counted(sheet.hidden_rows, 'row')} of the sheet hidden, by a filter or by hand "
                f"(the first is row {sheet.first_hidden}): read like the others"
            )
        if sheet.hidden_columns:
            self.warnings.append(
                f"hidden columns are read like the others: {listed(sheet.hidden_columns)}"
            )
        if sheet.computed and self._book.uncomputed:
            self.warnings.append(
                f"its formulas (the first is in {sheet.computed}) were stored by a program that does not compute: if "
                "values are wrong, open it in a spreadsheet program and save it"
            )


_CURES = {
    Holds.ERROR: "it holds the error {}; put a value there, or leave it empty",
    Holds.FORMULA: "it holds the formula {}, whose result was never stored: open the file in a spreadsheet program and "
    "save it, or put values in place of formulas",
    Holds.MERGED: "it is merged into {}, so that only the first cell has the value: unmerge the cells and fill each",
}
"""Cells that are never certain, and what to do about them."""


def _scalar(kind: str) -> str:
    name = kind.removeprefix("array_")
    return name if name in ("integer", "float", "boolean", "json") else "string"


def number_text(number: float, *, exact: bool) -> str | None:
    """A number's digits; None if `exact` and they may not be those that were typed."""
    if not math.isfinite(number):
        return None
    if number == int(number) and abs(number) < 10**_DIGITS:
        return str(int(number))
    if not exact:
        return repr(number)
    text = format(number, f".{_DIGITS}g")
    return text if float(text) == number and "e" not in text else None


def csv_record(cells: Sequence[str]) -> bytes:
    """Cells as one CSV record."""
    record = ",".join(cells)
    if _SPECIAL.search(record) or record.count(",") >= len(cells):
        record = ",".join(_quoted(cell) for cell in cells)
    return record.encode("utf-8", "replace") + b"\n"


def _quoted(cell: str) -> str:
    if "," in cell or _SPECIAL.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell
