"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import orjson

from toloka_upload.rows.model import Kind, ReadOptions, Row
from toloka_upload.rows.objects import ARRAY_HINT, Objects, explain, faulty
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import ROW_TOO_LONG, Reader
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
        loads, objects, source = orjson.loads, self._objects, self._source
        lines = iter(partial(source.stream.readline, MAX_ROW + 1), b"")
        codec, longest, number = source.codec, MAX_ROW, 0
        try:
            for number, line in enumerate(lines, 1):
                text = line.strip(_SPACE)
                if not text:
                    continue
                if len(line) > longest:
                    self._pass_line()
                    yield faulty(number, b"", "ROW_TOO_LONG", ROW_TOO_LONG)
                    continue
                raw = source.kept(line) if codec else line
                try:
                    value = loads(text)
                except orjson.JSONDecodeError as error:
                    yield self._no_json(number, raw, line, error)
                    continue
                if _RETURN in text:
                    text = text.replace(b"\r", b" ")
                yield objects.admit(number, raw, text, value)
        except Damaged as why:
            self._unusable(number + 1, why)

    def _no_json(self, number: int, raw: bytes, line: bytes, error: orjson.JSONDecodeError) -> Row:
        indent = len(line) - len(line.lstrip(_SPACE))
        start = self._source.stream.tell() - len(line)
        why = self._source.undecodable(line, start=start) or explain(
            line.strip(_SPACE), error, indent=indent
        )
        return faulty(number, raw, "INVALID_JSON", why)
