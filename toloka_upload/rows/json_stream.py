"""JSON: an array of objects, or one object, read as a stream in flat memory.

Several arrays or objects one after the other are read as well, so that a rejects file (JSONL) goes through the
same door as the input it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from toloka_upload.rows.model import Batch, Kind, ReadOptions, Row
from toloka_upload.rows.objects import Objects, explain, faulty
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import ROW_TOO_LONG, Reader, batched
from toloka_upload.rows.scan import ValueEnd
from toloka_upload.rows.source import MAX_ROW, Source

_PIECE = 1 << 18
_LARGEST_PIECE = 1 << 22
_SPACE = re.compile(rb"[ \t\r\n]*+")
_WORD = re.compile(rb"[^,\]}\s]++|.", re.DOTALL)
_NEXT_OBJECT = re.compile(rb"[ \t\r\n]*+,[ \t\r\n]*+(?=\{)")
_BREAK = re.compile(
    rb"[ \t]*+[\r\n][ \t\r\n]*+"
)  # never within a string: breaks must be escaped there
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_RETURN, _LINE_FEED = 13, 10
_SHOWN = 20


_Element = tuple[int, bytes, Any]
"""Line, text as it stands in the input (nothing if it is too long), parsed value (None if not parsed yet)."""


class JsonStream(Reader):
    """The rows of a JSON input."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, "json")
        self._objects = Objects(infinite_golden=options.infinite_golden)

    @property
    def kind(self) -> Kind:
        """What the rows are; settled once the first good row was read."""
        return self._objects.kind

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order.

        Raises:
            BadInput: The input as a whole is no JSON: a comma is missing, or it was cut off.
            NoInput: The input cannot be read any further.
        """
        elements = _Elements(self._source)
        try:
            for batch in batched(iter(elements), lambda element: len(element[1])):
                yield self._columns(batch) or self._objects.gather(map(self._row, batch))
        except Damaged as why:
            self._unusable(elements.line, why)

    def _columns(self, elements: list[_Element]) -> Batch | None:
        """Elements by the column, or None: there is something about one of them."""
        lines, found, parsed = zip(*elements, strict=True)
        if self._source.codec or not all(found):
            return None
        try:
            values = [
                orjson.loads(text) if value is None else value
                for text, value in zip(found, parsed, strict=True)
            ]
        except orjson.JSONDecodeError:
            return None
        texts = [
            _BREAK.sub(b"", text) if _LINE_FEED in text or _RETURN in text else text
            for text in found
        ]
        raws = [text + b"\n" for text in texts]
        return self._objects.batch(lines, raws, texts, values)._replace(whole=False)

    def _row(self, element: _Element) -> Row:
        line, text, value = element
        if not text:
            return faulty(line, b"", "ROW_TOO_LONG", ROW_TOO_LONG)
        if value is None:
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                why = self._source.undecodable(text, "object") or explain(text, error)
                raw = self._source.original(text.translate(_ONE_LINE) + b"\n")
                return faulty(line, raw, "INVALID_JSON", why)
        if _LINE_FEED in text or _RETURN in text:
            text = _BREAK.sub(b"", text)
        return self._objects.row(line, self._source.original(text + b"\n"), text, value)


class _Elements:
    """Cuts the elements out of the text. Holds one piece of it, or one element.

    Attributes:
        line: The physical line reached.
    """

    def __init__(self, source: Source) -> None:
        self._read = source.stream.read1
        self._data = b""
        self._at = 0
        self._braces = 1
        self.line = 1

    def __iter__(self) -> Iterator[_Element]:
        while first := self._next_mark():
            if first == b"[":
                self._go(self._at + 1)
                yield from self._array()
            elif first == b"{":
                yield self._element()
            else:
                raise Damaged(
                    f"expected [ or {{, found {self._found()}: this is no JSON array and no object"
                )

    def _array(self) -> Iterator[_Element]:
        mark = self._next_mark()
        while mark != b"]":
            if not mark or mark in b",]}:":
                raise Damaged(f"expected an element of the array, found {self._found()}")
            yield from self._alike()
            yield self._element()
            mark = self._next_mark()
            if mark == b",":
                self._go(self._at + 1)
                mark = self._next_mark()
                if mark == b"]":
                    raise Damaged("there is a comma before the ] that ends the array; remove it")
            elif mark != b"]":
                raise Damaged(f"expected a comma or ] after an element, found {self._found()}")
        self._go(self._at + 1)

    def _next_mark(self) -> bytes:
        """Move to the next byte that is no space, and return it; nothing at the end."""
        while True:
            space = _SPACE.match(self._data, self._at)
            self._go(space.end() if space else self._at)
            if self._at < len(self._data) or not self._more():
                return self._data[self._at : self._at + 1]

    def _go(self, to: int) -> None:
        self.line += self._data.count(b"\n", self._at, to)
        self._at = to

    def _more(self) -> bool:
        """Read on, and let go of what lies behind."""
        held = self._data[self._at :]
        piece = self._read(min(max(_PIECE, len(held)), _LARGEST_PIECE))
        self._data, self._at = held + piece, 0
        return bool(piece)

    def _alike(self) -> Iterator[_Element]:
        """Take objects as long as each has as many closing braces as the one before, as rows mostly have.

        What parses up to there is the whole object, since no beginning of an object is one. The rest is
        `_element`'s, the last object of a piece included.
        """
        data, at, braces = self._data, self._at, range(self._braces)
        find, count, loads = data.find, data.count, orjson.loads
        while True:
            end = at
            for _ in braces:
                end = find(b"}", end) + 1
                if not end:
                    return
            text = data[at:end]
            comma = _NEXT_OBJECT.match(data, end)
            if not comma:
                return
            try:
                value = loads(text)
            except orjson.JSONDecodeError:
                return
            line = self.line
            self._at = at = comma.end()
            self.line += count(b"\n", end - len(text), at)
            yield line, text, value

    def _element(self) -> _Element:
        """Take the element that starts here, whatever it is."""
        line, text = self.line, self._cut()
        self._braces = text.count(b"}") or 1
        return line, text, None

    def _cut(self) -> bytes:
        """Take the element that starts here, found by its brackets and quotes; nothing if it is too long."""
        if self._data[self._at] not in b'{["':
            return self._cut_word()
        search, seen = ValueEnd(), 0
        while (end := search.find(self._data, self._at + seen)) is None:
            seen = len(self._data) - self._at
            if seen > MAX_ROW:
                return self._pass(search)
            if not self._more():
                raise Damaged(
                    "what begins here does not end: the file was cut off, or a quote is missing"
                )
        text = self._data[self._at : end]
        self._go(end)
        return text

    def _pass(self, search: ValueEnd) -> bytes:
        """Pass over the rest of an element without holding it."""
        end = None
        while end is None:
            self._go(len(self._data))
            if not self._more():
                raise Damaged("the file was cut off, or a quote is missing")
            end = search.find(self._data, 0)
        self._go(end)
        return b""

    def _cut_word(self) -> bytes:
        """Take a number or a word: no row, but it must end somewhere."""
        while True:
            word = _WORD.match(self._data, self._at)
            end = word.end() if word else self._at
            if end < len(self._data) or end - self._at > _PIECE or not self._more():
                break
        text = self._data[self._at : end]
        self._go(end)
        return text

    def _found(self) -> str:
        """What stands here, for a message."""
        while len(self._data) - self._at < _SHOWN and self._more():
            pass
        if self._at == len(self._data):
            return "the end of the input: it was cut off"
        return repr(self._data[self._at : self._at + _SHOWN].decode("utf-8", "replace"))
