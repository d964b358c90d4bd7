"""The pools of the world as the emulator's rules need them, and opening them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from toloka_upload.check.spec import Spec
from toloka_upload.emulator.messages import Refusal
from toloka_upload.emulator.store import Kind, Store
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.values import read_integer, timestamp


class Change(NamedTuple):
    """What can be done to a pool.

    Attributes:
        operation: The second half of the operation's type.
        after: The pool's status then; empty: the pool stays as it is.
        before: Statuses in which it can be done.
        reason: Why it is closed then.
    """

    operation: str
    after: str
    before: tuple[str, ...]
    reason: str = ""


CHANGES: Mapping[str, Change] = {
    "open": Change("OPEN", "OPEN", ("CLOSED",)),
    "close": Change("CLOSE", "CLOSED", ("OPEN",), "MANUAL"),
    "close-for-update": Change("CLOSE", "CLOSED", ("OPEN",), "FOR_UPDATE"),
    "archive": Change("ARCHIVE", "ARCHIVED", ("CLOSED",)),
    "clone": Change("CLONE", "", ("OPEN", "CLOSED", "ARCHIVED", "LOCKED")),
}
"""By the last part of the path."""

HIDDEN = "enforced_task_spec"
"""Key of a pool in a world file for the spec it was made under; the API does not show it."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool or training, with how much is in it.

    Attributes:
        body: What the API returns for it.
        spec: The check of its items.
        on_map: Its project hands out tasks on a map: suites need coordinates.
        tasks: Tasks created one by one.
        suites: Suites created.
        suite_tasks: Tasks inside those suites.
    """

    id: int
    training: bool
    status: str
    body: Mapping[str, Any]
    spec: Spec
    on_map: bool
    tasks: int
    suites: int
    suite_tasks: int

    @property
    def mixes(self) -> bool:
        """Whether it makes suites of tasks by itself. Trainings always do."""
        return self.training or self.body.get("mixer_config") is not None

    @property
    def has_work(self) -> bool:
        """Whether performers could be given something. Without smart mixing tasks alone make no page."""
        return bool(self.suites or (self.mixes and self.tasks))

    def default_overlap(self, kind: str, switches: Switches) -> int | None:
        """The overlap of items that name none, or None."""
        defaults = self.body.get("defaults") or {}
        for_suites = defaults.get("default_overlap_for_new_task_suites")
        if kind == "suites":
            return for_suites or None
        for_tasks = defaults.get("default_overlap_for_new_tasks")
        return for_tasks or (for_suites if switches.suite_default_for_tasks else None) or None


def pool_number(pool_id: Any) -> int:
    """The number that a `pool_id` names: text or a number; -1, which no pool has, for anything else."""
    try:
        return read_integer(str(pool_id), 0) if isinstance(pool_id, str | int) else -1
    except ValueError:
        return -1


def weight(kind: Kind, item: Mapping[str, Any], switches: Switches) -> int:
    """How much of a pool's room an item takes."""
    if kind == "tasks" or switches.suites_count_as == "suites":
        return 1
    tasks = item.get("tasks")
    return len(tasks) if isinstance(tasks, list) else 0


def check_status(pool: Pool) -> None:
    """Whether anything in a pool may be added to or changed.

    Raises:
        Refusal: 409; it is archived or locked.
    """
    if pool.status == "LOCKED":
        raise Refusal("POOL_LOCKED_BY_ANOTHER_OPERATION")
    if pool.status == "ARCHIVED":
        raise Refusal("POOL_INAPPROPRIATE_STATUS", {"appropriate_statuses": ["OPEN", "CLOSED"]})


def check_room(kind: Kind, pool: Pool, amount: int, switches: Switches) -> None:
    """Whether a pool has room for so many more.

    Raises:
        Refusal: 409; it has not.
    """
    inside = pool.tasks + (pool.suite_tasks if switches.suites_count_as == "tasks" else pool.suites)
    if switches.pool_tasks and inside + amount > switches.pool_tasks:
        noun = "TASKS" if kind == "tasks" else "TASK_SUITES"
        raise Refusal(f"POOL_{noun}_COUNT_EXCEEDED")


def shown(status: str, text: str) -> dict[str, Any]:
    """A pool as the API shows it."""
    body: dict[str, Any] = {**json.loads(text), "status": status}
    body.pop(HIDDEN, None)
    return body


class Pools:
    """Looks pools up, keeps their compiled specs, and changes their status.

    Attributes:
        unchecked: What of the specs could not be checked of items so far, in words.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._specs: dict[tuple[str, bool], Spec] = {}
        self.unchecked: dict[str, None] = {}

    def find(self, number: int, switches: Switches) -> Pool | None:
        """A pool or training by its id."""
        row = self._store.row(
            "SELECT training, pools.status, pools.body, tasks, suites, suite_tasks, projects.body "
            "FROM pools LEFT JOIN projects ON projects.id = json_extract(pools.body, '$.project_id') "
            "WHERE pools.id = ?",
            (number,),
        )
        if row is None:
            return None
        training, status, text, tasks, suites, suite_tasks, project_text = row
        enforced, project = json.loads(text).get(HIDDEN), json.loads(project_text or "{}")
        spec = self._spec(enforced or project.get("task_spec") or {}, switches)
        on_map = project.get("assignments_issuing_type") == "MAP_SELECTOR"
        counts = (tasks, suites, suite_tasks)
        return Pool(number, bool(training), status, shown(status, text), spec, on_map, *counts)

    def _spec(self, task_spec: Mapping[str, Any], switches: Switches) -> Spec:
        key = (json.dumps(task_spec), switches.required_by_default)
        if key not in self._specs:
            note = self.unchecked.setdefault
            self._specs[key] = Spec.compile(_with_required(task_spec, switches), note)
        return self._specs[key]

    def change(self, number: int, name: str, moment: int) -> int:
        """Do one of `CHANGES` at a moment (milliseconds of Unix time); return the id of the pool it concerns."""
        change = CHANGES[name]
        query = "SELECT training, body FROM pools WHERE id = ?"
        training, text = self._store.row(query, (number,))
        body = json.loads(text)
        if not change.after:
            return self._clone(training, body, moment)
        if change.after == "OPEN":
            body.pop("last_close_reason", None)
            body["last_started"] = timestamp(moment)
        elif change.reason and body.get("last_started"):
            body |= {"last_close_reason": change.reason, "last_stopped": timestamp(moment)}
        self._store.put_pool(number, training=training, status=change.after, body=body)
        return number

    def archive_project(self, number: int) -> None:
        """Archive a project."""
        body = json.loads(self._store.row("SELECT body FROM projects WHERE id = ?", (number,))[0])
        self._store.put_project(number, {**body, "status": "ARCHIVED"})

    def _clone(self, training: int, body: Mapping[str, Any], moment: int) -> int:
        number = self._store.next_id("pools")
        kept = {name: part for name, part in body.items() if not name.startswith("last_")}
        copy = {**kept, "id": str(number), "created": timestamp(moment)}
        self._store.put_pool(number, training=training, status="CLOSED", body=copy)
        return number

    def open_after(
        self, numbers: Iterable[int], switches: Switches, moment: int
    ) -> dict[int, Refusal | None]:
        """Open the pools that a creating request filled, each if it can be.

        Returns:
            For each pool that was not open before: why it is not now, or None.
        """
        opened: dict[int, Refusal | None] = {}
        for number in numbers:
            pool = self.find(number, switches)
            if pool and pool.status != "OPEN":
                opened[number] = refusal = why_not_open(pool)
                if refusal is None:
                    self.change(number, "open", moment)
        return opened


def _with_required(task_spec: Mapping[str, Any], switches: Switches) -> dict[str, Any]:
    """The spec with `required` stated everywhere; `Spec` does not guess it."""
    stated: dict[str, Any] = {}
    for side, usual in (("input_spec", switches.required_by_default), ("output_spec", False)):
        spec = task_spec.get(side)
        if isinstance(spec, Mapping):
            stated[side] = {
                name: {"required": usual, **entry} if isinstance(entry, Mapping) else entry
                for name, entry in spec.items()
            }
    return stated


def why_not_open(pool: Pool) -> Refusal | None:
    """Why a pool cannot be opened: it is archived or locked, or holds nothing to work on."""
    if pool.status not in CHANGES["open"].before:
        return inappropriate(CHANGES["open"].before)
    return None if pool.has_work else Refusal("EMPTY_POOL")


def inappropriate(statuses: Sequence[str]) -> Refusal:
    """The refusal of what cannot be done to a pool or project in its status."""
    return Refusal("INAPPROPRIATE_STATUS", {"appropriate_statuses": list(statuses)})
