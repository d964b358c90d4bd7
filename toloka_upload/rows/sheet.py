"""A sheet of an XLSX file: its rows, read as a stream, as cells that say what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple
from xml.etree import ElementTree as ET

from toloka_upload.rows.workbook import (
    MAX_PART,
    BadWorkbook,
    Book,
    Elements,
    Texts,
    find,
    is_true,
    local_name,
    text_of,
    unescaped,
)

LAST_COLUMN = 16_384
"""Columns that a sheet can have."""
LAST_ROW = 1_048_576
"""Rows that a sheet can have."""
_MOST_MERGED = 1_000_000

_ROW_TAG = re.compile(rb'\s*<(?:[\w.-]+:)?row r="([0-9]{1,7})"([^<>/]*)>')
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_RANGE = re.compile(
    rb"""mergeCell\s[^<>]*?ref\s*=\s*["']([A-Z]{1,3}[0-9]{1,7}):([A-Z]{1,3}[0-9]{1,7})["']"""
)
_HIDDEN_COLUMN = re.compile(
    rb"""<(?:[\w.-]+:)?col\s(?=[^<>]*\shidden\s*=\s*["'](?:1|true)["'])[^<>]*>"""
)
_CONTENT = re.compile(rb"<(?:[\w.-]+:)?(?:v|is)>")
_FIRST = re.compile(rb"""\smin\s*=\s*["']([0-9]{1,5})["']""")


class Holds(Enum):
    """What a cell holds that is not text."""

    NUMBER = "a number"
    DATE = "a date or time"
    BOOLEAN = "a truth value"
    ERROR = "an error"
    FORMULA = "a formula whose result was never stored"
    MERGED = "nothing, since it is merged with others"


class Cell(NamedTuple):
    """A cell that holds something else than text. `text` is as it stands in the file; `style` is its style's index."""

    holds: Holds
    text: str
    style: int = 0


SheetRow = tuple[int, list["str | Cell"]]
"""A row's number from 1, and its cells from column A on, a text or a `Cell` each; an empty cell is an empty text."""


class Sheet:
    """The rows of one sheet.

    Attributes:
        hidden_rows: How many of the rows read so far are hidden, by a filter or by hand.
        first_hidden: The number of the first of them.
        hidden_columns: The letters of hidden columns: the first of each group of them.
        computed: The first address whose formula has a result, or nothing.
    """

    def __init__(self, book: Book, part: str, texts: Texts) -> None:
        """Read up to the first row."""
        self._texts = texts
        self._elements = Elements(book, part, "worksheet", "row", "sheetData")
        self._merged = merged_cells(book, part)
        prefix = self._elements.prefix.encode()
        self._usual = re.compile(
            rb'<%bc r="([A-Z]{1,3})([0-9]{1,7})"(?: s="([0-9]{1,6})")?(?: t="(s|n|b|str|inlineStr)")?>'
            rb'(?:<%bv>([^<&\r]+)</%bv>|<%bis><%bt(?: xml:space="preserve")?>([^<&\r]*)</%bt></%bis>)</%bc>'
            % ((prefix,) * 8)
        )
        self._inline = b"<%bis>" % prefix
        self.hidden_rows = self.first_hidden = 0
        self.hidden_columns = [
            letters(int(first[1]) - 1)
            for column in _HIDDEN_COLUMN.findall(self._elements.head)
            if (first := _FIRST.search(column))
        ]
        self.computed = ""
        self._last = 0
        self._columns: dict[bytes, int] = {}

    def __iter__(self) -> Iterator[SheetRow]:
        """Yield the rows that have cells, in order.

        Raises:
            BadWorkbook: The sheet is damaged.
        """
        for text in self._elements:
            quick = self._quick(text)
            if quick is not None:
                yield quick
                continue
            for element in self._elements.parse(text):
                if local_name(element.tag) != "row":
                    raise self._elements.damaged(
                        f"it has {local_name(element.tag)[:50]!r} for a row"
                    )
                yield self._row(element)

    def _quick(self, text: bytes) -> SheetRow | None:
        """A row that is written in the usual way and has nothing odd about it; else None."""
        tag = _ROW_TAG.match(text)
        if tag is None or b"hidden" in tag[2]:
            return None
        found = self._usual.findall(text, tag.end())
        # Nothing else is there if all tags are the row's two and each cell's four, or six with its text inside.
        if text.count(b"<") != 2 + 4 * len(found) + 2 * text.count(self._inline) or not found:
            return None
        digits, number = tag[1], int(tag[1])
        if number in self._merged:
            return None
        cells: list[str | Cell] = []
        for column, row, style, kind, value, inline in found:
            at = self._columns.get(column)
            if at is None:
                at = self._columns[column] = column_index(column.decode())
            if row != digits or not len(cells) <= at < LAST_COLUMN:
                return None
            if at > len(cells):
                cells += [""] * (at - len(cells))
            if (kind == b"inlineStr") == bool(value):
                return None
            cells.append(self._usual_content(kind, value, inline, style))
        self._next(number)
        return number, cells

    def _usual_content(self, kind: bytes, value: bytes, inline: bytes, style: bytes) -> str | Cell:
        if not value:
            return unescaped(inline.decode("utf-8", "replace"))
        if kind == b"s":
            return self._shared(value.decode())
        return self._cell(kind.decode(), value.decode("utf-8", "replace"), style)

    def _row(self, element: ET.Element) -> SheetRow:
        """A row, however it is written."""
        number = self._next(self._number(element.get("r")))
        if is_true(element.get("hidden")):
            self.hidden_rows += 1
            self.first_hidden = self.first_hidden or number
        cells: list[str | Cell] = []
        for child in element:
            if local_name(child.tag) != "c":
                continue
            at = self._place(child.get("r"), number, len(cells))
            cells += [""] * (at - len(cells))
            cells.append(self._content(child, number, at))
        for at, covered in self._merged.get(number, {}).items():
            cells += [""] * (at + 1 - len(cells))
            if cells[at] == "":
                cells[at] = Cell(Holds.MERGED, covered)
        return number, cells

    def _number(self, written: str | None) -> int:
        if written is None:
            return self._last + 1
        if not (written.isascii() and written.isdigit() and len(written) <= 7):
            raise self._elements.damaged(f"a row's number is {written[:20]!r}")
        return int(written)

    def _next(self, number: int) -> int:
        if not self._last < number <= LAST_ROW:
            raise self._elements.damaged(f"row {number} follows row {self._last}")
        self._last = number
        return number

    def _place(self, address: str | None, number: int, least: int) -> int:
        """The column of a cell, from 0; without an address it is the next one."""
        if address is None:
            at = least
        else:
            found = _ADDRESS.fullmatch(address)
            if found is None or int(found[2]) != number:
                raise self._elements.damaged(f"row {number} has a cell {address[:20]!r}")
            at = column_index(found[1])
        if not least <= at < LAST_COLUMN:
            raise self._elements.damaged(f"row {number}: its cells are in the wrong order")
        return at

    def _content(self, element: ET.Element, number: int, at: int) -> str | Cell:
        """What a cell holds."""
        kind = element.get("t", "n")
        inline, formula, value = (find(element, name) for name in ("is", "f", "v"))
        if kind == "inlineStr":
            return "" if inline is None else unescaped(text_of(inline))
        text = (value.text or "") if value is not None else ""
        if formula is not None:
            if not text and kind != "str":
                return Cell(Holds.FORMULA, f"={formula.text or ''}")
            self.computed = self.computed or f"{letters(at)}{number}"
        if kind == "s":
            return self._shared(text) if text else ""
        style = element.get("s", "0")
        return self._cell(kind, text, style.encode() if style.isdigit() else b"")

    def _cell(self, kind: str, text: str, style: bytes) -> str | Cell:
        if kind == "str" or not text:
            return unescaped(text)
        if kind == "e":
            return Cell(Holds.ERROR, text)
        if kind == "d":
            return Cell(Holds.DATE, text)
        if kind == "b":
            return Cell(Holds.BOOLEAN, "true" if is_true(text) else "false")
        if not _NUMBER.fullmatch(text.strip()):
            raise self._elements.damaged(f"a cell's number is {text[:20]!r}")
        return Cell(Holds.NUMBER, text.strip(), int(style or 0))

    def _shared(self, number: str) -> str:
        try:
            return self._texts[int(number)]
        except (IndexError, ValueError) as error:
            raise self._elements.damaged(f"there is no text of number {number[:20]}") from error


def merged_cells(book: Book, part: str) -> dict[int, dict[int, str]]:
    """Return the cells that are covered by a merged one: for a row's number, the columns from 0 and the range.

    They are listed behind the rows, so the part is gone through once before.

    Raises:
        BadWorkbook: There are too many.
    """
    tail, behind = b"", False
    for piece in book.pieces(part):
        text = tail + piece
        if not behind:
            at = text.rfind(b"sheetData>")
            behind, text = at >= 0, text[at:] if at >= 0 else text[-32:]
        tail = text[:MAX_PART]
    covered: dict[int, dict[int, str]] = {}
    count = 0
    for first, last in _RANGE.findall(tail) if behind else ():
        (left, top), (right, bottom) = _corner(first), _corner(last)
        count += (bottom - top + 1) * (right - left + 1)
        if count > _MOST_MERGED:
            raise BadWorkbook(
                f"more than {_MOST_MERGED:,} of its cells are merged; unmerge them, or save it as CSV",
                "FILE_TOO_LARGE",
            )
        whole = f"{first.decode()}:{last.decode()}"
        for row in range(top, bottom + 1):
            places = range(left + (row == top), right + 1)
            covered.setdefault(row, {}).update(dict.fromkeys(places, whole))
    return covered


def _corner(address: bytes) -> tuple[int, int]:
    found = _ADDRESS.fullmatch(address.decode())
    return (column_index(found[1]), int(found[2])) if found else (0, 0)


def column_index(name: str) -> int:
    """The number of a column from 0: `A` is 0, `AA` is 26."""
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number - 1


def letters(index: int) -> str:
    """The letters of a column from 0."""
    name, index = "", index + 1
    while index > 0:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def has_cells(book: Book, part: str) -> bool:
    """Whether anything is on a sheet, as far as its beginning shows."""
    return any(_CONTENT.search(piece) for piece in islice(book.pieces(part), 4))
