"""CSV and TSV: records, with their exact bytes and physical lines, and the rows they make.

Quoting is that of RFC 4180 and of the web interface: a cell that starts with a quote ends with one, and quotes
within are doubled. A quote elsewhere in a cell is kept as text: nothing is dropped (the web interface drops it).
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import count
from operator import itemgetter
from typing import Any, NamedTuple

from toloka_upload.errors import BadInput, UsageProblem
from toloka_upload.rows.lines import Lines
from toloka_upload.rows.model import Batch, Fault, ReadOptions, Row
from toloka_upload.rows.objects import half_written
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import ROW_TOO_LONG, Reader, batched
from toloka_upload.rows.source import MAX_ROW, Source
from toloka_upload.rows.tables import HeaderError, Layout
from toloka_upload.text import counted

MAX_HEADER = 1 << 20
"""Most bytes of a header."""

_QUOTED_REST = re.compile(rb'(?:[^"]++|"")*+')
_QUOTED = re.compile(r'"(?:[^"]++|"")*+"')
_ENDS = b"\r\n"
_SHOWN = 60
"""Bytes of a cell that a message shows."""
_SEPARATOR = re.compile(rb'"?sep=([,;\t|])"?', re.IGNORECASE)
_QUOTE, _RETURN = 34, 13  # looked for as numbers, which is quicker
_DELIMITERS = {"\\t": "\t", "tab": "\t"}


class Record(NamedTuple):
    """One record: its first physical line, its text as UTF-8 with its line ends, its cells, what is wrong."""

    line: int
    raw: bytes
    cells: list[str]
    code: str = ""
    message: str = ""


_line, _raw, _cells = map(itemgetter, range(3))


class Delimited(Reader):
    """The rows of a CSV or TSV input. Lines without any filled cell are skipped; they may end a suite."""

    def __init__(
        self,
        source: Source,
        format_name: str,
        options: ReadOptions,
        task_spec: Mapping[str, Any] | None,
    ) -> None:
        """Read the header.

        Raises:
            BadInput: There is something wrong with it.
            UsageProblem: The delimiter is none.
        """
        super().__init__(source, format_name)
        self._by_blank_line = options.suites_by_blank_line
        self._records = Records(source, _delimiter(source, format_name, options))
        self._group = self._empty = 0
        self._blank = self._seen = self._narrower = False
        self._header = b""
        self._layout: Layout | None = None
        self._read_header(task_spec, infinite_golden=options.infinite_golden)

    def _read_header(self, task_spec: Mapping[str, Any] | None, *, infinite_golden: bool) -> None:
        try:
            header = self._records.next_filled()
        except Damaged as why:
            self._unusable(self._records.line + 1, why)
        if header is None:
            return
        if len(header.raw) > MAX_HEADER or header.code == "ROW_TOO_LONG":
            self._unusable(header.line, f"the header is longer than {MAX_HEADER:,} bytes")
        if header.message:
            self._unusable(header.line, f"the header: {header.message}")
        if _SEPARATOR.fullmatch(
            header.raw.strip()
        ):  # a line for Excel alone, which names the delimiter
            before, header = header.raw, self._records.next_filled()
            if header is None:
                return
            header = header._replace(raw=before + header.raw)
        names = [name.strip() for name in header.cells]
        if len(names) > 1 and names[0] and not any(names[1:]):
            self._unusable(
                header.line,
                f"only the first of {len(names)} columns has a name, {names[0][:60]!r}: is this line a title? "
                "The columns' names must come first",
            )
        while len(names) > 1 and not names[-1]:  # what is left of columns that were emptied
            names.pop()
        if any("\r" in name for name in names):
            self._unusable(
                header.line, "the line ends are those of an old Mac; save it with others"
            )
        try:
            self._layout = Layout(names, task_spec, infinite_golden=infinite_golden)
        except HeaderError as error:
            self._unusable(header.line, str(error))
        self._narrower = len(names) < len(header.cells)
        self._header, self._records.names = header.raw, names
        self.warnings += self._layout.warnings

    @property
    def rejects_suffix(self) -> str:
        """`.csv` or `.tsv`."""
        return f".{self.format}"

    @property
    def rejects_head(self) -> bytes:
        """The header as it stands in the input, byte order mark included."""
        return self._source.byte_order_mark + self._source.original(self._header)

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order.

        Raises:
            BadInput: The input is damaged, or a quote is not closed within the longest row there may be.
            NoInput: The input cannot be read any further.
        """
        if self._layout is None:
            return
        try:
            for records in self._records.batches():
                yield self._batch(self._layout, records)
        except Damaged as why:
            self._unusable(self._records.line + 1, why)
        self.warnings += self._layout.late_warnings
        if self._empty:
            self.warnings.append(f"skipped {counted(self._empty, 'row')} without any filled cell")

    def _batch(self, layout: Layout, records: list[Record]) -> Batch:
        filled, groups = records, [self._group] * len(records)
        if self._blank or not all(map(any, map(_cells, records))):
            filled, groups = self._without_blank(records)
        self._seen = self._seen or bool(filled)
        raws = list(map(_raw, filled))
        if self._source.codec:
            raws = list(map(self._source.kept, raws))
        lines, cells = list(map(_line, filled)), list(map(_cells, filled))
        if self._narrower:
            width = len(layout.columns)
            cells = [row if any(row[width:]) else row[:width] for row in cells]
        bad = [
            (
                at,
                Row(
                    record.line,
                    raw,
                    b"",
                    {},
                    (Fault("", record.code, record.message),),
                    group=group,
                ),
            )
            for at, (record, raw, group) in enumerate(zip(filled, raws, groups, strict=True))
            if record.code
        ]
        return layout.batch(lines, raws, cells, groups, bad)

    def _without_blank(self, records: list[Record]) -> tuple[list[Record], list[int]]:
        """The records that have a filled cell or are wrong, and the suite that each stands in."""
        filled: list[Record] = []
        groups: list[int] = []
        for record in records:
            if any(record.cells) or record.code:
                self._group += self._blank and self._seen and self._by_blank_line
                self._blank, self._seen = False, True
                filled.append(record)
                groups.append(self._group)
            else:
                self._blank = True
                self._empty += bool(record.raw.strip(b" \r\n"))
        return filled, groups


def _delimiter(source: Source, format_name: str, options: ReadOptions) -> str:
    """Return the character between cells: as told, else the tab of TSV, else the header's most frequent."""
    if options.delimiter is not None:
        told = _DELIMITERS.get(options.delimiter, options.delimiter)
        if len(told) != 1 or told in '"\r\n':
            raise UsageProblem(f"--delimiter {told!r}: give one character, such as ';' or '\\t'")
        return told
    if format_name == "tsv":
        return "\t"
    first_line = source.head().lstrip().split(b"\n", 1)[0].decode("utf-8", "replace")
    if named := _SEPARATOR.fullmatch(first_line.strip().encode()):
        return named[1].decode()
    bare = _QUOTED.sub("", first_line)
    return max(",;\t", key=bare.count)


class Records:
    """Cuts the text into records.

    Attributes:
        source: Where they come from.
        delimiter: The character between cells.
        line: The last physical line of the records so far.
        names: The columns' names, for messages.
    """

    def __init__(self, source: Source, delimiter: str) -> None:
        self.source = source
        self.delimiter = delimiter
        self.line = 0
        self.names: list[str] = []
        self._batches = iter(Lines(source))
        self._ahead: deque[bytes] = deque()
        self._offset = 0

    def next_filled(self) -> Record | None:
        """Return the next record that has a cell with something in it, or is wrong."""
        while line := self.more():
            record = self._record(line)
            if record.code or any(record.cells):
                return record
        return None

    def batches(self) -> Iterator[list[Record]]:
        """Yield the records in order, some hundred at a time. What came before an error comes before the error."""
        while self._ahead or self._read_ahead():
            if records := self._split(list(self._ahead)):
                self._ahead.clear()
                self.line += len(records)
                self._offset += sum(map(len, map(_raw, records)))
                yield records
            else:
                yield from batched(self._one_by_one(), lambda record: len(record.raw))

    def _one_by_one(self) -> Iterator[Record]:
        while self._ahead:
            yield self._record(self.more())

    def _read_ahead(self) -> bool:
        for _, _, lines in self._batches:
            self._ahead.extend(lines)
            return True
        return False

    def more(self) -> bytes:
        """Return the next line; nothing at the end."""
        if not self._ahead and not self._read_ahead():
            return b""
        line = self._ahead.popleft()
        self.line += 1
        self._offset += len(line)
        return line

    def _split(self, lines: list[bytes]) -> list[Record] | None:
        """The quick way, for lines that are a record each and have nothing wrong."""
        if max(map(len, lines)) > MAX_ROW or any(map(bytes.isspace, lines)):
            return None
        data = b"".join(lines)
        try:
            texts = data.decode().removesuffix("\n").split("\n")
            if _QUOTE in data:
                if any([line.count(b'"') % 2 for line in lines]):
                    return None
                cells = list(csv.reader(texts, delimiter=self.delimiter, strict=True))
            else:
                if _RETURN in data:
                    texts = [text.rstrip("\r") for text in texts]
                delimiter = self.delimiter
                cells = [text.split(delimiter) for text in texts]
        except (UnicodeDecodeError, csv.Error):
            return None
        if len(cells) != len(lines):
            return None
        return list(map(Record, count(self.line + 1), lines, cells))

    def _record(self, line: bytes) -> Record:
        """The record that begins with the line just read."""
        if len(line) > MAX_ROW:
            return Record(self.line, b"", [], "ROW_TOO_LONG", ROW_TOO_LONG)
        if line.isspace():
            return Record(self.line, line, [])
        if _QUOTE in line:
            return self._on_one_line(line) or _Quoted(self, line).record()
        try:
            text = line.rstrip(_ENDS).decode()
        except UnicodeDecodeError:
            return Record(self.line, line, [], "INVALID_ENCODING", self.undecodable(line))
        return Record(self.line, line, text.split(self.delimiter))

    def _on_one_line(self, line: bytes) -> Record | None:
        """Through the standard library, for a record that is a line and has nothing wrong."""
        if line.count(b'"') % 2:
            return None
        try:
            cells = next(csv.reader((line.decode(),), delimiter=self.delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        return Record(self.line, line, cells)

    def undecodable(self, line: bytes) -> str:
        """Say which byte of the line just read is no text; empty if all of it is."""
        return self.source.undecodable(line, start=self._offset - len(line))

    def name(self, index: int) -> str:
        """What to call a cell in a message."""
        known = f" ({self.names[index]!r})" if index < len(self.names) else ""
        return f"cell {index + 1}{known}"


class _Quoted:
    """One record with quotes in it, which may go over several lines. Works on bytes, and decodes whole cells."""

    def __init__(self, records: Records, first: bytes) -> None:
        self._records = records
        self._start = records.line
        self._delimiter = records.delimiter.encode()
        self._raw = bytearray()
        self._cells: list[str] = []
        self._fault: tuple[str, str] | None = None
        self._opened_at = 0
        self._take(first)

    def record(self) -> Record:
        """Cut the record into cells, reading on as long as a quote is open."""
        while self._cell():
            pass
        code, message = self._fault or ("", "")
        return Record(self._start, bytes(self._raw), self._cells, code, message)

    def _take(self, line: bytes) -> None:
        """Go on with a line."""
        self._line, self._at = line, 0
        self._raw += line
        if len(self._raw) > MAX_ROW:
            raise BadInput(
                f"{self._records.source.name}:{self._start}: {self._records.name(len(self._cells))}: "
                f"its quote is not closed within {MAX_ROW:,} bytes"
            )
        if not line.isascii() and (why := self._records.undecodable(line)):
            self._fault = self._fault or ("INVALID_ENCODING", f"line {self._records.line}: {why}")

    def _cell(self) -> bool:
        """Take one cell; return whether another follows."""
        if self._line.startswith(b'"', self._at):
            if not self._quoted():
                return False
        else:
            end = self._line.find(self._delimiter, self._at)
            cell = self._line[self._at :].rstrip(_ENDS) if end < 0 else self._line[self._at : end]
            self._cells.append(cell.decode("utf-8", "replace"))
            self._at += len(cell)
        follows = self._line.startswith(self._delimiter, self._at)
        self._at += len(self._delimiter)
        return follows

    def _quoted(self) -> bool:
        """Take a cell in quotes, and stand behind it; return whether it ends as it must."""
        opened = self._records.line
        self._opened_at = len(self._raw) - len(self._line) + self._at
        cell = bytearray()
        self._at += 1
        while True:
            part = _QUOTED_REST.match(self._line, self._at)
            end = part.end() if part else self._at
            cell += self._line[self._at : end]
            self._at = end
            if end < len(self._line):
                break
            line = self._records.more()
            if not line:
                begun = self._raw[self._opened_at : self._opened_at + _SHOWN].split(b"\n")[0]
                text = begun.decode("utf-8", "replace").rstrip("\r")
                why = f"the quote opened on line {opened} is never closed: {text}"
                if not self._raw.endswith(b"\n"):
                    return self._wrong("UNCLOSED_QUOTE", half_written(why))
                why += '; close it, or, if it belongs to the text, write "" for it and quotes around the cell'
                return self._wrong("UNCLOSED_QUOTE", why)
            self._take(line)
        after = self._line[self._at + 1 : self._at + 21]
        if after.strip(_ENDS) and not after.startswith(self._delimiter):
            return self._wrong(
                "INVALID_QUOTING",
                f"the quote opened on line {opened} closes on line {self._records.line} before "
                f"{after.rstrip(_ENDS).decode('utf-8', 'replace')!r}; quotes within a cell must be doubled",
            )
        self._cells.append(cell.replace(b'""', b'"').decode("utf-8", "replace"))
        self._at += 1
        return True

    def _wrong(self, code: str, message: str) -> bool:
        name = self._records.name(len(self._cells))
        self._fault = self._fault or (code, f"{name}: {message}")
        return False
