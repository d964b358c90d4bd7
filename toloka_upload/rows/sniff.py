"""What a file seems to be that is no task file, told from its beginning: what it is called, and what to do with it."""

from __future__ import annotations

import re
from typing import NamedTuple

import orjson

HEAD = 512
"""Bytes of a beginning that tell all that can be told from bytes."""


class _Mark(NamedTuple):
    """Bytes that a kind of file has at an offset, and what to say of it."""

    offset: int
    magic: bytes
    what: str


_UNPACK = "unpack it and upload what is in it"
_NO_TEXT = "put pictures and sounds at web addresses, and the addresses into the tasks"
_DUCKDB = "write it as JSON Lines, as in duckdb -c \"copy (from 'x.parquet') to 'x.jsonl'\""
_PANDAS = (
    "write it as JSON Lines, as in pandas: frame.to_json('x.jsonl', orient='records', lines=True)"
)
_MARKS = (
    _Mark(0, b"\xd0\xcf\x11\xe0", "an old Excel file, or one with a password: save it as .xlsx without one, or as CSV"),
    _Mark(0, b"PK\x05\x06", "an empty ZIP archive"),
    _Mark(0, b"PAR1", f"a Parquet file: {_DUCKDB}"),
    _Mark(0, b"ARROW1", f"an Arrow (Feather) file: {_PANDAS}"),
    _Mark(0, b"FEA1", f"a Feather file: {_PANDAS}"),
    _Mark(0, b"\xff\xff\xff\xff", f"an Arrow stream: {_PANDAS}"),
    _Mark(0, b"Obj\x01", f"an Avro file: {_PANDAS}"),
    _Mark(0, b"ORC", f"an ORC file: {_PANDAS}"),
    _Mark(0, b"\x89HDF", f"an HDF5 file: {_PANDAS}"),
    _Mark(0, b"\x93NUMPY", f"a NumPy file: {_PANDAS}"),
    _Mark(0, b"\x80\x04\x95", f"a Python pickle: {_PANDAS}"),
    _Mark(0, b"\x80\x05\x95", f"a Python pickle: {_PANDAS}"),
    _Mark(0, b"SQLite f", "an SQLite database: write the table as CSV, with sqlite3 -header -csv"),
    _Mark(0, b"%PDF", "a PDF: it has no rows"),
    _Mark(0, b"{\\rtf", "a text document (RTF): save the table in it as CSV"),
    _Mark(257, b"ustar", f"a tar archive: {_UNPACK}"),
    _Mark(0, b"7z\xbc\xaf", f"a 7-Zip archive: {_UNPACK}"),
    _Mark(0, b"Rar!", f"a RAR archive: {_UNPACK}"),
    _Mark(0, b"\x89PNG", f"a PNG picture: {_NO_TEXT}"),
    _Mark(0, b"\xff\xd8\xff", f"a JPEG picture: {_NO_TEXT}"),
    _Mark(0, b"GIF8", f"a GIF picture: {_NO_TEXT}"),
    _Mark(0, b"RIFF", f"a WebP picture, or a sound or film: {_NO_TEXT}"),
    _Mark(4, b"ftyp", f"a film or a picture (MP4, HEIC): {_NO_TEXT}"),
    _Mark(0, b"ID3", f"a sound (MP3): {_NO_TEXT}"),
    _Mark(0, b"OggS", f"a sound (Ogg): {_NO_TEXT}"),
    _Mark(0, b"fLaC", f"a sound (FLAC): {_NO_TEXT}"),
    _Mark(0, b"\x7fELF", "a program"),
    _Mark(0, b"MZ\x90", "a program"),
    _Mark(0, b"version https://git-lfs", "not the file itself but a Git LFS pointer to it: run git lfs pull"),
)  # fmt: skip
_PARTS = {
    "content.xml": "an OpenDocument file (ODS): save it as .xlsx or CSV",
    "word/document.xml": "a Word document (DOCX): save the table in it as .xlsx or CSV",
    "ppt/presentation.xml": "a PowerPoint presentation (PPTX): it has no rows",
    "xl/workbook.bin": "a binary workbook (XLSB): save it as .xlsx or CSV",
    "Index/Document.iwa": "a Numbers or Pages document: export it as .xlsx or CSV",
}
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|div|p|script)\b", re.IGNORECASE)
_MARKUP = re.compile(rb"<(?:\?xml\b|!--|[A-Za-z_][\w.:-]*(?:\s|/?>))")
_PRETTY = re.compile(rb'\[\s*\n\s*\{|\{\s*\n\s+"')
_FEW = 10
"""More than one byte in so many makes it no text."""
_ENOUGH = 16
"""Bytes that are enough to say so."""
_TABLES = ("csv", "tsv")


def binary_file(head: bytes) -> str:
    """Say what kind of binary file begins so; empty if it is none that is known."""
    for offset, magic, what in _MARKS:
        if head.startswith(magic, offset):
            return what
    return ""


def archive(names: list[str]) -> str:
    """Say what a ZIP archive with these members seems to be, other than a workbook."""
    for part, what in _PARTS.items():
        if part in names:
            return what
    if not names:
        return "an empty ZIP archive"
    return f"a ZIP archive with {names[0][:60]!r} in it: {_UNPACK}"


def text_file(head: bytes, format_name: str) -> str:
    """Say what a text begins with that is not of the format it was taken for; empty if nothing speaks against it.

    Args:
        head: The first line, or the first 64 KiB, without byte order mark.
        format_name: The format that its name or content suggests.
    """
    start = head.lstrip()
    line = start.split(b"\n", 1)[0].rstrip()
    if len(head) >= _ENOUGH and head.count(b"\0") * _FEW > len(head):
        return "no text: it has NUL bytes (text of UTF-16 needs --encoding utf-16-le)"
    if _HTML.match(start):
        return "HTML, a web page: was it saved in place of the file, or is a login needed to download it?"
    if _MARKUP.match(start):
        return "XML: convert it to JSON Lines or CSV"
    if line.count(b"\r") and format_name == "jsonl" and is_json(line.split(b"\r", 1)[0]):
        return "JSON Lines with the line ends of an old Mac: save it with others"
    if format_name in _TABLES and start[:1] in (b"{", b"["):
        kind = "jsonl" if line[:1] == b"{" and is_json(line) else "json"
        return f"JSON, and no table: add --format {kind}, or name it .{kind}"
    if format_name == "jsonl" and _PRETTY.match(start):
        return "JSON over several lines: add --format json, or name it .json"
    if format_name == "jsonl" and _looks_like_header(line):
        kind = "tsv" if b"\t" in line else "csv"
        return f"a table, and no JSON Lines: add --format {kind}, or name it .{kind}"
    return ""


def is_json(line: bytes) -> bool:
    """Whether a line is one JSON value."""
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _looks_like_header(line: bytes) -> bool:
    """Whether a line that is no JSON looks like the names of columns."""
    delimiters = line.count(b",") + line.count(b"\t") + line.count(b";")
    return bool(delimiters) and not re.search(rb"[{}\[\]]", line) and not is_json(line)
