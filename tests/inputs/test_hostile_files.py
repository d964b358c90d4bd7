"""Hostile files: a status that says what is wrong, at file and line; no traceback, no hang.

What they cost is measured by the readers' own tests (`tests/rows/test_rows_hostile.py`).
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from input_runs import Service, upload
from make_xlsx import cell, sheet_xml, workbook, xlsx

from toloka_upload.report.observer import RowRejected
from toloka_upload.text import fault_line

URL = "https://example.com/"
BOM = b"\xef\xbb\xbf"
FAR = sheet_xml([["image"]]).replace("</row>", cell("XFD1048576", "x") + "</row>")

BAD: dict[str, tuple[bytes, str]] = {
    "columns.csv": (
        b",".join(b"%d" % n for n in range(250_000)) + b"\n",
        ":1: the header is longer",
    ),
    "columns.tsv": (
        b"\t".join(b"c%d" % n for n in range(20_000)) + b"\n",
        ":1: the header has 20000",
    ),
    "cells.csv": (b"image\n" + b"," * 1_000_000 + b"x\n", ":2: WRONG_CELL_COUNT"),
    "quote.csv": (b'image,text\nx,"never closed\n\n', ":2: UNCLOSED_QUOTE"),
    "header.csv": (b'"image\n', ":1: the header"),
    "doubled.csv": (b"a,b,a\n1,2,3\n", "column 3 'a'"),
    "index.csv": (b",image\n0,x\n", "index=False"),
    "prefix.csv": (b"INPUT:image,text\nx,y\n", "column 2 'text'"),
    "bytes.csv": (
        b"image,text\n" + URL.encode() + b",\xff\n",
        ":2: byte 0xff at byte offset 32 is not UTF-8",
    ),
    "bytes.jsonl": (b'{"image": "\xc3"}\n', ":1: byte 0xc3 at byte offset 11 is not UTF-8"),
    "wide.csv": ("image\nщ\n".encode("utf-16"), ":1: the text is UTF-16"),
    "nul.jsonl": (b"\0" * 100, ": this seems to be no text"),
    "deep.jsonl": (b'{"a":' * 100_000 + b"\n", ":1: INVALID_JSON"),
    "deep.json": (b"[" * 100_000, ":1: "),
    "surrogate.jsonl": (rb'{"image": "\ud800"}', ":1: INVALID_JSON"),
    "nan.jsonl": (b'{"image": NaN}\n', ":1: INVALID_JSON"),
    "cut.json": (b'[{"image": "https://e.com"},\n', ":2: "),
    "cut.jsonl.gz": (gzip.compress(b"\n\n\n" * 999)[:-9], "the gzip data ends too early"),
    "keys.jsonl": (
        b"{" + b",".join(b'"%d":1' % n for n in range(99_999)) + b"}",
        ":1: input_values.image",
    ),
    "none.xlsx": (b"", "none.xlsx: "),
    "no-zip.xlsx": (b"PK\x03\x04", "no-zip.xlsx: "),
    "far.xlsx": (workbook({"Sheet1": FAR}), "XFD1048576"),
    "double.xlsx": (xlsx([["image", "image"], ["x", "y"]]), ":1: column B 'image'"),
}
EMPTY: dict[str, bytes] = {
    "empty.jsonl": b"",
    "empty.json": b"",
    "empty.csv": b"",
    "empty": b"",
    "mark.csv": BOM,
    "mark.jsonl": BOM,
    "mark.json": BOM,
    "header.csv": b"image,text\n",
    "header.tsv": BOM + b"image\ttext\r\n",
    "header.xlsx": xlsx([["image"]]),
    "sheet.xlsx": xlsx([]),
    "array.json": b" [ ] ",
    "packed.jsonl.gz": gzip.compress(b""),
    "blank.jsonl": b"\n" * 10_000,
    "commas.csv": b"image,text\n" + b",\n" * 10_000,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told_with_its_place(name: str, service: Service, tmp_path: Path) -> None:
    """Exit 65, one line for each fault: the file's name, the line, what is wrong; never the whole of what is wrong."""
    data, says = BAD[name]
    Path(name).write_bytes(data)
    run = upload(service, tmp_path / "state", name)
    assert (run.exit, service.bodies) == (65, [])
    assert run.report.error is not None
    told = [
        fault_line(event.file, event.line, event.field, event.code, event.message)
        for event in run.told
        if isinstance(event, RowRejected)
    ] or [run.report.error.message]
    assert told[0].startswith(f"{name}:")
    assert says in told[0]
    assert max(map(len, told)) < 1000
    assert len(told) <= 101


@pytest.mark.parametrize("name", EMPTY)
def test_a_file_without_rows_is_nothing_to_do(name: str, service: Service, tmp_path: Path) -> None:
    """Exit 0, and a warning: an export that failed looks like this."""
    Path(name).write_bytes(EMPTY[name])
    run = upload(service, tmp_path / "state", name)
    assert (run.exit, run.counts) == (0, {})
    assert "There are no rows in the input." in run.warnings


@pytest.mark.parametrize("name", ["quote.csv", "deep.json", "none.xlsx"])
def test_the_command_line_says_it_in_one_line(name: str) -> None:
    """On standard error, without a traceback; standard output has the summary only."""
    data, says = BAD[name]
    Path(name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-m", "toloka_upload", "--env", "local", "--pool", "21", name],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 65
    assert [line for line in done.stderr.splitlines() if name in line and says in line]
    assert "Traceback" not in done.stderr + done.stdout
