"""How soon the next request may leave, where every request counts."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """At most so many requests a second, evenly spread.

    Args:
        per_second: The limit; None: any number.
        clock: Seconds that only go forward.
    """

    def __init__(self, per_second: float | None, clock: Callable[[], float]) -> None:
        self._gap = 1.0 / per_second if per_second else 0.0
        self._clock = clock
        self._next = 0.0

    def wait(self) -> float:
        """Take the next turn; return the seconds until it comes."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + self._gap
        return turn - now
