"""What the rows that would be created cost: bounds, from the pool's settings and sums over the rows. Pure.

Suites are issued as they are: as many assignments as the sum of their overlaps.

Smart mixing makes suites of general tasks as workers come. Of N general tasks let S be the sum of the overlaps and L
the largest; R is the most general tasks in a suite (`real_tasks_count`) and m the fewest (`min_real_tasks_count`).

- At least: no suite has more than R tasks, and nobody gets a task twice. The greater of S / R, rounded up, and L.
- At most: a suite has fewer than m tasks only where its worker can be given no more. Then that worker has done all
  tasks that still have overlap left, also the one whose overlap ends last: there are L such workers at most, each with
  one such suite. L + (S - L) / m, rounded down; or L alone, where there are not even m tasks.

Without incomplete suites (`force_last_assignment` off) the last m - 1 tasks may stay undone. Each overlap that dynamic
overlap adds may come late and alone, in a suite of its own. What is given out again because it expired or was rejected,
bonuses, and what the pool's other tasks cost cannot be known before, and is not in the bounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

DEFAULT = 0
"""Stands for the overlap of an item that names none: the pool's default."""
INFINITE = -1
"""Stands for an infinite overlap."""

_NOT_PLAIN = (b'"known_solutions"', b'"tasks"')

KINDS = ("general", "control", "training")

CURRENCY = "USD"
"""What the API counts in (API reference)."""

INFINITE_OVERLAP = "infinite overlap"
DYNAMIC_OVERLAP = "dynamic overlap without a maximum"
NO_OVERLAP = "no overlap: the rows name none, and the pool has no default"
NOT_ASKED = "the pool was not asked for its price"
NO_PRICE = "the pool names no price"
NO_SUITE_SIZE = "smart mixing that does not say how many general tasks a suite has"
NO_GENERAL_TASKS = "suites without general tasks, of control or training tasks of infinite overlap"


@dataclass(slots=True)
class Tally:
    """Items that would be created in one pool, counted by their overlaps (`DEFAULT` and `INFINITE` stand for two).

    Attributes:
        control: Tasks with known solutions.
        training: Tasks with known solutions and a hint.
        suites: Suites, whatever they hold. The counts above are of tasks that smart mixing makes suites of.
        inside: Tasks inside those suites, by kind.
    """

    general: Counter[int] = field(default_factory=Counter)
    control: Counter[int] = field(default_factory=Counter)
    training: Counter[int] = field(default_factory=Counter)
    suites: Counter[int] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)

    def add(self, texts: Sequence[bytes], overlap: int | None) -> None:
        """
        Count items.

        Args:
            texts: As chunks have them, without the closing brace.
            overlap: `--overlap`, which stands at the end of items that name none.
        """
        joined = b"".join(texts)
        usual = b'"overlap":%d,"pool_id"' % overlap if overlap else b""
        named = joined.count(b'overlap"')
        plain = named == joined.count(usual) == len(texts) if overlap else not named
        if plain and not any(name in joined for name in _NOT_PLAIN):
            self.general[overlap or DEFAULT] += len(texts)
            return
        for text in texts:
            item = orjson.loads(text + b"}")
            tasks = item.get("tasks")
            if isinstance(tasks, list):
                self.suites[overlap_of(item)] += 1
                self.inside.update(map(task_kind, tasks))
            else:
                getattr(self, task_kind(item))[overlap_of(item)] += 1

    @property
    def items(self) -> int:
        """Tasks and suites that would be created."""
        return sum(
            counts.total() for counts in (self.general, self.control, self.training, self.suites)
        )

    @property
    def kinds(self) -> dict[str, int]:
        """Tasks by kind, in suites or not."""
        return {name: getattr(self, name).total() + self.inside[name] for name in KINDS}


def task_kind(task: Mapping[str, Any]) -> str:
    """What a task is: `general`, `control` or `training`."""
    if not task.get("known_solutions"):
        return "general"
    return "training" if task.get("message_on_unknown_solution") else "control"


def overlap_of(item: Mapping[str, Any]) -> int:
    """The overlap that an item is sent with."""
    overlap = item.get("overlap")
    if isinstance(overlap, int) and overlap > 0:
        return overlap
    return INFINITE if item.get("infinite_overlap") else DEFAULT


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between what something lies; `most` is None where there is no telling."""

    least: Decimal = Decimal(0)
    most: Decimal | None = Decimal(0)

    def plus(self, other: Bounds) -> Bounds:
        """Both together."""
        unknown = self.most is None or other.most is None
        most = None if unknown else (self.most or 0) + (other.most or 0)
        return Bounds(self.least + other.least, None if most is None else Decimal(most))

    def times(self, least: Decimal, most: Decimal) -> Bounds:
        """So many at a price between two. What costs nothing costs nothing, however often."""
        if self.most is None:
            return Bounds(self.least * least, None if most else Decimal(0))
        return Bounds(self.least * least, self.most * most)


@dataclass(frozen=True, slots=True)
class Cost:
    """What rows would cost.

    Attributes:
        reward: What workers get, in `CURRENCY`.
        fee: The platform's part on top of it, in percent; None: not known, and not counted.
        balance: What the requester has, where that may be read.
        unbounded: Why there is no upper bound.
    """

    assignments: Bounds = Bounds()
    reward: Bounds = Bounds()
    fee: Decimal | None = None
    balance: Decimal | None = None
    unbounded: tuple[str, ...] = ()

    @property
    def total(self) -> Bounds:
        """Reward and fee."""
        factor = 1 + (self.fee or Decimal(0)) / 100
        return self.reward.times(factor, factor)

    def as_json(self) -> dict[str, Any]:
        """The cost as plans and summaries have it."""
        assignments = self.assignments
        return {
            "assignments": {
                "min": int(assignments.least),
                "max": None if assignments.most is None else int(assignments.most),
            },
            "reward": _money(self.reward),
            "fee_percent": None if self.fee is None else float(self.fee),
            "total": _money(self.total),
            "currency": CURRENCY,
            "balance": None if self.balance is None else float(self.balance),
            "unbounded": list(self.unbounded),
        }


def cost_of(
    parts: Iterable[tuple[Mapping[str, Any], Tally]],
    *,
    fee: Decimal | None = None,
    balance: Decimal | None = None,
) -> Cost:
    """
    The cost of what would be created in some pools.

    Args:
        parts: Pools as the API describes them, each with what would be created there.
        fee: Percent on top of the reward.
        balance: What the requester has.
    """
    assignments, reward = Bounds(), Bounds()
    reasons: dict[str, None] = {}
    for pool, tally in parts:
        if not tally.items:
            continue
        bounds, unbounded = _assignments(pool, tally) if pool else (Bounds(most=None), [NOT_ASKED])
        prices = _prices(pool)
        assignments = assignments.plus(bounds)
        if bounds.most != 0 and not prices:
            unbounded = [*unbounded, NO_PRICE] if pool else unbounded
            reward = reward.plus(Bounds(most=None))
        elif prices:
            reward = reward.plus(bounds.times(min(prices), max(prices)))
        reasons.update(dict.fromkeys(unbounded))
    return Cost(assignments, reward, fee, balance, tuple(reasons))


def amount(value: Any) -> Decimal | None:
    """A sum of money as the API writes it, a number or its text; None for anything else."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def _money(bounds: Bounds) -> dict[str, float | None]:
    return {
        "min": float(bounds.least),
        "max": None if bounds.most is None else float(bounds.most),
    }


def _prices(pool: Mapping[str, Any]) -> list[Decimal]:
    """The prices of an assignment: the pool's own, which holds outside of all intervals, and those of the intervals.

    None where the pool does not tell its own.
    """
    own = amount(pool.get("reward_per_assignment"))
    if own is None:
        return []
    prices = [own]
    dynamic = pool.get("dynamic_pricing_config")
    intervals = dynamic.get("intervals") if isinstance(dynamic, Mapping) else None
    for interval in intervals if isinstance(intervals, list) else ():
        named = isinstance(interval, Mapping) and interval.get("reward_per_assignment")
        if (price := amount(named)) is not None:
            prices.append(price)
    return prices


def _assignments(pool: Mapping[str, Any], tally: Tally) -> tuple[Bounds, list[str]]:
    """How often suites are given out, and why there is no telling how often at most."""
    unbounded: list[str] = []
    defaults = pool.get("defaults")
    defaults = defaults if isinstance(defaults, Mapping) else {}
    for_suites = _whole(defaults.get("default_overlap_for_new_task_suites"), 0)
    for_tasks = _whole(defaults.get("default_overlap_for_new_tasks"), 0) or for_suites
    suites = sum(n * times for n, times in _overlaps(tally.suites, for_suites, unbounded).items())
    bounds = Bounds(Decimal(suites), Decimal(suites))
    mixer = pool.get("mixer_config")
    if isinstance(mixer, Mapping):
        mixing = _Mixing(pool, mixer, for_tasks, unbounded)
        bounds = bounds.plus(mixing.general(tally.general))
        bounds = bounds.plus(mixing.without_general(tally.control + tally.training))
    return (Bounds(bounds.least, None), unbounded) if unbounded else (bounds, [])


def _overlaps(counts: Counter[int], default: int, unbounded: list[str]) -> Counter[int]:
    """Items by the overlaps that they will have; those without a bound are named and left out."""
    known: Counter[int] = Counter()
    for overlap, times in counts.items():
        if not times:
            continue
        if overlap == INFINITE:
            unbounded.append(INFINITE_OVERLAP)
        elif overlap or default:
            known[overlap or default] += times
        else:
            unbounded.append(NO_OVERLAP)
    return known


class _Mixing:
    """Smart mixing as a pool has it set up."""

    def __init__(
        self,
        pool: Mapping[str, Any],
        mixer: Mapping[str, Any],
        default_overlap: int,
        unbounded: list[str],
    ) -> None:
        self._default = default_overlap
        self._unbounded = unbounded
        self._most = _whole(mixer.get("real_tasks_count"), 0)
        self._says_none = mixer.get("real_tasks_count") == 0
        named = _whole(mixer.get("min_real_tasks_count"), self._most)
        self._bare = named == 0
        self._fewest = max(1, min(named, self._most))
        if any(mixer.get(f"{kind}_task_distribution_function") for kind in ("golden", "training")):
            self._fewest = 1  # control and training tasks then take the place of general ones
        self._incomplete = mixer.get("force_last_assignment") is not False
        self._others = any(_whole(mixer.get(f"{k}_tasks_count"), 0) for k in ("golden", "training"))
        dynamic = pool.get("dynamic_overlap_config")
        self._dynamic = isinstance(dynamic, Mapping)
        self._ceiling = _whole(dynamic.get("max_overlap"), 0) if isinstance(dynamic, Mapping) else 0

    def general(self, counts: Counter[int]) -> Bounds:
        """Assignments that general tasks make."""
        if not self._most:
            if counts.total() and not self._says_none:
                self._unbounded.append(NO_SUITE_SIZE)
            return Bounds()
        overlaps = _overlaps(counts, self._default, self._unbounded)
        added = sum(max(0, self._ceiling - n) * times for n, times in overlaps.items())
        if self._dynamic and overlaps and not self._ceiling:
            self._unbounded.append(DYNAMIC_OVERLAP)
        return Bounds(Decimal(self._at_least(overlaps)), Decimal(self._at_most(overlaps, added)))

    def without_general(self, counts: Counter[int]) -> Bounds:
        """Assignments of control and training tasks alone, where suites need no general tasks."""
        if not (self._bare and self._others):
            return Bounds()
        reasons: list[str] = []
        overlaps = _overlaps(counts, self._default, reasons)
        if reasons:
            self._unbounded.append(NO_GENERAL_TASKS)
        return Bounds(Decimal(0), Decimal(sum(n * times for n, times in overlaps.items())))

    def _at_least(self, overlaps: Counter[int]) -> int:
        total, largest = _total(overlaps), max(overlaps, default=0)
        if not self._incomplete:
            undone, largest = _largest(overlaps, self._fewest - 1)
            total -= undone
        return max(-(-total // self._most), largest)

    def _at_most(self, overlaps: Counter[int], added: int) -> int:
        total, tasks, fewest = _total(overlaps), overlaps.total(), self._fewest
        if not self._incomplete:
            return (total + added) // fewest if tasks >= fewest else 0
        short = max(overlaps, default=0)
        full = (total - short) // fewest if tasks >= fewest else 0
        return short + full + added


def _total(overlaps: Counter[int]) -> int:
    return sum(overlap * times for overlap, times in overlaps.items())


def _largest(overlaps: Counter[int], count: int) -> tuple[int, int]:
    """The sum of the `count` largest overlaps, and the largest after them."""
    total = 0
    for overlap in sorted(overlaps, reverse=True):
        taken = min(count, overlaps[overlap])
        total, count = total + taken * overlap, count - taken
        if taken < overlaps[overlap]:
            return total, overlap
    return total, 0


def _whole(value: Any, otherwise: int) -> int:
    """A count as the API writes it; anything else counts as if it were not there."""
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0
        else otherwise
    )
