"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import orjson

from toloka_upload.rows.model import Columns, Kind, ReadOptions, Row
from toloka_upload.rows.objects import ARRAY_HINT, Objects, explain, faulty
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import BATCH, ROW_TOO_LONG, Reader
from toloka_upload.rows.source import MAX_ROW, Source

_SPACE = b" \t\r\n"
_RETURN = 13  # looked for as a number, a sixth of the price of b"\r"


class JsonLines(Reader):
    """The rows of a JSONL input. Blank lines are passed over."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, "jsonl")
        self._objects = Objects(infinite_golden=options.infinite_golden, list_hint=ARRAY_HINT)

    @property
    def kind(self) -> Kind:
        """What the rows are; settled once the first good row was read."""
        return self._objects.kind

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in order.

        Raises:
            BadInput: The compressed data is damaged or cut off, or a wide encoding is.
            NoInput: The input cannot be read any further.
        """
        number = 0
        try:
            for number, line in enumerate(self._lines(), 1):
                row = self._row(number, line)
                if row is not None:
                    yield row
        except Damaged as why:
            self._unusable(number + 1, why)

    def batches(self) -> Iterator[list[Row] | Columns]:
        """The same rows, some hundred at a time, as columns wherever all of them are good."""
        lines, number = self._lines(), 1
        try:
            while batch := list(islice(lines, BATCH)):
                columns = self._columns(number, batch)
                if columns is not None:
                    yield columns
                else:
                    rows = (self._row(at, line) for at, line in enumerate(batch, number))
                    yield [row for row in rows if row is not None]
                number += len(batch)
        except Damaged as why:
            self._unusable(number + 1, why)

    def _lines(self) -> Iterator[bytes]:
        return iter(partial(self._source.stream.readline, MAX_ROW + 1), b"")

    def _columns(self, number: int, lines: list[bytes]) -> Columns | None:
        """A batch of lines by the column, or None: there is something about one of them."""
        texts = [line.strip(_SPACE) for line in lines]
        plain = self._objects.plain
        if plain is None or self._source.codec or not all(texts) or max(map(len, lines)) > MAX_ROW:
            return None
        try:
            values = list(map(orjson.loads, texts))
        except orjson.JSONDecodeError:
            return None
        if not plain(values) or any([_RETURN in text for text in texts]):
            return None
        return Columns(list(range(number, number + len(lines))), lines, texts, values)

    def _row(self, number: int, line: bytes) -> Row | None:
        """One line as a row; None if it is blank."""
        text = line.strip(_SPACE)
        if not text:
            return None
        if len(line) > MAX_ROW:
            self._pass_line()
            return faulty(number, b"", "ROW_TOO_LONG", ROW_TOO_LONG)
        raw = self._source.kept(line) if self._source.codec else line
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return self._no_json(number, raw, line, error)
        if _RETURN in text:
            text = text.replace(b"\r", b" ")
        return self._objects.admit(number, raw, text, value)

    def _no_json(self, number: int, raw: bytes, line: bytes, error: orjson.JSONDecodeError) -> Row:
        indent = len(line) - len(line.lstrip(_SPACE))
        start = self._source.stream.tell() - len(line)
        why = self._source.undecodable(line, start=start) or explain(
            line.strip(_SPACE), error, indent=indent
        )
        return faulty(number, raw, "INVALID_JSON", why)
