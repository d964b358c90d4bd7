"""What to wait for after a failure, how long, and when to give up.

Two kinds of trouble are kept apart. A service that *fails* (no connection, time-outs, 5xx) is met with `Backoff` and
`CircuitBreaker`. A service that *refuses for its rate* (429) works as it should: `quota_wait` says for how long to
pause. `RetryBudget` bounds both.
"""

from __future__ import annotations

import math
import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, wait_exponential

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

LONGEST_PAUSE = 3_600.0
"""Seconds. A server that asks for more has said: not today. One hour is the longest quota worth waiting for."""
_SHORTEST_PAUSE = 0.25
"""Seconds. HTTP dates have whole seconds, so "now" may mean any time in the next one: go on, but not in a hot loop."""
_INTERVALS = {"MIN": 60.0, "HOUR": 3_600.0}
_DAY = 86_400.0
_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


class Backoff:
    """The wait after the nth failure in a row: doubling from `first`, at most `longest`, in seconds.

    Each wait is drawn from the upper half of that (`longest` 30: 15 to 30 s), so that many clients which failed
    together do not come back together. The defaults sum to about 25 s over the first six failures.
    """

    def __init__(self, random: Random, *, first: float = 0.5, longest: float = 30.0) -> None:
        self._random = random
        self._curve = wait_exponential(multiplier=first, max=longest)

    def __call__(self, attempt: int) -> float:
        """Seconds to wait after failure number `attempt`, from 1."""
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = attempt
        return self._curve(state) * self._random.uniform(0.5, 1.0)


def retry_after(header: str | None, now: float, date: str | None = None) -> float | None:
    """Read a `Retry-After` header: seconds to wait, or None if it says nothing sensible.

    Both forms are read, seconds and HTTP date (RFC 9110, 10.2.3); a date in the past is 0, more than a day is a day.

    Args:
        header: The header as it came.
        now: Wall-clock seconds, to measure a date against.
        date: The same answer's `Date` header, if it has one: the server's own clock, better than ours for that.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _DAY)
    until = _http_date(text)
    if until is None:
        return None
    served = _http_date(date or "")
    return min(max(until - (now if served is None else served), 0.0), _DAY)


def _http_date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        # A date without a zone would be read in ours; HTTP dates are UTC.
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def quota_wait(interval: str | None, asked: float | None, backoff: float) -> float | None:
    """Seconds to pause after a 429, or None: the quota will not come back soon, stop and go on another day.

    `interval` is the payload's (`MIN`, `HOUR`, `DAY`), `asked` what `retry_after` read, `backoff` the jittered wait for
    an answer that says neither; 1 to 5 s suits (`Backoff(random, first=1, longest=5)`), for such a 429 is usually
    about requests per second. What the server asks wins over the interval, except that a used-up day stops.
    """
    if interval == "DAY" or (asked is not None and asked > LONGEST_PAUSE):
        return None
    if asked is not None:
        return max(asked, _SHORTEST_PAUSE)
    return _INTERVALS.get(interval or "", backoff)


class RetryBudget:
    """How long to go on without any success: `retry_for` seconds from the first failure after the last success.

    Bounded by time and not by a count, so that a quick refusal and a slow time-out get the same chance. 0: no failure
    is retried.

    Refusals for the rate (429) are counted apart: a service that refuses works, so what failed before is forgotten. A
    pause that it asks for is granted, and one more: a minute's quota outlasts `--retry-for 4s`, and a server that only
    ever refuses is left in the end.

    Args:
        retry_for: Seconds.
        clock: Monotonic seconds.
    """

    def __init__(self, retry_for: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._retry_for = retry_for
        self._clock = clock
        self._failing: float | None = None
        self._refusing: float | None = None
        self._asked = 0.0

    def success(self) -> None:
        """A request was served. Whatever failed before is forgotten."""
        self._failing = self._refusing = None
        self._asked = 0.0

    def failed(self) -> None:
        """A request failed."""
        if self._failing is None:
            self._failing = self._clock()

    def refused(self, asked: float = 0.0) -> None:
        """A request was refused for its rate, with a pause of `asked` seconds."""
        self._failing = None
        if self._refusing is None:
            self._refusing = self._clock()
        self._asked = max(self._asked, asked)

    @property
    def remaining(self) -> float:
        """Seconds left to try; infinite while nothing fails. No wait needs to be longer than this."""
        ends = []
        if self._failing is not None:
            ends.append(self._failing + self._retry_for)
        if self._refusing is not None:
            ends.append(self._refusing + max(self._retry_for, 2 * self._asked))
        return max(0.0, min(ends) - self._clock()) if ends else math.inf

    @property
    def exhausted(self) -> bool:
        """Whether it is time to give up."""
        return self.remaining == 0.0


class BreakerState(Enum):
    """What a `CircuitBreaker` lets through."""

    CLOSED = "closed"
    """Everything: the service works."""
    OPEN = "open"
    """Nothing: a request failed, and its wait is not over."""
    HALF_OPEN = "half-open"
    """A single request, then, with each success, one more at a time than before."""


class CircuitBreaker:
    """One failing request slows the whole sender, and a recovering service is met gently.

    Ask `wait()` before a request; when it says 0, call `sent()`, and when the answer is there exactly one of
    `succeeded()` and `failed()`. Any answer that shows the service at work is a success, a refusal too (400, 409, 429).

    Args:
        backoff: Seconds to wait after the nth failure in a row.
        clock: Monotonic seconds.

    Attributes:
        attempt: Failures in a row, 0 while all is well. Requests that were under way when the breaker opened and
            fail as well are the same failure.
    """

    FULL = 8
    """Requests at a time from which on a recovering service is taken to be well."""

    def __init__(
        self, backoff: Callable[[int], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._backoff = backoff
        self._clock = clock
        self._until = -math.inf
        self._allowed: int | None = None  # at a time while recovering; None: no bound
        self._trying = 0
        self.attempt = 0

    @property
    def state(self) -> BreakerState:
        """What is let through now."""
        if self._allowed is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._until else BreakerState.HALF_OPEN

    def wait(self) -> float:
        """Seconds until the next request may start; 0: now. Asking changes nothing.

        Infinite: once a request is answered that tries whether the service works.
        """
        if self.state is BreakerState.OPEN:
            return self._until - self._clock()
        return math.inf if self._allowed is not None and self._trying >= self._allowed else 0.0

    def sent(self) -> None:
        """A request starts."""
        if self._allowed is not None:
            self._trying += 1

    def succeeded(self) -> None:
        """A request was answered. One that was under way when the breaker opened says nothing about now."""
        if self.state is BreakerState.OPEN:
            return
        self.attempt = 0
        if self._allowed is not None:
            self._trying = max(0, self._trying - 1)
            self._allowed += 1
            if self._allowed >= self.FULL:
                self._allowed = None

    def failed(self, retry_after: float | None = None) -> None:
        """The service did not do its work. `retry_after`: seconds it asks to wait, if it does."""
        now = self._clock()
        if self.state is not BreakerState.OPEN:
            self.attempt += 1
            self._until = now + self._backoff(self.attempt)
            self._allowed, self._trying = 1, 0
        self._until = max(self._until, now + (retry_after or 0.0))
