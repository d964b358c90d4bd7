"""XLSX: the first sheet, or a named one, as a table.

Spreadsheet programs turn what people type into numbers, truth values and dates. What that was is put back
where it is certain: `5` in a string field, `TRUE` in a boolean one. Where it is not, the cell is refused: dates,
truth values in string fields, numbers beyond the 15 digits that are kept, error cells.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from toloka_upload.errors import BadInput
from toloka_upload.rows.cells import CellError
from toloka_upload.rows.model import Batch, Fault, ReadOptions
from toloka_upload.rows.reader import Reader, batched
from toloka_upload.rows.source import Source
from toloka_upload.rows.tables import HeaderError, Layout
from toloka_upload.rows.workbook import MAX_ARCHIVE, BadWorkbook, check_archive, error_cells

_SPECIAL = re.compile(
    '[";\t\r\n]'
)  # a semicolon or tab, too: else they might pass for the delimiter
_T = TypeVar("_T")
_DIGITS = 15
"""Significant digits of a number that spreadsheet programs keep."""
_AS_TEXT = "format the column as text and enter it again"
_AS_SHOWN = f"{_AS_TEXT}, or save the sheet as CSV, which has it as it is shown"
_NUMERIC = frozenset({"float", "array_float", "json", "array_json"})
_LOGICAL = frozenset({"boolean", "array_boolean", "json", "array_json"})


class _Record(NamedTuple):
    """One row of the sheet: its number, itself as CSV, its cells as text, what is wrong with it."""

    line: int
    raw: bytes
    cells: Sequence[str]
    faults: Sequence[Fault]


class Workbook(Reader):
    """The rows of one sheet, which is held in memory. Empty rows are passed over."""

    def __init__(
        self, source: Source, options: ReadOptions, task_spec: Mapping[str, Any] | None
    ) -> None:
        """Load the sheet and read its header.

        Raises:
            BadInput: The extra is missing, the file is damaged or too large, the sheet is not in it, or
                something is wrong with the header.
        """
        super().__init__(source, "xlsx")
        data = source.binary(MAX_ARCHIVE)
        try:
            check_archive(data)
            sheet = self._load(data, options.sheet)
        except BadWorkbook as error:
            raise BadInput(f"{self.name}: {error}") from error
        self._rows = enumerate(sheet.iter_rows())
        self._left: int = (sheet.start or (0, 0))[1]
        self._header = b""
        self._layout: Layout | None = None
        self._read_header(task_spec, infinite_golden=options.infinite_golden)

    def _load(self, data: bytes, wanted: str | None) -> Any:
        try:
            import python_calamine as calamine
        except ImportError as error:
            raise BadInput(
                f"{self.name}: reading XLSX needs an extra: pip install 'toloka-upload[xlsx]'"
            ) from error
        book = self._attempt(lambda: calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)))
        names = book.sheet_names
        name = wanted if wanted is not None else next(iter(names), None)
        if name not in names:
            raise BadInput(
                f"{self.name}: there is no sheet {name!r}; there are {', '.join(map(repr, names))}"
            )
        self._errors = error_cells(data, name)
        return self._attempt(lambda: book.get_sheet_by_name(name))

    def _attempt(self, load: Callable[[], _T]) -> _T:
        """Call the loader. Its panics are no `Exception`s, and mean a damaged file all the same."""
        try:
            return load()
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:
            raise BadInput(f"{self.name}: the XLSX file cannot be loaded: {error}") from error

    def _read_header(self, task_spec: Mapping[str, Any] | None, *, infinite_golden: bool) -> None:
        for at, cells in self._rows:
            names = [_shown(cell).strip() for cell in cells]
            while names and not names[-1]:
                names.pop()
            if names:
                try:
                    self._layout = Layout(names, task_spec, infinite_golden=infinite_golden)
                except HeaderError as error:
                    self._unusable(at + 1, str(error))
                self._header = csv_record(names)
                self.warnings += self._layout.warnings
                return

    @property
    def rejects_suffix(self) -> str:
        """Rejects of a sheet are CSV."""
        return ".csv"

    @property
    def rejects_head(self) -> bytes:
        """The header as CSV."""
        return self._header

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order. `line` is the sheet's row, from 1."""
        layout = self._layout
        if layout is None:
            return
        for records in batched(self._records(len(layout.columns)), lambda record: len(record.raw)):
            lines = [record.line for record in records]
            raws = [record.raw for record in records]
            cells = [record.cells for record in records]
            bad = [
                (at, layout.judge(record.line, record.raw, record.cells, known=record.faults))
                for at, record in enumerate(records)
                if record.faults
            ]
            yield layout.batch(lines, raws, cells, [0] * len(lines), bad)

    def _records(self, width: int) -> Iterator[_Record]:
        for at, found in self._rows:
            cells = found[:width]
            if len(found) > width and any(cell != "" for cell in found[width:]):
                cells = found
            faults: list[Fault] = []
            texts = [
                cell if type(cell) is str and cell else self._text(at, index, cell, faults)
                for index, cell in enumerate(cells)
            ]
            if faults or any(texts):
                shown = texts
                if faults:
                    shown = [text or _shown(cell) for text, cell in zip(texts, cells, strict=True)]
                yield _Record(at + 1, csv_record(shown), texts, faults)

    def _text(self, row: int, index: int, cell: Any, faults: list[Fault]) -> str:
        """Return a cell's text; nothing, and a fault, if it is not certain."""
        if cell == "" and not self._errors:
            return ""
        layout = self._layout
        if layout is None or index >= len(layout.columns):
            return _shown(cell)
        try:
            if (row, index + self._left) in self._errors:
                raise CellError("INVALID_VALUE", "the cell holds an error such as #DIV/0!")
            return cell_text(cell, layout.types[index])
        except CellError as error:
            column = layout.columns[index]
            faults.append(Fault(column.path, error.code, f"column {column.name!r}: {error}"))
            return ""


def cell_text(cell: Any, field_type: str | None) -> str:
    """Return the text that a cell stands for in a field of a type.

    Raises:
        CellError: It is not certain what was meant.
    """
    if isinstance(cell, str):
        return cell
    kind = field_type or "string"
    expected = f"{_scalar(kind).upper()}_EXPECTED"
    if isinstance(cell, bool):
        if kind in _LOGICAL:
            return "true" if cell else "false"
        raise CellError(expected, f"the cell holds a truth value, {cell!r}; {_AS_SHOWN}")
    if isinstance(cell, int | float):
        text = _number_text(cell, exact=kind not in _NUMERIC)
        if text is None:
            raise CellError(
                expected,
                f"the cell holds the number {cell!r}, of which only {_DIGITS} digits were kept; {_AS_TEXT}",
            )
        return text
    raise CellError(expected, f"the cell holds a date or time, {cell}; {_AS_SHOWN}")


def _scalar(kind: str) -> str:
    name = kind.removeprefix("array_")
    return name if name in ("integer", "float", "boolean", "json") else "string"


def _number_text(cell: float, *, exact: bool) -> str | None:
    """Return a number's digits; None if `exact` and they may not be those that were typed."""
    if not math.isfinite(cell):
        return None
    if cell == int(cell) and abs(cell) < 10**_DIGITS:
        return str(int(cell))
    if not exact:
        return repr(cell)
    text = format(cell, f".{_DIGITS}g")
    return text if float(text) == cell and "e" not in text else None


def _shown(cell: Any) -> str:
    """Return a cell for a header or the rejects file."""
    if isinstance(cell, float) and (text := _number_text(cell, exact=False)):
        return text
    return str(cell)


def csv_record(cells: Sequence[str]) -> bytes:
    """Return cells as one CSV record."""
    record = ",".join(cells)
    if _SPECIAL.search(record) or record.count(",") >= len(cells):
        record = ",".join(_quoted(cell) for cell in cells)
    return record.encode("utf-8", "replace") + b"\n"


def _quoted(cell: str) -> str:
    if "," in cell or _SPECIAL.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell
