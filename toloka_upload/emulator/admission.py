"""What refuses a creating request as a whole, whatever its items say: size, pools, quotas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from toloka_upload.emulator.context import Context
from toloka_upload.emulator.items import Item, elements, members
from toloka_upload.emulator.messages import Refusal, dumps, invalid, too_many_requests
from toloka_upload.emulator.pools import Pool, check_room, check_status, pool_number, weight
from toloka_upload.emulator.store import Kind
from toloka_upload.emulator.work import Fate
from toloka_upload.rows.model import Fault

_SOLUTIONS = ("known_solutions", "baseline_solutions")


class InLog(Refusal):
    """A refusal that an asynchronous request finds in its operation's log only."""

    def as_fate(self, fate: Fate) -> Fate:
        """What the operation will find, on top of what is settled for it already."""
        return replace(fate, code=self.code, message=str(self))


def check_size(kind: Kind, items: Sequence[Item], context: Context) -> None:
    """The limits of bytes.

    Raises:
        Refusal: As the switch `oversize` says.
    """
    switches = context.switches
    count = _raw_sizes if switches.byte_count == "raw" else _compact_sizes
    inputs, outputs = count(kind, items)
    for name, size, most in (
        ("input_values", inputs, switches.input_bytes),
        ("output_values", outputs, switches.output_bytes),
    ):
        if most and size > most:
            raise _oversize(context, name, f"{name} have {size} bytes in all; at most {most}")


def _oversize(context: Context, name: str, message: str) -> Refusal:
    answer = context.switches.oversize
    if answer in ("413", "413-html"):
        page = "413 Request Entity Too Large" if answer == "413-html" else ""
        return Refusal("ENTITY_TOO_LARGE", message=message, page=page)
    code = "OBJECT_SIZE_BYTES_GREATER_THAN_MAX"
    if answer == "log":
        return InLog(code, status=400, message=message)
    return invalid([Fault(name, code, message)])


def _compact_sizes(kind: Kind, items: Sequence[Item]) -> tuple[int, int]:
    tasks = _tasks(kind, [item.value for item in items])
    outputs = [
        solution.get("output_values")
        for task in tasks
        for name in _SOLUTIONS
        if name in task
        for solution in _objects(task[name])
    ]
    return _compact_size([task.get("input_values") for task in tasks]), _compact_size(outputs)


def _tasks(kind: Kind, items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if kind == "tasks":
        return items
    return [task for suite in items for task in _objects(suite.get("tasks"))]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _compact_size(values: Sequence[Any]) -> int:
    """Bytes of all values, each as compact JSON by itself."""
    if not values:
        return 0
    return len(dumps(values).encode("utf-8", "backslashreplace")) - len(values) - 1


def _raw_sizes(kind: Kind, items: Sequence[Item]) -> tuple[int, int]:
    """Bytes of the values' own texts, white space and escapes included."""
    tasks = [members(item.text) for item in items]
    if kind == "suites":
        inner = (elements(suite.get("tasks", "[]")) for suite in tasks)
        tasks = [members(text) for texts in inner for text in texts]
    outputs = (
        members(solution).get("output_values", "")
        for task in tasks
        for name in _SOLUTIONS
        for solution in elements(task.get(name, "[]"))
    )
    inputs = (task.get("input_values", "") for task in tasks)
    return sum(len(text.encode()) for text in inputs), sum(len(text.encode()) for text in outputs)


def check_pools(kind: Kind, items: Sequence[Item], context: Context, now: float) -> list[Pool]:
    """The pools that the items name, and whether they take items at all.

    Pools that do not exist are no concern of the whole request, but of the items that name them.

    Raises:
        Refusal: 409; a pool is archived, locked, full, or takes the other kind of items.
    """
    amounts: Counter[int] = Counter()
    for item in items:
        number = pool_number(item.value.get("pool_id"))
        amounts[number] += weight(kind, item.value, context.switches)
    found = [(context.pool(number), amount) for number, amount in amounts.items()]
    pools = [(pool, amount) for pool, amount in found if pool]
    for pool, amount in pools:
        check_unlocked(pool, context, now)
        _check_kind(kind, pool, items, context)
        check_room(kind, pool, amount, context.switches)
    check_idle([pool.id for pool, _ in pools], context)
    return [pool for pool, _ in pools]


def check_unlocked(pool: Pool, context: Context, now: float) -> None:
    """Whether anything in a pool may be added to or changed now.

    Raises:
        Refusal: 409; it is archived or locked, for good or by a fault.
    """
    if context.locked.get(pool.id, 0) > now:
        raise Refusal("POOL_LOCKED_BY_ANOTHER_OPERATION")
    check_status(pool)


def check_idle(numbers: Sequence[int], context: Context) -> None:
    """Whether pools are free of other operations, as the switch `lock_pool` has it.

    Raises:
        Refusal: 409, or for the log; one is not.
    """
    if context.switches.lock_pool in ("refuse", "fail") and context.operations.busy(numbers):
        refusal = InLog if context.switches.lock_pool == "fail" else Refusal
        raise refusal("POOL_LOCKED_BY_ANOTHER_OPERATION")


def _check_kind(kind: Kind, pool: Pool, items: Sequence[Item], context: Context) -> None:
    if kind == "tasks" and not pool.mixes:
        reading, code = context.switches.tasks_without_mixer, "MIXER_CONFIG_REQUIRED"
    elif kind == "suites" and pool.mixes:
        reading, code = context.switches.suites_with_mixer, "POOL_TASK_TYPE_CONFLICT"
    elif pool.body.get("reward_per_assignment") == 0 and _has_general(kind, pool, items):
        reading, code = context.switches.unpaid_general_tasks, "POOL_TASK_TYPE_CONFLICT"
    else:
        return
    if reading != "accept":
        raise (InLog if reading == "log" else Refusal)(code)


def _has_general(kind: Kind, pool: Pool, items: Sequence[Item]) -> bool:
    """Whether one of a pool's tasks is neither a control nor a training task."""
    mine = [item.value for item in items if pool_number(item.value.get("pool_id")) == pool.id]
    return not all(task.get("known_solutions") for task in _tasks(kind, mine))


def check_quota(table: str, count: int, context: Context, now: float) -> None:
    """The quotas of a minute and a day; what passes is counted.

    Args:
        table: What is created: `tasks`, `suites`, `pools` (also trainings and clones) or `projects`.

    Raises:
        Refusal: 429, or as the switch `quota_answer` says.
    """
    switches, made = context.switches, "pools" if table == "projects" else table
    quotas = (
        ("MIN", context.minute[table], getattr(switches, f"{made}_per_minute")),
        ("DAY", context.day[table], getattr(switches, f"{made}_per_day")),
    )
    for interval, window, most in quotas:
        wait = window.wait(count, most, now)
        if wait is not None:
            raise _over_quota(interval, wait, context, now)
    for _, window, _ in quotas:
        window.add(count, now)


def _over_quota(interval: str, wait: float, context: Context, now: float) -> Refusal:
    answer = context.switches.quota_answer
    if answer == "log":
        return InLog("TOO_MANY_REQUESTS", {"interval": interval})
    if answer == "interval":
        return too_many_requests(interval=interval)
    if answer == "bare":
        return too_many_requests()
    seconds = int(wait) + 1
    return too_many_requests(
        retry_after=str(seconds)
        if answer == "retry-after"
        else formatdate(now + seconds, usegmt=True)
    )
