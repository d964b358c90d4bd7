"""What an operation's log says, in every form in which it may come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.api.listing import item_content
from toloka_upload.sending.operation_log import NO_REASON, read_log


def entry(
    index: int, *, success: object = True, made: str | None = "a", **more: Any
) -> dict[str, Any]:
    """One entry, of an item that carries our marker."""
    output = {"task_id": made} if made else {}
    sent = {"input_values": {"n": index}, "__item_idx": str(index)}
    return {"type": "TASK_CREATE", "success": success, "input": sent, "output": output, **more}


def contents(items: int) -> bytes:
    """The digests of items as `entry` has them."""
    return b"".join(item_content({"input_values": {"n": index}}) for index in range(items))


def test_an_item_is_created_if_its_entry_says_success_and_names_it() -> None:
    """And refused if it says that there was none, in the API's words or without any."""
    fault = {"input_values.n": {"code": "VALUE_REQUIRED", "message": "m"}}
    log = [entry(0), entry(1, success=False, made=None), entry(2, success=False, output=fault)]
    reading = read_log(log, contents(4))
    assert reading.ids == ["a", "", "", ""]
    assert reading.faults[1] == [NO_REASON]
    assert reading.faults[2][0].code == "VALUE_REQUIRED"
    assert reading.untold() == [3]


@pytest.mark.parametrize("success", ["true", "false", None, 1, 0, {}])
@pytest.mark.parametrize("marker", ["marked", "unmarked"])
def test_an_entry_that_says_neither_tells_nothing(success: object, marker: str) -> None:
    """With an id or without, `success` in another form leaves the item open: the listing knows."""
    entries = [entry(0, success=success), entry(1, success=success, made=None), entry(2, made=None)]
    del (missing := entry(3))["success"]
    log = [*entries, missing]
    if marker == "unmarked":
        for each in log:
            del each["input"]["__item_idx"]
    reading = read_log(log, contents(4))
    assert reading.untold() == [0, 1, 2, 3]
    assert not reading.faults
    assert not reading.general


def test_an_id_that_is_named_for_two_items_is_neithers() -> None:
    """One of them was not created under it; which one, the log does not say."""
    reading = read_log([entry(0, made="a"), entry(1, made="b"), entry(2, made="a")], contents(3))
    assert reading.ids == ["", "b", ""]


@given(st.lists(st.sampled_from([True, False, None, "true"]), max_size=12), st.randoms())
def test_the_order_of_entries_does_not_matter(success: list[object], dice: Any) -> None:
    """What is told of an item is what its own entry says."""
    log = [entry(index, success=said, made=f"id-{index}") for index, said in enumerate(success)]
    dice.shuffle(log)
    reading = read_log(log, contents(len(success)))
    for index, said in enumerate(success):
        assert reading.ids[index] == (f"id-{index}" if said is True else "")
        assert (index in reading.faults) == (said is False)
