"""Parquet: a table whose cells have types, read by batches of columns.

A value is sent as what it is: numbers as numbers, lists and structs as JSON, dates and times as ISO 8601 text, decimals
digit for digit. A null leaves its field out, and so does NaN, which is how pandas writes a null. Three conversions are
made, because they can mean one thing only: a whole number in a string field is its digits, a float without fraction in
an integer field is that integer (pandas makes such floats of integers beside nulls), and text in a field that is no
string is read as in CSV.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as arrow_types

from toloka_upload.errors import BadInput
from toloka_upload.rows.cells import CellError, Converter, converter
from toloka_upload.rows.columns import OUTSIDE, Column
from toloka_upload.rows.model import Batch, Fault, ReadOptions
from toloka_upload.rows.reader import BATCH, Reader
from toloka_upload.rows.source import Source
from toloka_upload.rows.tables import HeaderError, Layout

MAX_PACKED = 1 << 30
"""Most bytes of a file that comes packed or through a pipe: its index is at its end, so it is held in memory."""

_STRINGS = frozenset({"string", "url", "coordinates", "file"})
"""Types of fields whose values are strings."""
_NO_JSON = (arrow_types.is_duration, arrow_types.is_interval, arrow_types.is_union)
_SAFE = 2**53
"""From here on a float without fraction is no certain integer."""
_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError, ImportError)
"""What pyarrow raises; the last for times of nanoseconds inside of lists and structs, which need pandas."""

ToText = Callable[[Any], str]
"""Turns a value, no null, into the text of its cell.

Raises:
    CellError: It cannot be sent.
"""


class _Field(NamedTuple):
    """One column of the file: what makes cells of its values, and JSON of its cells."""

    name: bytes
    text: ToText
    convert: Converter


class Parquet(Reader):
    """The rows of a Parquet file. `line` is the row's number, from 1."""

    def __init__(
        self, source: Source, options: ReadOptions, task_spec: Mapping[str, Any] | None
    ) -> None:
        """Open the file and read its schema.

        Raises:
            BadInput: The file is damaged or too large to be held, or a column is unknown or of a type that cannot
                be sent.
        """
        super().__init__(source, "parquet")
        self._file = self._load()
        schema = self._file.schema_arrow
        self._types = dict(zip(schema.names, schema.types, strict=False))
        try:
            self._layout = Layout(
                schema.names,
                task_spec,
                infinite_golden=options.infinite_golden,
                convert=lambda column, kind: self._field(column, kind).convert,
            )
        except HeaderError as error:
            raise BadInput(f"{self.name}: {error}") from error
        self.warnings += self._layout.warnings
        self._fields = list(map(self._field, self._layout.columns, self._layout.types))
        self._read = 0

    def _load(self) -> Any:
        file = self._source.seekable()
        if file is None:
            data = self._source.binary(MAX_PACKED)
            if len(data) > MAX_PACKED:
                raise BadInput(
                    f"{self.name}: a Parquet file of more than {MAX_PACKED:,} bytes cannot come packed or through a "
                    "pipe: name the file itself"
                )
            file = io.BytesIO(data)
        try:
            return pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
        except _ERRORS as error:
            raise BadInput(f"{self.name}: the Parquet file cannot be read: {error}") from error

    @property
    def position(self) -> int:
        """Bytes of the input consumed so far: its size by the share of its rows."""
        rows = self._file.metadata.num_rows
        return (self.size or 0) * self._read // rows if rows else 0

    def close(self) -> None:
        """Give back the file."""
        self._file.close(force=True)
        super().close()

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order, some hundred at a time."""
        found = self._file.iter_batches(batch_size=BATCH, use_threads=False)
        while True:
            try:
                columns = next(found, None)
            except _ERRORS as error:
                raise BadInput(
                    f"{self.name}:{self._read + 1}: the Parquet file cannot be read from here on: {error}"
                ) from error
            if columns is None:
                return
            batch = self._batch(columns)
            self._read += columns.num_rows
            yield batch

    def _batch(self, found: Any) -> Batch:
        faults: dict[int, list[Fault]] = {}
        columns = [self._cells(at, found.column(at), faults) for at in range(len(self._fields))]
        records: list[Sequence[str]] = list(zip(*columns, strict=True))
        lines = list(range(self._read + 1, self._read + 1 + len(records)))
        raws = list(map(self._as_json, records))
        bad = [
            (row, self._layout.judge(lines[row], raws[row], records[row], known=known))
            for row, known in sorted(faults.items())
        ]
        return self._layout.batch(lines, raws, records, [0] * len(lines), bad)

    def _cells(self, at: int, found: Any, faults: dict[int, list[Fault]]) -> list[str]:
        """The cells of one column; what cannot be sent is an empty cell, and a fault of its row."""
        text = self._fields[at].text
        try:
            values = _values(found)
        except _ERRORS as error:
            name = self._layout.columns[at].name
            raise BadInput(
                f"{self.name}:{self._read + 1}: column {name!r} cannot be read from here on: {error}"
            ) from error
        try:
            return ["" if value is None else text(value) for value in values]
        except CellError:
            pass
        cells: list[str] = []
        for row, value in enumerate(values):
            try:
                cells.append("" if value is None else text(value))
            except CellError as error:
                column = self._layout.columns[at]
                message = f"column {column.name!r}: {error}"
                faults.setdefault(row, []).append(Fault(column.path, error.code, message))
                cells.append("")
        return cells

    def _as_json(self, cells: Sequence[str]) -> bytes:
        """Return a record as a line of JSON Lines that reads back the same."""
        parts = [
            field.name + b":" + _converted(field, cell)
            for field, cell in zip(self._fields, cells, strict=True)
            if cell
        ]
        return b"{" + b",".join(parts) + b"}\n"

    def _field(self, column: Column, kind: str | None) -> _Field:
        """How a column is read into a field of a type."""
        arrow = self._types[column.name]
        if arrow_types.is_dictionary(arrow):
            arrow = arrow.value_type
        text = _reading(arrow, kind)
        if text is None:
            raise BadInput(
                f"{self.name}: column {column.name!r} holds {arrow}, for which JSON has no form"
            )
        as_table = text is _as_it_is or column.place in OUTSIDE
        table = OUTSIDE.get(column.place) or converter(kind)
        convert = table if as_table else str.encode
        return _Field(orjson.dumps(column.name), text, convert)


def _converted(field: _Field, cell: str) -> bytes:
    try:
        return field.convert(cell)
    except CellError:
        return orjson.dumps(cell)


def _reading(arrow: Any, kind: str | None) -> ToText | None:
    """What makes cells of the values of an Arrow type, in a field of a type; None: nothing can."""
    if any(has_none(arrow) for has_none in _NO_JSON):
        return None
    if arrow_types.is_string(arrow) or arrow_types.is_large_string(arrow):
        return _json if kind is None or kind in _STRINGS else _as_it_is
    if arrow_types.is_integer(arrow) or arrow_types.is_decimal(arrow):
        return _quoted if kind in _STRINGS else _number
    if arrow_types.is_floating(arrow):
        return _whole if kind == "integer" else _number
    return _json


def _values(column: Any) -> list[Any]:
    """A column's values: nulls and NaNs are None, moments of time are ISO 8601 text in their full precision."""
    if arrow_types.is_temporal(column.type):
        texts = column.cast(pa.string()).to_pylist()
        return [None if text is None else text.replace(" ", "T", 1) for text in texts]
    values: list[Any] = column.to_pylist(maps_as_pydicts="strict")
    if arrow_types.is_floating(column.type):
        return [None if value != value else value for value in values]  # NaN is not itself
    return values


def _as_it_is(value: str) -> str:
    """Text that is read as a table's cell."""
    return value


def _quoted(value: Any) -> str:
    return f'"{_number(value)}"'


def _number(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise CellError("FLOAT_EXPECTED", f"{value} is no number that JSON has")
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def _whole(value: float) -> str:
    return str(int(value)) if abs(value) < _SAFE and value == int(value) else _number(value)


def _json(value: Any) -> str:
    return orjson.dumps(_plain(value)).decode()


def _plain(value: Any) -> Any:
    """The value as orjson takes it, with nothing in it that orjson would turn into something else."""
    if isinstance(value, float | Decimal):
        return orjson.Fragment(_number(value))
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise CellError(
                "STRING_EXPECTED", "the cell has bytes that are no UTF-8 text"
            ) from None
    if isinstance(value, list):
        return list(map(_plain, value))
    if isinstance(value, dict):
        return {str(name): _plain(element) for name, element in value.items()}
    return value
