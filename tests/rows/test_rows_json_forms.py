"""JSONL and JSON: what is a row, what is none, and that the bytes stay what they were."""

from __future__ import annotations

import gc
import io
import json
import re
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_reading import codes, open_bytes, read, texts

from toloka_upload.errors import BadInput
from toloka_upload.rows import Kind, ReadOptions, open_rows

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text('abcdef{}[]",\\ \nя', max_size=5), JSON, max_size=4)
BOTH = pytest.mark.parametrize("format_name", ["jsonl", "json"])


def test_lines_keep_their_bytes_and_their_numbers():
    """`raw` is the line with its end, `text` the object as written, `line` the physical line."""
    lines = [
        b'{"b": 1.10, "a":12345678901234567890123}\n',
        b" \t\r\n",
        b'  {"x":"\xd1\x8f\\u0041"}  \r\n',
        b'{"y":1E2}',
    ]
    rows = read(b"".join(lines))
    assert [row.line for row in rows] == [1, 3, 4]
    assert [row.raw for row in rows] == [lines[0], lines[2], lines[3]]
    assert [row.text for row in rows] == [lines[0].strip(), lines[2].strip(), lines[3]]
    assert rows[0].value == orjson.loads(lines[0])


@BOTH
@pytest.mark.parametrize(
    ("first", "kind", "other"),
    [
        ('{"input_values":{}}', Kind.TASK, '{"tasks":[]}'),
        ('{"input_values":{},"tasks":1}', Kind.TASK, '{"tasks":[]}'),
        ('{"tasks":[]}', Kind.SUITE, '{"input_values":{}}'),
        ('{"a":1}', Kind.FLAT, '{"input_values":{}}'),
        ('{"a":1}', Kind.FLAT, '{"tasks":[]}'),
    ],
)
def test_the_first_good_row_settles_the_kind(format_name, first, kind, other):
    """A later row of another kind is refused, with the line that settled it; its neighbours are not."""
    file = open_bytes(f"{first}\n{other}\n{first}\n".encode(), format=format_name)
    rows = list(file)
    assert file.kind is kind
    assert [codes(row) for row in rows] == [[], [("", "VALUE_NOT_ALLOWED")], []]
    assert "line 1 settled" in rows[1].faults[0].message


def test_a_bad_row_settles_nothing():
    """Only a good row tells what the rows are."""
    file = open_bytes(b'[]\n{"tasks":\n{"a":1}\n{"b":2}\n', format="jsonl")
    assert [bool(row.faults) for row in file] == [True, True, False, False]
    assert file.kind is Kind.FLAT


@BOTH
@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (b'{"a":NaN}', "INVALID_JSON", "column 6.*NaN and Infinity are no JSON"),
        (b'{"a":-Infinity}', "INVALID_JSON", "NaN and Infinity"),
        (b'{"a":"\\ud800"}', "INVALID_JSON", "surrogate"),
        (b'{"a":"\xff"}', "INVALID_JSON", "byte 0xff at byte offset 6"),
        (b'{"a":"\xed\xa0\x80"}', "INVALID_JSON", "byte 0xed"),
        (b"{'a':1}", "INVALID_JSON", "double quotes"),
        (b'{"a":None}', "INVALID_JSON", "writes null"),
        (b'{"a":1,}', "INVALID_JSON", "trailing comma"),
        (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", "INVALID_JSON", "depth"),
        (b'{"a":1e999}', "INVALID_JSON", "column 6"),
        (b"[1,2]", "OBJECT_EXPECTED", "must be a JSON object"),
        (b'"x"', "OBJECT_EXPECTED", "must be a JSON object"),
        (b"null", "OBJECT_EXPECTED", "must be a JSON object"),
        (b"17", "OBJECT_EXPECTED", "must be a JSON object"),
    ],
)
def test_what_is_no_json_object_is_told_with_its_place(format_name, text, code, says):
    """The row is refused with its bytes kept, and the rows around it are read."""
    good = b'{"a":1}'
    parts = (good, text, good)
    data = b"\n".join(parts) if format_name == "jsonl" else b"[" + b",\n".join(parts) + b"]"
    rows = read(data, format=format_name, encoding="utf-8")
    assert [codes(row) for row in rows] == [[], [("", code)], []]
    assert rows[1].line == 2
    assert rows[1].raw == text + b"\n"
    assert rows[1].value == {}
    assert re.search(says, rows[1].faults[0].message)


def test_an_array_read_as_lines_says_how_to_read_it():
    """`--format json` is what the user of a JSON array lacks."""
    for row in read(b'[\n[{"a":1}]\n', format="jsonl"):
        assert "--format json" in row.faults[0].message
    for data in (b'[\n  {"a":1}\n]\n', b'[\n{"a":1}\n]\n', b'{\n  "a": 1\n}\n'):
        with pytest.raises(BadInput, match="JSON over several lines: add --format json"):
            read(data, format="jsonl")


@BOTH
def test_old_web_objects_become_tasks(format_name):
    """Flat `INPUT:` objects of the web interface are tasks; values stay as written, numbers may be strings."""
    row = read(
        b'{"INPUT:image": 1.50, "GOLDEN:result":"x", "HINT:text":"so", "Al:latitude":"55.70", "INPUT:b":[1, 2]}',
        format=format_name,
    )[0]
    assert row.text == (
        b'{"input_values":{"image":1.50,"b":[1, 2]},"known_solutions":[{"output_values":{"result":"x"}}],'
        b'"message_on_unknown_solution":"so"}'
    )
    assert row.outer == {"latitude": b"55.70", "infinite_overlap": b"true"}
    with_overlap = b'{"INPUT:a":1,"GOLDEN:b":1,"TASK:overlap":3}'
    assert read(with_overlap, format=format_name)[0].outer == {"overlap": b"3"}
    bare = b'{"INPUT:a":1,"GOLDEN:b":1}'
    assert read(bare, format=format_name, infinite_golden=False)[0].outer == {}


def test_a_stranger_among_web_keys_is_refused():
    """Where one key is the web interface's, all must be."""
    rows = read(
        b'{"INPUT:a":1}\n{"b":1}\n{"Al:latitude":"north","INPUT:a":1}\n{"input_values":{}}\n'
    )
    assert [codes(row) for row in rows[1:]] == [
        [("b", "VALUE_NOT_ALLOWED")],
        [("latitude", "FLOAT_EXPECTED")],
        [("", "VALUE_NOT_ALLOWED")],
    ]


@BOTH
def test_coordinates_of_a_task_belong_to_its_suite(format_name):
    """Latitude and longitude leave the task's text, strings become numbers, digits stay."""
    data = b'{"latitude":"55.70","input_values":{"a":1.10} ,"longitude":37.60, "overlap":3}'
    row = read(data, format=format_name)[0]
    assert row.text == b'{"input_values":{"a":1.10},"overlap":3}'
    assert row.value == {"input_values": {"a": 1.1}, "overlap": 3}
    assert row.outer == {"latitude": b"55.70", "longitude": b"37.60"}
    wrong = b'{"latitude":"1,5","longitude":[],"input_values":{}}'
    assert codes(read(wrong, format=format_name)[0]) == [
        ("latitude", "FLOAT_EXPECTED"),
        ("longitude", "FLOAT_EXPECTED"),
    ]
    assert read(b'{"latitude":null,"input_values":{}}', format=format_name)[0].outer == {}


@given(st.lists(OBJECTS, max_size=8), st.sampled_from([None, 0, 2]), st.booleans())
def test_a_json_array_gives_the_rows_of_its_lines(objects, indent, ascii_only):
    """Whatever brackets, quotes and breaks are in strings, however it is laid out, an array is its elements."""
    document = json.dumps(objects, indent=indent, ensure_ascii=ascii_only)
    rows = read(document.encode(), format="json")
    assert [row.value for row in rows] == objects
    for row in rows:
        assert b"\n" not in row.text
        assert row.raw == row.text + b"\n"
        assert orjson.loads(row.text) == row.value
    starts = [
        number
        for number, line in enumerate(document.split("\n"), 1)
        if line.strip().startswith("{")
    ]
    if indent == 0 and not any(isinstance(v, dict | list) for o in objects for v in o.values()):
        assert [row.line for row in rows] == starts


@given(st.lists(OBJECTS, max_size=6), st.integers(1, 7))
def test_pieces_do_not_matter(objects, size):
    """Elements are found wherever the pieces in which the input arrives end."""

    class Dripping(io.BytesIO):
        def read1(self, n: int | None = -1, /) -> bytes:
            return super().read1(min(size, n or size))

    document = json.dumps(objects, indent=1, ensure_ascii=False).encode()
    whole = read(document, format="json")
    dripped = list(open_rows("-", ReadOptions(format="json"), None, stdin=Dripping(document)))
    assert dripped == whole


@pytest.mark.parametrize(
    ("document", "rows", "says"),
    [
        (b'[{"a":1}', 1, "found the end of the input"),
        (b'[{"a":1},', 1, "found the end of the input"),
        (b"[", 0, "found the end of the input"),
        (b'[{"a":1},\n{"a":"x', 1, "^-:2: what begins here does not end"),
        (b'[{"a":1},\n]', 1, "^-:2: .*comma"),
        (b'[{"a":1}\n{"a":2}]', 1, "^-:2: expected a comma"),
        (b"[,]", 0, "expected an element"),
        (b"hello", 0, r"expected \[ or \{, found 'hello'"),
        (b'[{"a":1}] x', 1, r"expected \[ or"),
        (b'[{"a":' + b"[" * 20000, 0, "nested deeper"),
    ],
)
def test_a_document_that_is_no_json_is_refused_with_its_line(document, rows, says):
    """A fault of the whole ends the reading: a file that was cut off is never taken for a short one."""
    read_rows = []
    with pytest.raises(BadInput, match=says):
        read_rows.extend(open_bytes(document, format="json"))  # keeps what came before the error
    assert len(read_rows) == rows


def test_json_objects_in_a_row_are_read_like_an_array():
    """So that the rejects of a JSON file, which are JSON Lines, go through the same command."""
    found = texts(b'{"a":1}\n{"a":2} {"a":\n3}[{"a":4}]', format="json")
    assert found == ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}']


@given(
    st.lists(
        OBJECTS.map(json.dumps) | st.sampled_from(["{", "nope", "[]", '{"a":NaN}', '{"a":"']),
        max_size=10,
    )
)
def test_every_line_becomes_one_row(lines):
    """Rows seen are good or refused: none is lost, and together they are the input, byte for byte."""
    data = "".join(line + "\n" for line in lines).encode()
    rows = read(data, format="jsonl")
    assert len(rows) == len(lines)
    assert b"".join(row.raw for row in rows) == data
    again = read(b"".join(row.raw for row in rows if row.faults), format="jsonl")
    assert len(again) == sum(1 for row in rows if row.faults)


def test_reading_lines_costs_little_more_than_parsing_them():
    """Opening, splitting and wrapping a row may cost as much again as parsing it, twice, never more.

    Measured: 0.45 us above the parser's 0.35 us a row of 110 bytes. The bound leaves room for a busy machine.
    """
    line = b'{"image":"https://example.com/images/00000001.jpg","text":"What is in the picture?","n":1}\n'
    data = line * 50_000
    gc.disable()
    try:
        parsing = min(
            _timed(lambda: [None for one in data.splitlines() if not orjson.loads(one)])
            for _ in range(5)
        )
        reading = min(
            _timed(lambda: [None for row in open_bytes(data) if row.faults]) for _ in range(5)
        )
    finally:
        gc.enable()
    assert reading < 3.5 * parsing


def _timed(work):
    start = time.process_time()
    work()
    return time.process_time() - start
