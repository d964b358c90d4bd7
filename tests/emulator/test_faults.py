"""Weather: each fault does what it says, when it says, and stands in the account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from emulated import Api, bad_task, new_id, task

from toloka_upload.emulator import ConnectionLost
from toloka_upload.emulator.faults import ACTIONS, Faults, load_plan, parse_fault


def created(api: Api) -> int:
    """Tasks in pool 21."""
    return len(api.listed())


def lost(api: Api) -> ConnectionLost:
    """How the connection of a creating request was lost."""
    with pytest.raises(ConnectionLost) as caught:
        api.post("/tasks", [task()])
    return caught.value


def settled(api: Api, **fault: Any) -> tuple[str, Any]:
    """The operation of three tasks that met a fault: its id, and how it ended."""
    api.emulator.faults.add(fault)
    operation = api.submit([task(place, __item_idx=str(place)) for place in range(3)])
    return operation, api.operation(operation)


def test_every_action_has_its_test() -> None:
    """A fault without a test here is weather that nobody has seen."""
    tested = {name.removeprefix("test_").replace("_", "-") for name in globals()}
    assert ACTIONS.keys() - tested == set()


@pytest.mark.parametrize(("body", "start"), [("html", b"<html>"), ("json", b"{"), ("empty", b"")])
def test_refuse(api: Api, body: str, start: bytes) -> None:
    """A status, with a page, an envelope or nothing; nothing is created."""
    api.emulator.faults.add({"action": "refuse", "status": 502, "body": body})
    reply = api.post("/tasks", [task()])
    assert reply.status == 502
    assert reply.body.startswith(start)
    assert bool(reply.body) == bool(start)
    assert created(api) == 0


def test_refuse_with_a_code_of_its_own(api: Api) -> None:
    """`code` and `message` go into the envelope."""
    fault = {"action": "refuse", "status": 400, "body": "json", "code": "X", "message": "Why"}
    api.emulator.faults.add(fault)
    reply = api.get("/requester")
    assert (reply.status, reply.code, reply.json["message"]) == (400, "X", "Why")


def test_reset(api: Api) -> None:
    """The connection is lost before the work."""
    api.emulator.faults.add({"action": "reset"})
    assert lost(api).how == "reset"
    assert created(api) == 0


def test_hang(api: Api) -> None:
    """No answer for so long, and nothing done."""
    api.emulator.faults.add({"action": "hang", "seconds": 7})
    gone = lost(api)
    assert (gone.how, gone.seconds) == ("hang", 7.0)
    assert created(api) == 0


def test_delay(api: Api) -> None:
    """A wait, then the work and the answer."""
    api.emulator.faults.add({"action": "delay", "seconds": 3})
    assert api.post("/tasks", [task()]).status == 201
    assert api.slept == [3.0]


@pytest.mark.parametrize(
    ("kind", "payload", "header"),
    [
        ("MIN", {"interval": "MIN"}, None),
        ("HOUR", {"interval": "HOUR"}, None),
        ("DAY", {"interval": "DAY"}, None),
        ("seconds", None, "5"),
        ("date", None, "Fri, 15 Jan 2027 08:00:05 GMT"),
        ("bare", None, None),
    ],
)
def test_throttle(api: Api, kind: str, payload: Any, header: str | None) -> None:
    """429 in all its kinds; nothing is created."""
    api.emulator.faults.add({"action": "throttle", "kind": kind, "seconds": 5})
    reply = api.post("/tasks", [task()])
    assert (reply.status, reply.code) == (429, "TOO_MANY_REQUESTS")
    assert reply.json.get("payload") == payload
    assert reply.headers.get("Retry-After") == header
    assert created(api) == 0


def test_too_large(api: Api) -> None:
    """413 from the API, or from the proxy in front of it."""
    api.emulator.faults.add({"action": "too-large"}, {"action": "too-large", "body": "html"})
    assert api.post("/tasks", [task()]).code == "ENTITY_TOO_LARGE"
    page = api.post("/tasks", [task()])
    assert (page.status, page.headers["Content-Type"]) == (413, "text/html")
    assert created(api) == 0


def test_quota(api: Api) -> None:
    """400, without a payload."""
    api.emulator.faults.add({"action": "quota"})
    reply = api.post("/tasks", [task()])
    assert (reply.status, reply.code) == (400, "TASKS_CREATION_DOES_NOT_FIT_QUOTA")
    assert "payload" not in reply.json


def test_lock_pool(api: Api) -> None:
    """The pool of the request is locked for so long; others are not."""
    api.emulator.faults.add({"action": "lock-pool", "seconds": 5, "path": "/tasks"})
    for _ in range(2):
        assert api.post("/tasks", [task()]).code == "POOL_LOCKED_BY_ANOTHER_OPERATION"
    assert api.post("/tasks", [task(pool_id="24")]).status == 201
    api.clock.advance(5)
    assert api.post("/tasks", [task()]).status == 201


def test_switch(api: Api) -> None:
    """Limits shrink in the middle of a run, and stay so."""
    api.emulator.faults.add({"action": "switch", "nth": 2, "switches": {"sync_items": 1}})
    two = [task(), task()]
    assert [api.post("/tasks", two).status for _ in range(3)] == [201, 413, 413]


def test_reset_after(api: Api) -> None:
    """The work is done and nobody hears of it; asking about the id tells."""
    api.emulator.faults.add({"action": "reset-after", "method": "POST"})
    chosen = new_id()
    with pytest.raises(ConnectionLost):
        api.post("/tasks", [task()], async_mode=True, operation_id=chosen)
    assert api.operation(chosen)["status"] == "SUCCESS"
    assert created(api) == 1


def test_hang_after(api: Api) -> None:
    """The work is done and the answer never comes."""
    api.emulator.faults.add({"action": "hang-after"})
    assert lost(api).how == "hang"
    assert created(api) == 1


@pytest.mark.parametrize(("status", "body"), [(500, "empty"), (504, "html"), (500, "json")])
def test_refuse_after(api: Api, status: int, body: str) -> None:
    """An error for an answer, after the work."""
    api.emulator.faults.add({"action": "refuse-after", "status": status, "body": body})
    assert api.post("/tasks", [task()]).status == status
    assert created(api) == 1


def test_cut(api: Api) -> None:
    """The answer that is cut is the true one."""
    api.emulator.faults.add({"action": "cut"})
    gone = lost(api)
    assert gone.how == "cut"
    assert gone.response is not None
    assert gone.response.status == 201
    assert created(api) == 1


def test_truncate(api: Api) -> None:
    """Half a JSON, whole for HTTP."""
    api.emulator.faults.add({"action": "truncate"})
    reply = api.post("/tasks", [task()])
    assert reply.status == 201
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        _ = reply.json
    assert created(api) == 1


def test_empty(api: Api) -> None:
    """The status without a body."""
    api.emulator.faults.add({"action": "empty"})
    reply = api.post("/tasks", [task()])
    assert (reply.status, reply.body) == (201, b"")
    assert created(api) == 1


def test_html(api: Api) -> None:
    """A page where JSON should be, with a good status."""
    api.emulator.faults.add({"action": "html"})
    reply = api.post("/tasks", [task()])
    assert reply.status == 201
    assert reply.body.startswith(b"<html>")
    assert created(api) == 1


def test_fail_operation(api: Api) -> None:
    """FAIL in the middle: a part was created, and the log may tell of that part, of all, or of nothing."""
    for log, entries in (("created", 1), ("all", 3), ("empty", 0)):
        operation, state = settled(api, action="fail-operation", part=0.4, log=log)
        assert state["status"] == "FAIL"
        assert (state["details"]["success_count"], state["details"]["failed_count"]) == (1, 2)
        told = api.log(operation)
        assert len(told) == entries
        assert sum(entry["success"] for entry in told) == min(entries, 1)
        failed = [entry["output"]["code"] for entry in told if not entry["success"]]
        assert set(failed) <= {"OPERATION_EXECUTION_ERROR"}
    assert created(api) == 3


def test_fail_operation_creates_none_of_a_batch_with_a_bad_item(api: Api) -> None:
    """What would have failed as a whole is not created in part."""
    api.emulator.faults.add({"action": "fail-operation", "part": 1})
    operation = api.submit([task(), bad_task()])
    assert api.operation(operation)["details"]["success_count"] == 0


def test_stick_operation(api: Api) -> None:
    """RUNNING for longer, or for ever."""
    operation, state = settled(api, action="stick-operation", seconds=60)
    assert state["status"] == "RUNNING"
    api.clock.advance(60)
    assert api.operation(operation)["status"] == "SUCCESS"
    operation, _ = settled(api, action="stick-operation")
    api.clock.advance(10**7)
    assert api.operation(operation)["status"] == "RUNNING"


def test_empty_log(api: Api) -> None:
    """A success that tells nothing."""
    operation, state = settled(api, action="empty-log")
    assert state["status"] == "SUCCESS"
    assert api.log(operation) == []
    assert created(api) == 3


def test_late_log(api: Api) -> None:
    """Nothing for a while after the end."""
    operation, _ = settled(api, action="late-log", seconds=5)
    assert api.log(operation) == []
    api.clock.advance(5)
    assert len(api.log(operation)) == 3


def test_archive_log(api: Api) -> None:
    """Archived from the start."""
    operation, _ = settled(api, action="archive-log")
    assert api.get(f"/operations/{operation}/log").code == "OPERATION_LOGS_ARCHIVED"


def test_gappy_log(api: Api) -> None:
    """Entries are missing; all of them with `part = 1`."""
    operation, state = settled(api, action="gappy-log", part=1)
    assert state["details"]["success_count"] == 3
    assert api.log(operation) == []


def statuses(faults: Faults, count: int, path: str = "/tasks") -> list[bool]:
    """Which of so many requests meet a fault."""
    return [faults.meet("POST", path, None) is not None for _ in range(count)]


def test_a_fault_meets_the_requests_it_names() -> None:
    """By method, by path with `*`, and whichever comes first in the plan."""
    entry = {"action": "reset", "method": "get", "path": "/operations/*/log", "times": 0}
    faults = Faults([parse_fault(entry)])
    assert faults.meet("GET", "/operations/1/log", None)
    assert not faults.meet("POST", "/operations/1/log", None)
    assert not faults.meet("GET", "/operations/1", None)
    assert faults.counts == {"reset": 1}


def test_nth_counts_the_requests_it_names() -> None:
    """`nth` is one number or several, from 1; each happens once."""
    fault = parse_fault({"action": "reset", "path": "/tasks", "nth": [2, 4]})
    faults = Faults([fault])
    faults.meet("POST", "/task-suites", None)
    assert statuses(faults, 6) == [False, True, False, True, False, False]


def test_times_bounds_how_often() -> None:
    """Once, unless it says otherwise; 0 is without end."""
    assert statuses(Faults([parse_fault({"action": "reset"})]), 3) == [True, False, False]
    assert statuses(Faults([parse_fault({"action": "reset", "times": 2})]), 3) == [
        True,
        True,
        False,
    ]
    assert all(statuses(Faults([parse_fault({"action": "reset", "times": 0})]), 50))


def test_chances_repeat_with_their_seed() -> None:
    """The same seed, the same weather; about as often as the probability says."""

    def run(seed: int) -> list[bool]:
        return statuses(Faults([parse_fault({"action": "reset", "probability": 0.3})], seed), 1000)

    assert run(1) == run(1) != run(2)
    assert 250 < sum(run(1)) < 350


def test_a_fault_of_operations_waits_for_one(api: Api) -> None:
    """It is not spent on a GET."""
    api.emulator.faults.add({"action": "empty-log"})
    api.get("/pools/21")
    assert api.emulator.faults.counts == {}
    api.submit([task()])
    assert api.emulator.faults.counts == {"empty-log": 1}


OPERATION_FAULTS = [name for name, action in ACTIONS.items() if action.phase == "operation"]


@pytest.mark.parametrize("action", [*OPERATION_FAULTS, "lock-pool"])
def test_the_account_has_only_what_happened(api: Api, action: str) -> None:
    """What makes no operation, or locks no pool, spends no fault of that kind, and is not counted by `nth`."""
    chosen = new_id()
    api.submit([task()], operation_id=chosen)
    api.emulator.faults.add({"action": action, "nth": 1})
    if action != "lock-pool":
        api.post("/tasks", [task()])
        api.post("/tasks", [task()], async_mode=True, operation_id=chosen)
        api.post("/tasks", b"[", async_mode=True)
        api.post("/tasks", [task(pool_id="23")], async_mode=True)
        api.post("/pools/21/open")
    api.get("/pools/21")
    api.get("/tasks", pool_id=21)
    assert api.emulator.faults.counts == {}
    api.post("/tasks", [task()], async_mode=True)
    assert api.emulator.faults.counts == {action: 1}
    assert api.emulator.ledger.requests[-1].fault == action


@pytest.mark.parametrize(
    ("part", "count", "left"), [(0.3, 10, 7), (0.1, 3, 2), (0.01, 10, 9), (0, 5, 5)]
)
def test_a_gappy_log_lacks_its_part(api: Api, part: float, count: int, left: int) -> None:
    """As many entries as it says, to the nearest; one at least."""
    api.emulator.faults.add({"action": "gappy-log", "part": part})
    operation = api.submit([task(number) for number in range(count)])
    assert len(api.log(operation)) == left


def test_a_throttle_asks_for_whole_seconds(api: Api) -> None:
    """As HTTP has it: never less than was said."""
    api.emulator.faults.add(
        *({"action": "throttle", "kind": k, "seconds": 2.5} for k in ("seconds", "date"))
    )
    assert api.get("/requester").headers["Retry-After"] == "3"
    assert api.get("/requester").headers["Retry-After"] == "Fri, 15 Jan 2027 08:00:03 GMT"


def test_the_account_tells_each_fault(api: Api) -> None:
    """When, what, to which request, and to which operation."""
    chosen = new_id()
    api.emulator.faults.add({"action": "refuse", "times": 2})
    api.post("/tasks", [task()], async_mode=True, operation_id=chosen)
    api.get(f"/operations/{chosen}/log")
    assert [tuple(entry) for entry in api.emulator.faults.consumed] == [
        (api.clock.now, "refuse", "POST", "/tasks", chosen),
        (api.clock.now, "refuse", "GET", f"/operations/{chosen}/log", chosen),
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"action": "rest"}, "there is no action 'rest'"),
        ({}, "there is no action None"),
        (
            {"action": "reset", "seconds": 1},
            "reset: seconds: VALUE_NOT_ALLOWED: Unknown field name",
        ),
        ({"action": "reset", "path_": "/tasks"}, "did you mean .path."),
        ({"action": "reset", "nth": 0}, "counts from 1"),
        ({"action": "reset", "times": -1}, "times"),
        ({"action": "reset", "probability": 2}, "probability"),
        ({"action": "throttle", "kind": "WEEK"}, "MIN, HOUR, DAY"),
        ({"action": "refuse", "status": "503"}, "status"),
        ({"action": "refuse", "status": 9}, "status"),
        ({"action": "delay", "seconds": -1}, "delay: seconds: VALUE_LESS_THAN_MIN"),
        ({"action": "delay", "seconds": float("nan")}, "seconds"),
        ({"action": "delay", "seconds": float("inf")}, "seconds"),
        ({"action": "delay", "seconds": True}, "seconds"),
        ({"action": "refuse", "status": 100}, "status"),
        ({"action": "refuse", "body": 5}, "body: UNKNOWN_ENUM_VALUE"),
        ({"action": "too-large", "body": "empty"}, "json, html"),
        ({"action": "fail-operation", "part": 2}, "part: VALUE_GREATER_THAN_MAX"),
        ({"action": "gappy-log", "part": 1e9}, "part"),
        ({"action": "reset", "probability": "0.5"}, "probability"),
        ({"action": "reset", "nth": True}, "nth"),
        ({"action": "reset", "nth": [1, "2"]}, "nth"),
        ({"action": "reset", "times": True}, "times"),
        ({"action": "reset", "path": 5}, "path"),
        ({"action": "reset", "method": ["POST"]}, "method"),
        ({"action": "switch", "switches": 5}, "switches"),
        ({"action": ["reset"]}, "there is no action"),
        (5, "an object is expected, not 5"),
        ([], "an object is expected"),
        ({"action": "switch", "switches": {"nothing": 1}}, "no switch 'nothing'"),
    ],
)
def test_a_wrong_fault_is_told(entry: Any, words: str) -> None:
    """What is wrong with it, and what there is."""
    with pytest.raises(ValueError, match=words):
        parse_fault(entry)


def test_a_plan_is_read_from_a_file(tmp_path: Path) -> None:
    """`seed`, and a `[[fault]]` each, in order."""
    plan = tmp_path / "plan.toml"
    plan.write_text('seed = 7\n[[fault]]\naction = "reset"\nnth = 3\n[[fault]]\naction = "quota"\n')
    faults, seed = load_plan(plan)
    assert [(fault.action, fault.nth) for fault in faults] == [("reset", (3,)), ("quota", ())]
    assert seed == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = ", "plan.toml"),
        ('[[fault]]\naction = "reset"\n[[fault]]\naction = "x"', "plan.toml: fault 2: there is no"),
        ("faults = []", r"unknown key 'faults'; there are: \[\[fault\]\], seed"),
        ("fault = 5", r"plan.toml: fault is a list of tables"),
        ('[fault]\naction = "reset"', r"fault is a list of tables"),
        ("seed = 1.5", "plan.toml: seed: INTEGER_EXPECTED"),
        ("seed = true", "plan.toml: seed: INTEGER_EXPECTED"),
        ("seed = " + "[" * 3000, "plan.toml"),
    ],
)
def test_a_wrong_plan_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    """File and number of the fault."""
    plan = tmp_path / "plan.toml"
    plan.write_text(text)
    with pytest.raises(ValueError, match=words):
        load_plan(plan)
