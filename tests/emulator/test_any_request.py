"""Whatever is asked, the emulator answers: no request is met by a failure of ours."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from emulated import Api, suite, task
from test_pools import POOL, PROJECT, TRAINING

from toloka_upload.emulator import World

TEXTS = [
    *("", "0", "1", "-1", "+1", "9" * 18, "9" * 19, "9" * 30, "1e400", "NaN", "²", "x", "'", ","),
    *("2026-02-30", "2026-01-01", "0001-01-01", "9999-12-31T23:59:59+00:01", "2026-01-01T00:00:00Z"),
    *("true", "OPEN", "-id", "id,-id", "created", "0000000015--" + "f" * 24, "ffffffffff--" + "0" * 24),
]  # fmt: skip
PARAMETERS = [
    *("limit", "sort", "status", "type", "owner", "project_id", "pool_id", "task_id", "overlap"),
    *("task_suite_id", "user_id", "surprise", "async_mode", "open_pool", "operation_id"),
    *(
        f"{name}_{way}"
        for name in ("id", "overlap", "created", "last_started", "submitted", "finished", "skipped")
        for way in ("gt", "gte", "lt", "lte")
    ),
]
VALUES = [
    *(None, True, 0, -1, 2**63, 10**400, 0.5, 1e300, "", "x", "\ud800", "21", "9" * 30),
    *([], {}, [[]], [None], [{}], ["x"], {"a": None}, {"id": {}}),
]
IDS = [*TEXTS, "21", "25", "assignment"]

DYNAMIC = {
    "mixer_config": {"real_tasks_count": 1},
    "defaults": {"default_overlap_for_new_task_suites": 1},
    "dynamic_pricing_config": {
        "type": "SKILL",
        "skill_id": "1",
        "intervals": [{"from": 1, "to": 2, "reward_per_assignment": 0.1}],
    },
}
SOLUTION = {"output_values": {"result": "OK"}}
ANSWER = {
    "id": "new",
    "task_suite_id": "x",
    "tasks": [{"input_values": {}}],
    "pool_id": "21",
    "solutions": [SOLUTION],
    "status": "ACTIVE",
    "created": "2026-01-01",
}
FAULT = {"action": "delay", "seconds": 1, "nth": [1], "times": 1, "probability": 0.5, "path": "/x"}


@pytest.fixture
def full(api: Api) -> Api:
    """An emulator that has one of each."""
    api.emulator.switch(requests_per_second=0, pools_per_minute=0, pools_per_day=0)
    api.post("/tasks", task(overlap=5))
    api.post("/task-suites", suite())
    api.submit([task()])
    api.control("assignments", {"id": "assignment", "pool_id": 21})
    return api


SPEC = {"input_spec": {"image": {"type": "url", "pattern": "h.*"}}, "output_spec": {}}
WORLD = World(
    {1: {**PROJECT, "id": "1", "task_spec": SPEC}},
    {21: {**POOL, **DYNAMIC, "id": "21", "project_id": "1", "status": "OPEN", "enforced_task_spec": {}}},
    {25: {**TRAINING, "id": "25", "project_id": "1"}},
    {"tasks": [{**task(), "assignments_taken": 1}], "suites": [suite()]},
    [{**ANSWER, "id": "told"}],
    {"id": "x", "balance": 1.5, "company": {"id": "1"}},
    {"lock_pool": "off"},
)  # fmt: skip
NOT_JSON = [
    math.nan,
    math.inf,
    datetime(2026, 1, 1, tzinfo=UTC),
    date(2026, 1, 1),
    b"x",
    {1: 2},
    {"a": math.nan},
]

LISTS = ["/projects", "/pools", "/trainings", "/tasks", "/task-suites", "/assignments", "/operations"]  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_any_parameter_has_an_answer(full: Api, path: str) -> None:
    """Each parameter with each value, and each id."""
    for parameter in PARAMETERS:
        for text in TEXTS:
            reply = full.get(path, **{"pool_id": "21", parameter: text})
            assert reply.status in (200, 400), (parameter, text, reply)
    for name in IDS:
        assert full.get(f"{path}/{name}").status in (200, 404, 409)


def spoiled(value: Any, values: Sequence[Any] = VALUES) -> Iterator[Any]:
    """A body with each of its parts, at any depth, replaced by each value."""
    yield from values
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in parts:
        for new in spoiled(part, values) if isinstance(part, dict | list) else values:
            other = copy.copy(value)
            other[name] = new
            yield other


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/tasks", task(known_solutions=[{**SOLUTION, "correctness_weight": 1}], issued=1)),
        ("POST", "/task-suites", suite(size=1, latitude=1.5, reserved_for=["x"])),
        ("POST", "/projects", PROJECT),
        ("POST", "/pools", {**POOL, **DYNAMIC}),
        ("PUT", "/pools/21", {**POOL, **DYNAMIC}),
        ("POST", "/trainings", TRAINING),
        ("PATCH", "/pools/21", {"priority": 1}),
        ("PATCH", "/tasks/{task}", {"overlap": 1, "infinite_overlap": False, "known_solutions": [SOLUTION]}),
        ("PATCH", "/tasks/{task}/set-overlap-or-min", {"overlap": 1, "infinite_overlap": False}),
        ("PATCH", "/assignments/assignment", {"status": "REJECTED", "public_comment": "x"}),
    ],
)  # fmt: skip
def test_any_body_has_an_answer(full: Api, method: str, path: str, body: Any) -> None:
    """Valid bodies, each part of them replaced by each of what does not belong there."""
    (made,) = [one["id"] for one in full.listed() if one["overlap"] == 5]
    for one in spoiled(body):
        reply = full.send(method, path.replace("{task}", made), one)
        assert reply.status < 500, (one, reply)
        assert not reply.body or json.loads(reply.body)
    for where in LISTS:  # and what was let in can be shown
        assert full.get(where, pool_id=21).status in (200, 400)
        assert full.get(where, sort="-created").status in (200, 400)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("taken", {"x": 1}),
        ("requester", {"balance": 1, "id": "x", "company": {"id": "1"}}),
        ("assignments", [ANSWER]),
        ("switches", {"sync_items": 1, "progress": True, "oversize": "413", "log_days": 1.5}),
        ("faults", [FAULT]),
        ("faults", {"seed": 1, "faults": [{"action": "switch", "switches": {"progress": True}, "path": "/x"}]}),
        ("nothing", {}),
    ],
)  # fmt: skip
def test_any_word_to_the_control_endpoint_has_an_answer(full: Api, what: str, body: Any) -> None:
    """Likewise; and the page can still be shown."""
    for one in spoiled(body):
        reply = full.control(what, one)
        assert reply.status in (200, 400, 404), (one, reply)
        full.emulator.faults.clear()
        full.emulator.switch(operation_seconds=0)
        assert full.state["pools"]
        assert full.get("/requester").status == 200
        assert full.get("/tasks", pool_id=21, owner_id="x").status == 200


def worlds(part: str) -> Iterator[World]:
    """The world with whatever does not belong there at each place of one of its parts."""
    values = [*VALUES, *NOT_JSON]
    whole = getattr(WORLD, part)
    if part in ("requester", "switches"):
        yield from (replace(WORLD, **{part: one}) for one in spoiled(whole, values))
    elif part == "assignments":
        yield from (replace(WORLD, assignments=[one]) for one in spoiled(whole[0], values))
    elif part == "items":
        for kind, (entry,) in whole.items():
            for one in spoiled(entry, values):
                yield replace(WORLD, items={**whole, kind: [one]})
    else:
        ((number, entry),) = whole.items()
        for one in spoiled(entry, values):
            yield replace(WORLD, **{part: {number: one}})


PLACE = r"(project|pool|training|task|task_suite|assignment) \d+: |requester: |switches: "


@pytest.mark.parametrize(
    "part",
    ["projects", "pools", "trainings", "items", "assignments", "requester", "switches"],
)
def test_any_world_is_refused_or_lives(full: Api, part: str) -> None:
    """Whatever is not as it should be is a ValueError that names the place; what was let in can be used."""
    full.emulator.put(WORLD)
    let_in, refusals = 0, set()
    for one in worlds(part):
        try:
            full.emulator.put(one)
        except ValueError as problem:
            refusals.add(bool(re.match(PLACE, str(problem))))
            continue
        let_in += 1
        for where in LISTS:
            reply = full.get(where, pool_id=21, sort="-created")
            assert reply.status in (200, 400), (one, reply)
            assert where == "/assignments" or json.loads(reply.body)
        assert full.post("/tasks", task(pool_id="25")).status in (201, 400)
        assert full.post("/task-suites", suite()).status in (201, 400, 409)
        assert full.post("/pools/21/open").status < 500
        assert full.state["pools"]
        full.emulator.put(WORLD)
    assert let_in
    assert refusals == {True}
