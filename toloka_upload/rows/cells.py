r"""Cells of tables: text in, JSON text out, as the project's spec says the field is.

Digits stay as written. A cell that cannot be its type is refused with the API's own code. Three spellings of
other programs are understood where they can mean one thing only: `True` and `TRUE` in boolean fields, `5.0` in
integer fields, and white space around anything but strings.

Arrays are lists with commas: `1,2.3`. A comma inside an element is written `\,`, or the element stands in quotes
(a second level of them, if the file's own quoting wraps the cell): `"This, but",that`. A cell that starts with
`[` is a JSON array.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import orjson

from toloka_upload.hints import fix_of
from toloka_upload.rows.scan import compact

Converter = Callable[[str], bytes]
"""Turns a cell's text, not empty, into compact JSON text.

Raises:
    CellError: The cell cannot be of that type.
"""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PADDED = re.compile(r"\A(-?)0+(?=[0-9])")
_QUOTED = re.compile(r'\s*+"((?:[^"]++|"")*+)"\s*+(,|\Z)')
_PLAIN = re.compile(r"((?:\\,|[^,])*+)(,|\Z)")
_BOOLEANS = {"true": b"true", "false": b"false"}


class CellError(Exception):
    """A cell cannot be what its field is. `code` is the API's; `str()` says what to do."""

    def __init__(self, code: str, message: str, cell: str = "") -> None:
        super().__init__(message + fix_of(code, cell))
        self.code = code


def converter(field_type: str | None) -> Converter:
    """Return the converter for a field type of the project's spec; None and types unknown to us are strings."""
    name = (field_type or "").lower()
    if name in _CONVERTERS:
        return _CONVERTERS[name]
    if name == "array_json":
        return _array_json
    if name.startswith("array_"):
        element = name.removeprefix("array_")
        return _array_of(element, _CONVERTERS.get(element, string))
    return string


def convert_all(convert: Converter, cells: Sequence[str], strict: Converter) -> list[bytes]:
    """Convert cells of one column, at once if all of them are written in the plainest way.

    Args:
        strict: What `convert` comes to for cells that are written in the plainest way: a converter of this module.

    Raises:
        CellError: One of them cannot be of that type.
    """
    if plain := _PLAINEST.get(strict):
        text = "\n".join(cells) + "\n"
        if text.count("\n") == len(cells) and plain.fullmatch(text):
            return text.encode().split(b"\n")[:-1]
    elif strict is _boolean and _BOOLEANS.keys() >= set(cells):
        return list(map(_BOOLEANS.__getitem__, cells))
    return list(map(convert, cells))


def shown(cell: str) -> str:
    """Return a cell for a message: quoted, in one line, cut short."""
    return repr(cell if len(cell) <= 60 else cell[:60] + "...")


def without_zeros(cell: str) -> str:
    """A cell's text without leading zeros, if it is a number otherwise; spreadsheets pad numbers with them."""
    return _PADDED.sub(r"\1", cell.strip(), count=1)


string: Converter = orjson.dumps
"""Converts a cell to a JSON string, with only those characters escaped that must be."""


def _trimmed_string(cell: str) -> bytes:
    return orjson.dumps(cell.strip())


def integer(cell: str) -> bytes:
    """Convert a cell to an integer of any length."""
    text = cell.strip()
    if _INTEGER.fullmatch(text):
        return text.encode()
    if whole := _WHOLE.fullmatch(text):
        return whole[1].encode()
    raise CellError("INTEGER_EXPECTED", f"{shown(cell)} is not an integer", cell)


def number(cell: str) -> bytes:
    """Convert a cell to a number, its digits as written."""
    text = cell.strip()
    if _NUMBER.fullmatch(text):
        if math.isfinite(float(text)):
            return text.encode()
        raise CellError("FLOAT_EXPECTED", f"{shown(cell)} is too large for a number")
    raise CellError("FLOAT_EXPECTED", f"{shown(cell)} is not a number", cell)


def _within(convert: Converter, least: int, most: int) -> Converter:
    def bounded(cell: str) -> bytes:
        text = convert(cell)
        if not least <= float(text) <= most:
            code = "VALUE_LESS_THAN_MIN" if float(text) < least else "VALUE_GREATER_THAN_MAX"
            raise CellError(code, f"{shown(cell)} is not between {least} and {most}")
        return text

    return bounded


overlap = _within(integer, 1, 30_000)
"""Converts an overlap (API reference, `overlap`)."""
latitude = _within(number, -90, 90)
longitude = _within(number, -180, 180)


_PLAINEST: dict[Converter, re.Pattern[str]] = {
    integer: re.compile(r"(?:-?(?:0|[1-9][0-9]*+)\n)*+"),
    number: re.compile(r"(?:-?(?:0|[1-9][0-9]{0,99}+)(?:\.[0-9]{1,99}+)?\n)*+"),
    overlap: re.compile(r"(?:[1-9][0-9]{0,3}+\n)*+"),
}
"""Columns, a cell a line, that need only be cut into cells again."""


def _boolean(cell: str) -> bytes:
    value = _BOOLEANS.get(cell.strip().lower())
    if value is None:
        raise CellError("BOOLEAN_EXPECTED", f"{shown(cell)} is neither true nor false", cell)
    return value


def _json(cell: str) -> bytes:
    for text in (cell, cell.replace("\\,", ",")):
        if (found := _parsed(text)) is not None:
            return found
    raise CellError(
        "JSON_EXPECTED",
        f"{shown(cell)} is not JSON; quotes inside it must be doubled in the file",
        cell,
    )


def _parsed(text: str) -> bytes | None:
    data = text.encode()
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return compact(data)


def _json_array(cell: str) -> bytes:
    found = _parsed(cell)
    if found is None or not found.startswith(b"["):
        raise CellError(
            "ARRAY_EXPECTED",
            f"{shown(cell)} starts with [ and is not a JSON array; correct it, or quote the element",
        )
    return found


def _array_of(element_type: str, convert: Converter) -> Converter:
    trim = element_type != "string"

    def array(cell: str) -> bytes:
        if cell.lstrip().startswith("["):
            return _json_array(cell)
        parts: list[bytes] = []
        for number, element in enumerate(_elements(cell), 1):
            try:
                parts.append(convert(element.strip() if trim else element))
            except CellError as error:
                raise CellError(error.code, f"element {number}: {error}") from None
        return b"[" + b",".join(parts) + b"]"

    return array


def _elements(cell: str) -> list[str]:
    found: list[str] = []
    at = 0
    while True:
        if match := _QUOTED.match(cell, at):
            found.append(match[1].replace('""', '"'))
        elif (match := _PLAIN.match(cell, at)) and not match[1].lstrip().startswith('"'):
            found.append(match[1].replace("\\,", ","))
        else:
            raise CellError(
                "ARRAY_EXPECTED",
                f"element {len(found) + 1} of {shown(cell)}: its quote is not closed before a comma",
            )
        at = match.end()
        if not match[2]:
            return found


def _array_json(cell: str) -> bytes:
    r"""Objects with commas between them; their own commas may be escaped as `\,` or not (both are in use)."""
    if cell.lstrip().startswith("["):
        return _json_array(cell)
    for text in (cell, cell.replace("\\,", ",")):
        if (found := _parsed(f"[{text}]")) is not None:
            return found
    raise CellError(
        "JSON_EXPECTED", f"{shown(cell)} is not a list of JSON values with commas between them"
    )


_CONVERTERS: dict[str, Converter] = {
    "string": string,
    "url": _trimmed_string,
    "coordinates": _trimmed_string,
    "file": string,
    "integer": integer,
    "float": number,
    "boolean": _boolean,
    "json": _json,
}
