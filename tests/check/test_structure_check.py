"""The structure of tasks and suites: what the API lets one write, and what is told of everything else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.check import check_suite, check_task
from toloka_upload.check.faults import MOST_FAULTS, NO_FAULTS

TASK: dict[str, Any] = {"input_values": {"image": "https://example.com/1.jpg"}}
SUITE: dict[str, Any] = {"tasks": [TASK, TASK]}


def of_task(**more: Any) -> list[tuple[str, str]]:
    """Field and code of each fault of a good task with more keys."""
    return [fault[:2] for fault in check_task({**TASK, **more})]


def of_suite(**more: Any) -> list[tuple[str, str]]:
    """Field and code of each fault of a good suite with more keys."""
    return [fault[:2] for fault in check_suite({**SUITE, **more})]


def of_member(**more: Any) -> list[tuple[str, str]]:
    """Field and code of each fault of a suite whose second task has more keys."""
    return [fault[:2] for fault in check_suite({"tasks": [TASK, {**TASK, **more}]})]


COMMON: list[dict[str, Any]] = [
    {},
    {"pool_id": "21"},
    {"pool_id": 21},
    {"overlap": 1},
    {"overlap": 30_000},
    {"overlap": 3, "infinite_overlap": False},
    {"overlap": None, "infinite_overlap": True},
    {"infinite_overlap": True},
    {"reserved_for": ["a", "b"], "unavailable_for": []},
    {"traits_all_of": ["a"], "traits_any_of": ["a", "a"], "traits_none_of_any": []},
    {"reserved_for": None, "traits_all_of": None},
]
OF_TASKS: list[dict[str, Any]] = [
    {"known_solutions": [{"output_values": {"result": "OK"}}]},
    {"known_solutions": [{"output_values": {}, "correctness_weight": 0.5}, {"output_values": {}}]},
    {"known_solutions": [], "message_on_unknown_solution": "Look again"},
    {"known_solutions": None, "message_on_unknown_solution": None},
    {"localization_config": {"default_language": "RU"}},
]
OF_SUITES: list[dict[str, Any]] = [
    {"latitude": -90, "longitude": 180},
    {"latitude": 55.75, "longitude": 37.61, "mixed": False},
    {"issuing_order_override": -99_999.99999},
]


@pytest.mark.parametrize(
    "more",
    [*COMMON, *OF_TASKS, {"baseline_solutions": [{"output_values": {}, "confidence_weight": 1}]}],
)
def test_a_task_may_have_every_writable_key(more: dict[str, Any]) -> None:
    """Null stands for a missing key, as toloka-kit writes it."""
    assert check_task({**TASK, **more}) is NO_FAULTS


@pytest.mark.parametrize("more", [*COMMON, *OF_SUITES])
def test_a_suite_may_have_every_writable_key(more: dict[str, Any]) -> None:
    """The keys of a suite are those of a task without its content, and place and priority."""
    assert check_suite({**SUITE, **more}) is NO_FAULTS


@pytest.mark.parametrize("more", OF_TASKS)
def test_a_task_of_a_suite_may_have_content(more: dict[str, Any]) -> None:
    """Values, solutions, hint and its translations."""
    assert of_member(**more) == []


WRONG_IN_BOTH: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"pool_id": "abc"}, [("pool_id", "INVALID_VALUE")]),
    ({"pool_id": "²"}, [("pool_id", "INVALID_VALUE")]),
    ({"pool_id": ""}, [("pool_id", "INVALID_VALUE")]),
    ({"pool_id": -1}, [("pool_id", "INVALID_VALUE")]),
    ({"pool_id": 1.5}, [("pool_id", "STRING_EXPECTED")]),
    ({"pool_id": True}, [("pool_id", "STRING_EXPECTED")]),
    ({"pool_id": None}, [("pool_id", "VALUE_REQUIRED")]),
    ({"overlap": 0}, [("overlap", "VALUE_LESS_THAN_MIN")]),
    ({"overlap": 30_001}, [("overlap", "VALUE_GREATER_THAN_MAX")]),
    ({"overlap": "3"}, [("overlap", "INTEGER_EXPECTED")]),
    ({"overlap": 3.0}, [("overlap", "INTEGER_EXPECTED")]),
    ({"overlap": True}, [("overlap", "INTEGER_EXPECTED")]),
    ({"infinite_overlap": 1}, [("infinite_overlap", "BOOLEAN_EXPECTED")]),
    ({"overlap": 3, "infinite_overlap": True}, [("overlap", "VALUE_NOT_ALLOWED")]),
    ({"reserved_for": "a"}, [("reserved_for", "ARRAY_EXPECTED")]),
    ({"reserved_for": ["a", "b", "a"]}, [("reserved_for.2", "DUPLICATE_VALUE_IN_ARRAY")]),
    (
        {"unavailable_for": [1, None]},
        [("unavailable_for.0", "STRING_EXPECTED"), ("unavailable_for.1", "VALUE_REQUIRED")],
    ),
    ({"traits_all_of": [{}]}, [("traits_all_of.0", "SIMPLE_VALUE_EXPECTED")]),
    ({"__item_idx": "1"}, [("__item_idx", "VALUE_NOT_ALLOWED")]),
    ({"ovrlap": 1}, [("ovrlap", "VALUE_NOT_ALLOWED")]),
]


@pytest.mark.parametrize(("more", "faults"), WRONG_IN_BOTH)
def test_keys_of_both_are_checked_for_type_and_range(
    more: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    """The codes are the API's; the ranges those of its reference."""
    assert of_task(**more) == faults
    assert of_suite(**more) == faults


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ({"input_values": None}, [("input_values", "VALUE_REQUIRED")]),
        ({"input_values": [1]}, [("input_values", "OBJECT_EXPECTED")]),
        ({"known_solutions": {}}, [("known_solutions", "ARRAY_EXPECTED")]),
        ({"known_solutions": [None]}, [("known_solutions.0", "VALUE_REQUIRED")]),
        ({"known_solutions": [1]}, [("known_solutions.0", "OBJECT_EXPECTED")]),
        ({"known_solutions": [{}]}, [("known_solutions.0.output_values", "VALUE_REQUIRED")]),
        (
            {
                "known_solutions": [
                    {"output_values": {}},
                    {"output_values": 1, "correctness_weight": 1.1, "x": 1},
                ]
            },
            [
                ("known_solutions.1.output_values", "OBJECT_EXPECTED"),
                ("known_solutions.1.correctness_weight", "VALUE_GREATER_THAN_MAX"),
                ("known_solutions.1.x", "VALUE_NOT_ALLOWED"),
            ],
        ),
        ({"message_on_unknown_solution": 1}, [("message_on_unknown_solution", "STRING_EXPECTED")]),
        ({"localization_config": "RU"}, [("localization_config", "OBJECT_EXPECTED")]),
    ],
)
def test_the_content_of_a_task_is_checked_alone_and_in_a_suite(
    more: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    """The same faults, with the task's place before their fields."""
    assert of_task(**more) == faults
    assert of_member(**more) == [(f"tasks.1.{field}", code) for field, code in faults]


@pytest.mark.parametrize("key", ["id", "created", "remaining_overlap", "origin_task_id"])
def test_what_the_api_sets_is_to_be_removed_from_a_task(key: str) -> None:
    """Rows made from a download carry such keys; the message says what to do."""
    (fault,) = check_task({**TASK, key: "x"})
    assert fault == (key, "VALUE_NOT_ALLOWED", "The API sets it: remove it")
    assert of_member(**{key: "x"}) == [(f"tasks.1.{key}", "VALUE_NOT_ALLOWED")]


@pytest.mark.parametrize("key", ["id", "created", "remaining_overlap", "automerged"])
def test_what_the_api_sets_is_to_be_removed_from_a_suite(key: str) -> None:
    """The same for suites."""
    (fault,) = check_suite({**SUITE, key: "x"})
    assert fault == (key, "VALUE_NOT_ALLOWED", "The API sets it: remove it")


@pytest.mark.parametrize(
    "key", ["latitude", "longitude", "issuing_order_override", "mixed", "tasks"]
)
def test_what_only_suites_have_is_refused_in_a_task(key: str) -> None:
    """And the message says where it belongs."""
    (fault,) = check_task({**TASK, key: 1})
    assert fault[:2] == (key, "VALUE_NOT_ALLOWED")
    assert "suite" in fault.message


@pytest.mark.parametrize(
    "key",
    ["pool_id", "overlap", "infinite_overlap", "reserved_for", "latitude", "baseline_solutions"],
)
def test_what_belongs_to_the_suite_is_refused_in_its_tasks(key: str) -> None:
    """A task of a suite has no pool, overlap or place of its own, and no baseline solutions."""
    (fault,) = check_suite({"tasks": [TASK, {**TASK, key: 1}]})
    assert fault[:2] == (f"tasks.1.{key}", "VALUE_NOT_ALLOWED")
    assert "suite" in fault.message


@pytest.mark.parametrize(
    ("suite", "faults"),
    [
        ({}, [("tasks", "VALUE_REQUIRED")]),
        ({"tasks": None}, [("tasks", "VALUE_REQUIRED")]),
        ({"tasks": {}}, [("tasks", "ARRAY_EXPECTED")]),
        ({"tasks": []}, [("tasks", "ARRAY_SIZE_LESS_THAN_MIN")]),
        (
            {"tasks": [1, {}]},
            [("tasks.0", "OBJECT_EXPECTED"), ("tasks.1.input_values", "VALUE_REQUIRED")],
        ),
        ({**SUITE, "input_values": {}}, [("input_values", "VALUE_NOT_ALLOWED")]),
        ({**SUITE, "latitude": 90.1, "longitude": 0}, [("latitude", "VALUE_GREATER_THAN_MAX")]),
        ({**SUITE, "latitude": 0, "longitude": -180.1}, [("longitude", "VALUE_LESS_THAN_MIN")]),
        ({**SUITE, "latitude": "1", "longitude": 0}, [("latitude", "FLOAT_EXPECTED")]),
        ({**SUITE, "latitude": 1}, [("longitude", "VALUE_REQUIRED")]),
        (
            {**SUITE, "issuing_order_override": 100_000},
            [("issuing_order_override", "VALUE_GREATER_THAN_MAX")],
        ),
        ({**SUITE, "mixed": "no"}, [("mixed", "BOOLEAN_EXPECTED")]),
    ],
)
def test_a_suites_own_keys_are_checked(
    suite: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    """Tasks there must be; a place has two numbers."""
    assert [fault[:2] for fault in check_suite(suite)] == faults


def test_an_unknown_key_much_like_a_known_one_is_told_so() -> None:
    """A misspelt overlap would be lost without a word."""
    (fault,) = check_task({**TASK, "know_solutions": []})
    assert fault.message == 'Unknown field name: did you mean "known_solutions"?'


def test_faults_of_a_suite_are_bounded() -> None:
    """A suite of 4 MB may hold a million wrong tasks."""
    faults = check_suite({"tasks": [{}] * 500_000})
    assert len(faults) == MOST_FAULTS + 1


keys = st.sampled_from(
    [
        "input_values",
        "known_solutions",
        "output_values",
        "tasks",
        "pool_id",
        "overlap",
        "reserved_for",
        "latitude",
        "__x",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab1²", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, json_values, max_size=5))
def test_no_object_crashes_the_check(item: dict[str, Any]) -> None:
    """Whatever JSON can say, in whatever place; what passes has the shape the rest of the program relies on."""
    if not check_task(item):
        assert isinstance(item["input_values"], dict)
    if not check_suite(item):
        assert all(isinstance(task["input_values"], dict) for task in item["tasks"])


def test_integers_past_64_bits_are_out_of_range_and_not_of_another_type() -> None:
    """The parser makes floats of them; the message is about the range all the same."""
    overlap = orjson.loads("100000000000000000000000")
    assert of_task(overlap=overlap) == [("overlap", "VALUE_GREATER_THAN_MAX")]
