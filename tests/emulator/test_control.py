"""The control endpoint: what is said to it is checked, and its errors name what is wrong, in words of our own."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import Api, task

from toloka_upload.emulator import Request


@pytest.mark.parametrize(
    ("what", "body", "words"),
    [
        ("faults", 5, "the body is a fault, a list of faults, or an object with `faults`"),
        ("faults", [5], "fault 1: an object is expected, not 5"),
        ("faults", {}, "a fault has an action, and a plan faults or a seed"),
        ("faults", {"actoin": "refuse"}, "actoin: VALUE_NOT_ALLOWED"),
        ("faults", {"seed": 7, "fault": [{"action": "refuse"}]}, "fault: VALUE_NOT_ALLOWED"),
        ("faults", {"seed": "x"}, "seed: INTEGER_EXPECTED"),
        ("faults", {"seed": 1e300}, "seed: VALUE_GREATER_THAN_MAX"),
        ("faults", {"faults": {}}, "faults: ARRAY_EXPECTED"),
        ("faults", [{"action": "gappy-log", "part": 5}], "fault 1: gappy-log: part: VALUE_GREATER_THAN_MAX"),
        ("faults", {"action": "reset", "id": 1}, "reset: id: VALUE_NOT_ALLOWED"),
        ("switches", [], "switches are names with values"),
        ("switches", {"require_token": "\u00e9"}, "switch require_token"),
        ("taken", 5, "an object is expected, not 5"),
        ("taken", {"x": 1}, "x: there is no such task or suite"),
        ("taken", {"x": 1.5}, "x: taken: INTEGER_EXPECTED"),
        ("taken", {"x": 30001}, "x: taken: VALUE_GREATER_THAN_MAX"),
        ("assignments", [5], "assignment 1: an object is expected, not 5"),
        ("assignments", [{"pool_id": 21}, {"pool_id": 21, "id": 5}], "assignment 2: id: STRING_EXPECTED"),
        ("assignments", {"pool_id": 21, "solutions": [1]}, "assignment 1: solutions"),
        ("assignments", {"pool_id": 21, "reward": "x"}, "assignment 1: reward: FLOAT_EXPECTED"),
        ("assignments", {"pool_id": 21, "user_id": 5}, "assignment 1: user_id: STRING_EXPECTED"),
        ("requester", [], "an object is expected"),
        ("requester", {"balance": "much"}, "balance: FLOAT_EXPECTED"),
        ("requester", {"balance": float("nan")}, "NaN is not JSON"),
        ("requester", {"balance": float("inf")}, "Infinity is not JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(api: Api, what: str, body: Any, words: str) -> None:
    """400, the place and the field; nothing of it is kept."""
    reply = api.control(what, body)
    assert reply.status == 400
    assert words in reply.json["message"]
    assert api.emulator.faults.plan == ()
    assert api.get("/assignments", pool_id=21).json["items"] == []


def test_a_number_that_is_too_large_for_json_is_refused(api: Api) -> None:
    """It would be shown as `Infinity`."""
    headers = {"content-type": "application/json"}
    for what in ("requester", "assignments"):
        body = b'{"pool_id": 21, "reward": 1e999, "balance": 1e999}'
        request = Request("POST", f"/_emulator/{what}", {}, headers, body)
        assert api.emulator.handle(request).status == 400
    assert b"Infinity" not in api.get("/requester").body


def test_the_token_is_told_nobody(api: Api) -> None:
    """That there is one may be known."""
    api.emulator.switch(require_token="secret")
    for path in ("switches", "state", "stats"):
        reply = api.emulator.handle(Request("GET", f"/_emulator/{path}", {}, {}))
        assert reply.status == 200
        assert b"secret" not in reply.body
    assert (
        b'"require_token":"(set)"'
        in api.emulator.handle(Request("GET", "/_emulator/switches", {}, {})).body
    )


def test_the_log_is_shown_without_a_token(api: Api) -> None:
    """For the page, whose links send none."""
    operation = api.submit([task()])
    api.emulator.switch(require_token="secret")
    reply = api.emulator.handle(Request("GET", "/_emulator/log", {"id": operation}, {}))
    assert b"TASK_CREATE" in reply.body
    assert api.emulator.handle(Request("GET", "/_emulator/log", {"id": "x"}, {})).status == 404
