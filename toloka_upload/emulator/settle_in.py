"""Putting a world into the database: each part of it checked as the API and the control endpoint check what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toloka_upload.emulator import assignments, forms
from toloka_upload.emulator.context import Context
from toloka_upload.emulator.form_check import as_json, check, named
from toloka_upload.emulator.ids import parse_item_id
from toloka_upload.emulator.judge import Judge
from toloka_upload.emulator.pools import HIDDEN, pool_number
from toloka_upload.emulator.store import ItemRow, Kind, Store
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.values import read_moment
from toloka_upload.emulator.world import SINCE, TABLE_OF, World
from toloka_upload.rows.model import Fault

_PROJECT = {**forms.PROJECT, **forms.fixed(*forms.PROJECT_STATUSES)}
_POOL_FIXED = {
    **forms.fixed(*forms.POOL_STATUSES),
    HIDDEN: {"type": "object"},
    **forms.spec_form(HIDDEN),
}
_POOL = {**forms.POOL, **_POOL_FIXED}
_TRAINING = {**forms.TRAINING, **_POOL_FIXED}


def settle_in(context: Context, world: World, now: float) -> None:
    """Put a world in. What was there under the same ids is replaced, save the items of its pools.

    Raises:
        ValueError: Something in it is not as it should be; names its place. Nothing of the world is put in.
    """
    store = context.store
    with named(world.source), store.writing():
        with named("switches"):
            Switches().changed(as_json(world.switches))
        with named("requester"):
            check(forms.REQUESTER, as_json(world.requester), strangers=True)
        for number, project in world.projects.items():
            with named(f"project {number}"):
                store.put_project(number, _body(_PROJECT, number, project, world))
        for training, (table, form, pools) in enumerate(
            (("pool", _POOL, world.pools), ("training", _TRAINING, world.trainings))
        ):
            for number, pool in pools.items():
                with named(f"{table} {number}"):
                    body = _body(form, number, pool, world)
                    _check_project(store, body)
                    status = body.get("status") or "CLOSED"
                    store.put_pool(number, training=training, status=status, body=body)
        for kind, items in world.items.items():
            for place, item in enumerate(items, 1):
                with named(f"{TABLE_OF[kind]} {place}"):
                    _put_item(context, kind, place, item)
        for place, said in enumerate(world.assignments, 1):
            with named(f"assignment {place}"):
                assignments.put(context, as_json(said), _oid(place), int(now * 1000))


def _body(form: forms.Form, number: int, said: Any, world: World) -> dict[str, Any]:
    """A project, pool or training as it is kept. It may leave out what a request may not, and say what we do not know.

    What comes from the API itself is judged by its types alone: who knows what is allowed there by now.
    """
    matters = _is_of_type if world.copied else _any
    body = as_json(said)
    check(form, body, strangers=True, needed=False, matters=matters)
    if pool_number(body.setdefault("id", str(number))) != number:
        raise ValueError(f"its id is {body['id']!r}")
    check({"id": form["id"]}, {"id": number})
    for name in ("id", "project_id"):
        if body.get(name) is not None:
            body[name] = str(int(body[name]))
    return body


def _any(_: Fault) -> bool:
    return True


def _is_of_type(fault: Fault) -> bool:
    return fault.code.endswith("_EXPECTED")


def _check_project(store: Store, pool: Mapping[str, Any]) -> None:
    number = pool.get("project_id")
    if number is None or not store.row("SELECT 1 FROM projects WHERE id = ?", (int(number),)):
        raise ValueError(f"there is no project {number}")


def _put_item(context: Context, kind: Kind, place: int, said: Any) -> None:
    """Put a task or suite in, in the place of one with its id; it may name its id and `assignments_taken`."""
    entry = {name: part for name, part in as_json(said).items() if part is not None}
    form = {"id": {"type": "string"}, "assignments_taken": forms.TAKEN["taken"]}
    own = {"assignments_taken": 0, **{name: entry.pop(name) for name in form if name in entry}}
    check(form, own)
    judge = Judge(kind, context.pool, context.switches, allow_defaults=True)
    verdict = judge(entry)
    for fault in verdict.faults:
        raise ValueError(f"{fault.field}: {fault.code}: {fault.message}")
    key = parse_item_id(own["id"]) if "id" in own else (verdict.pool, _oid(place))
    if key is None or key[0] != verdict.pool:
        raise ValueError(f"{own['id']!r} is no id of pool {verdict.pool}")
    text, moment = json.dumps(entry, ensure_ascii=False), read_moment(SINCE)
    row = ItemRow(*key, moment, verdict.overlap, text, own["assignments_taken"])
    if context.store.item(kind, *key):
        taken = row.taken + assignments.count_of(context, kind, *key)
        context.store.change_item(kind, row._replace(taken=taken))
    else:
        inside = len(entry["tasks"]) if kind == "suites" else 0
        context.store.add_items(kind, [row])
        context.store.count(kind, verdict.pool, 1, inside)


def _oid(place: int) -> bytes:
    """The id of what stands at a place of a world file, the same whenever the file is read."""
    return int(read_moment(SINCE) / 1000).to_bytes(4, "big") + b"world" + place.to_bytes(3, "big")


def apart(store: Store, copy: World) -> World:
    """A copy that changes no project of other pools: under a taken id its project gets another one."""
    (pool,) = [*copy.pools.values(), *copy.trainings.values()]
    ((number, project),) = copy.projects.items()
    bodies = {old: json.loads(text) for old, text in store.rows("SELECT id, body FROM projects")}
    others = {row[0] for row in store.pools_of(number)} - {int(pool["id"])}
    if not others or bodies.get(number) == project:
        return copy
    alike = [old for old, body in bodies.items() if {**body, "id": project["id"]} == project]
    free = alike[0] if alike else store.next_id("projects")
    moved = {int(pool["id"]): {**pool, "project_id": str(free)}}
    pools, trainings = (moved, {}) if copy.pools else ({}, moved)
    return replace(
        copy, projects={free: {**project, "id": str(free)}}, pools=pools, trainings=trainings
    )
