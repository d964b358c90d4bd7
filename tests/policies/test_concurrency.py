"""The number of operations in flight, tried on simulated servers of every temper."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

import pytest
from manual_clock import Clock

from toloka_upload.policies.concurrency import Concurrency

Server = Callable[[float, list[float], float], float | None]
"""Told the time, when the operations in flight will end, and the seconds of work that a new one is: how long it takes,
or None: the pool is locked."""


def side_by_side(slots: int) -> Server:
    """Works on so many operations at once; the others queue."""

    def take(now: float, ends: list[float], work: float) -> float:
        queue = sorted(ends, reverse=True)
        return work + (queue[slots - 1] - now if len(queue) >= slots else 0.0)

    return take


def slowed(share: float) -> Server:
    """Each operation in flight makes a new one slower by `share`."""
    return lambda _, ends, work: work * (1.0 + share * len(ends))


def thrashing(now: float, ends: list[float], work: float) -> float:
    """One after the other, and slower the more there are."""
    return side_by_side(1)(now, ends, work * (1 + 2 * len(ends)))  # type: ignore[return-value]


def locking(_: float, ends: list[float], work: float) -> float | None:
    """An operation locks the pool."""
    return None if ends else work


class Run(NamedTuple):
    seconds: float
    wasted: int
    levels: list[int]


class Simulation:
    """Sends operations to a server as fast as the level allows."""

    def __init__(
        self,
        server: Server,
        *,
        noise: float = 0.0,
        fixed: int | None = None,
        start: int = 2,
        seed: int = 1,
    ) -> None:
        self.clock = Clock(0.0)
        self.level = Concurrency(fixed, start, clock=self.clock)
        self._server = server
        self._random = Random(seed)
        self._noise = noise
        self._flight: list[tuple[float, float, int]] = []

    def run(self, operations: int, items: int = 10_000) -> Run:
        """Send `operations`; tell how long it took, how many requests met a lock, and the level after each."""
        start, wasted, levels, left = self.clock.now, 0, [], operations
        while left or self._flight:
            while left and len(self._flight) < self.level.level:
                if not self._send():
                    wasted += 1
                    self.level.locked()
                    break
                left -= 1
            self._finish(items)
            levels.append(self.level.level)
        return Run(self.clock.now - start, wasted, levels)

    def _send(self) -> bool:
        work = 1 + self._noise * self._random.uniform(-1, 1)
        seconds = self._server(self.clock.now, [end for end, _, _ in self._flight], work)
        if seconds is None:
            return False
        self._flight.append((self.clock.now + seconds, self.clock.now, len(self._flight) + 1))
        return True

    def _finish(self, items: int) -> None:
        self._flight.sort()
        end, sent, in_flight = self._flight.pop(0)
        self.clock.now = max(self.clock.now, end)
        self.level.finished(self.clock.now - sent, items, in_flight)


def test_where_the_server_allows_it_twelve_seconds_of_work_take_three() -> None:
    """It starts with 2 and doubles while that pays: 12 operations of a second end in about 3 s."""
    run = Simulation(side_by_side(100)).run(12)
    assert run.seconds <= 4
    assert run.levels[0] == 2
    assert max(run.levels) == 8


def test_it_rises_to_its_maximum_and_no_further() -> None:
    """A server without bounds gets 16 at a time."""
    run = Simulation(side_by_side(1000), noise=0.2).run(200)
    assert run.levels[-1] == 16
    assert run.seconds < 25


def test_where_operations_lock_the_pool_few_requests_are_wasted() -> None:
    """The first lock leaves one at a time: of 12 operations one request is wasted, of 100 at most four."""
    assert Simulation(locking).run(12).wasted == 1
    run = Simulation(locking).run(100)
    assert run.wasted <= 4
    assert run.seconds == pytest.approx(100), "and no time is lost"
    assert Simulation(locking).run(1000).wasted <= 10, "caution grows with each lock"


def test_a_lock_while_many_are_in_flight_is_one_lock() -> None:
    """What was sent together meets the lock together: one step of caution, not eight."""
    simulation = Simulation(side_by_side(100))
    simulation.run(40)
    for _ in range(8):
        simulation.level.locked()
    assert simulation.level.level == 1
    run = simulation.run(17)
    assert run.levels[14] == 1
    assert run.levels[-1] == 2, "after 16 operations it tries 2 again"


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("server", [side_by_side(1), slowed(1.0)], ids=["one by one", "shared"])
def test_it_does_not_rise_where_that_brings_nothing(server: Server, noise: float) -> None:
    """A server whose speed stays the same is given 2, and 3 now and then to see whether it still does."""
    levels = Simulation(server, noise=noise).run(100).levels
    assert max(levels) <= 3
    assert levels.count(3) <= 20
    assert min(levels) == 2, "the second keeps it busy while answers travel"


def test_it_goes_down_to_one_where_two_are_slower_than_one() -> None:
    """A server that trips over parallel operations gets them one at a time."""
    levels = Simulation(thrashing).run(100).levels
    assert levels.count(1) > 80
    assert max(levels) == 2


@pytest.mark.parametrize(("slots", "enough"), [(2, 2), (3, 4), (4, 4), (6, 8)])
def test_it_finds_what_a_server_can_do_at_once(slots: int, enough: int) -> None:
    """It settles at the first doubling that covers the server's slots, and loses little time on the way."""
    run = Simulation(side_by_side(slots)).run(200)
    settled = run.levels[100:]
    assert settled.count(enough) > 50
    assert slots <= min(settled)
    assert max(settled) <= 1.5 * enough
    assert run.seconds <= 1.05 * 200 / slots


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("slots", [1, 2, 4, 8])
def test_durations_that_vary_do_not_mislead_it_much(slots: int, seed: int) -> None:
    """With work that varies by 40 % the server is kept busy all the same, and rarely given thrice what it can do."""
    run = Simulation(side_by_side(slots), noise=0.4, seed=seed).run(200)
    assert run.seconds <= 1.35 * 200 / slots
    assert sum(level > max(3, 3 * slots) for level in run.levels) <= 50


def test_it_stops_where_more_is_hardly_faster() -> None:
    """Operations that slow each other by a fifth: 16 are hardly faster than 8, so it is 8 to 12."""
    levels = Simulation(slowed(0.2)).run(300).levels
    assert set(levels[150:]) <= {8, 12}


def test_it_rises_again_when_the_server_has_more_to_give() -> None:
    """A server that was busy and is no longer is found out."""
    simulation = Simulation(side_by_side(1))
    simulation.run(20)
    simulation._server = side_by_side(100)
    assert simulation.run(100).levels[-1] >= 8


def test_it_comes_down_when_the_server_has_less_to_give() -> None:
    """A level is looked at again before a higher one is tried; what no longer pays is given up, step by step."""
    simulation = Simulation(side_by_side(8))
    assert simulation.run(100).levels[-1] >= 8
    simulation._server = side_by_side(1)
    levels = simulation.run(400).levels
    assert levels[-1] <= 3
    assert max(levels[100:]) <= 8


def test_a_run_held_back_by_something_else_changes_nothing() -> None:
    """When reading or the rate limit leave the server waiting, one operation at a time proves nothing about two."""
    level = Concurrency(clock=Clock(0.0))
    for _ in range(100):
        level.finished(1.0, 10_000, in_flight=1)
    assert level.level == 2


def test_a_refusal_for_the_rate_halves_it_once() -> None:
    """A volley of 429s is one refusal; a second one later halves again, and 1 is the least."""
    simulation = Simulation(side_by_side(100))
    simulation.run(60)
    level, now = simulation.level, simulation.clock
    assert level.level == 16
    for _ in range(16):
        level.throttled()
    assert level.level == 8
    for expected in (4, 2, 1, 1):
        now.advance(2)
        level.throttled()
        assert level.level == expected
    assert simulation.run(60).levels[-1] > 4, "it comes back when the refusals end"


def test_operations_of_another_size_are_not_compared() -> None:
    """When chunks shrink, an item's share of the time grows; that is not the level's fault, nor does it raise it."""
    simulation = Simulation(side_by_side(4))
    settled = simulation.run(60).levels[-1]
    assert simulation.run(7, items=300).levels == [settled] * 7


def test_sizes_that_alternate_do_not_raise_it() -> None:
    """When nothing can be compared, nothing is concluded."""
    simulation = Simulation(side_by_side(1))
    levels = [simulation.run(3, items=items).levels[-1] for items in [10_000, 300] * 20]
    assert max(levels) == 2


def test_a_fixed_level_is_kept() -> None:
    """`--concurrency 5` is the user's word."""
    assert set(Simulation(side_by_side(100), fixed=5).run(50).levels) == {5}
    assert set(Simulation(thrashing, fixed=5).run(50).levels) == {5}
    level = Concurrency(5)
    level.locked()
    level.throttled()
    assert level.level == 5


def test_it_can_start_with_one() -> None:
    """One operation tells how long one takes; then two are tried."""
    assert Simulation(side_by_side(100), start=1).run(20).levels[:2] == [2, 2]
    assert Simulation(locking, start=1).run(20).wasted <= 2
