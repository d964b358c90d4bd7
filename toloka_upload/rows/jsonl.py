"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from toloka_upload.rows.lines import Lines
from toloka_upload.rows.model import Batch, Kind, ReadOptions, Row
from toloka_upload.rows.objects import ARRAY_HINT, Objects, explain, faulty, half_written
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import ROW_TOO_LONG, Reader
from toloka_upload.rows.source import MAX_ROW, Source

_SPACE = b" \t\r\n"
_RETURN = 13  # looked for as a number, a sixth of the price of b"\r"


class JsonLines(Reader):
    """The rows of a JSONL input. Blank lines are skipped."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, "jsonl")
        self._objects = Objects(infinite_golden=options.infinite_golden, list_hint=ARRAY_HINT)
        self._lines = Lines(source)

    @property
    def kind(self) -> Kind:
        """What the rows are; settled once the first good row was read."""
        return self._objects.kind

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order.

        Raises:
            BadInput: The compressed data is damaged or cut off, or a wide encoding is.
            NoInput: The input cannot be read any further.
        """
        try:
            for number, start, lines in self._lines:
                rows = self._columns(number, lines)
                yield rows or self._objects.gather(self._rows(number, lines, start))
        except Damaged as why:
            self._unusable(self._lines.number, why)

    def _columns(self, number: int, lines: list[bytes]) -> Batch | None:
        """A batch of lines by the column, or None: there is something about one of them."""
        texts = [line.strip(_SPACE) for line in lines]
        if self._source.codec or not all(texts) or _RETURN in b"".join(texts):
            return None
        try:
            values = list(map(orjson.loads, texts))
        except orjson.JSONDecodeError:
            return None
        return self._objects.batch(range(number, number + len(lines)), lines, texts, values)

    def _rows(self, number: int, lines: list[bytes], start: int) -> Iterator[Row]:
        """Lines as rows, without the blank ones. `start` is the first one's byte offset in the stream."""
        for at, line in enumerate(lines, number):
            row = self._row(at, line, start)
            start += len(line)
            if row is not None:
                yield row

    def _row(self, number: int, line: bytes, start: int) -> Row | None:
        """One line as a row; None if it is blank."""
        text = line.strip(_SPACE)
        if not text:
            return None
        if len(line) > MAX_ROW:
            return faulty(number, b"", "ROW_TOO_LONG", ROW_TOO_LONG)
        raw = self._source.kept(line) if self._source.codec else line
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return self._no_json(number, raw, line, start, error)
        if _RETURN in text:
            text = text.replace(b"\r", b" ")
        return self._objects.row(number, raw, text, value)

    def _no_json(
        self, number: int, raw: bytes, line: bytes, start: int, error: orjson.JSONDecodeError
    ) -> Row:
        indent = len(line) - len(line.lstrip(_SPACE))
        why = self._source.undecodable(line, start=start) or explain(
            line.strip(_SPACE), error, indent=indent
        )
        if not line.endswith(b"\n"):
            why = half_written(why)
        return faulty(number, raw, "INVALID_JSON", why)
