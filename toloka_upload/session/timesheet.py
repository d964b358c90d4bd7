"""Where a run's time goes: what held it back, and what most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any


class Cause(Enum):
    """What a run may wait for. The value is the name in the summary."""

    RATE = "rate limit"
    """Chunks that wait for room under a limit on items."""
    SERVICE = "failing service"
    """Requests that wait until a failing service is asked again, and looks for what became of lost answers."""
    LOCK = "locked pool"
    """Chunks that wait until their pool takes operations again."""
    OPERATIONS = "operations at the server"
    """Chunks whose operation the server works on."""
    NETWORK = "network"
    """Requests between their first byte and the end of their answer."""
    READING = "reading"
    """Everything on this machine: reading, checking, planning, the journal. The time that nothing else explains."""


class Timesheet:
    """Attributes each moment of a run to what is waited for in it.

    If several things are waited for, each has its part of the moment, by how many wait: eight chunks with operations
    at the server and one request on its way make it the server's by eight ninths. So the shares add up to the whole
    time, however much goes on side by side.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._since = clock()
        self._waiting: Counter[Cause] = Counter()
        self._shares = dict.fromkeys(Cause, 0.0)
        self._together: dict[frozenset[Cause], float] = {}

    @contextmanager
    def during(self, cause: Cause) -> Iterator[None]:
        """Something waits for `cause`, for as long as the block takes."""
        self._turn()
        self._waiting[cause] += 1
        try:
            yield
        finally:
            self._turn()
            self._waiting[cause] -= 1

    def waited(self, *causes: Cause) -> float:
        """Seconds in which anything waited for one of these; moments count once, however many waited."""
        self._turn()
        return sum(
            (seconds for present, seconds in self._together.items() if present & set(causes)), 0.0
        )

    def bottleneck(self) -> dict[str, Any] | None:
        """What took most of the time since the start: its `name`, and its `share` from 0 to 1; None before any time.

        `shares` has all causes with theirs.
        """
        self._turn()
        total = self._since - self._began
        if total <= 0:
            return None
        seconds = dict(self._shares)
        seconds[Cause.READING] += max(0.0, total - sum(seconds.values()))
        most = max(seconds, key=seconds.__getitem__)
        shares = {cause.value: round(part / total, 3) for cause, part in seconds.items() if part}
        return {"name": most.value, "share": shares[most.value], "shares": shares}

    def _turn(self) -> None:
        """Enter the time since the last change."""
        now = self._clock()
        passed, self._since = now - self._since, now
        present = +self._waiting
        if not present or passed <= 0:
            return
        everything = present.total()
        for cause, count in present.items():
            self._shares[cause] += passed * count / everything
        together = frozenset(present)
        self._together[together] = self._together.get(together, 0.0) + passed
