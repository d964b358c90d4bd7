"""Parquet: typed cells reach the API as what they are, and rejected rows come back as JSON Lines."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_reading import SPEC, codes, open_bytes, read, texts

from toloka_upload.errors import BadInput
from toloka_upload.rows import ReadOptions, open_rows

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    """A file of columns."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def one(column: Any, name: str = "x", spec: Any = None) -> str:
    """The JSON of the only cell of a column."""
    (text,) = texts(parquet({name: column}), spec)
    return text.removeprefix(f'{{"input_values":{{"{name}":').removesuffix("}}")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([7]), "7"),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        (pa.array([0.1]), "0.1"),
        (pa.array([5.0]), "5.0"),
        (pa.array(["007"]), '"007"'),
        (pa.array([""]), '""'),
        (pa.array(['ключ "q"']), '"ключ \\"q\\""'),
        (pa.array([True]), "true"),
        (pa.array([Decimal("1.10")]), "1.10"),
        (pa.array([[1, None, 3]]), "[1,null,3]"),
        (pa.array([{"a": [Decimal("2.50")], "b": None}]), '{"a":[2.50],"b":null}'),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), '{"k":1}'),
        (pa.array([dt.date(2026, 1, 2)]), '"2026-01-02"'),
        (pa.array([1], pa.timestamp("ns")), '"1970-01-01T00:00:00.000000001"'),
        (pa.array([5], pa.timestamp("ms", "UTC")), '"1970-01-01T00:00:00.005Z"'),
        (pa.array([b"text"]), '"text"'),
        (pa.array(["a"]).dictionary_encode(), '"a"'),
    ],
)
def test_a_value_is_sent_as_what_it_is(column: Any, text: str) -> None:
    """Without a spec, types of the file decide; digits and the precision of times are kept."""
    assert one(column) == text


@pytest.mark.parametrize(
    ("field", "column", "text"),
    [
        ("string", pa.array([7]), '"7"'),
        ("url", pa.array(["https://a.b/"]), '"https://a.b/"'),
        ("integer", pa.array([5.0]), "5"),
        ("integer", pa.array(["5"]), "5"),
        ("boolean", pa.array(["TRUE"]), "true"),
        ("json", pa.array(['{"a": 1.50}']), '{"a":1.50}'),
        ("array_integer", pa.array(["3,4"]), "[3,4]"),
        ("array_string", pa.array([["a,b", "c"]]), '["a,b","c"]'),
    ],
)
def test_what_can_mean_one_thing_only_is_converted(field: str, column: Any, text: str) -> None:
    """Digits in a string field, floats of pandas in an integer field, text as in CSV."""
    assert one(column, field, SPEC) == text


def test_nulls_and_nans_leave_their_field_out() -> None:
    """An empty string does not: it is a value."""
    columns = {"a": [None, "", "x"], "b": pa.array([1.5, float("nan"), None])}
    assert texts(parquet(columns), None) == [
        '{"input_values":{"b":1.5}}',
        '{"input_values":{"a":""}}',
        '{"input_values":{"a":"x"}}',
    ]


def test_the_columns_of_the_web_interface_are_known() -> None:
    """Answers, hints and overlaps go where they go in CSV."""
    columns = {"INPUT:x": ["a"], "GOLDEN:result": ["b"], "HINT:text": ["c"], "TASK:overlap": [3]}
    (row,) = read(parquet(columns), None)
    assert row.text == (
        b'{"input_values":{"x":"a"},"known_solutions":[{"output_values":{"result":"b"}}],'
        b'"message_on_unknown_solution":"c"}'
    )
    assert row.outer == {"overlap": b"3"}


def test_a_value_without_a_form_in_json_is_a_fault_of_its_row_alone() -> None:
    """Its neighbours pass, and the message names column and value."""
    rows = read(parquet({"x": [1.0, float("inf"), 2.0], "y": ["a", "b", "c"]}), None)
    assert [codes(row) for row in rows] == [[], [("input_values.x", "FLOAT_EXPECTED")], []]
    assert "'x'" in rows[1].faults[0].message
    assert "inf" in rows[1].faults[0].message
    assert [row.line for row in rows] == [1, 2, 3]


def test_a_column_of_a_type_without_a_form_in_json_is_refused() -> None:
    """Before any row is read; the message names column and type."""
    with pytest.raises(BadInput, match=r"'x' holds duration"):
        open_bytes(parquet({"x": pa.array([1], pa.duration("s"))}), None)


def test_bytes_that_are_no_text_are_a_fault_of_their_row() -> None:
    """Bytes that are UTF-8 pass as text."""
    rows = read(parquet({"x": pa.array([b"a", b"\xff"])}), None)
    assert [codes(row) for row in rows] == [[], [("input_values.x", "STRING_EXPECTED")]]


def test_rejected_rows_are_json_lines_that_read_back_the_same() -> None:
    """With the columns' own names, so that answers and overlaps come along."""
    data = parquet({"INPUT:json": ['{"a":1}'], "INPUT:integer": [5.0], "TASK:overlap": [2]})
    (row,) = read(data)
    again = read(row.raw, format="jsonl")
    assert orjson.loads(again[0].text) == orjson.loads(row.text)
    assert again[0].outer == row.outer
    file = open_bytes(data)
    assert (file.rejects_suffix, file.rejects_head) == (".jsonl", b"")


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_in_place_and_a_pipe_is_held(tmp_path: Path, packed: bool) -> None:  # noqa: FBT001
    """The same rows either way, told by the first bytes."""
    data = parquet({"x": list(range(1000))}, row_group_size=100)
    path = tmp_path / "rows"
    path.write_bytes(gzip.compress(data) if packed else data)
    file = open_rows(str(path), ReadOptions(), None)
    rows = list(file)
    assert [row.value["input_values"]["x"] for row in rows] == list(range(1000))
    assert file.format == "parquet"
    assert file.position == file.size
    file.close()


@given(cut=st.integers(0, 200), flipped=st.integers(0, 255))
def test_a_damaged_file_is_bad_input(cut: int, flipped: int) -> None:
    """Whatever is missing or changed, the error is ours."""
    data = bytearray(parquet({"x": ["a"] * 50, "y": list(range(50))}))
    data[len(data) - 9 - cut] ^= flipped or 1
    with suppress(BadInput):
        read(bytes(data[: len(data) - cut % 7] if cut % 2 else data), None)


def test_a_map_with_one_key_twice_ends_the_reading_there() -> None:
    """JSON has no form for it; the message names line and column."""
    twice = pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int64()))
    with pytest.raises(BadInput, match=r"-:1: column 'x'"):
        read(parquet({"x": twice}), None)


def test_an_unknown_column_is_told_before_any_row() -> None:
    """As in every table."""
    with pytest.raises(BadInput, match="GOLDN"):
        open_bytes(parquet({"INPUT:x": [1], "GOLDN:y": [1]}))
