"""What performers did: put in by a world file or the control endpoint, listed and decided on over the API.

Nobody works here. An assignment is what somebody says has been done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from toloka_upload.emulator import forms
from toloka_upload.emulator.batch import item_json
from toloka_upload.emulator.context import Call, Context, owner_of
from toloka_upload.emulator.form_check import check, faults
from toloka_upload.emulator.ids import item_id, parse_item_id
from toloka_upload.emulator.messages import Response, check_none, json_response
from toloka_upload.emulator.pools import Pool, inappropriate, pool_number
from toloka_upload.emulator.resources import RESOURCES, found
from toloka_upload.emulator.store import ItemRow, Kind
from toloka_upload.emulator.values import timestamp

TAKING = ("ACTIVE", "SUBMITTED", "ACCEPTED")
"""Statuses in which an assignment takes one of its tasks' overlap."""

_MOMENTS = {
    "ACTIVE": (),
    "SUBMITTED": ("submitted",),
    "ACCEPTED": ("submitted", "accepted"),
    "REJECTED": ("submitted", "rejected"),
    "SKIPPED": ("skipped",),
    "EXPIRED": ("expired",),
}
_DECIDED_FROM = {"ACCEPTED": ("SUBMITTED", "REJECTED"), "REJECTED": ("SUBMITTED",)}


def decide(call: Call, name: str) -> Response:
    """PATCH: accept or reject, and say why."""
    value = call.object().value
    check_none(faults(forms.DECISION, value))
    with call.context.store.writing():
        _, pool, text = found(RESOURCES["/assignments"], call, name)
        body = json.loads(text)
        new = value.get("status") or body["status"]
        if new != body["status"]:
            allowed = _DECIDED_FROM.get(new, ())
            if body["status"] not in allowed:
                raise inappropriate(allowed)
            body[new.lower()] = timestamp(int(call.now * 1000))
            _take(call.context, body, _takes(new) - _takes(body["status"]))
        body |= {key: part for key, part in value.items() if part is not None}
        call.context.store.put_assignment(name, pool, body)
    return json_response(200, body)


def put(context: Context, said: Mapping[str, Any], oid: bytes, moment: int) -> dict[str, Any]:
    """Put an assignment in, as the API would return it; return it.

    Of `said`, only what was done is needed: a `task_suite_id`, or `tasks` (each its id, or an object), and with them
    the `solutions`. The rest is filled up. As long as it is active, submitted or accepted, it takes one of the overlap
    of the suite, or of each of its tasks.

    Args:
        oid: Of its id, if it names none.
        moment: When it was made, in milliseconds of Unix time, if it does not say.

    Raises:
        ValueError: It is not as it should be, what it names is not there, or nobody more gets that.
    """
    check(forms.ASSIGNMENT, said)
    said = {name: part for name, part in said.items() if part is not None}
    rows = list(_rows(context, said))
    pool = _pool(context, said, rows)
    name = str(said.get("id") or item_id(pool.id, oid))
    body = {**_usual(context, pool, said, moment), **said, "id": name, "pool_id": str(pool.id)}
    body["tasks"] = _tasks(said, rows)
    _check(body)
    known = context.store.row("SELECT body FROM assignments WHERE id = ?", (name,))
    before = _takes(json.loads(known[0])["status"]) if known else 0
    _take(context, body, _takes(body["status"]) - before, limited=True)
    context.store.put_assignment(name, pool.id, body)
    return body


def _takes(status: str) -> int:
    return int(status in TAKING)


def _take(context: Context, body: Mapping[str, Any], change: int, *, limited: bool = False) -> None:
    """Take so much more of the overlap of the tasks, or the suite, that an assignment names and that are there."""
    named: list[tuple[Kind, Any]] = [("suites", body["task_suite_id"])]
    named += [("tasks", task.get("id")) for task in body["tasks"]]
    for kind, name in named if change else ():
        key = parse_item_id(str(name))
        row = context.store.item(kind, *key) if key else None
        if row is None:
            continue
        if limited and change > 0 and row.overlap is not None and row.taken >= row.overlap:
            raise ValueError(f"nobody more gets {name}: its overlap is {row.overlap}")
        context.store.change_item(kind, row._replace(taken=max(row.taken + change, 0)))


def count_of(context: Context, kind: Kind, pool: int, oid: bytes) -> int:
    """How much of an item's overlap the assignments take that are there."""
    part = (
        "json_extract(body, '$.task_suite_id') = ?"
        if kind == "suites"
        else "? IN (SELECT json_extract(value, '$.id') FROM json_each(body, '$.tasks'))"
    )
    taking = ",".join(f"'{status}'" for status in TAKING)
    query = (
        f"SELECT count(*) FROM assignments WHERE pool = ? AND {part} "  # noqa: S608
        f"AND json_extract(body, '$.status') IN ({taking})"
    )
    count: int = context.store.row(query, (pool, item_id(pool, oid)))[0]
    return count


def _usual(context: Context, pool: Pool, said: Mapping[str, Any], moment: int) -> dict[str, Any]:
    status = said.get("status", "ACCEPTED")
    moments = ("created", *_MOMENTS[status])
    return {
        "task_suite_id": item_id(pool.id, bytes(12)),
        "user_id": "0" * 32,
        "status": status,
        "reward": pool.body.get("reward_per_assignment", 0),
        "mixed": pool.mixes,
        "automerged": False,
        "owner": owner_of(context),
        "solutions": [],
        **{name: timestamp(moment) for name in moments},
    }


def _rows(context: Context, said: Mapping[str, Any]) -> Iterator[tuple[Kind, ItemRow]]:
    """The suite or the tasks that it names and that are there."""
    if "task_suite_id" in said and "tasks" not in said:
        yield "suites", _row(context, "suites", said["task_suite_id"])
        return
    for task in said.get("tasks", ()):
        if not _whole(task):
            name = task.get("id") if isinstance(task, Mapping) else task
            yield "tasks", _row(context, "tasks", name)


def _whole(task: Any) -> bool:
    """Whether a task is said as it is, and not by its id."""
    return isinstance(task, Mapping) and "input_values" in task


def _row(context: Context, kind: Kind, name: Any) -> ItemRow:
    key = parse_item_id(str(name))
    row = context.store.item(kind, *key) if key else None
    if row is None:
        raise ValueError(f"there is no {'task' if kind == 'tasks' else 'task suite'} {name!r}")
    return row


def _pool(context: Context, said: Mapping[str, Any], rows: list[tuple[Kind, ItemRow]]) -> Pool:
    number = rows[0][1].pool if rows else pool_number(said.get("pool_id"))
    pool = context.pool(number)
    if pool is None:
        raise ValueError("an assignment names a task_suite_id, tasks by their ids, or a pool_id")
    return pool


def _tasks(said: Mapping[str, Any], rows: list[tuple[Kind, ItemRow]]) -> list[Any]:
    """Its tasks as the API shows them: those that are there from there, others as they were said."""
    if rows and rows[0][0] == "suites":
        tasks: list[Any] = json.loads(rows[0][1].body)["tasks"]
        return tasks
    stored = iter(json.loads(item_json(kind, row)) for kind, row in rows)
    return [task if _whole(task) else next(stored) for task in said.get("tasks", ())]


def _check(body: Mapping[str, Any]) -> None:
    solutions = body["solutions"]
    if not isinstance(solutions, list) or len(solutions) not in (0, len(body["tasks"])):
        raise ValueError(f"there is one solution a task, and {len(body['tasks'])} tasks")
