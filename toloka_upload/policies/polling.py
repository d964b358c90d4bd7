"""When to ask for an operation's state again: soon after its likely end, and seldom before."""

from __future__ import annotations

from collections import deque

_FIRST = 0.1
"""Seconds until the first look at an operation of which nothing is known. The official clients take 0.5 s; files of a
few rows are done sooner."""
_GROWTH = 0.3
"""Share of its age that an operation may have been done for before we see it."""
_LONGEST = 10.0
"""Seconds. So often at least, whatever we expect: things may go better than expected."""
_AIM = 0.9
"""Share of the expected duration at which to look first. Looking at the full duration would never find out that
operations have become quicker: each would seem to last until we look."""
_STEP = 0.1
"""Share of the expected duration between looks around its end."""
_SHORTEST = 0.05
_BELIEVED = 5
"""Percent of progress from which on it is taken at its word."""


class PollPace:
    """Says how long to wait before asking for an operation again.

    From what recent operations of like size took, the first look falls just before the likely end, and the next ones
    follow closely. Without such knowledge, or when the operation takes longer, waits grow with its age. In both cases
    about a tenth of an operation's duration is lost at the end.

    Args:
        per_second: Most looks per second over all operations in flight. 20 is a fifteenth of what the API allows a
            client.
    """

    def __init__(self, per_second: float = 20.0) -> None:
        self._per_second = per_second
        self._recent: deque[tuple[float, int]] = deque(maxlen=16)

    def finished(self, seconds: float, items: int = 1) -> None:
        """An operation with so many items took `seconds`, from being sent to being seen done."""
        self._recent.append((seconds, items))

    def next_wait(
        self, elapsed: float, progress: float | None, in_flight: int, items: int = 1
    ) -> float:
        """Seconds until the next look at an operation.

        Args:
            elapsed: Seconds since it was sent; 0 before the first look.
            progress: Percent done, as the server tells; None if it does not.
            in_flight: Operations that are polled, this one included.
            items: What it carries.
        """
        expected = self._expected(items)
        if progress is not None and _BELIEVED <= progress < 100:
            expected = elapsed * 100 / progress
        if expected is None:
            wait = max(_FIRST, _GROWTH * elapsed)
        else:
            late = elapsed - expected
            wait = max(_AIM * expected - elapsed, _STEP * expected, _GROWTH * late, _SHORTEST)
        return min(max(wait, in_flight / self._per_second), _LONGEST)

    def _expected(self, items: int) -> float | None:
        """What the latest operations of like size took, in the middle."""
        alike = [took for took, size in self._recent if size / 2 <= items <= size * 2]
        latest = sorted(alike[-5:])
        return latest[len(latest) // 2] if latest else None
