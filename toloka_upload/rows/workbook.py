"""An XLSX file: a ZIP archive of XML parts. Which sheets it has, its texts and number formats; read with bounds.

Small parts are parsed whole. The large ones, a sheet's rows and the shared texts, are cut at each element's end tag
(`Elements`): what looks as spreadsheet programs write it is taken by a regular expression, and the rest is parsed by
expat, one element at a time. So no part is ever held, but for the bytes of the shared texts.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from array import array
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

from toloka_upload.rows import sniff
from toloka_upload.rows.number_formats import known

MAX_ARCHIVE = 256 << 20
"""Most bytes of an XLSX file."""
MAX_UNPACKED = 1 << 30
"""Most bytes of all its parts together, unpacked."""
MAX_TEXTS = 512 << 20
"""Most bytes of the part with the shared texts, which is held in memory."""
MAX_PART = 16 << 20
"""Most bytes of a part that is parsed whole: the list of sheets, the number formats."""
MAX_ELEMENT = 32 << 20
"""Most bytes of one row, or of one shared text."""

_PIECE = 1 << 18
_OFFICE = "/officeDocument"
_DECLARED = re.compile(rb"""<\?xml[^>]*\bencoding\s*=\s*["']([\w.-]+)["']""")
_UTF_8 = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class BadWorkbook(Exception):
    """The file cannot be used. `str()` says why and what to do; `code` is the explanation's."""

    def __init__(self, message: str, code: str = "DAMAGED_FILE") -> None:
        super().__init__(message)
        self.code = code


class SheetPart(NamedTuple):
    """A sheet of the workbook: its name, the archive's part that holds it, whether people see it."""

    name: str
    part: str
    hidden: bool


class Book:
    """An opened workbook.

    Attributes:
        sheets: Its sheets of cells, in order; charts are left out.
        formats: The number format of each style, by its index.
        since_1904: Dates are counted from 1904 instead of 1900.
        uncomputed: The program that wrote the file computed no formulas, and asks for it.
    """

    def __init__(self, data: bytes) -> None:
        """Look into an archive.

        Raises:
            BadWorkbook: It is no XLSX file, is damaged, or would unpack to too much.
        """
        if len(data) > MAX_ARCHIVE:
            raise BadWorkbook(
                f"the file is larger than {MAX_ARCHIVE:,} bytes; save it as CSV", "FILE_TOO_LARGE"
            )
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise BadWorkbook(f"the XLSX file is damaged: {error}") from error
        self._sizes = {part.filename: part.file_size for part in self._archive.infolist()}
        self._admit()
        main = self._main_part()
        workbook = self._parsed(main)
        related = self._related(main)
        self.sheets = list(_sheets(workbook, related))
        properties, calculation = find(workbook, "workbookPr"), find(workbook, "calcPr")
        self.since_1904 = properties is not None and is_true(properties.get("date1904"))
        self.uncomputed = calculation is not None and is_true(calculation.get("fullCalcOnLoad"))
        self.formats = self._formats(_one_of(related, "/styles"))
        self._texts_part = _one_of(related, "/sharedStrings")

    def _admit(self) -> None:
        size = sum(self._sizes.values())
        if size > MAX_UNPACKED:
            raise BadWorkbook(
                f"it unpacks to {size:,} bytes, more than {MAX_UNPACKED:,}; save it as CSV",
                "FILE_TOO_LARGE",
            )
        if any(part.flag_bits & 1 for part in self._archive.infolist()):
            raise BadWorkbook("it has a password: save it without one, or as CSV")

    def texts(self) -> Texts:
        """The texts that cells refer to by number."""
        if self._texts_part is None:
            return Texts()
        if self._sizes.get(self._texts_part, 0) > MAX_TEXTS:
            raise BadWorkbook(
                f"its texts are more than {MAX_TEXTS:,} bytes; save it as CSV", "FILE_TOO_LARGE"
            )
        return Texts(Elements(self, self._texts_part, "sst", "si"))

    def pieces(self, part: str) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        try:
            with self._archive.open(part) as stream:
                while piece := stream.read(_PIECE):
                    yield piece
        except (
            Exception
        ) as error:  # zipfile lets many kinds through: zlib's, lzma's, its own, KeyError
            raise BadWorkbook(f"the XLSX file is damaged in {part}: {error}") from error

    def _main_part(self) -> str:
        """The part that lists the sheets."""
        named = _one_of(self._related(""), _OFFICE) if "_rels/.rels" in self._sizes else None
        main = named or "xl/workbook.xml"
        if main not in self._sizes or not self._is_workbook(main):
            what = sniff.archive(list(self._sizes))
            raise BadWorkbook(f"this seems to be {what}", "NOT_A_TASK_FILE")
        return main

    def _is_workbook(self, main: str) -> bool:
        return local_name(self._parsed(main).tag) == "workbook"

    def _related(self, part: str) -> list[tuple[str, str, str]]:
        """Id, type and target of what a part refers to."""
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        if listed not in self._sizes:
            return []
        return [
            (
                relation.get("Id", ""),
                relation.get("Type", ""),
                posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip(
                    "/"
                ),
            )
            for relation in self._parsed(listed)
        ]

    def _formats(self, part: str | None) -> list[str]:
        if part is None or part not in self._sizes:
            return []
        styles = self._parsed(part)
        codes = {
            code.get("numFmtId"): code.get("formatCode", "")
            for code in (find(styles, "numFmts") or ())
        }
        used = [style.get("numFmtId", "0") for style in (find(styles, "cellXfs") or ())]
        return [codes.get(number) or known(number) for number in used]

    def _parsed(self, part: str) -> ET.Element:
        """Parse a small part."""
        if self._sizes.get(part, 0) > MAX_PART:
            raise BadWorkbook(f"{part} is larger than {MAX_PART:,} bytes", "FILE_TOO_LARGE")
        text = b"".join(self.pieces(part))
        if b"<!DOCTYPE" in text:
            raise BadWorkbook(f"the XLSX file is damaged in {part}: it declares a document type")
        return parsed(text, part)


class Elements:
    """The elements of one kind in a large part, as their texts.

    Attributes:
        part: The part's name.
        prefix: The namespace prefix of its tags, with its colon, or nothing.
        head: What stands before the elements.
    """

    def __init__(self, book: Book, part: str, root: str, name: str, parent: str = "") -> None:
        """Read up to the first element.

        Args:
            book: Where the part is.
            part: Its name.
            root: The name of its root element.
            name: That of the elements.
            parent: That of the element around them, if it is not the root.

        Raises:
            BadWorkbook: It does not begin as it must.
        """
        self.part, self._rest = part, book.pieces(part)
        found = self._search(b"", rb"<((?:[\w.-]+:)?)%b(?=[\s/>])[^<>]*>" % root.encode())
        prefix = found[1]
        self.prefix, self._root, self._root_end = (
            prefix.decode(),
            found[0],
            b"</%b%b>" % (prefix, root.encode()),
        )
        if parent and not found[0].endswith(b"/>"):
            inner = rb"<%b%b(?=[\s/>])[^<>]*>" % (prefix, parent.encode())
            found = self._search(found.string, inner)
        self.head = found.string[: found.end()]
        self._empty = found[0].endswith(b"/>")
        self._text = found.string[found.end() :]
        self._end = b"</%b%b>" % (prefix, name.encode())
        self._close = b"</%b%b" % (prefix, (parent or root).encode())

    def _search(self, text: bytes, tag: bytes) -> re.Match[bytes]:
        """Read on until a tag is found."""
        opening = re.compile(tag)
        while not (found := opening.search(text)):
            piece = next(self._rest, b"")
            if not piece or len(text) > MAX_PART:
                raise self.damaged("it is not UTF-8" if b"\0" in text else "there is nothing in it")
            text += piece
        declared = _DECLARED.search(text[:200])
        if declared and declared[1].lower() not in _UTF_8:
            raise self.damaged("it is not UTF-8")
        return found

    def __iter__(self) -> Iterator[bytes]:
        """Yield the elements' texts; one text may hold several, of which only the last has content.

        Raises:
            BadWorkbook: The part is damaged, or an element is too long.
        """
        held = self._text
        while not self._empty:
            *found, held = held.split(self._end)
            for text in found:
                yield text + self._end
            last, closing, _ = held.partition(self._close)
            if closing:
                if last.strip():
                    yield last
                return
            if len(held) > MAX_ELEMENT:
                raise self.damaged(f"an element is longer than {MAX_ELEMENT:,} bytes")
            piece = next(self._rest, b"")
            if not piece:
                raise self.damaged("it was cut off")
            held += piece

    def parse(self, text: bytes) -> ET.Element:
        """Parse a text that was yielded; the elements are the children of what is returned."""
        return parsed(self._root + text + self._root_end, self.part)

    def damaged(self, why: str) -> BadWorkbook:
        """The error for a part that is not as it must be."""
        return BadWorkbook(f"the XLSX file is damaged in {self.part}: {why}")


class Texts:
    """The shared texts, kept as their bytes and decoded when a cell wants one."""

    def __init__(self, elements: Elements | None = None) -> None:
        self._bytes = bytearray()
        self._ends = array("q", [0])
        if elements is None:
            return
        usual = re.compile(
            rb'<%bsi><%bt(?: xml:space="preserve")?>([^<&\r]*)</%bt></%bsi>'
            % ((elements.prefix.encode(),) * 4)
        )
        for text in elements:
            if found := usual.fullmatch(text):
                self._add(found[1])
            else:
                for element in elements.parse(text):
                    self._add(text_of(element).encode("utf-8", "replace"))

    def _add(self, text: bytes) -> None:
        self._bytes += text
        self._ends.append(len(self._bytes))

    def __getitem__(self, index: int) -> str:
        """The text of that number; IndexError if there is none."""
        if index < 0:
            raise IndexError(index)
        text = self._bytes[self._ends[index] : self._ends[index + 1]].decode("utf-8", "replace")
        return unescaped(text) if "_x" in text else text


def text_of(element: ET.Element) -> str:
    """The text of a shared or an inline text: its runs together, without how it is pronounced."""
    parts = []
    for child in element:
        name = local_name(child.tag)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts += [run.text or "" for run in child if local_name(run.tag) == "t"]
    return "".join(parts)


def unescaped(text: str) -> str:
    """Text with the escapes that XLSX has for characters which XML has not, as in `_x000D_`."""
    return _ESCAPED.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    point = int(match[1], 16)
    return match[0] if 0xD800 <= point < 0xE000 else chr(point)


def parsed(text: bytes, part: str) -> ET.Element:
    """Parse XML.

    Raises:
        BadWorkbook: It is none.
    """
    try:
        return ET.fromstring(text)  # noqa: S314  # no document type gets here, so no entities
    except (ET.ParseError, ValueError, LookupError) as error:
        raise BadWorkbook(f"the XLSX file is damaged in {part}: {error}") from error


def local_name(tag: str) -> str:
    """A tag's name without its namespace: there are two, of the first edition and of the strict one."""
    return tag.rpartition("}")[2]


def find(element: ET.Element, name: str) -> ET.Element | None:
    """The first child of that name."""
    return next((child for child in element if local_name(child.tag) == name), None)


def is_true(value: str | None) -> bool:
    """Whether an attribute says so."""
    return value in ("1", "true", "on")


def _sheets(workbook: ET.Element, related: list[tuple[str, str, str]]) -> Iterator[SheetPart]:
    targets = {name: (kind, target) for name, kind, target in related}
    for sheet in find(workbook, "sheets") or ():
        link = next((value for key, value in sheet.items() if local_name(key) == "id"), "")
        kind, target = targets.get(link, ("", ""))
        if kind.endswith("/worksheet"):
            yield SheetPart(
                sheet.get("name", ""), target, sheet.get("state", "visible") != "visible"
            )


def _one_of(related: list[tuple[str, str, str]], kind: str) -> str | None:
    return next((target for _, named, target in related if named.endswith(kind)), None)
