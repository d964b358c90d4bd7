"""The same two rows in every format, delimiter, compression and encoding are the same tasks, byte for byte."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import sys

import pytest
from make_xlsx import xlsx
from rows_reading import SPEC, open_bytes

from toloka_upload.rows import Kind, Row

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AWKWARD = 'a comma, "quotes", a\ttab, a\nbreak, a; semicolon, щи, \\ and 😀'
FIRST = {
    "string": AWKWARD,
    "url": "https://example.com/?a=1,2;3",
    "integer": 12345678901234567890,
    "float": 1.5,
    "boolean": True,
    "json": {"a": [1, "x, y"], "b": {"щ": None}},
    "coordinates": "55.7,37.6",
    "array_string": ["a,b", 'say "hi"', "😀"],
    "array_integer": [1, 2],
}
SECOND = {"string": "plain", "integer": 0, "array_json": [{"a": 1}, {"b": [2]}]}
COLUMNS = [*FIRST, "array_json"]
GOLDEN = {"result": "да, да", "count": 3}
PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}


def compact(value: object) -> str:
    """JSON as compact as it can be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def tasks() -> list[dict[str, object]]:
    """The two rows as API tasks."""
    return [
        {
            "input_values": FIRST,
            "known_solutions": [{"output_values": GOLDEN}],
            "message_on_unknown_solution": "so",
        },
        {"input_values": SECOND},
    ]


def flat_keys() -> list[dict[str, object]]:
    """The two rows in the web interface's old JSON form."""
    first = {f"INPUT:{key}": value for key, value in FIRST.items()}
    first |= {f"GOLDEN:{key}": value for key, value in GOLDEN.items()}
    return [first | {"HINT:text": "so"}, {f"INPUT:{key}": value for key, value in SECOND.items()}]


def cell(value: object) -> str:
    """A value as people write it into a cell."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join('"' + item.replace('"', '""') + '"' for item in value)
    if isinstance(value, list):
        return compact(value)[1:-1]
    return value if isinstance(value, str) else compact(value)


def table() -> list[list[str]]:
    """The two rows as a table with the web interface's columns."""
    header = (
        [f"INPUT:{name}" for name in COLUMNS]
        + [f"GOLDEN:{name}" for name in GOLDEN]
        + ["HINT:text"]
    )
    first = [cell(FIRST[name]) if name in FIRST else "" for name in COLUMNS]
    second = [cell(SECOND[name]) if name in SECOND else "" for name in COLUMNS]
    return [header, [*first, *map(cell, GOLDEN.values()), "so"], [*second, "", "", ""]]


def separated(delimiter: str, end: str = "\n") -> str:
    """The table as a CSV writer writes it."""
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, lineterminator=end).writerows(table())
    return held.getvalue()


TEXTS = {
    "jsonl": "".join(compact(task) + "\n" for task in tasks()),
    "jsonl, CRLF": "".join(compact(task) + "\r\n\r\n" for task in tasks()),
    "json": compact(tasks()),
    "json, lines": "[\n" + ",\n".join(compact(task) for task in tasks()) + "\n]\n",
    "jsonl, old": "".join(compact(row) + "\n" for row in flat_keys()),
    "json, old": compact(flat_keys()),
    "csv": separated(","),
    "csv, CRLF": separated(",", "\r\n"),
    "csv, semicolons": separated(";"),
    "csv, tabs": separated("\t"),
    "tsv": separated("\t"),
}


def rows_of(data: bytes, **options: object) -> list[Row]:
    """All rows, each of them good."""
    file = open_bytes(data, SPEC, **options)
    rows = list(file)
    assert file.kind is Kind.TASK
    assert [row.faults for row in rows] == [(), ()]
    return rows


EXPECTED = [compact(task).encode() for task in tasks()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("form", TEXTS)
def test_the_same_rows_in_every_form_are_the_same_tasks(form, packer, encoding):
    """Format told or given, encoding named where it must be: `text` is the compact JSON of the task."""
    format_name = form.split(",")[0]
    data = PACKERS[packer](TEXTS[form].encode(encoding))
    named = None if encoding.startswith("utf-8") else encoding
    rows = rows_of(data, format=format_name, encoding=named)
    assert [row.text for row in rows] == EXPECTED
    assert [row.value for row in rows] == tasks()
    told = format_name in ("csv", "tsv") or "old" in form
    assert [dict(row.outer) for row in rows] == (
        [{"infinite_overlap": b"true"}, {}] if told else [{}, {}]
    )


def test_the_same_rows_in_a_sheet_are_the_same_tasks():
    """As text cells throughout, and with numbers and truth values where a spreadsheet has them."""
    as_text = xlsx(table())
    header, first, second = table()
    typed = [{"1.5": 1.5, "true": True, "0": 0}.get(value, value) for value in first]
    for data in (as_text, xlsx([header, typed, second]), gzip.compress(as_text)):
        assert [row.text for row in rows_of(data)] == EXPECTED


def test_the_layout_of_json_changes_white_space_only():
    """A pretty-printed array is the same values; line breaks and indents are not sent."""
    rows = rows_of(json.dumps(tasks(), indent=4, ensure_ascii=False).encode(), format="json")
    assert [row.value for row in rows] == tasks()
    assert [json.loads(row.text) for row in rows] == tasks()
    assert all(b"\n" not in row.text and b"  " not in row.text for row in rows)
