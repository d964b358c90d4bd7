"""Logs without our markers, and what of a log is not an item's own."""

from __future__ import annotations

from typing import Any

import pytest

from toloka_upload.api.answers import SIZE_CODES
from toloka_upload.api.listing import item_content
from toloka_upload.rows.model import Fault
from toloka_upload.sending.operation_log import FINAL_CODES, PASSING_CODES, LogReading, read_log

TASKS: list[dict[str, Any]] = [
    {"input_values": {"n": 1}},
    {"input_values": {"n": 2}},
    {"input_values": {"n": 1}},
]
SUITE: dict[str, Any] = {"tasks": [{"input_values": {"n": 1}}]}


def digests(*items: dict[str, Any]) -> bytes:
    """Contents as chunks have them."""
    return b"".join(map(item_content, items))


def entry(sent: Any, made: str | None = None, code: str = "", **more: Any) -> dict[str, Any]:
    """An entry without a marker: an id, or the code of a refusal."""
    output = {"task_id": made} if made else {"code": code, "message": "m"} if code else {}
    return {
        "type": "TASK_CREATE",
        "success": made is not None,
        "input": sent,
        "output": output,
        **more,
    }


def test_entries_without_markers_are_matched_by_content_and_in_order() -> None:
    """Of two equal items the first entry is the first one's."""
    log = [entry(TASKS[0], "a"), entry(TASKS[1], "b"), entry(TASKS[0], "c")]
    assert read_log(log, digests(*TASKS)).ids == ["a", "b", "c"]


def test_a_suite_without_a_marker_is_matched_by_its_tasks() -> None:
    """Its id has another name."""
    log = [entry(SUITE, output={"task_suite_id": "s"}, success=True)]
    assert read_log(log, digests(SUITE)).ids == ["s"]


def test_more_equal_entries_than_items_change_nothing() -> None:
    """Nobody knows whose they are; those after them are read."""
    log = [entry(TASKS[1], "a"), entry(TASKS[1], "x"), entry({"input_values": {"n": 9}}, "y")]
    log.append(entry(TASKS[0], "b"))
    assert read_log(log, digests(*TASKS)).ids == ["b", "a", ""]


def test_marked_entries_keep_their_items_from_unmarked_ones() -> None:
    """What a marker told, as created or refused, is not told again by content; the rest is, from the first on."""
    marked = [
        {"success": True, "input": {"__item_idx": "0"}, "output": {"task_id": "a"}},
        {
            "success": False,
            "input": {"__item_idx": "2"},
            "output": {"input_values.n": {"code": "VALUE_REQUIRED", "message": "m"}},
        },
    ]
    reading = read_log([*marked, entry(TASKS[0], "b"), entry(TASKS[1], "c")], digests(*TASKS))
    assert reading.ids == ["a", "c", ""]
    assert list(reading.faults) == [2]


def test_an_unmarked_entry_for_the_first_item_alone() -> None:
    """The first item has a marker, 0, like the others."""
    log = [{"success": False, "input": {"__item_idx": "0"}, "output": {}}, entry(TASKS[1], "b")]
    reading = read_log(log, digests(*TASKS))
    assert reading.ids == ["", "b", ""]
    assert list(reading.faults) == [0]
    assert read_log([log[0]], digests(TASKS[0], TASKS[0])).untold() == [1]


@pytest.mark.parametrize("kind", ["POOL_OPEN", "TRAINING_OPEN"])
def test_entries_of_the_pool_that_was_opened_say_nothing_of_items(kind: str) -> None:
    """Not even that something failed; what follows is read."""
    log = [entry(TASKS[0], "no", type=kind), entry({}, code="LOCKED", type=kind)]
    reading = read_log([*log, entry(TASKS[1], "b")], digests(*TASKS))
    assert reading.ids == ["", "b", ""]
    assert reading.general == []


def test_a_failure_of_no_item_is_the_operations() -> None:
    """Its faults are general; a success of no item says nothing."""
    log = [entry({}, "a"), entry({}, code="INTERNAL_ERROR"), entry(None, code="CONFLICT_STATE")]
    reading = read_log(log, digests(*TASKS))
    assert [fault.code for fault in reading.general] == ["INTERNAL_ERROR", "CONFLICT_STATE"]
    assert reading.untold() == [0, 1, 2]


@pytest.mark.parametrize("code", sorted(PASSING_CODES | FINAL_CODES | SIZE_CODES))
def test_a_fault_that_is_not_the_items_own_is_general(code: str) -> None:
    """The pool is busy, full or of the wrong kind, or the request too large: the item may go again."""
    reading = read_log([entry(TASKS[0], code=code)], digests(*TASKS))
    assert [fault.code for fault in reading.general] == [code]
    assert reading.faults == {}
    assert reading.ids == ["", "", ""]


def test_a_fault_of_a_field_is_the_items_whatever_its_code() -> None:
    """A field that is in conflict is no pool that is."""
    output = {"input_values.n": {"code": "CONFLICT_STATE", "message": "m"}}
    reading = read_log([entry(TASKS[0], success=False, output=output)], digests(*TASKS))
    assert reading.general == []
    assert reading.faults[0] == [Fault("input_values.n", "CONFLICT_STATE", "m")]


def test_an_item_that_was_created_has_no_faults() -> None:
    """Whatever another entry says of it, before or after."""
    made = {"success": True, "input": {"__item_idx": "1"}, "output": {"task_id": "a"}}
    refused = {"success": False, "input": {"__item_idx": "1"}, "output": {}}
    assert read_log([made, refused], digests(*TASKS)).faults == {}


def test_each_fault_of_an_item_is_kept() -> None:
    """Two entries of one item are two reasons."""
    log = [
        {
            "success": False,
            "input": {"__item_idx": "1"},
            "output": {name: {"code": code, "message": "m"}},
        }
        for name, code in (("input_values.a", "VALUE_REQUIRED"), ("input_values.b", "VALUE_OTHER"))
    ]
    assert [fault.code for fault in read_log(log, digests(*TASKS)).faults[1]] == [
        "VALUE_REQUIRED",
        "VALUE_OTHER",
    ]


@pytest.mark.parametrize("output", [None, [], "a", {}, {"task_id": 7}, {"task_suite_id": None}])
def test_a_success_without_an_id_tells_nothing(output: Any) -> None:
    """The listing knows."""
    log = [entry(TASKS[0], output=output, success=True)]
    assert read_log(log, digests(*TASKS)).untold() == [0, 1, 2]
    log = [{"success": True, "input": {"__item_idx": "0"}, "output": output}]
    assert read_log(log, digests(*TASKS)).untold() == [0, 1, 2]


def test_markers_that_are_out_of_bounds_or_no_numbers() -> None:
    """One beyond the last is nobody's; one that is no number counts as none, and the content tells."""
    past = {"success": True, "input": {"__item_idx": "3", **TASKS[0]}, "output": {"task_id": "x"}}
    odd = {"success": True, "input": {"__item_idx": "?", **TASKS[1]}, "output": {"task_id": "b"}}
    assert read_log([past, odd], digests(*TASKS)).ids == ["", "b", ""]


def test_a_reading_counts_and_names_what_it_has() -> None:
    """Created items by their ids; those untold have neither id nor fault; the first fault of some codes."""
    busy, full = Fault("", "CONFLICT_STATE", "a"), Fault("", "POOL_TASKS_COUNT_EXCEEDED", "b")
    reading = LogReading(["a", "", ""], {2: [busy]}, [busy, full])
    assert reading.created == 1
    assert reading.untold() == [1]
    assert LogReading(["a"]).untold() == []
    assert LogReading(["a", "b"]).created == 2
    assert reading.says(FINAL_CODES) is full
    assert reading.says({"CONFLICT_STATE", "POOL_TASKS_COUNT_EXCEEDED"}) is busy
    assert reading.says({"ELSE"}) is None
