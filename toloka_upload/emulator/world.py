"""What exists before anything is uploaded: projects, pools, trainings, the account.

A world comes from a TOML file, the default one from ours (`default_world.toml`), or from the API itself (`like`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from toloka_upload.check.faults import shown
from toloka_upload.emulator.form_check import as_json, as_object, named
from toloka_upload.emulator.pools import pool_number
from toloka_upload.emulator.store import NOUN, Kind
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.toml_file import read_toml
from toloka_upload.emulator.values import LARGEST_ID, read_moment, timestamp

SINCE = "2026-01-15T09:00:00.000"


@cache
def _usual_data() -> Mapping[str, Any]:
    text = files("toloka_upload.emulator").joinpath("default_world.toml").read_text("utf-8")
    return tomllib.loads(text)


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
    requester: Mapping[str, Any] = field(default_factory=lambda: dict(_usual_data()["requester"]))
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


_NUMBERED = ("project", "pool", "training")
TABLE_OF = {kind: noun.lower() for kind, noun in NOUN.items()}
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
    lists = (*_NUMBERED, *TABLE_OF.values(), "assignment")
    data = read_toml(path, lists, ("requester", "switches"))
    with named(str(path)):
        return _world(data, str(path))


def default_world() -> World:
    """Project 1 and five pools: 21 takes tasks, 22 suites, 23 is archived, 24 open, 25 a training."""
    return _world(_usual_data(), "")


def _world(data: Mapping[str, Any], source: str) -> World:
    with named("switches"):
        switches = as_json(data.get("switches", {}))
        Switches().changed(switches)
    projects, pools, trainings = (_numbered(table, data.get(table, [])) for table in _NUMBERED)
    twice = pools.keys() & trainings.keys()
    if twice:
        raise ValueError(f"{min(twice)} is the id of a pool and of a training")
    requester = _plain("requester", data.get("requester", {}))
    return World(
        projects,
        pools,
        trainings,
        {kind: _plain_list(table, data) for kind, table in TABLE_OF.items()},
        _plain_list("assignment", data),
        {**_usual_data()["requester"], **requester},
        switches,
        source,
    )


def _numbered(table: str, entries: list[Any]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    usual = _usual_data()["usual"][table]
    for place, entry in enumerate(entries, 1):
        number = pool_number(entry.get("id"))
        if number < 0:
            raise ValueError(f"{table} {place}: `id` must be a number from 1 to {LARGEST_ID}")
        if number in found:
            raise ValueError(f"{table} {place}: the id {number} stands twice")
        said = _plain(f"{table} {number}", entry)
        found[number] = {**usual, **said, "id": str(number)}
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
