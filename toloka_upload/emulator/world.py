"""What exists before anything is uploaded: projects, pools, trainings, the account.

A world comes from the default below, from a TOML file, or from the API itself (`like`).
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toloka_upload.emulator import assignments
from toloka_upload.emulator.context import Context
from toloka_upload.emulator.ids import parse_item_id
from toloka_upload.emulator.judge import Judge
from toloka_upload.emulator.store import ItemRow, Kind, Store
from toloka_upload.emulator.values import read_moment

SINCE = "2026-01-15T09:00:00.000"


_REQUESTER: dict[str, Any] = {
    "id": "ac1f9a1e2b3c4d5e6f708192a3b4c5d6",
    "balance": 1000.0,
    "public_name": {"EN": "Emulated requester"},
    "company": {"id": "1", "superintendent_id": "ac1f9a1e2b3c4d5e6f708192a3b4c5d6"},
}


_OWNER: dict[str, Any] = {"id": _REQUESTER["id"], "myself": True, "company_id": "1"}


@dataclass(frozen=True, slots=True)
class World:
    """Projects, pools and trainings as the API would return them, by id, and the requester.

    Attributes:
        items: Tasks and suites that are there from the beginning, each with its `assignments_taken` besides.
        assignments: What performers have done; see `assignments.put`.
        switches: Settings that a world file carries for the emulator.
    """

    projects: Mapping[int, Mapping[str, Any]]
    pools: Mapping[int, Mapping[str, Any]]
    trainings: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    items: Mapping[Kind, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    assignments: Sequence[Mapping[str, Any]] = ()
    requester: Mapping[str, Any] = field(default_factory=lambda: dict(_REQUESTER))
    switches: Mapping[str, Any] = field(default_factory=dict)


_INPUT_SPEC: dict[str, Any] = {
    "image": {"type": "url", "required": True, "hidden": False},
    "text": {"type": "string", "required": False, "hidden": False, "max_length": 10_000},
    "category": {
        "type": "string",
        "required": False,
        "hidden": False,
        "allowed_values": ["cat", "dog", "other"],
    },
    "number": {"type": "integer", "required": False, "hidden": False},
    "score": {"type": "float", "required": False, "hidden": False},
    "checked": {"type": "boolean", "required": False, "hidden": False},
    "place": {"type": "coordinates", "required": False, "hidden": False},
    "tags": {"type": "array_string", "required": False, "hidden": False, "max_size": 100},
    "meta": {"type": "json", "required": False, "hidden": True},
    "boxes": {"type": "array_json", "required": False, "hidden": False},
}

_OUTPUT_SPEC: dict[str, Any] = {
    "result": {
        "type": "string",
        "required": True,
        "hidden": False,
        "allowed_values": ["OK", "BAD"],
    },
    "comment": {"type": "string", "required": False, "hidden": False},
}


def default_world() -> World:
    """Project 1 and five pools: 21 takes tasks, 22 suites, 23 is archived, 24 open, 25 a training."""
    mixer = {
        "real_tasks_count": 8,
        "golden_tasks_count": 1,
        "training_tasks_count": 0,
        "min_real_tasks_count": 1,
        "force_last_assignment": True,
        "force_last_assignment_delay_seconds": 10,
        "mix_tasks_in_creation_order": False,
        "shuffle_tasks_in_task_suite": True,
    }
    defaults = {"default_overlap_for_new_tasks": 3, "default_overlap_for_new_task_suites": 3}
    smart = {"mixer_config": mixer, "defaults": defaults}
    pools = [
        _pool(21, "Images, smart mixing", smart),
        _pool(22, "Images, suites", {"defaults": {"default_overlap_for_new_task_suites": 3}}),
        _pool(23, "Images, last year", {**smart, "status": "ARCHIVED"}),
        _pool(24, "Images, running", {**smart, "status": "OPEN"}),
    ]
    training = {
        "id": "25",
        "project_id": "1",
        "private_name": "Images, training",
        "status": "CLOSED",
        "may_contain_adult_content": False,
        "training_tasks_in_task_suite_count": 5,
        "task_suites_required_to_pass": 1,
        "shuffle_tasks_in_task_suite": True,
        "assignment_max_duration_seconds": 600,
        "inherited_instructions": True,
        "owner": _OWNER,
        "created": SINCE,
    }
    return World({1: _project()}, {int(pool["id"]): pool for pool in pools}, {25: training})


def _project() -> dict[str, Any]:
    return {
        "id": "1",
        "public_name": "Do the picture and the text match?",
        "public_description": "Look at the picture and say whether the text describes it.",
        "public_instructions": "Choose OK if it does.",
        "status": "ACTIVE",
        "owner": _OWNER,
        "created": SINCE,
        "assignments_issuing_type": "AUTOMATED",
        "assignments_automerge_enabled": False,
        "task_spec": {
            "input_spec": _INPUT_SPEC,
            "output_spec": _OUTPUT_SPEC,
            "view_spec": {"type": "classic", "markup": "", "script": "", "styles": ""},
        },
    }


def _pool(number: int, name: str, more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(number),
        "project_id": "1",
        "private_name": name,
        "status": "CLOSED",
        "last_close_reason": "MANUAL",
        "type": "REGULAR",
        "may_contain_adult_content": False,
        "reward_per_assignment": 0.02,
        "assignment_max_duration_seconds": 600,
        "will_expire": "2036-01-15T09:00:00.000",
        "auto_accept_solutions": True,
        "auto_close_after_complete_delay_seconds": 0,
        "priority": 0,
        "assignments_issuing_config": {"issue_task_suites_in_creation_order": False},
        "owner": _OWNER,
        "created": SINCE,
        **more,
    }


TABLE_OF: Mapping[Kind, str] = {"tasks": "task", "suites": "task_suite"}
"""What the tables of items are called in a world file."""

_TABLES = {
    "project",
    "pool",
    "training",
    "task",
    "task_suite",
    "assignment",
    "requester",
    "switches",
}


def load_world(path: Path | str) -> World:
    """A world from a TOML file.

    Its tables are `[[project]]`, `[[pool]]`, `[[training]]`, `[[task]]`, `[[task_suite]]`, `[[assignment]]`,
    `[requester]` and `[switches]`. Each is what the API returns for it; a pool is filled up from the default one, so
    `id` and `project_id` are enough. A pool's `enforced_task_spec` is the spec it was made under, where that is not
    the project's (it is not shown).

    Raises:
        ValueError: The file is no TOML, or something in it is not as it should be; names file and place.
        OSError: The file cannot be read.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ValueError(f"{path}: {problem}") from None
    unknown = data.keys() - _TABLES
    if unknown:
        raise ValueError(f"{path}: unknown table {sorted(unknown)[0]!r}")
    projects = _numbered(path, "project", data, _project())
    bare = {key: value for key, value in _pool(0, "", {}).items() if key != "id"}
    defaults = {"defaults": {"default_overlap_for_new_task_suites": 3}}
    pools = _numbered(path, "pool", data, {**bare, **defaults})
    trainings = _numbered(path, "training", data, dict(default_world().trainings[25]))
    world = World(
        projects,
        pools,
        trainings,
        {kind: _plain(data.get(table, [])) for kind, table in TABLE_OF.items()},
        _plain(data.get("assignment", [])),
        {**_REQUESTER, **data.get("requester", {})},
        data.get("switches", {}),
    )
    for number, pool in {**pools, **trainings}.items():
        if int(pool["project_id"]) not in projects:
            raise ValueError(f"{path}: pool {number}: there is no project {pool['project_id']}")
    return world


def _numbered(
    path: Path, table: str, data: Mapping[str, Any], base: Mapping[str, Any]
) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for place, entry in enumerate(data.get(table, []), 1):
        number = str(entry.get("id", "")) if isinstance(entry, dict) else ""
        if not number.isdecimal():
            raise ValueError(f"{path}: {table} {place}: `id` must be a number")
        texts = {key: str(entry[key]) for key in ("id", "project_id") if key in entry}
        found[int(number)] = _plain({**base, **entry, **texts})
    return found


def _plain(value: Any) -> Any:
    """What TOML says, as JSON has it: moments are text."""
    return json.loads(json.dumps(value, default=str))


def like(pool: Mapping[str, Any], project: Mapping[str, Any]) -> World:
    """A world of one pool (or training) and its project, as read from the API, under the same ids.

    The pool comes closed, unless it is archived or locked: nobody works here.
    """
    copy = dict(pool)
    if copy.get("status") == "OPEN":
        copy["status"] = "CLOSED"
    number = int(str(pool["id"]))
    projects = {int(str(project["id"])): project}
    if "mixer_config" not in pool and "training_tasks_in_task_suite_count" in pool:
        return World(projects, {}, {number: copy})
    return World(projects, {number: copy})


def apart(store: Store, copy: World) -> World:
    """A copy that changes no project of other pools: under a taken id its project gets another one."""
    (pool,) = [*copy.pools.values(), *copy.trainings.values()]
    ((number, project),) = copy.projects.items()
    bodies = {old: json.loads(text) for old, text in store.rows("SELECT id, body FROM projects")}
    others = store.row(
        "SELECT 1 FROM pools WHERE id != ? AND CAST(json_extract(body, '$.project_id') AS INTEGER) = ?",
        (int(pool["id"]), number),
    )
    if not others or bodies.get(number) == project:
        return copy
    alike = [old for old, body in bodies.items() if {**body, "id": project["id"]} == project]
    free = alike[0] if alike else store.next_id("projects")
    moved = {int(pool["id"]): {**pool, "project_id": str(free)}}
    pools, trainings = (moved, {}) if copy.pools else ({}, moved)
    return World({free: {**project, "id": str(free)}}, pools, trainings)


def settle_in(context: Context, world: World, now: float) -> None:
    """Put a world into the database. What was there under the same ids is replaced, save the items of its pools.

    Raises:
        ValueError: A task, suite or assignment is not as it should be; nothing of the world is put in.
    """
    store = context.store
    with store.writing():
        for number, project in world.projects.items():
            store.put_project(number, project)
        for training, pools in enumerate((world.pools, world.trainings)):
            for number, pool in pools.items():
                status = pool.get("status", "CLOSED")
                store.put_pool(number, training=training, status=status, body=pool)
        for kind, entries in world.items.items():
            for place, entry in enumerate(entries, 1):
                with _named(f"{TABLE_OF[kind]} {place}"):
                    _put_item(context, kind, place, entry)
        for place, entry in enumerate(world.assignments, 1):
            with _named(f"assignment {place}"):
                assignments.put(context, entry, _oid(place), int(now * 1000))


@contextlib.contextmanager
def _named(where: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError) as problem:
        raise ValueError(f"{where}: {problem}") from None


def _put_item(context: Context, kind: Kind, place: int, entry: Mapping[str, Any]) -> None:
    """Put a task or suite in, in the place of one with its id; it may name its id and `assignments_taken`."""
    value = {name: part for name, part in entry.items() if name not in ("id", "assignments_taken")}
    judge = Judge(kind, context.pool, context.switches, allow_defaults=True)
    verdict = judge(value)
    for fault in verdict.faults:
        raise ValueError(f"{fault.field}: {fault.code}: {fault.message}")
    key = parse_item_id(str(entry["id"])) if "id" in entry else (verdict.pool, _oid(place))
    if key is None or key[0] != verdict.pool:
        raise ValueError(f"{entry['id']!r} is no id of pool {verdict.pool}")
    taken, moment = int(entry.get("assignments_taken", 0)), read_moment(SINCE)
    row = ItemRow(*key, moment, verdict.overlap, json.dumps(value, ensure_ascii=False), taken)
    if context.store.item(kind, *key):
        context.store.change_item(kind, row)
    else:
        inside = len(value["tasks"]) if kind == "suites" else 0
        context.store.add_items(kind, [row])
        context.store.count(kind, verdict.pool, 1, inside)


def _oid(place: int) -> bytes:
    """The id of what stands at a place of a world file, the same whenever the file is read."""
    return int(read_moment(SINCE) / 1000).to_bytes(4, "big") + b"world" + place.to_bytes(3, "big")
