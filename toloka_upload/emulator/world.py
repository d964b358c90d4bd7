"""What exists before anything is uploaded: projects, pools, trainings, the account.

A world comes from the default below, from a TOML file, or from the API itself (`like`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from toloka_upload.check.faults import shown
from toloka_upload.emulator.form_check import as_json, as_object, named
from toloka_upload.emulator.pools import pool_number
from toloka_upload.emulator.store import Kind
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.toml_file import read_toml
from toloka_upload.emulator.values import read_moment, timestamp

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
        source: The file that it comes from, to be named in errors.
        copied: It was read from the API.
    """

    projects: Mapping[int, Mapping[str, Any]]
    pools: Mapping[int, Mapping[str, Any]]
    trainings: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    items: Mapping[Kind, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    assignments: Sequence[Mapping[str, Any]] = ()
    requester: Mapping[str, Any] = field(default_factory=lambda: dict(_REQUESTER))
    switches: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    copied: bool = False


def check_world(world: World | None) -> None:
    """Refuse what is no world.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(world, World | None):
        raise TypeError(f"a world is what load_world(path) returns; this is {world!r}")


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


def load_world(path: Path | str) -> World:
    """A world from a TOML file.

    Its tables are `[[project]]`, `[[pool]]`, `[[training]]`, `[[task]]`, `[[task_suite]]`, `[[assignment]]`,
    `[requester]` and `[switches]`. Each is what the API returns for it; a pool is filled up from the default one, so
    `id` and `project_id` are enough. A pool's `enforced_task_spec` is the spec it was made under, where that is not
    the project's (it is not shown).

    What is said is checked when the world is put in.

    Raises:
        ValueError: The file is no TOML, or an id is none or stands twice; names file and place.
        OSError: The file cannot be read.
    """
    path = Path(path)
    bases = {
        "project": _project(),
        "pool": _usual_pool(),
        "training": default_world().trainings[25],
    }
    lists = [*bases, *TABLE_OF.values(), "assignment"]
    data = read_toml(path, lists, ("requester", "switches"))
    with named(str(path)):
        with named("switches"):
            switches = as_json(data.get("switches", {}))
            Switches().changed(switches)
        numbered = {
            table: _numbered(table, data.get(table, []), base) for table, base in bases.items()
        }
        twice = numbered["pool"].keys() & numbered["training"].keys()
        if twice:
            raise ValueError(f"{min(twice)} is the id of a pool and of a training")
        return World(
            numbered["project"],
            numbered["pool"],
            numbered["training"],
            {kind: _plain_list(table, data) for kind, table in TABLE_OF.items()},
            _plain_list("assignment", data),
            {**_REQUESTER, **_plain("requester", data.get("requester", {}))},
            switches,
            str(path),
        )


def _usual_pool() -> dict[str, Any]:
    """What a pool of a world file has that it does not say."""
    pool = _pool(0, "", {"defaults": {"default_overlap_for_new_task_suites": 3}})
    return {name: part for name, part in pool.items() if name != "id"}


def _numbered(table: str, entries: list[Any], base: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for place, entry in enumerate(entries, 1):
        number = pool_number(entry.get("id"))
        if number < 0:
            raise ValueError(f"{table} {place}: `id` must be a number")
        if number in found:
            raise ValueError(f"{table} {place}: the id {number} stands twice")
        found[number] = {**base, **_plain(f"{table} {number}", entry), "id": str(number)}
    return found


def _plain_list(table: str, data: Mapping[str, Any]) -> list[Any]:
    return [_plain(f"{table} {place}", entry) for place, entry in enumerate(data.get(table, []), 1)]


def _plain(where: str, entry: Any) -> Mapping[str, Any]:
    """A table whose moments are text as the API writes it.

    Raises:
        ValueError: It is no table.
    """
    with named(where):
        return {name: _moment_as_text(part) for name, part in as_object(entry).items()}


def _moment_as_text(part: Any) -> Any:
    return timestamp(read_moment(part.isoformat())) if isinstance(part, date) else part


def like(pool: Mapping[str, Any], project: Mapping[str, Any]) -> World:
    """A world of one pool (or training) and its project, as read from the API, under the same ids.

    The pool comes closed, unless it is archived or locked: nobody works here.

    Raises:
        ValueError: One of them has no id that could be one.
    """
    copy = dict(pool)
    if copy.get("status") == "OPEN":
        copy["status"] = "CLOSED"
    copies, projects = {_id_of("pool", pool): copy}, {_id_of("project", project): project}
    training = "mixer_config" not in pool and "training_tasks_in_task_suite_count" in pool
    pools, trainings = ({}, copies) if training else (copies, {})
    return World(projects, pools, trainings, copied=True)


def _id_of(what: str, body: Mapping[str, Any]) -> int:
    number = pool_number(body.get("id"))
    if number < 0:
        raise ValueError(f"the API's answer for the {what} has no id: {shown(dict(body))}")
    return number
