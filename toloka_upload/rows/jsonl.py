"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, islice

import orjson

from toloka_upload.rows.model import Columns, Kind, ReadOptions, Row
from toloka_upload.rows.objects import ARRAY_HINT, Objects, explain, faulty
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import BATCH, ROW_TOO_LONG, Reader
from toloka_upload.rows.source import MAX_ROW, Source

_SPACE = b" \t\r\n"
_PIECE = 1 << 16
"""Most bytes of a line that are read at once: a hundred such pieces are still little."""
_RETURN = 13  # looked for as a number, a sixth of the price of b"\r"


class JsonLines(Reader):
    """The rows of a JSONL input. Blank lines are passed over."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, "jsonl")
        self._objects = Objects(infinite_golden=options.infinite_golden, list_hint=ARRAY_HINT)
        self._pieces = iter(partial(self._source.stream.readline, _PIECE), b"")
        self._damage: Damaged | None = None

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
        for batch in self.batches():
            yield from batch.rows() if isinstance(batch, Columns) else batch

    def batches(self) -> Iterator[list[Row] | Columns]:
        """The same rows, some hundred at a time, as columns wherever all of them are good."""
        number = 1
        while True:
            start = self._source.stream.tell()
            lines = self._pieces_of_lines()
            short = max(map(len, lines), default=0) < _PIECE
            if not short:
                lines = self._joined(lines)
            columns = self._columns(number, lines) if short and lines else None
            if columns:
                yield columns
            elif lines:
                yield list(self._rows(number, lines, start))
            number += len(lines)
            if self._damage:
                self._unusable(number, self._damage)
            if not lines:
                return

    def _pieces_of_lines(self) -> list[bytes]:
        """The next lines, in pieces of a bounded size, so that a batch is small whatever the lines are.

        What was read before the input turned out to be damaged is not lost.
        """
        batch: list[bytes] = []
        try:
            batch.extend(islice(self._pieces, BATCH))
        except Damaged as why:
            self._damage = why
        return batch

    def _joined(self, pieces: list[bytes]) -> list[bytes]:
        """Whole lines from pieces of lines; the last is read to its end, but held no further than it may be long."""
        lines: list[bytes] = []
        parts: list[bytes] = []
        held, left = 0, len(pieces)
        try:
            for piece in chain(pieces, self._pieces):
                left -= 1
                if held <= MAX_ROW:
                    parts.append(piece)
                held += len(piece)
                if piece.endswith(b"\n"):
                    lines.append(b"".join(parts))
                    parts, held = [], 0
                    if left <= 0:
                        break
        except Damaged as why:
            self._damage, parts = why, []
        return [*lines, b"".join(parts)] if parts else lines

    def _rows(self, number: int, lines: list[bytes], start: int) -> Iterator[Row]:
        """Lines as rows, without the blank ones. `start` is the first one's byte offset in the stream."""
        for at, line in enumerate(lines, number):
            row = self._row(at, line, start)
            start += len(line)
            if row is not None:
                yield row

    def _columns(self, number: int, lines: list[bytes]) -> Columns | None:
        """A batch of lines by the column, or None: there is something about one of them."""
        texts = [line.strip(_SPACE) for line in lines]
        plain = self._objects.plain
        if plain is None or self._source.codec or not all(texts):
            return None
        try:
            values = list(map(orjson.loads, texts))
        except orjson.JSONDecodeError:
            return None
        if not plain(values) or any([_RETURN in text for text in texts]):
            return None
        return Columns(list(range(number, number + len(lines))), lines, texts, values)

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
        return self._objects.admit(number, raw, text, value)

    def _no_json(
        self, number: int, raw: bytes, line: bytes, start: int, error: orjson.JSONDecodeError
    ) -> Row:
        indent = len(line) - len(line.lstrip(_SPACE))
        why = self._source.undecodable(line, start=start) or explain(
            line.strip(_SPACE), error, indent=indent
        )
        return faulty(number, raw, "INVALID_JSON", why)
