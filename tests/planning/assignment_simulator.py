"""How a platform might hand a pool's tasks to workers: the judge of the cost's bounds.

What the documents leave open is drawn with the pool: whether a suite takes all general tasks that it may or any number
from the fewest on, whether an incomplete suite is for the last tasks of the pool or for the last that its worker can
be given, how many suites are being worked on at once, and when dynamic overlap adds to a task's overlap.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from toloka_upload.planning.cost import INFINITE, Tally

MOST_ASSIGNMENTS = 20_000
"""Where a simulation is broken off: such a pool has no bound."""


@dataclass
class Task:
    """One task: how many workers may still take it, and how many did."""

    overlap: int
    left: int
    taken: int = 0


@dataclass
class Suite:
    """An assignment that is being worked on."""

    worker: int
    general: list[int]


@dataclass
class Assigned:
    """What came of a pool.

    Attributes:
        finished: No newcomer would be given a general task any more.
    """

    assignments: int = 0
    reward: Decimal = Decimal(0)
    finished: bool = False


@dataclass
class World:
    """A pool and its tasks, as drawn.

    Attributes:
        by_worker: An incomplete suite is for the last tasks that a worker can be given, not for the pool's last.
        greedy: A suite takes all general tasks that it may.
        parallel: Suites that are being worked on at once, at most.
        eager: Odds that an answer makes dynamic overlap ask for one more.
        workers: How many there are.
    """

    pool: dict[str, Any]
    general: list[int]
    control: list[int] = field(default_factory=list)
    training: list[int] = field(default_factory=list)
    by_worker: bool = False
    greedy: bool = True
    parallel: int = 1
    eager: float = 0.5
    workers: int = 40

    def tally(self) -> Tally:
        """The sums that a plan would have."""
        tally = Tally()
        for name in ("general", "control", "training"):
            getattr(tally, name).update(getattr(self, name))
        return tally


def random_world(rng: random.Random) -> World:
    """A pool of any kind that smart mixing has, small enough to be worked off."""
    most = rng.choice((1, 2, 3, 5, 10))
    mixer: dict[str, Any] = {
        "real_tasks_count": most,
        "golden_tasks_count": rng.choice((0, 0, 1, 2)),
        "training_tasks_count": rng.choice((0, 0, 1)),
    }
    if rng.random() < 0.6:
        mixer["min_real_tasks_count"] = rng.randint(1 if rng.random() < 0.9 else 0, most)
    if rng.random() < 0.5:
        mixer["min_golden_tasks_count"] = 0
    if rng.random() < 0.3:
        mixer["force_last_assignment"] = rng.random() < 0.5
    pool: dict[str, Any] = {
        "reward_per_assignment": rng.choice((0.005, 0.05, 0.1, 1)),
        "mixer_config": mixer,
        "defaults": {"default_overlap_for_new_tasks": rng.randint(1, 5)},
    }
    if rng.random() < 0.4:
        pool["dynamic_overlap_config"] = {"type": "BASIC", "max_overlap": rng.randint(1, 8)}
    if rng.random() < 0.3:
        prices = [rng.choice((0.005, 0.02, 0.3)) for _ in range(rng.randint(1, 3))]
        intervals = [{"from": 0, "to": 100, "reward_per_assignment": price} for price in prices]
        pool["dynamic_pricing_config"] = {"type": "SKILL", "intervals": intervals}
    alike = rng.random() < 0.5
    overlaps = [rng.randint(0, 5)] if alike else [rng.randint(0, 9) for _ in range(4)]
    general = [rng.choice(overlaps) for _ in range(rng.choice((0, 1, 3, 8, 20, 60)))]
    others = (INFINITE, INFINITE, 1, 3)
    return World(
        pool,
        general,
        [rng.choice(others) for _ in range(rng.randint(0, 4))],
        [rng.choice(others) for _ in range(rng.randint(0, 3))],
        by_worker=rng.random() < 0.5,
        greedy=rng.random() < 0.6,
        parallel=rng.choice((1, 1, 3, 10)),
        eager=rng.choice((0.1, 0.5, 1.0)),
        workers=rng.choice((15, 40, 200)),
    )


class Simulator:
    """Hands out a pool's tasks until nobody is given anything any more."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        mixer = world.pool["mixer_config"]
        self._most: int = mixer["real_tasks_count"]
        self._fewest: int = min(self._most, mixer.get("min_real_tasks_count", self._most))
        self._incomplete: bool = mixer.get("force_last_assignment", True)
        self._others = {
            "control": (mixer["golden_tasks_count"], mixer.get("min_golden_tasks_count")),
            "training": (mixer["training_tasks_count"], mixer.get("min_training_tasks_count")),
        }
        self._done: dict[int, set[tuple[str, int]]] = {w: set() for w in range(world.workers + 1)}
        default = world.pool["defaults"]["default_overlap_for_new_tasks"]
        self._general = [Task(n or default, n or default) for n in world.general]
        self._side = {name: list(getattr(world, name)) for name in self._others}
        self._ceiling: int = (world.pool.get("dynamic_overlap_config") or {}).get("max_overlap", 0)
        self._open: list[Suite] = []
        pricing = world.pool.get("dynamic_pricing_config") or {"intervals": []}
        base = Decimal(str(world.pool["reward_per_assignment"]))
        prices = [Decimal(str(i["reward_per_assignment"])) for i in pricing["intervals"]]
        self._prices = [rng.choice([base, *prices]) for _ in self._done]

    def run(self) -> Assigned:
        """Work the pool off."""
        result, idle = Assigned(), 0
        while result.assignments < MOST_ASSIGNMENTS and idle < 4 * self._world.workers:
            if len(self._open) < self._world.parallel and self._rng.random() < 0.8:
                worker = self._rng.randrange(self._world.workers)
                given = self._take(worker)
                idle = 0 if given else idle + 1
                if given:
                    result.assignments += 1
                    result.reward += self._prices[worker]
            elif self._open:
                self._submit(self._open.pop(self._rng.randrange(len(self._open))))
        while self._open:
            self._submit(self._open.pop())
        # A pool that ran out of control tasks stands still, with work left; this one has none that it could give out.
        result.finished = not any(task.left for task in self._general)
        result.finished |= self._choose_general(self._world.workers) is None
        return result

    def _take(self, worker: int) -> bool:
        chosen = self._choose(worker)
        if chosen is None:
            return False
        general, others = chosen
        for index in general:
            self._general[index].left -= 1
            self._general[index].taken += 1
            self._done[worker].add(("general", index))
        for name, index in others:
            self._done[worker].add((name, index))
            if self._side[name][index] != INFINITE:
                self._side[name][index] -= 1
        self._open.append(Suite(worker, general))
        return True

    def _choose(self, worker: int) -> tuple[list[int], list[tuple[str, int]]] | None:
        """What a worker is given: nothing where there is too little of one kind."""
        others: list[tuple[str, int]] = []
        for name, (most, fewest) in self._others.items():
            there = [
                (name, index)
                for index, left in enumerate(self._side[name])
                if left and (name, index) not in self._done[worker]
            ][:most]
            if len(there) < (most if fewest is None else fewest):
                return None
            others += there
        general = self._choose_general(worker)
        if general is None or not (general or others):
            return None
        return general, others

    def _choose_general(self, worker: int) -> list[int] | None:
        unfinished = [index for index, task in enumerate(self._general) if task.left]
        there = [index for index in unfinished if ("general", index) not in self._done[worker]]
        if len(there) < self._fewest:
            last = self._world.by_worker or len(unfinished) < self._fewest
            return there if there and self._incomplete and last else None
        self._rng.shuffle(there)
        size = self._most if self._world.greedy else self._rng.randint(self._fewest, self._most)
        return there[:size]

    def _submit(self, suite: Suite) -> None:
        """An answer is in; dynamic overlap may want one more of the task."""
        for index in suite.general:
            task = self._general[index]
            if (
                not task.left
                and task.overlap < self._ceiling
                and self._rng.random() < self._world.eager
            ):
                task.overlap += 1
                task.left += 1
