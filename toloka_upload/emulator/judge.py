"""Whether an item may be created, and with which overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from toloka_upload.check.faults import required
from toloka_upload.check.structure import check_suite, check_task
from toloka_upload.emulator.pools import Pool, pool_number
from toloka_upload.emulator.store import Kind
from toloka_upload.emulator.switches import Switches
from toloka_upload.rows.model import Fault

_WRITABLE_IN_BOTH = frozenset(
    {
        *("pool_id", "overlap", "infinite_overlap", "reserved_for", "unavailable_for"),
        *("traits_all_of", "traits_any_of", "traits_none_of_any"),
    }
)
_WRITABLE_IN_TASKS = frozenset(
    {"input_values", "known_solutions", "message_on_unknown_solution", "localization_config"}
)
_WRITABLE_IN_SUITES = frozenset(
    {"tasks", "issuing_order_override", "latitude", "longitude", "mixed"}
)
WRITABLE = {
    "tasks": _WRITABLE_IN_BOTH | _WRITABLE_IN_TASKS | {"baseline_solutions"},
    "suites": _WRITABLE_IN_BOTH | _WRITABLE_IN_SUITES,
}
READ_ONLY = frozenset({"id", "created", "remaining_overlap", "origin_task_id", "automerged"})

_NO_FAULTS: Sequence[Fault] = ()


class Verdict(NamedTuple):
    """What became of one item's check. `overlap` None is an infinite one; it means nothing with faults."""

    pool: int
    overlap: int | None
    faults: Sequence[Fault]


class Judge:
    """Judges the items of one request.

    Args:
        find: Looks a pool up by its number.
        allow_defaults: The request's parameter.
    """

    def __init__(
        self,
        kind: Kind,
        find: Callable[[int], Pool | None],
        switches: Switches,
        *,
        allow_defaults: bool,
    ) -> None:
        self._kind = kind
        self._find = find
        self._switches = switches
        self._defaults_count = allow_defaults or switches.overlap_without_defaults == "default"
        self._pools: dict[Any, Pool | None] = {}
        self._passes = _filter(kind, switches)

    def __call__(self, value: dict[str, Any]) -> Verdict:
        """Judge one item."""
        pool = self.pool(value.get("pool_id"))
        if pool is None:
            return Verdict(0, None, (_pool_fault(value.get("pool_id")),))
        known = {key: part for key, part in value.items() if self._passes(key)}
        if self._kind == "tasks":
            faults = [*check_task(known), *pool.spec.check_task(known)]
        else:
            faults = self._suite_faults(known, pool)
        overlap, missing = self._overlap(known, pool)
        if missing:
            faults.append(required("overlap"))
        return Verdict(pool.id, overlap, faults or _NO_FAULTS)

    def pool(self, pool_id: Any) -> Pool | None:
        """The pool that an item names, or None if there is none."""
        if not isinstance(pool_id, str | int):
            return None
        if pool_id not in self._pools:
            self._pools[pool_id] = self._find(pool_number(pool_id))
        return self._pools[pool_id]

    def _suite_faults(self, suite: dict[str, Any], pool: Pool) -> list[Fault]:
        tasks = suite.get("tasks")
        if isinstance(tasks, list):
            suite["tasks"] = [_writable_part(task) for task in tasks]
        faults = [*check_suite(suite), *pool.spec.check_suite(suite)]
        if pool.on_map:
            faults += [
                required(name) for name in ("latitude", "longitude") if suite.get(name) is None
            ]
        return faults

    def _overlap(self, value: dict[str, Any], pool: Pool) -> tuple[int | None, bool]:
        if value.get("infinite_overlap") is True:
            return None, False
        overlap = value.get("overlap")
        if overlap is None and self._defaults_count:
            overlap = pool.default_overlap(self._kind, self._switches)
        return overlap, overlap is None


def _writable_part(task: Any) -> Any:
    if not isinstance(task, dict):
        return task
    return {key: part for key, part in task.items() if key not in READ_ONLY}


def _filter(kind: Kind, switches: Switches) -> Callable[[str], bool]:
    """Which keys of an item are looked at: the API ignores markers and its own."""
    ignored = READ_ONLY if switches.read_only_keys == "ignored" else frozenset()
    if switches.unknown_keys == "any":
        looked_at = WRITABLE[kind] | (READ_ONLY - ignored)
        return lambda key: key in looked_at
    return lambda key: key[:2] != "__" and key not in ignored


def _pool_fault(pool_id: Any) -> Fault:
    if pool_id is None:
        return required("pool_id")
    return Fault("pool_id", "ENTITY_DOES_NOT_EXIST", "Entity does not exist")
