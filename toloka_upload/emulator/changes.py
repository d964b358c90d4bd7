"""Projects, pools and trainings over the API: made, edited, opened, closed, archived, cloned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toloka_upload.emulator import admission, forms, operations
from toloka_upload.emulator.codes import REQUIRED
from toloka_upload.emulator.context import Call, owner_of
from toloka_upload.emulator.form_check import faults
from toloka_upload.emulator.ids import operation_id
from toloka_upload.emulator.messages import (
    Refusal,
    Response,
    check_none,
    json_response,
    raw_json_response,
)
from toloka_upload.emulator.pools import CHANGES, HIDDEN, inappropriate
from toloka_upload.emulator.resources import RESOURCES, found
from toloka_upload.emulator.values import timestamp
from toloka_upload.emulator.work import FAIR, Fate
from toloka_upload.rows.model import Fault


@dataclass(frozen=True, slots=True)
class Kind:
    """What is made and changed alike.

    Attributes:
        path: Of its resource.
        name: As operations name it.
        form: What it may be made of.
        usual: Members that it has unless the request says otherwise.
        editable: Statuses in which it may be edited.
        training: As the database has it; None: it is a project.
    """

    path: str
    name: str
    form: forms.Form
    usual: Mapping[str, Any]
    editable: tuple[str, ...]
    training: int | None = None


PROJECT = Kind(
    "/projects",
    "PROJECT",
    forms.PROJECT,
    {"status": "ACTIVE", "assignments_automerge_enabled": False},
    ("ACTIVE",),
)
POOL = Kind(
    "/pools",
    "POOL",
    forms.POOL,
    {
        "status": "CLOSED",
        "type": "REGULAR",
        "auto_accept_solutions": True,
        "auto_close_after_complete_delay_seconds": 0,
        "assignments_issuing_config": {"issue_task_suites_in_creation_order": False},
        "priority": 0,
    },
    ("CLOSED",),
    training=0,
)
TRAINING = Kind(
    "/trainings", "TRAINING", forms.TRAINING, {"status": "CLOSED"}, ("CLOSED",), training=1
)


def create(kind: Kind, call: Call) -> Response:
    """201 with the new project, pool or training."""
    store = call.context.store
    value = _checked(kind, call)
    with store.writing():
        table = "projects" if kind.training is None else "pools"
        admission.check_quota(table, 1, call.context, call.now)
        number = store.next_id(table)
        owner = owner_of(call.context)
        made = {"id": str(number), "created": timestamp(int(call.now * 1000)), "owner": owner}
        _put(kind, call, number, {**kind.usual, **value, **made})
    return _answer(kind, call, str(number), 201)


def replace(kind: Kind, call: Call, number: str) -> Response:
    """200 with the whole of it as the request has it; what only the API sets stays."""
    old = _editable(kind, call, number)
    value = _checked(kind, call)
    with call.context.store.writing():
        kept = {
            name: part for name, part in old.items() if name in forms.READ_ONLY or name == HIDDEN
        }
        if kind is PROJECT and value["task_spec"] != old.get("task_spec"):
            _pin_spec(call, int(number), old.get("task_spec"))
        _put(kind, call, int(number), {**value, **kept})
    return _answer(kind, call, number)


def set_priority(call: Call, number: str) -> Response:
    """PATCH of a pool: its priority, and nothing else. An archived pool is answered with a bare 409."""
    value = call.object().value
    form = {"priority": forms.POOL["priority"]}
    body = _body(POOL, call, number)
    if body["status"] == "ARCHIVED":
        return Response(409, {}, b"")
    check_none(faults(form, value))
    with call.context.store.writing():
        _put(POOL, call, int(number), {**body, "priority": value.get("priority") or 0})
    return _answer(POOL, call, number)


def change(kind: Kind, name: str, call: Call, number: str) -> Response:
    """202 with the operation that opens, closes, archives or clones; 204 if it is so already."""
    wanted = CHANGES[name]
    now = _body(kind, call, number)["status"]
    status = now if kind is PROJECT else _coming(call, int(number), now)
    if status == wanted.after:
        return Response(204, {}, b"")
    if kind is PROJECT:
        _check_pools_archived(call, int(number))
    elif status not in wanted.before:
        raise inappropriate(wanted.before)
    pool = None if kind is PROJECT else call.context.pool(int(number))
    if pool and name == "open" and not pool.has_work:
        raise Refusal("EMPTY_POOL")
    fate = FAIR
    with call.context.store.writing():
        try:
            admission.check_idle([int(number)] if pool else [], call.context)
        except admission.InLog as refused:
            fate = refused.as_fate(fate)
        if name == "clone":
            admission.check_quota("pools", 1, call.context, call.now)
        return _submitted(kind, call, number, name, fate)


def _coming(call: Call, number: int, status: str) -> str:
    """The status that a pool will have when the operations on it have ended."""
    query = (
        "SELECT type FROM operations WHERE pool = ? AND settled IS NULL AND due IS NOT NULL "
        "AND json_extract(fate, '$.code') = '' ORDER BY due, number"
    )
    after = {change.operation: change.after for change in CHANGES.values()}
    for (name,) in call.context.store.rows(query, (number,)):
        status = after.get(name.partition(".")[2]) or status
    return status


def _submitted(kind: Kind, call: Call, number: str, name: str, fate: Fate) -> Response:
    context = call.context
    new = operations.Submission(
        operation_id(context.switches.own_operation_ids, context.ids, call.now),
        f"{kind.name}.{CHANGES[name].operation}",
        None if kind is PROJECT else int(number),
        {f"{kind.name.lower()}_id": number},
        body=name.encode(),
        fate=fate,
    )
    row = context.operations.submit(new, context.switches, call.now)
    return json_response(202, operations.view(row, context.switches, call.now))


def _check_pools_archived(call: Call, project: int) -> None:
    pools = call.context.store.pools_of(project)
    if any(not training and status != "ARCHIVED" for _, training, status, _ in pools):
        raise Refusal("UNARCHIVED_POOLS_CONFLICT")


def _checked(kind: Kind, call: Call) -> dict[str, Any]:
    """The request's object without what only the API sets; ids as text.

    Raises:
        Refusal: Something in it is not as it should be.
    """
    value, switches = call.object().value, call.context.switches
    refused = forms.READ_ONLY if switches.read_only_keys == "refused" else frozenset()
    problems = [Fault(name, "VALUE_NOT_ALLOWED", "") for name in value.keys() & refused]
    strangers = switches.unknown_keys == "any"
    problems += faults(kind.form, value, ignored=forms.READ_ONLY, strangers=strangers)
    check_none(problems)
    sent = {
        name: part
        for name, part in value.items()
        if part is not None and name not in forms.READ_ONLY and name[:2] != "__"
    }
    if kind is not PROJECT:
        sent["project_id"] = str(sent["project_id"])
        _check_project(call, sent["project_id"])
    try:
        json.dumps(sent, allow_nan=False)
    except ValueError as problem:  # 1e999 is infinite, and could not be shown
        raise Refusal("MALFORMED_JSON", message=f"Request body cannot be read: {problem}") from None
    return sent


def _check_project(call: Call, number: str) -> None:
    try:
        project = _body(PROJECT, call, number)
    except Refusal:
        check_none([Fault("project_id", "ENTITY_DOES_NOT_EXIST", REQUIRED)])
    else:
        if project.get("status") == "ARCHIVED":
            raise Refusal("PROJECT_INAPPROPRIATE_STATUS", {"appropriate_statuses": ["ACTIVE"]})


def _editable(kind: Kind, call: Call, number: str) -> dict[str, Any]:
    body = _body(kind, call, number)
    if body.get("status") not in kind.editable:
        raise inappropriate(kind.editable)
    return body


def _body(kind: Kind, call: Call, number: str) -> dict[str, Any]:
    """What is stored for an id, its status as it is."""
    row = found(RESOURCES[kind.path], call, number)
    text, status = (row[1], {}) if kind is PROJECT else (row[3], {"status": row[2]})
    return {**json.loads(text), **status}


def _put(kind: Kind, call: Call, number: int, body: Mapping[str, Any]) -> None:
    if kind.training is None:
        call.context.store.put_project(number, body)
    else:
        status = body["status"]
        call.context.store.put_pool(number, training=kind.training, status=status, body=body)


def _pin_spec(call: Call, project: int, spec: Any) -> None:
    """A pool keeps the spec it was made under, whatever becomes of its project."""
    for number, training, status, text in call.context.store.pools_of(project):
        body = {HIDDEN: spec, **json.loads(text)}
        call.context.store.put_pool(number, training=training, status=status, body=body)


def _answer(kind: Kind, call: Call, number: str, status: int = 200) -> Response:
    resource = RESOURCES[kind.path]
    return raw_json_response(status, resource.show(call, found(resource, call, number)))
