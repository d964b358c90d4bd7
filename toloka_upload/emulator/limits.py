"""Limits over time: requests a second, items a minute and a day."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class SlidingWindow:
    """How much passed in the last `seconds`. Exact: nothing is forgiven at full minutes."""

    seconds: float
    entries: deque[tuple[float, int]] = field(default_factory=deque)
    used: int = 0

    def wait(self, amount: int, limit: int, now: float) -> float | None:
        """Seconds until `amount` more is within `limit`; None if it is already, or there is no limit (0).

        An amount above the limit waits as long as for an empty window.
        """
        while self.entries and self.entries[0][0] <= now - self.seconds:
            self.used -= self.entries.popleft()[1]
        if not limit or self.used + amount <= limit:
            return None
        excess = self.used + amount - limit
        for then, passed in self.entries:
            excess -= passed
            if excess <= 0:
                return then + self.seconds - now
        return self.seconds

    def add(self, amount: int, now: float) -> None:
        """`amount` passed."""
        self.entries.append((now, amount))
        self.used += amount
