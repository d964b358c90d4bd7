"""CSV and TSV: records, with their exact bytes and physical lines, and the rows they make.

Quoting is that of RFC 4180 and of the web interface: a cell that starts with a quote ends with one, and quotes
within are doubled. A quote elsewhere in a cell is kept as text: nothing is dropped (the web interface drops it).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from toloka_upload.errors import BadInput, UsageProblem
from toloka_upload.rows.model import Fault, ReadOptions, Row
from toloka_upload.rows.packing import Damaged
from toloka_upload.rows.reader import ROW_TOO_LONG, Reader
from toloka_upload.rows.source import MAX_ROW, Source
from toloka_upload.rows.tables import HeaderError, Layout
from toloka_upload.text import counted

MAX_HEADER = 1 << 20
"""Most bytes of a header."""

_QUOTED_REST = re.compile(rb'(?:[^"]++|"")*+')
_QUOTED = re.compile(r'"(?:[^"]++|"")*+"')
_ENDS = b"\r\n"
_QUOTE = 34  # looked for as a number, which is quicker
_record = tuple.__new__
_DELIMITERS = {"\\t": "\t", "tab": "\t"}


class Record(NamedTuple):
    """One record: its first physical line, its text as UTF-8 with its line ends, its cells, what is wrong."""

    line: int
    raw: bytes
    cells: list[str]
    code: str = ""
    message: str = ""


class Delimited(Reader):
    """The rows of a CSV or TSV input. Lines without any filled cell are passed over; they may end a suite."""

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
        names = [name.strip() for name in header.cells]
        if any("\r" in name for name in names):
            self._unusable(
                header.line, "the line ends are those of an old Mac; save it with others"
            )
        try:
            self._layout = Layout(names, task_spec, infinite_golden=infinite_golden)
        except HeaderError as error:
            self._unusable(header.line, str(error))
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

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in order.

        Raises:
            BadInput: The input is damaged, or a quote is not closed within the longest row there may be.
            NoInput: The input cannot be read any further.
        """
        if self._layout is None:
            return
        make, kept = self._layout.row, self._source.kept
        group, blank, seen, empty = 0, False, False, 0
        try:
            for line, raw, cells, code, message in self._records:
                if not any(cells) and not code:
                    blank = True
                    empty += bool(raw.strip(b" \r\n"))
                    continue
                group += blank and seen and self._by_blank_line
                blank, seen = False, True
                if code:
                    fault = Fault("", code, message)
                    yield Row(line, kept(raw), b"", {}, (fault,), group=group)
                else:
                    yield make(line, kept(raw), cells, group)
        except Damaged as why:
            self._unusable(self._records.line + 1, why)
        if empty:
            self.warnings.append(f"passed over {counted(empty, 'row')} without any filled cell")


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
    bare = _QUOTED.sub("", first_line)
    return max(",;\t", key=bare.count)


class Records:
    """Cuts the text into records.

    Attributes:
        source: Where they come from.
        delimiter: The character between cells.
        line: The last physical line read.
        names: The columns' names, for messages.
    """

    def __init__(self, source: Source, delimiter: str) -> None:
        self.source = source
        self.delimiter = delimiter
        self._readline = partial(source.stream.readline, MAX_ROW + 1)
        self.line = 0
        self.names: list[str] = []

    def next_filled(self) -> Record | None:
        """Return the next record that has a cell with something in it, or is wrong."""
        return next((record for record in self if record.message or any(record.cells)), None)

    def __iter__(self) -> Iterator[Record]:
        delimiter = self.delimiter
        for line in iter(self._readline, b""):
            self.line += 1
            if len(line) > MAX_ROW:
                while not line.endswith(b"\n") and (line := self._readline()):
                    pass
                yield Record(self.line, b"", [], "ROW_TOO_LONG", ROW_TOO_LONG)
            elif _QUOTE in line:
                yield self._on_one_line(line) or _Quoted(self, line).record()
            elif line.isspace():
                yield Record(self.line, line, [])
            else:
                try:
                    text = line.rstrip(_ENDS).decode()
                except UnicodeDecodeError:
                    yield Record(self.line, line, [], "INVALID_ENCODING", self.undecodable(line))
                else:
                    yield _record(Record, (self.line, line, text.split(delimiter), "", ""))

    def _on_one_line(self, line: bytes) -> Record | None:
        """The quick way, through the standard library, for a record that is a line and has nothing wrong."""
        if line.count(b'"') % 2:
            return None
        try:
            cells = next(csv.reader((line.decode(),), delimiter=self.delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        return Record(self.line, line, cells)

    def undecodable(self, line: bytes) -> str:
        """Say which byte of the line just read is no text; empty if all of it is."""
        return self.source.undecodable(line, start=self.source.stream.tell() - len(line))

    def more(self) -> bytes:
        """Return the next line of a record that goes on; nothing at the end."""
        line = self._readline()
        self.line += bool(line)
        return line

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
                return self._wrong(
                    "UNCLOSED_QUOTE", f"the quote opened on line {opened} is never closed"
                )
            self._take(line)
        after = self._line[self._at + 1 : self._at + 21]
        if after.strip(_ENDS) and not after.startswith(self._delimiter):
            return self._wrong(
                "INVALID_QUOTING",
                f"the quote opened on line {opened} closes on line {self._records.line} before "
                f"{after.decode('utf-8', 'replace')!r}; quotes within a cell must be doubled",
            )
        self._cells.append(cell.replace(b'""', b'"').decode("utf-8", "replace"))
        self._at += 1
        return True

    def _wrong(self, code: str, message: str) -> bool:
        name = self._records.name(len(self._cells))
        self._fault = self._fault or (code, f"{name}: {message}")
        return False
