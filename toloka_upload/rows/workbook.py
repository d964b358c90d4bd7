"""What an XLSX archive would cost to load, and what its loader does not tell, read from the archive itself."""

from __future__ import annotations

import html
import io
import posixpath
import re
import zipfile
from collections.abc import Iterator

MAX_ARCHIVE = 256 << 20
"""Most bytes of an XLSX file."""
MAX_UNPACKED = 1 << 30
"""Most bytes of all its parts together, unpacked."""
MAX_CELLS = 16_000_000
"""Most cells of the rectangle that a sheet's filled cells span. Loading takes some 32 bytes for each of them,
filled or not: a lone cell in the last corner of a sheet stands for 17 thousand million."""

_PIECE = 1 << 20
_SHEET = re.compile(r"<(?:[\w.-]+:)?sheet\s([^>]*)>")
_RELATION = re.compile(r"<(?:[\w.-]+:)?Relationship\s([^>]*)>")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_USUAL_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"[^>]*>')
_CELL = re.compile(rb"<(?:[\w.-]+:)?c(?=[\s>/])([^>]*)>")
_PLACE = re.compile(rb"\sr\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_ERROR = re.compile(rb"\st\s*=\s*[\"']e[\"']")


class BadWorkbook(Exception):
    """The archive cannot be loaded, or had better not be. `str()` says why and what to do."""


def check_archive(data: bytes) -> None:
    """Refuse what is no XLSX file, or would unpack to too much.

    Raises:
        BadWorkbook: It is so.
    """
    if len(data) > MAX_ARCHIVE:
        raise BadWorkbook(f"the file is larger than {MAX_ARCHIVE:,} bytes; save it as CSV")
    with _archive(data) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            raise BadWorkbook(
                "this ZIP archive is no XLSX file; unpack it and upload what is in it"
            )
        size = sum(part.file_size for part in archive.infolist())
        if size > MAX_UNPACKED:
            raise BadWorkbook(
                f"it unpacks to {size:,} bytes, more than {MAX_UNPACKED:,}; save it as CSV"
            )


def error_cells(data: bytes, sheet: str) -> set[tuple[int, int]]:
    """Return where a sheet's error cells are (`#DIV/0!`), as row and column from 0: its loader drops them.

    Raises:
        BadWorkbook: The sheet is too large to load, or its cells do not say where they are.
    """
    with _archive(data) as archive:
        part = _part(archive, sheet)
        return set() if _harmless(archive, part) else _look_closely(archive, part, sheet)


def _harmless(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether a quick look sees that a sheet is small enough and has no error cells; it may err to the safe side."""
    rows, columns = 0, set()
    for text in _texts(archive, part):
        found = _USUAL_CELL.findall(text)
        if len(found) != text.count(b"<c") - text.count(b"<co") or b":c" in text:
            return False
        if b'"e"' in text or b"'e'" in text:
            return False
        columns.update({letters for letters, _ in found})
        rows = max(rows, *map(int, {digits for _, digits in found}), 0)
    return rows * (max(map(_column, columns), default=0) + 1) <= MAX_CELLS


def _look_closely(archive: zipfile.ZipFile, part: str, sheet: str) -> set[tuple[int, int]]:
    errors: set[tuple[int, int]] = set()
    rows = columns = 0
    known: dict[bytes, int] = {}
    last = b""
    for text in _texts(archive, part):
        for attributes in _CELL.findall(text):
            if attributes.endswith(b"/"):
                continue
            place = _PLACE.search(attributes)
            if not place:
                raise BadWorkbook(
                    "its cells have no addresses; save it again with a spreadsheet program"
                )
            letters, digits = place.groups()
            if letters not in known:
                known[letters] = _column(letters)
                columns = max(columns, known[letters] + 1)
            if digits != last:
                last, rows = digits, max(rows, int(digits))
            if b"e" in attributes and _ERROR.search(attributes):
                errors.add((int(digits) - 1, known[letters]))
            if rows * columns > MAX_CELLS:
                raise BadWorkbook(
                    f"sheet {sheet!r} reaches to cell {letters.decode()}{int(digits)}, and its {rows:,} rows by "
                    f"{columns:,} columns are more than {MAX_CELLS:,} cells; clear stray cells, or save it as CSV"
                )
    return errors


def _archive(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise BadWorkbook(f"the XLSX file is damaged: {error}") from error


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    try:
        with archive.open(part) as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except Exception as error:  # zipfile lets many kinds through: zlib's, lzma's, its own, KeyError
        raise BadWorkbook(f"the XLSX file is damaged in {part}: {error}") from error


def _texts(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield the text of a part in pieces that cut no tag."""
    rest = b""
    for piece in _pieces(archive, part):
        text = rest + piece
        if b"\0" in piece:
            raise BadWorkbook(f"the XLSX file is damaged in {part}: it is not UTF-8")
        end = text.rfind(b">") + 1
        yield text[:end]
        rest = text[end:]
        if len(rest) > _PIECE:
            raise BadWorkbook(f"the XLSX file is damaged in {part}: a tag that does not end")


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the archive's member that holds a sheet."""
    listed = _tags(archive, "xl/workbook.xml", _SHEET)
    ids = [tag.get("r:id") or _foreign_id(tag) for tag in listed if tag.get("name") == sheet]
    targets = {
        tag.get("Id"): tag.get("Target", "")
        for tag in _tags(archive, "xl/_rels/workbook.xml.rels", _RELATION)
    }
    target = targets.get(ids[0]) if ids else None
    if not target:
        raise BadWorkbook(f"the XLSX file is damaged: it does not say where sheet {sheet!r} is")
    return posixpath.normpath(posixpath.join("xl", target)).lstrip("/")


def _tags(archive: zipfile.ZipFile, part: str, tag: re.Pattern[str]) -> list[dict[str, str]]:
    text = b"".join(_pieces(archive, part)).decode("utf-8", "replace")
    return [
        {
            name: html.unescape(double or single)
            for name, double, single in _ATTRIBUTE.findall(attributes)
        }
        for attributes in tag.findall(text)
    ]


def _foreign_id(tag: dict[str, str]) -> str | None:
    return next((value for name, value in tag.items() if name.endswith(":id")), None)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
