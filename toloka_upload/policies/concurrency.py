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
"""Seconds within which further refusals are the same event: what was sent together is refused together."""


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
        # The levels that proved worth it, and last the present one.
        self._ladder = [1] if self._start == 1 else [1, self._start]
        self._doubling = True
        self._least_calm = self._calm = _CALM
        self._until_try = int(self._start == 1)  # operations to finish before the next step up
        self._refused_at = -_ONE_EVENT
        self._items = 0
        # By operations in flight: an item's mean share of an operation's duration, and the measurements in it.
        self._seconds: dict[int, float] = {}
        self._counts: Counter[int] = Counter()

    @property
    def level(self) -> int:
        """Most operations to have in flight now."""
        return self._fixed or self._ladder[-1]

    def finished(self, seconds: float, items: int, in_flight: int) -> None:
        """An operation was worked through. One that failed before its work says nothing: leave it out.

        Args:
            seconds: From sending it to seeing its end.
            items: What it carried.
            in_flight: Operations on this pool when it was sent, itself included.
        """
        self._measure(max(seconds, 1e-6) / max(items, 1), items, in_flight)
        if self._until_try == 0:
            self._judge()
        elif self._until_try > 1:
            self._until_try -= 1
        elif self._proven():
            self._rise()
        else:
            self._stay(self._ladder[:-1])

    def locked(self) -> None:
        """The pool was locked by another operation: one of ours, if several are in flight, or someone else's."""
        if self._ladder[-1] > 1:
            self._least_calm = self._calm = min(2 * self._least_calm, _CALMEST)
            self._stay([1])

    def throttled(self) -> None:
        """The server refused for its rate (429)."""
        if self._clock() - self._refused_at >= _ONE_EVENT:
            self._refused_at = self._clock()
            half = max(1, self._ladder[-1] // 2)
            self._stay([level for level in self._ladder if level < half] + [half])

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
        level = self._ladder[-1]
        samples, gain = self._counts[level], self._gain()
        if gain is None:
            if samples >= _CALM:
                self._rise()
        elif gain >= self._worth():
            if self._doubling or samples >= max(_RECENT, level):
                self._calm = self._least_calm
                self._rise()
        elif samples >= max(2, level):  # to go back takes less proof than to go on
            self._stay(self._ladder[:-1] if level > self._start or gain < _LOSS else self._ladder)
            self._calm = min(2 * self._calm, _CALMEST)

    def _proven(self) -> bool:
        """Whether this level, measured for longer now, is still worth it. The first level need not be."""
        gain = self._gain()
        return gain is None or gain >= self._worth() or self._ladder[-1] <= self._start

    def _gain(self) -> float | None:
        """Speed at this level over the speed at the one below; None if one of the two is not known."""
        if len(self._ladder) < 2 or not all(self._counts[level] for level in self._ladder[-2:]):
            return None
        below, level = self._ladder[-2:]
        return level / below * self._seconds[below] / self._seconds[level]

    def _worth(self) -> float:
        below, level = self._ladder[-2:]
        return 1 + _WORTH * (level / below - 1)

    def _rise(self) -> None:
        self._until_try = 0
        level = self._ladder[-1]
        if level < self._maximum:
            step = level if self._doubling else (level + 1) // 2
            self._ladder.append(min(level + step, self._maximum))
            # What was measured there once is too old to decide by.
            del self._counts[self._ladder[-1]]

    def _stay(self, ladder: list[int]) -> None:
        """Keep to the last level of `ladder` for a while."""
        self._ladder = ladder
        self._doubling = False
        self._until_try = self._calm
