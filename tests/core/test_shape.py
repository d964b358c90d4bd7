"""Shape: the exact bytes that travel for a row, how much they count, and what the row is known by."""

from __future__ import annotations

import io
import json
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.items.chunks import Size
from toloka_upload.items.identity import digest
from toloka_upload.items.suites import disagreement, joined_outer
from toloka_upload.items.task_json import items, suite_tasks, with_overlap
from toloka_upload.rows import Kind, ReadOptions, Row, open_rows
from toloka_upload.rows.model import batch_of


class Shaped(NamedTuple):
    """One row as an item (without its closing brace), its size, what it is known by, what belongs beside it."""

    text: bytes
    size: Size
    key: bytes
    content: bytes
    outer: dict[str, bytes]


def shape(row: Row, kind: Kind, overlap: int | None = None) -> Shaped:
    """A row that travels on its own to pool 21."""
    batch = batch_of([row])
    columns = {} if kind is Kind.FLAT else batch.columns()
    made = items(batch, columns, kind, overlap=overlap, pool="21")
    size = Size(made.inputs[0], made.outputs[0])
    return Shaped(made.texts[0], size, made.identities[0], made.contents[0], {})


def shape_flat(row: Row, overlap: int | None) -> Shaped:
    """A row that is the `input_values` of a task."""
    return shape(row, Kind.FLAT, overlap)


def shape_task(row: Row, overlap: int | None) -> Shaped:
    """An API task, or a row of a table."""
    return shape(row, Kind.TASK, overlap)


def shape_suite(row: Row, overlap: int | None) -> Shaped:
    """An API task suite."""
    return shape(row, Kind.SUITE, overlap)


def shape_member(row: Row, kind: Kind) -> Shaped:
    """A row that travels inside of a suite."""
    batch = batch_of([row])
    made, outers = suite_tasks(batch, {} if kind is Kind.FLAT else batch.columns(), kind)
    size = Size(made.inputs[0], made.outputs[0])
    return Shaped(made.texts[0], size, made.identities[0], made.contents[0], dict(outers[0]))


def row(text: str | bytes, **outer: bytes) -> Row:
    """A row as a reader yields it."""
    data = text.encode() if isinstance(text, str) else text
    return Row(1, data + b"\n", data, orjson.loads(data), outer=outer)


def item(shaped: Shaped) -> bytes:
    """The item as it travels."""
    return shaped.text + b"}"


SPELLED = st.recursive(
    st.sampled_from(["null", "true", "false", "0", "-0", "-17", "9007199254740993", '"\\/"'])
    | st.text(
        st.sampled_from('a"\\/\u007f\u00e9\u20ac\U0001f600\n\t\b\x01')
        | st.characters(codec="utf-8"),
        max_size=8,
    ).flatmap(
        lambda text: st.sampled_from([json.dumps(text), json.dumps(text, ensure_ascii=False)])
    ),
    lambda value: st.lists(value, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
    max_leaves=6,
)
"""JSON text without floats, written in one of its ways."""


# Bytes.


@given(st.lists(SPELLED, max_size=4))
def test_a_plain_row_is_never_shorter_than_its_compact_form(values: list[str]) -> None:
    """So its bytes as written are what it counts for, whatever of the two the API counts."""
    text = "{" + ",".join(f'"f{key}":{value}' for key, value in enumerate(values)) + "}"
    value = orjson.loads(text)
    assert len(orjson.dumps(value)) <= len(text.encode())


def test_a_flat_row_travels_as_written() -> None:
    """Digits, escapes, spaces and key order stay; our members stand outside of `input_values`."""
    text = r'{"z": 1.10, "big": 12345678901234567890123, "a":"\u00e9\/", "e": 1E2}'
    assert item(shape_flat(row(text), None)) == (
        b'{"input_values":' + text.encode() + b',"pool_id":"21"}'
    )


def test_a_task_travels_as_written() -> None:
    """Members and their order stay, and the pool follows."""
    text = r'{"overlap": 3, "input_values": {"z": 1.10, "a": "\ud83d\ude00"} }'
    assert item(shape_task(row(text), None)) == (
        rb'{"overlap": 3, "input_values": {"z": 1.10, "a": "\ud83d\ude00"},"pool_id":"21"}'
    )


def test_a_suite_travels_as_written() -> None:
    """With its tasks, and the pool after them."""
    text = '{"tasks": [{"input_values": {"n": 1.10}}], "mixed": false}'
    assert item(shape_suite(row(text), None)) == (
        b'{"tasks": [{"input_values": {"n": 1.10}}], "mixed": false,"pool_id":"21"}'
    )


def test_a_pool_that_the_row_names_is_not_named_twice() -> None:
    """Repeated keys mean different things to different parsers."""
    text = '{"pool_id": "21", "input_values": {}}'
    assert item(shape_task(row(text), None)) == text.encode()


def test_a_pool_named_by_a_number_is_sent_as_a_string() -> None:
    """The API wants a string there; people write numbers."""
    shaped = shape_task(row('{"pool_id": 21, "input_values": {"pool_id": 21}}'), None)
    assert json.loads(item(shaped)) == {"input_values": {"pool_id": 21}, "pool_id": "21"}
    assert item(shaped).count(b'"pool_id":"21"') == 1


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ('{"input_values":{}}', {"overlap": 7}),
        ('{"input_values":{},"overlap":2}', {"overlap": 2}),
        ('{"input_values":{},"infinite_overlap":true}', {"infinite_overlap": True}),
        (
            '{"input_values":{},"infinite_overlap":false}',
            {"infinite_overlap": False, "overlap": 7},
        ),
    ],
)
def test_overlap_is_for_rows_that_name_none(text: str, sent: dict[str, Any]) -> None:
    """`--overlap` never contradicts a row."""
    value = json.loads(item(shape_task(row(text), 7)))
    assert {name: value[name] for name in value if "overlap" in name} == sent


def test_overlap_reaches_flat_rows_and_suites() -> None:
    """Whatever travels has the overlap that was asked for."""
    assert json.loads(item(shape_flat(row('{"overlap":1}'), 7))) == {
        "input_values": {"overlap": 1},
        "overlap": 7,
        "pool_id": "21",
    }
    suite = '{"tasks":[{"input_values":{}}]}'
    assert json.loads(item(shape_suite(row(suite), 7)))["overlap"] == 7


def test_overlap_takes_the_place_of_a_golden_rows_default() -> None:
    """A table's `infinite_overlap` is a default of ours; what the user says wins."""
    golden = row('{"input_values":{}}', infinite_overlap=b"true")
    assert json.loads(item(shape_task(golden, None)))["infinite_overlap"] is True
    value = json.loads(item(shape_task(golden, 7)))
    assert (value["overlap"], "infinite_overlap" in value) == (7, False)


# Suites made of rows.


def test_what_belongs_to_the_suite_leaves_the_task() -> None:
    """A task inside a suite has no pool, overlap or place of its own."""
    text = (
        '{"pool_id":"21","input_values":{"n":1.10},"overlap":3,"latitude":1.50,'
        '"known_solutions":[{"output_values":{"r":"OK"}}]}'
    )
    shaped = shape_member(row(text), Kind.TASK)
    assert shaped.text + b"}" == (
        b'{"input_values":{"n":1.10},"known_solutions":[{"output_values":{"r":"OK"}}]}'
    )
    assert shaped.outer == {"overlap": b"3", "latitude": b"1.50"}


def test_rows_of_a_suite_must_agree() -> None:
    """A suite stands in one place; the fault names both values."""
    place = {"latitude": b"1.0", "longitude": b"2.0"}
    assert disagreement(place, []) is None
    assert disagreement(place, [place, place]) is None
    fault = disagreement({**place, "latitude": b"1.5"}, [place])
    assert fault is not None
    assert (fault.field, fault.code) == ("latitude", "VALUE_NOT_ALLOWED")
    assert "here 1.5, before it 1.0" in fault.message
    assert disagreement({}, [place]) is not None
    assert disagreement(place, [{}]) is not None


def test_a_row_without_overlap_goes_along_with_its_suite() -> None:
    """Two different numbers cannot both be kept; none and one can, in either order."""
    two, three = {"overlap": b"2"}, {"overlap": b"3"}
    assert disagreement({}, [two]) is None
    assert disagreement(two, [{}, {}]) is None
    assert joined_outer([{}, two, {}], None) == two
    fault = disagreement(three, [{}, two])
    assert fault is not None
    assert fault.field == "overlap"


def test_a_suite_is_infinite_only_if_all_its_rows_are() -> None:
    """One golden row among general ones must not make a suite that never ends."""
    golden: dict[str, bytes] = {"infinite_overlap": b"true"}
    assert joined_outer([golden, golden], None) == golden
    assert joined_outer([golden, {}], None) == {}
    assert joined_outer([golden, golden], 5) == {"overlap": b"5"}
    assert disagreement({}, [golden]) is None


def test_overlap_in_a_suite_is_for_rows_that_name_none() -> None:
    """As outside of suites."""
    assert with_overlap({"overlap": b"2"}, {"overlap": b"2"}, 7) == {"overlap": b"2"}


# What a row is known by.


@pytest.mark.parametrize(
    "other",
    [
        '{ "known_solutions": [], "input_values": {"b":1.10, "a":"\\u00e9"} }',
        '{"pool_id":"21","input_values":{"a":"é","b":1.10},"known_solutions":[]}',
        '{"pool_id":21,"input_values":{"a":"é","b":1.10},"known_solutions":[]}',
    ],
)
def test_a_task_is_known_by_its_content_wherever_it_goes(other: str) -> None:
    """Spaces, escapes, key order and the pool's own name do not make another row."""
    text = '{"input_values":{"a":"é","b":1.10},"known_solutions":[]}'
    assert shape_task(row(other), None).key == shape_task(row(text), None).key


@pytest.mark.parametrize(
    "other",
    [
        '{"input_values":{"a":"é","b":1.1}}',
        '{"input_values":{"a":"é","b":1.10},"overlap":2}',
        '{"input_values":{"a":"é","b":1.10},"known_solutions":[{"output_values":{"r":"OK"}}]}',
        '{"input_values":{"a":"é","b":1.10},"message_on_unknown_solution":"hint"}',
    ],
)
def test_another_task_is_another_row(other: str) -> None:
    """Digits, overlap, solutions and hints are content."""
    text = '{"input_values":{"a":"é","b":1.10}}'
    assert shape_task(row(other), None).key != shape_task(row(text), None).key


def test_options_do_not_make_another_row() -> None:
    """The same file with `--overlap`, with golden defaults, flat or as tasks, is the same rows."""
    plain, flat = '{"input_values":{"a":1}}', '{"a":1}'
    keys = {
        shape_task(row(plain), None).key,
        shape_task(row(plain), 7).key,
        shape_task(row(plain, infinite_overlap=b"true"), None).key,
        shape_flat(row(flat), None).key,
        shape_flat(row(flat), 7).key,
        shape_member(row(plain), Kind.TASK).key,
        shape_member(row(flat), Kind.FLAT).key,
    }
    assert len(keys) == 1


def test_the_listed_content_is_that_of_the_input_values() -> None:
    """A listing shows an item enriched: only `input_values` can be compared, and numbers only by value."""
    contents = {
        shape_flat(row('{"a":1.0,"b":"x"}'), None).content,
        shape_task(row('{"overlap":3,"input_values":{"b":"x","a":1}}'), None).content,
        shape_task(row('{"input_values":{"b":"x","a":1e0}}'), None).content,
    }
    assert len(contents) == 1


def test_a_suite_is_listed_by_its_tasks_in_order() -> None:
    """Two suites of the same tasks in another order are two."""
    first, second = '{"input_values":{"a":1}}', '{"input_values":{"a":2}}'
    contents = {
        shape_suite(row(f'{{"tasks":[{one},{two}]}}'), None).content
        for one, two in ((first, second), (second, first))
    }
    assert len(contents) == 2


# Sizes.

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
solutions = st.lists(st.fixed_dictionaries({"output_values": values}), max_size=2)
tasks = st.fixed_dictionaries(
    {"input_values": values},
    optional={"known_solutions": solutions, "baseline_solutions": solutions, "overlap": st.just(3)},
)
writings = st.fixed_dictionaries(
    {"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 1, 4])}
)


def compact(value: Any) -> int:
    """Bytes of a value as compact UTF-8 JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def written(value: Any, how: dict[str, Any]) -> str:
    """JSON in some writing, on one line."""
    return json.dumps(value, **how).replace("\n", " ")


def read_one(text: str) -> tuple[Kind, Row]:
    """The row that a reader makes of a line."""
    file = open_rows("-", ReadOptions(format="jsonl"), None, stdin=io.BytesIO(text.encode()))
    (only,) = list(file)
    return file.kind, only


@given(tasks, writings)
def test_a_task_arrives_equal_and_counts_enough(value: dict[str, Any], how: dict[str, Any]) -> None:
    """What travels parses to what was written, and its size is never less than either way of counting."""
    kind, only = read_one(written(value, how))
    assert kind is Kind.TASK
    shaped = shape_task(only, None)
    assert json.loads(item(shaped)) == value | {"pool_id": "21"}
    outputs = [
        solution["output_values"]
        for name in ("known_solutions", "baseline_solutions")
        for solution in value.get(name, ())
    ]
    parts = (value["input_values"], *outputs)
    raw_input, *raw_outputs = (len(written(part, {**how, "indent": None})) for part in parts)
    assert shaped.size.input_bytes >= max(compact(value["input_values"]), raw_input)
    assert shaped.size.output_bytes >= max(sum(map(compact, outputs)), sum(raw_outputs))


@given(st.lists(tasks, min_size=1, max_size=3), writings)
def test_a_suite_arrives_equal_and_counts_enough(
    members: list[dict[str, Any]], how: dict[str, Any]
) -> None:
    """As a task does, over all its tasks."""
    for member in members:
        for name in ("baseline_solutions", "overlap"):
            member.pop(name, None)
    kind, only = read_one(written({"tasks": members}, how))
    assert kind is Kind.SUITE
    shaped = shape_suite(only, None)
    assert json.loads(item(shaped)) == {"tasks": members, "pool_id": "21"}
    inputs = sum(compact(member["input_values"]) for member in members)
    assert shaped.size.input_bytes >= inputs
    assert shaped.size.output_bytes >= sum(
        compact(solution["output_values"])
        for member in members
        for solution in member.get("known_solutions", ())
    )


def test_sizes_of_plain_rows_are_exact() -> None:
    """Where the text is compact already there is one way to count, and no byte of a request is wasted."""
    text = '{"image":"https://example.com/é.jpg","n":1}'
    size = len(text.encode())
    assert shape_flat(row(text), None).size == Size(size)
    assert shape_task(row(f'{{"input_values":{text}}}'), None).size == Size(size)
    suite = f'{{"tasks":[{{"input_values":{text}}},{{"input_values":{text}}}]}}'
    assert shape_suite(row(suite), None).size == Size(2 * size)


def test_a_key_is_a_digest_of_the_content() -> None:
    """Changing how rows are known would make every finished upload unknown: this value must stay."""
    assert shape_flat(row('{"b":2,"a":1.10}'), None).key == digest(b'{"a":1.10,"b":2}')
    assert shape_flat(row('{"b":2,"a":1.10}'), None).key.hex() == "135468166c78084cad61"
