"""The pools of the world as the emulator's rules need them, and opening them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toloka_upload.check.spec import Spec
from toloka_upload.emulator.messages import Refusal, timestamp
from toloka_upload.emulator.store import Kind, Store
from toloka_upload.emulator.switches import Switches

STATUS_AFTER = {"OPEN": "OPEN", "CLOSE": "CLOSED", "ARCHIVE": "ARCHIVED"}
"""What a pool is after it was told to open, close or archive."""

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
    text = str(pool_id) if isinstance(pool_id, str | int) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1


def weight(kind: Kind, item: Mapping[str, Any], switches: Switches) -> int:
    """How much of a pool's room an item takes."""
    if kind == "tasks" or switches.suites_count_as == "suites":
        return 1
    tasks = item.get("tasks")
    return len(tasks) if isinstance(tasks, list) else 0


def check_room(kind: Kind, pool: Pool, amount: int, switches: Switches) -> None:
    """Whether a pool has room for so many more.

    Raises:
        Refusal: 409; it has not.
    """
    inside = pool.tasks + (pool.suite_tasks if switches.suites_count_as == "tasks" else pool.suites)
    if switches.pool_tasks and inside + amount > switches.pool_tasks:
        noun = "TASKS" if kind == "tasks" else "TASK_SUITES"
        message = f"Pool {pool.id} holds {inside}; at most {switches.pool_tasks}"
        raise Refusal(409, f"POOL_{noun}_COUNT_EXCEEDED", message)


class Pools:
    """Looks pools up, and keeps their compiled specs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._specs: dict[tuple[str, bool], Spec] = {}

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
        body = json.loads(text)
        body["status"] = status
        enforced = body.pop(HIDDEN, None)
        project = json.loads(project_text or "{}")
        spec = self._spec(enforced or project.get("task_spec") or {}, switches)
        on_map = project.get("assignments_issuing_type") == "MAP_SELECTOR"
        return Pool(number, bool(training), status, body, spec, on_map, tasks, suites, suite_tasks)

    def _spec(self, task_spec: Mapping[str, Any], switches: Switches) -> Spec:
        key = (json.dumps(task_spec), switches.required_by_default)
        if key not in self._specs:
            self._specs[key] = Spec.compile(_with_required(task_spec, switches))
        return self._specs[key]

    def change(self, number: int, change: str, moment: int) -> None:
        """Open, close or archive a pool at a moment (milliseconds of Unix time)."""
        status = STATUS_AFTER[change]
        body = json.loads(self._store.row("SELECT body FROM pools WHERE id = ?", (number,))[0])
        if status == "OPEN":
            body.pop("last_close_reason", None)
            body["last_started"] = timestamp(moment)
        elif body.get("last_started"):
            body |= {"last_close_reason": "MANUAL", "last_stopped": timestamp(moment)}
        self._store.execute(
            "UPDATE pools SET status = ?, body = ? WHERE id = ?", (status, json.dumps(body), number)
        )


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


def check_openable(pool: Pool) -> None:
    """Whether the pool can be opened.

    Raises:
        Refusal: 409; it is archived or locked, or holds nothing to work on.
    """
    if pool.status in ("ARCHIVED", "LOCKED"):
        raise Refusal(
            409,
            "INAPPROPRIATE_STATUS",
            f"Pool {pool.id} is {pool.status}. Operation is not allowed",
            {"appropriate_statuses": ["CLOSED"]},
        )
    # Without smart mixing tasks alone make no page that a performer could be given.
    if not (pool.suites or (pool.mixes and pool.tasks)):
        raise Refusal(409, "EMPTY_POOL", "Pool contains no tasks. Operation is not allowed")
