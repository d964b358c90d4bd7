"""The likely fix, told from what a value looks like; what stands in the file, and a caret under it."""

from __future__ import annotations

import pytest
from rows_reading import read

from toloka_upload.check import Spec
from toloka_upload.errors import BadInput
from toloka_upload.text import fault_line, pointed


@pytest.mark.parametrize(
    ("kind", "cell", "fix"),
    [
        ("integer", "#N/A", "a spreadsheet's error: leave it empty instead"),
        ("float", "#DIV/0!", "a spreadsheet's error"),
        ("integer", "N/A", "for no value, leave it empty or out"),
        ("boolean", "nan", "for no value, leave it empty or out"),
        ("boolean", "yes", "write true or false"),
        ("boolean", "1", "write true or false"),
        ("integer", "+7", "without quotes or a plus sign"),
        ("integer", "1,000", "write the digits without separators"),
        ("float", "1 000 000", "write the digits without separators"),
        ("float", "0,5", "write a point in place of the comma"),
        ("float", "50%", "without the per cent sign"),
        ("float", "$5.00", "without the currency"),
        ("integer", "2024-05-01", "this is a date"),
        ("json", "{'a': 1}", "JSON wants double quotes"),
        ("json", "{“a”: 1}", "curly quotes"),
    ],
)
def test_a_cell_that_cannot_be_its_type_says_the_likely_fix(kind, cell, fix):
    """The value stands in the message, and what to write in its place."""
    quoted = '"' + cell.replace('"', '""') + '"'
    (row,) = read(f"{kind}\n{quoted}\n".encode(), format="csv")
    assert fix in row.faults[0].message
    assert cell in row.faults[0].message


@pytest.mark.parametrize(
    ("kind", "value", "fix"),
    [
        ("url", "no url", 'not "no url"'),
        ("url", "example.com/1.jpg", "add https:// in front"),
        ("url", "photo.jpg", "put it at a web address"),
        ("url", "C:\\photos\\1.jpg", "put it at a web address"),
        ("url", "/home/me/1.jpg", "put it at a web address"),
        ("url", "s3://bucket/1.jpg", "give an https:// address"),
        ("url", "“https://a/1.jpg”", "remove what stands before the address"),
        ("string", 5, 'write it in quotes: "5"'),
        ("integer", "7", "without quotes"),
        ("boolean", "true", "without quotes"),
        ("boolean", 1, "write true or false"),
    ],
)
def test_a_value_that_the_project_does_not_take_says_the_likely_fix(kind, value, fix):
    """The same table serves rows of JSON."""
    check = Spec.compile({"input_spec": {"x": {"type": kind}}}).check_input
    (fault,) = check({"x": value})
    assert fix in fault.message


@pytest.mark.parametrize(
    ("text", "hint", "below"),
    [
        (b'{"a": 1,}', "remove the comma at the end", ['{"a": 1,}', "       ^"]),
        ("{“a”: 1}".encode(), "curly quotes", ["{“a”: 1}", " ^"]),
        (b"{'a': 1}", "double quotes", ["{'a': 1}", " ^"]),
        (b'{"a": NaN}', "write null", ['{"a": NaN}']),
        (b'{"a": True}', "null, true and false", ['{"a": True}']),
    ],
)
def test_a_line_that_is_no_json_is_shown_with_a_caret(text, hint, below):
    """Where the parser stopped, and the likely fix."""
    (row,) = read(text + b"\n", None, format="jsonl", encoding="utf-8")
    first, *rest = row.faults[0].message.split("\n")
    assert hint in first
    assert rest[0] == below[0]
    assert rest[1].strip() == "^"
    assert abs(len(rest[1]) - len(below[-1])) <= 2 or len(below) == 1


def test_the_lines_below_are_harmless_to_a_terminal():
    """They are text from a file: at most two, with what would move the cursor made plain."""
    told = fault_line("a", 1, "", "CODE", "first\nsec\x1bond\nthird\nfourth")
    assert told == "a:1: CODE: first\n    sec\\x1bond\n    third\\nfourth"
    assert pointed("日本\tx", 3) == "日本 x\n     ^"


def test_a_header_that_is_none_says_what_is_missing():
    """A row in place of the header, a title above it, a prefix forgotten."""
    for data, says in (
        (b"https://a/1,x\nhttps://a/2,y\n", "is there no header"),
        (b"INPUT:image,text\nhttps://a/2,y\n", "is it 'INPUT:text'?"),
    ):
        with pytest.raises(BadInput, match=says.replace("?", r"\?")):
            read(data, format="csv")
    (row,) = read(b"My tasks\nx,y\n", None, format="csv")
    assert "a title above it?" in row.faults[0].message


def test_an_export_of_label_studio_is_known():
    """Its tasks stand in `data`."""
    check = Spec.compile({"input_spec": {"image": {"type": "url"}}}).check_input
    assert "jq -c '.[].data'" in check({"id": 1, "data": {}})[1].message
