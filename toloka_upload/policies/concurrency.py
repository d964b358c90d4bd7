"""How many operations to keep in flight on one pool, found out by watching what more of them bring."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WORTH = 0.3
"""Share of the ideal gain that more operations must bring to be kept: from 2 to 4 at least 1.3 times the speed, from
4 to 6 at least 1.15 times. Less is not worth what each operation more costs the server and its other users."""
_LOSS = 0.8
"""Speed, relative to that of one operation alone, below which even the starting level is too much."""
_RECENT = 8
"""About so many operations make up a mean: enough against noise, few enough to follow a server's moods."""
_CALM = 8
"""Operations to finish before the next try of a higher level. It doubles with each try that brought nothing, and, for
the rest of the run, with each lock: a lock is a request wasted, a slower operation is not."""
_CALMEST = 256
_ONE_EVENT = 1.0
"""Seconds within which further locks or refusals are the same event: what was in flight together fails together."""


class Concurrency:
    """The number of operations to have in flight on one pool.

    It begins with `start` and doubles while that pays; then it stays, and tries half as much more now and then. It
    falls to 1 when the pool is locked by one of several operations (the documents advise one at a time), by half when
    the server refuses for its rate, and back to where it came from when more in flight turn out not to be faster.

    Speed at a level is what Little's law makes of the measured durations: operations in flight, times items, over
    seconds. So a server that works through one operation after the other is told from one that works on them side by
    side by their durations alone, and a run held back by reading or by a rate limit, whose operations are few, changes
    nothing.

    Args:
        fixed: The level, for good (`--concurrency`). None: found.
        start: First level. 2 keeps the server busy while answers travel.
        maximum: Highest level.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        fixed: int | None = None,
        start: int = 2,
        maximum: int = 16,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fixed = fixed
        self._clock = clock
        self._start = min(start, maximum)
        self._maximum = maximum
        self._level = self._start
        self._below = 1  # the level that this one must beat
        self._doubling = True
        self._least_calm = self._calm = _CALM
        self._until_try = int(self._start == 1)  # operations to finish before the next step up
        self._fell_at = -_ONE_EVENT
        self._items = 0
        self._seconds: dict[
            int, float
        ] = {}  # mean share of an item in an operation's duration, by level
        self._counts: Counter[int] = Counter()  # measurements in these means

    @property
    def level(self) -> int:
        """Most operations to have in flight now."""
        return self._fixed or self._level

    def finished(self, seconds: float, items: int, in_flight: int) -> None:
        """An operation ended, well or not.

        Args:
            seconds: From sending it to seeing its end.
            items: What it carried.
            in_flight: Operations on this pool when it was sent, itself included.
        """
        self._measure(max(seconds, 1e-6) / max(items, 1), items, in_flight)
        if self._until_try == 0:
            self._judge()
            return
        self._until_try -= 1
        if self._until_try == 0:
            self._rise()

    def locked(self) -> None:
        """The pool was locked by another operation: one of ours, if several are in flight, or someone else's."""
        if self._level > 1:
            self._least_calm = self._calm = min(2 * self._least_calm, _CALMEST)
            self._fall(1)

    def throttled(self) -> None:
        """The server refused for its rate (429)."""
        if self._clock() - self._fell_at >= _ONE_EVENT:
            self._fall(max(1, self._level // 2))

    def _measure(self, seconds: float, items: int, in_flight: int) -> None:
        if self._seconds and not self._items / 2 <= items <= self._items * 2:
            # Durations have a fixed part: operations of another size say nothing about these.
            self._seconds.clear()
            self._counts.clear()
            self._until_try = self._calm
        if not self._seconds:
            self._items = items
        self._counts[in_flight] += 1
        mean = self._seconds.get(in_flight, seconds)
        weight = 1 / min(self._counts[in_flight], _RECENT)
        self._seconds[in_flight] = mean + weight * (seconds - mean)

    def _judge(self) -> None:
        """Compare the present level with the one below it: go on, stay, or go back."""
        samples, whole_round = self._counts[self._level], max(2, self._level)
        if samples == 0 or self._counts[self._below] == 0:
            if samples >= _CALM:
                self._rise()
            return
        ideal = self._level / self._below
        gain = ideal * self._seconds[self._below] / self._seconds[self._level]
        if gain >= 1 + _WORTH * (ideal - 1):
            if self._doubling or samples >= whole_round:
                self._calm = self._least_calm
                self._rise()
        elif samples >= whole_round:
            self._fall(self._below if self._level > self._start or gain < _LOSS else self._level)
            self._calm = min(2 * self._calm, _CALMEST)

    def _rise(self) -> None:
        if self._level < self._maximum:
            step = self._level if self._doubling else (self._level + 1) // 2
            self._below, self._level = self._level, min(self._level + step, self._maximum)
            del self._counts[self._level]  # what was measured there once is too old to decide by

    def _fall(self, level: int) -> None:
        self._level = level
        self._doubling = False
        self._until_try = self._calm
        self._fell_at = self._clock()
