"""The check of values against a project's spec: each type, each constraint, and that fast and slow paths agree."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.check import Spec
from toloka_upload.check.faults import MOST_FAULTS, NO_FAULTS
from toloka_upload.check.fields import Field, Fields, generate
from toloka_upload.rows.model import Fault


def found(field: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    """Path (after the field's own) and code of each fault of a value in a field of that spec."""
    check = Spec.compile({"input_spec": {"x": field}}).check_input
    return [
        (fault.field.removeprefix("input_values.x"), fault.code) for fault in check({"x": value})
    ]


FINE: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, ""),
    ({"type": "string"}, "Текст 😀"),
    ({"type": "string", "min_length": 3, "max_length": 3}, "abc"),
    ({"type": "string", "max_length": 1}, "😀"),
    ({"type": "string", "pattern": "[a-z]+"}, "abc"),
    ({"type": "string", "pattern": "a|ab"}, "ab"),
    ({"type": "string", "allowed_values": ["OK", "BAD"]}, "BAD"),
    ({"type": "string", "allowed_values": []}, "anything"),
    ({"type": "string", "min_length": None, "pattern": None, "allowed_values": None}, "x"),
    ({"type": "STRING"}, "x"),
    ({"type": "url"}, "http://example.com/a b"),
    ({"type": "url"}, "https://example.com"),
    ({"type": "url"}, "www.example.com"),
    ({"type": "url"}, "HTTPS://EXAMPLE.COM"),
    ({"type": "URL"}, "https://example.com"),
    ({"type": "integer"}, 0),
    ({"type": "integer"}, -(2**63)),
    ({"type": "integer"}, 2**64 - 1),
    ({"type": "integer"}, orjson.loads("12345678901234567890123")),
    ({"type": "integer"}, orjson.loads("-12345678901234567890123")),
    ({"type": "integer", "min_value": 1, "max_value": 5}, 1),
    ({"type": "integer", "min_value": 1, "max_value": 5}, 5),
    ({"type": "integer", "max_value": 1e30}, 1e29),
    ({"type": "integer", "allowed_values": [1, 2]}, 2),
    ({"type": "float"}, 1.5),
    ({"type": "float"}, 1),
    ({"type": "float", "min_value": -0.5, "max_value": 0.5}, 0.5),
    ({"type": "float", "allowed_values": [1, 2.5]}, 1.0),
    ({"type": "boolean"}, False),
    ({"type": "boolean", "allowed_values": [True]}, True),
    ({"type": "coordinates"}, "55.7558,37.6173"),
    ({"type": "coordinates"}, "-90, 180"),
    ({"type": "coordinates"}, "+1.,.5"),
    ({"type": "json"}, {}),
    ({"type": "json"}, {"a": [1, {"b": None}]}),
    ({"type": "file"}, "whatever"),
    ({"type": "something_new"}, 7),
    ({"type": None}, 7),
    ({}, 7),
    ({"type": "array_string"}, []),
    ({"type": "array_string", "min_size": 1, "max_size": 2}, ["a", "b"]),
    ({"type": "array_string", "allowed_values": ["a"]}, ["a", "a"]),
    ({"type": "array_url"}, ["www.a.b"]),
    ({"type": "array_integer", "max_value": 3}, [1, 2, 3]),
    ({"type": "array_float"}, [1, 1.5]),
    ({"type": "array_boolean"}, [True, False]),
    ({"type": "array_coordinates"}, ["1,2"]),
    ({"type": "ARRAY_JSON"}, [{}, {"a": 1}]),
    ({"type": "array_file"}, ["a", 1]),
]

WRONG: list[tuple[dict[str, Any], Any, list[tuple[str, str]]]] = [
    ({"type": "string"}, 5, [("", "STRING_EXPECTED")]),
    ({"type": "string"}, True, [("", "STRING_EXPECTED")]),
    ({"type": "string"}, ["a"], [("", "SIMPLE_VALUE_EXPECTED")]),
    ({"type": "string"}, {}, [("", "SIMPLE_VALUE_EXPECTED")]),
    ({"type": "string", "min_length": 3}, "ab", [("", "STRING_LENGTH_LESS_THAN_MIN")]),
    ({"type": "string", "max_length": 1}, "ab", [("", "STRING_LENGTH_GREATER_THAN_MAX")]),
    ({"type": "string", "pattern": "[a-z]"}, "abc", [("", "PATTERN_MISMATCH")]),
    ({"type": "string", "pattern": "[a-z]+$"}, "abc\n", [("", "PATTERN_MISMATCH")]),
    ({"type": "string", "pattern": r"\d+"}, "١٢", [("", "PATTERN_MISMATCH")]),
    ({"type": "string", "allowed_values": ["OK"]}, "ok", [("", "VALUE_NOT_ALLOWED")]),
    ({"type": "url"}, "example.com", [("", "INVALID_URL_SYNTAX")]),
    ({"type": "url"}, "", [("", "INVALID_URL_SYNTAX")]),
    ({"type": "url"}, " https://example.com", [("", "INVALID_URL_SYNTAX")]),
    ({"type": "url"}, "ftp://example.com", [("", "INVALID_URL_SYNTAX")]),
    ({"type": "url"}, 5, [("", "STRING_EXPECTED")]),
    ({"type": "integer"}, "5", [("", "INTEGER_EXPECTED")]),
    ({"type": "integer"}, 1.0, [("", "INTEGER_EXPECTED")]),
    ({"type": "integer"}, 1e18, [("", "INTEGER_EXPECTED")]),
    ({"type": "integer"}, True, [("", "INTEGER_EXPECTED")]),
    ({"type": "integer"}, [1], [("", "SIMPLE_VALUE_EXPECTED")]),
    ({"type": "integer", "min_value": 1}, 0, [("", "VALUE_LESS_THAN_MIN")]),
    ({"type": "integer", "max_value": 5}, 6, [("", "VALUE_GREATER_THAN_MAX")]),
    ({"type": "integer", "max_value": 5}, 1e22, [("", "VALUE_GREATER_THAN_MAX")]),
    ({"type": "integer", "allowed_values": [1, 2]}, 3, [("", "VALUE_NOT_ALLOWED")]),
    ({"type": "float"}, "1.5", [("", "FLOAT_EXPECTED")]),
    ({"type": "float"}, False, [("", "FLOAT_EXPECTED")]),
    ({"type": "float", "min_value": 0}, -0.1, [("", "VALUE_LESS_THAN_MIN")]),
    ({"type": "float", "max_value": 1}, 2, [("", "VALUE_GREATER_THAN_MAX")]),
    ({"type": "float", "allowed_values": [0.5]}, 0.25, [("", "VALUE_NOT_ALLOWED")]),
    ({"type": "boolean"}, 1, [("", "BOOLEAN_EXPECTED")]),
    ({"type": "boolean"}, "true", [("", "BOOLEAN_EXPECTED")]),
    ({"type": "boolean", "allowed_values": [True]}, False, [("", "VALUE_NOT_ALLOWED")]),
    ({"type": "coordinates"}, [1, 2], [("", "SIMPLE_VALUE_EXPECTED")]),
    ({"type": "coordinates"}, 1.5, [("", "STRING_EXPECTED")]),
    ({"type": "coordinates"}, "1;2", [("", "INVALID_COORDINATES_SYNTAX")]),
    ({"type": "coordinates"}, "1,2,3", [("", "INVALID_COORDINATES_SYNTAX")]),
    ({"type": "coordinates"}, "nan,1", [("", "INVALID_COORDINATES_SYNTAX")]),
    ({"type": "coordinates"}, "90.1,0", [("", "INVALID_COORDINATES_SYNTAX")]),
    ({"type": "coordinates"}, "0,-180.5", [("", "INVALID_COORDINATES_SYNTAX")]),
    ({"type": "json"}, [{}], [("", "JSON_EXPECTED")]),
    ({"type": "json"}, "{}", [("", "JSON_EXPECTED")]),
    ({"type": "array_string"}, "a,b", [("", "ARRAY_EXPECTED")]),
    ({"type": "array_string"}, {}, [("", "ARRAY_EXPECTED")]),
    (
        {"type": "array_string"},
        ["a", 1, None],
        [(".1", "STRING_EXPECTED"), (".2", "VALUE_REQUIRED")],
    ),
    ({"type": "array_url"}, ["a"], [(".0", "INVALID_URL_SYNTAX")]),
    ({"type": "array_integer"}, [[1]], [(".0", "SIMPLE_VALUE_EXPECTED")]),
    ({"type": "array_json"}, [{}, 1], [(".1", "JSON_EXPECTED")]),
    ({"type": "array_file"}, [None], [(".0", "VALUE_REQUIRED")]),
    ({"type": "array_string", "min_size": 1}, [], [("", "ARRAY_SIZE_LESS_THAN_MIN")]),
    (
        {"type": "array_integer", "max_size": 1, "max_value": 5},
        [1, 9],
        [("", "ARRAY_SIZE_GREATER_THAN_MAX"), (".1", "VALUE_GREATER_THAN_MAX")],
    ),
]


@pytest.mark.parametrize(("field", "value"), FINE)
def test_a_value_that_keeps_its_fields_rules_has_no_fault(
    field: dict[str, Any], value: Any
) -> None:
    """Types are compared without case; unknown types and absent constraints ask for nothing."""
    assert found(field, value) == []
    assert found({**field, "required": True}, value) == []


@pytest.mark.parametrize(("field", "value", "faults"), WRONG)
def test_a_value_that_breaks_a_rule_gets_the_apis_code(
    field: dict[str, Any], value: Any, faults: list[tuple[str, str]]
) -> None:
    """Each broken rule has the code of the API's list; elements of arrays are named by index."""
    assert found(field, value) == faults
    assert found({**field, "required": True}, value) == faults


@pytest.mark.parametrize("kind", ["string", "integer", "json", "array_string", "file", "unknown"])
def test_a_required_field_must_be_there_and_not_null(kind: str) -> None:
    """Null stands for a missing value; whatever the type, and only where the spec says `required: true`."""
    message = "Value must be present and not equal to null; the field is required, and this row has no value"
    wanted = (Fault("input_values.x", "VALUE_REQUIRED", message),)
    check = Spec.compile({"input_spec": {"x": {"type": kind, "required": True}}}).check_input
    assert check({}) == check({"x": None}) == wanted
    for required in ({"required": False}, {}):
        check = Spec.compile({"input_spec": {"x": {"type": kind, **required}}}).check_input
        assert check({}) == check({"x": None}) == ()


def test_messages_are_the_apis_own_and_show_the_value() -> None:
    """Known messages of the API stand word for word; the others say what the value is instead."""
    spec = Spec.compile(
        {
            "input_spec": {
                "url": {"type": "url"},
                "one": {"type": "string", "allowed_values": ["OK", "BAD"]},
                "few": {"type": "string", "max_length": 2},
                "count": {"type": "integer"},
                "flat": {"type": "integer"},
            }
        }
    )
    row = {"url": "x", "one": "ok", "few": "abc", "count": "5", "flat": {}, "extra": 1}
    assert [fault.message for fault in spec.check_input(row)] == [
        'Value must be in valid url format, not "x"',
        'Value must be one of "OK", "BAD", not "ok"',
        "Value length must be at most 2, not 3",
        'Value must be an integer, not "5"; write it without quotes or a plus sign',
        "Value must not be an object or an array",
        "Unknown field name",
    ]


def test_all_faults_of_a_row_come_in_the_specs_order_then_unknown_keys() -> None:
    """One pass over a row is enough to mend it."""
    fields = {name: {"type": "integer", "required": True} for name in ("c", "a", "b")}
    found = Spec.compile({"input_spec": fields}).check_input({"z": 1, "b": "x", "y": 2, "a": 1.5})
    assert [(fault.field, fault.code) for fault in found] == [
        ("input_values.c", "VALUE_REQUIRED"),
        ("input_values.a", "INTEGER_EXPECTED"),
        ("input_values.b", "INTEGER_EXPECTED"),
        ("input_values.z", "VALUE_NOT_ALLOWED"),
        ("input_values.y", "VALUE_NOT_ALLOWED"),
    ]


@pytest.mark.parametrize(
    ("key", "meant"),
    [("imge", "image"), ("Image", "image"), ("INPUT:image", "image"), ("size", None)],
)
def test_an_unknown_key_much_like_a_field_is_told_so(key: str, meant: str | None) -> None:
    """Misspelt, capitalised or with the web interface's prefix."""
    check = Spec.compile(
        {"input_spec": {"image": {"type": "url"}, "text": {"type": "string"}}}
    ).check_input
    (fault,) = check({key: "x"})
    hint = f': did you mean "{meant}"?' if meant else ""
    assert fault == (f"input_values.{key}", "VALUE_NOT_ALLOWED", f"Unknown field name{hint}")


def test_solutions_are_checked_against_the_output_spec() -> None:
    """Each known and baseline solution must cover the required output fields and have no others."""
    output = {"result": {"type": "string", "required": True, "allowed_values": ["OK"]}}
    spec = Spec.compile({"input_spec": {"x": {"type": "string"}}, "output_spec": output})
    task = {
        "input_values": {"x": 1},
        "known_solutions": [
            {"output_values": {"result": "OK"}},
            {"output_values": {"result": "no"}},
        ],
        "baseline_solutions": [{"output_values": {"other": 1}}],
    }
    codes = [
        ("input_values.x", "STRING_EXPECTED"),
        ("known_solutions.1.output_values.result", "VALUE_NOT_ALLOWED"),
        ("baseline_solutions.0.output_values.result", "VALUE_REQUIRED"),
        ("baseline_solutions.0.output_values.other", "VALUE_NOT_ALLOWED"),
    ]
    assert [fault[:2] for fault in spec.check_task(task)] == codes
    suite = {"tasks": [{"input_values": {"x": "fine"}}, task]}
    in_suite = [(f"tasks.1.{field}", code) for field, code in codes]
    assert [fault[:2] for fault in spec.check_suite(suite)] == in_suite
    assert [fault[:2] for fault in spec.check_task(task, "tasks.1.")] == in_suite


@pytest.mark.parametrize(
    "task_spec", [{}, {"input_spec": None, "output_spec": {}}, {"input_spec": []}]
)
def test_without_a_spec_nothing_is_checked(task_spec: dict[str, Any]) -> None:
    """A spec without fields says nothing about values: the API decides."""
    task = {"input_values": {"x": 1}, "known_solutions": [{"output_values": {"y": 2}}]}
    spec = Spec.compile(task_spec)
    assert spec.check_task(task) == spec.check_input({"x": 1}) == ()
    assert spec.check_suite({"tasks": [task]}) == ()


@pytest.mark.parametrize(
    ("field", "noted", "value"),
    [
        ({"type": "string", "pattern": r"\p{L}+"}, "pattern", "1"),
        ({"type": "string", "pattern": "[a-z&&[^b]]"}, "pattern", "1"),
        ({"type": "string", "pattern": "("}, "pattern", "1"),
        ({"type": "string", "pattern": 5}, "pattern", "1"),
        ({"type": "string", "min_length": "3"}, "min_length", "1"),
        ({"type": "integer", "max_value": True}, "max_value", 2),
        ({"type": "integer", "allowed_values": ["1"]}, "allowed_values", 2),
        ({"type": "string", "allowed_values": {"a": 1}}, "allowed_values", "b"),
        ({"type": "hologram"}, "type", []),
        ("string", "type", 5),
    ],
)
def test_what_cannot_be_checked_is_noted_and_left_to_the_api(
    field: Any, noted: str, value: Any
) -> None:
    """A pattern only Java understands, a limit of the wrong type, a new field type."""
    notes: list[str] = []
    spec = Spec.compile({"input_spec": {"name of it": field}}, notes.append)
    (note,) = notes
    assert '"name of it"' in note
    assert noted in note
    assert spec.check_input({"name of it": value}) == ()


def test_field_ids_are_never_code() -> None:
    """The generated function has no text from a spec in it: hostile ids and limits are plain data."""
    names = [
        '"',
        "'",
        "x'] = 1 #",
        "{limit}",
        "\n raise SystemExit",
        "values",
        "__import__('os')",
        "",
        "%s",
        "{",
    ]
    fields = {
        name: {"type": "string", "required": True, "allowed_values": [name]} for name in names
    }
    check = Spec.compile({"input_spec": fields}).check_input
    assert check({name: name for name in names}) == ()
    assert [fault.field for fault in check({})] == [f"input_values.{name}" for name in names]


def test_faults_of_one_row_are_bounded() -> None:
    """A row of megabytes may hold a million faults; the first ones are named, and that there are more."""
    check = Spec.compile({"input_spec": {"x": {"type": "array_integer"}}}).check_input
    assert len(check({"x": ["a"] * MOST_FAULTS})) == MOST_FAULTS
    faults = check({"x": ["a"] * 200_000, **{str(number): 1 for number in range(1000)}})
    assert len(faults) == MOST_FAULTS + 1
    assert faults[-1].code == "VALIDATION_ERROR"


def test_long_texts_are_shortened_in_faults() -> None:
    """A fault is a line on a terminal, whatever the row holds."""
    check = Spec.compile({"input_spec": {"x": {"type": "integer", "max_value": 1}}}).check_input
    for row in ({"x": "A" * 10_000}, {"B" * 10_000: 1}, {"x": 10**5000}):
        (fault,) = check(row)
        assert len("".join(fault)) < 250


def test_good_rows_answer_with_the_shared_empty_tuple() -> None:
    """The hot path makes nothing."""
    spec = Spec.compile({"input_spec": {"x": {"type": "integer"}}})
    assert spec.check_input({"x": 1}) is NO_FAULTS
    assert spec.check_task({"input_values": {"x": 1}}) is NO_FAULTS


names = st.sampled_from("abcd")
ASKED = (Fault("", "", "the slow path was asked"),)
limits = st.none() | st.integers(-3, 5) | st.floats(-3, 5, allow_nan=False)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-4, 6),
    st.integers(),
    st.floats(),
    st.text("ab1", max_size=4),
    st.sampled_from(["http://a", "www", "1,2", "91,0", "a", "b"]),
    st.just({}),
)
values = st.one_of(
    scalars, st.lists(scalars, max_size=4), st.dictionaries(names, scalars, max_size=2)
)
kinds = st.sampled_from(
    "string url integer float boolean coordinates json file nonsense".split()  # noqa: SIM905
)
field_specs = st.fixed_dictionaries(
    {"type": st.builds(lambda array, kind: array + kind, st.sampled_from(["", "array_"]), kinds)},
    optional={
        "required": st.booleans(),
        "min_length": limits,
        "max_length": limits,
        "min_size": limits,
        "max_size": limits,
        "min_value": limits,
        "max_value": limits,
        "pattern": st.sampled_from(["[ab]+", ".*", "(", r"\d"]),
        "allowed_values": st.lists(st.sampled_from(["a", "b", 1, 2, 1.5, True]), max_size=3),
    },
)
specs = st.dictionaries(names, field_specs | st.none(), min_size=1, max_size=4)


@given(specs, st.dictionaries(names, values, max_size=4))
def test_the_generated_function_and_the_slow_path_agree(
    spec: dict[str, Any], row: dict[str, Any]
) -> None:
    """The fast path answers by itself exactly where the slow path finds nothing; nothing crashes it."""
    compiled = tuple(Field.compile(name, field, lambda _: None) for name, field in spec.items())
    fields = Fields(compiled, "")
    fast = generate(compiled, lambda *_: ASKED, "")
    slow = tuple(fields.faults(row, ""))
    assert fields.check(row) == slow
    assert (fast(row) is ASKED) == bool(slow)


@given(values | st.dictionaries(names, values, max_size=3), values)
def test_no_task_crashes_the_check(task: Any, inner: Any) -> None:
    """Whatever JSON can say, in whatever place: the shape is the structure check's matter."""
    fields = {"a": {"type": "array_string", "required": True, "pattern": "a"}}
    spec = Spec.compile({"input_spec": fields, "output_spec": fields})
    for value in (task, inner):
        task = {"input_values": value, "known_solutions": value, "baseline_solutions": [value]}
        spec.check_task(task)
        spec.check_task({"known_solutions": [{"output_values": value}]})
        spec.check_suite({"tasks": value})
        spec.check_suite({"tasks": [value, task]})
