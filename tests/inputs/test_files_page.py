"""What `docs/files.md` says of limits, and its way from a data frame to a file, is true."""

from __future__ import annotations

import re
from pathlib import Path

from toloka_upload.check.faults import MOST_FAULTS
from toloka_upload.items.chunks import MOST_INPUT_BYTES, MOST_OUTPUT_BYTES
from toloka_upload.rows.columns import MAX_COLUMNS
from toloka_upload.rows.delimited import MAX_HEADER
from toloka_upload.rows.source import MAX_ROW
from toloka_upload.rows.workbook import MAX_ARCHIVE, MAX_TEXTS, MAX_UNPACKED

PAGE = (Path(__file__).parents[2] / "docs/files.md").read_text("utf-8")
LIMITS = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.partition("## Limits")[2], re.M))


def test_the_limits_of_the_page_are_those_of_the_program() -> None:
    """Row by row."""
    told = {name.split(" ")[0]: text for name, text in LIMITS.items()}
    assert told["Input"] == f"{MOST_INPUT_BYTES:,} and {MOST_OUTPUT_BYTES:,} bytes"
    assert told["One"] == f"{MAX_ROW:,} bytes"
    assert told["The"] == f"{MAX_HEADER:,} bytes, {MAX_COLUMNS:,} columns"
    assert told["An"] == f"{MAX_ARCHIVE >> 20} MiB, {MAX_UNPACKED >> 30} GiB, {MAX_TEXTS >> 20} MiB"
    assert f"up to {MOST_FAULTS} a row" in PAGE
