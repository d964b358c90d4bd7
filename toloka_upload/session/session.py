"""What one run shares: the API with budget, the limits of the account, the recorder, and the wish to stop.

Everything here runs on the loop's thread.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from toloka_upload.api.client import Client
from toloka_upload.api.errors import ApiError, RateLimited
from toloka_upload.errors import Interrupted, Stopped, TryAgain, UploadError
from toloka_upload.outcomes import Outcome, Status
from toloka_upload.policies.rate import RENEW, RateLimit, Wait, Window
from toloka_upload.policies.retry import (
    LONGEST_PAUSE,
    Backoff,
    BreakerState,
    CircuitBreaker,
    RetryBudget,
    quota_wait,
    retry_after,
)
from toloka_upload.policies.stop import SameReason, StopRule
from toloka_upload.report.drift import VALUES, pool_may_be_older
from toloka_upload.report.observer import Observer, Waiting
from toloka_upload.report.recorder import Recorder
from toloka_upload.report.summary import Report
from toloka_upload.session.loop import Loop, call, sleep, until
from toloka_upload.session.retry_state import RetryState
from toloka_upload.session.timesheet import Cause, Timesheet
from toloka_upload.session.waits import what, whose
from toloka_upload.settings import Settings
from toloka_upload.text import moment

_LEAST_TIMEOUT = 1.0
"""Seconds. A request gets so long at least, however little patience is left."""
_LEAST_THROTTLE, _MOST_THROTTLE = 0.25, 30.0
"""Seconds between two tries while the API refuses for its rate without saying for how long."""
_THROTTLE_GROWTH = 0.1
_WORTH_TELLING = 0.2
"""Seconds. Shorter waits for a limit are not told: they are over before anyone could read it."""
DAY_SECONDS = 86_400.0

P = ParamSpec("P")
T = TypeVar("T")


class Session:
    """The run's shared things.

    Attributes:
        budget: How long the service as a whole has been without any success.
        sheet: Where the time goes.
        stopping: What ends the run before its end, once something does. Nothing new is sent from then on.
        wall: Wall-clock time, seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        loop: Loop,
        recorder: Recorder,
        rate: RateLimit,
        observer: Observer,
        *,
        wall: Callable[[], float] = time.time,
        random_: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.client = client
        self.loop = loop
        self.recorder = recorder
        self.rate = rate
        self.tell = observer
        self.wall = wall
        self.random = random_ or random.Random()  # noqa: S311  # jitter, no secret
        self.backoff = Backoff(self.random, first=0.25)
        self.breaker = CircuitBreaker(self.backoff, loop.clock)
        self.budget = self.new_retry_state().budget
        self.sheet = Timesheet(loop.clock)
        self.stopping: UploadError | None = None
        self._throttled_since: float | None = None
        self._trouble_since: float | None = None
        self._last_fault: ApiError | None = None
        self._stop_rule = StopRule(settings.pacing.max_errors)
        self._same_reason = SameReason()
        self._refused = 0
        self._warned = False

    def stop(self, error: UploadError) -> None:
        """Send nothing new; what is in the air is settled. The first reason stays."""
        if self.stopping is None:
            self.stopping = error

    def attempt(self, function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Do something whose failure must not keep the rest from being done: it stops the run, no more."""
        try:
            function(*args, **kwargs)
        except UploadError as error:
            self.stop(error)

    def account(self, report: Report) -> None:
        """Write into the report where the time went."""
        report.requests = self.client.requests
        report.waited.rate_limit = self.sheet.waited(Cause.RATE)
        report.waited.server = self.sheet.waited(Cause.SERVICE, Cause.LOCK)
        if report.requests and not report.dry_run:
            report.bottleneck = self.sheet.bottleneck()

    def judge(self, rows: int, outcome: Outcome) -> None:
        """Stop the run if a chunk's outcome makes going on pointless, or too many rows were rejected."""
        self._refused += outcome.count(Status.REJECTED)
        self.check_errors()
        reasons = Counter(
            (fault.field, fault.code) for faults in outcome.faults.values() for fault in set(faults)
        )
        self._notice_version(field for field, _ in reasons)
        same = self._same_reason.chunk(rows, outcome.count(Status.REJECTED), reasons)
        taken = (
            self.recorder.report.counts.already_uploaded
        )  # the pool has taken rows of this input before
        if same and not taken and self.settings.pacing.fail_fast:
            field, code = same
            self.stop(
                Stopped(
                    f"The API refuses every row for the same reason: {field or 'the row'}: {code}. Nothing more is "
                    "sent. Does the file belong to this pool, and does the pool live by the project's newest version?",
                    code=code,
                )
            )

    def _notice_version(self, fields: Iterable[str]) -> None:
        """Say, once, that the API refuses values which passed the check."""
        if self.settings.check and not self._warned and any(f.startswith(VALUES) for f in fields):
            self._warned = True
            self.recorder.warn(pool_may_be_older(self.recorder.report.pools))

    def check_errors(self) -> None:
        """Stop the run if more rows were rejected than `--max-errors` allows: of all read, or of those sent.

        Reading may be far ahead of sending: what fails the check here is a share of what was read, what the API refuses
        a share of what was sent.
        """
        counts, passed = self.recorder.report.counts, self._stop_rule.passed
        sent = counts.created + self._refused
        if passed(counts.read, counts.rejected) or passed(sent, self._refused):
            self.stop(
                Stopped(
                    f"{counts.rejected} rows were rejected, more than --max-errors {self.settings.pacing.max_errors} "
                    "allows; nothing more is sent.",
                    code="MAX_ERRORS",
                )
            )

    # Asking: requests that may be repeated as often as one likes.

    async def ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Make a request that only reads, again and again while the service is failing.

        Raises:
            ApiError: The API answered, and the answer will not change.
            TryAgain: The service was failing for longer than `retry_for`.
        """
        retry_state, throttled = self.new_retry_state(), False
        while True:
            await self.clear(retry_state)
            try:
                with self.sheet.during(Cause.NETWORK):
                    result = await call(function, *args, **kwargs)
            except ApiError as error:
                if not error.passes:
                    self.on_success()
                    raise
                throttled = isinstance(error, RateLimited)
                await self.back_off(error, retry_state)
            else:
                self.on_success()
                if throttled:
                    self.throttle_over()
                return result

    async def clear(self, retry_state: RetryState) -> None:
        """Wait until the service may be asked, and note that it is."""
        await self.serviceable()
        self.departing(retry_state)

    async def serviceable(self) -> bool:
        """
        Wait until the service may be asked at all; return whether there was a wait.

        Raises:
            TryAgain: It has been failing for longer than `retry_for`.
            Interrupted: Somebody wants the run to end: no failing service is waited for then.
        """
        waited = False
        while (seconds := self.breaker.wait()) > 0 and not self.budget.exhausted:
            waited = True
            if self.stopping and self._interrupted():
                raise self.stopping
            # Until others know whether the service works, or for the time that it takes.
            over = self._tried if seconds == math.inf else self._interrupted
            with self.sheet.during(Cause.SERVICE):
                await until(over, min(seconds, self.budget.remaining))
        if self.budget.exhausted:
            assert self._last_fault  # noqa: S101  # what made the patience end
            raise self._last_fault.as_upload_error()
        return waited

    def _interrupted(self) -> bool:
        return isinstance(self.stopping, Interrupted)

    def _tried(self) -> bool:
        return self._interrupted() or self.breaker.wait() < math.inf

    def departing(self, retry_state: RetryState) -> None:
        """A request leaves now. One that met trouble before is a retry."""
        self.breaker.sent()
        self.recorder.report.retries += retry_state.count > 0
        # While the service fails, a request must not outlast the patience that is left.
        self.client.patience = max(self.budget.remaining, _LEAST_TIMEOUT)
        self.client.timeout = min(self.settings.pacing.timeout, self.client.patience)

    def on_success(self) -> None:
        """A request was answered. One that was on its way when the service began to fail says nothing about now."""
        if self.breaker.attempt:
            self.tell(Waiting("server_busy", "", 0.0))
        self.breaker.succeeded()
        if self.breaker.state is not BreakerState.OPEN:
            self.budget.success()
            self._trouble_since = None

    def new_retry_state(self, chunk: int | None = None) -> RetryState:
        """For one thing that must come about in the end: no failure yet."""
        budget = RetryBudget(self.settings.pacing.retry_for, clock=self.loop.clock)
        return RetryState(budget, chunk=chunk)

    async def back_off(self, error: ApiError, retry_state: RetryState) -> None:
        """
        Take note of a fault that passes, and slow the whole run; a request that fails again waits longer by itself.

        Raises:
            TryAgain: It has been too long, or the API says that it will be.
        """
        self._last_fault = error
        if isinstance(error, RateLimited):
            self.breaker.succeeded()
            await self._throttled(error, retry_state)
            return
        self._use_up_budget(error, retry_state)
        self.breaker.failed(retry_after(error.retry_after, self.wall(), error.date))
        seconds = self.breaker.wait()
        if retry_state.count > 1:
            seconds = max(seconds, self.backoff(retry_state.count))
        seconds = min(seconds, self.budget.remaining, retry_state.budget.remaining)
        nth = max(self.breaker.attempt, retry_state.count)
        self.tell(self.trouble("server_busy", what(error), seconds, nth, retry_state))
        if retry_state.count > 1:
            await self.pause(seconds)

    def trouble(
        self, reason: str, words: str, seconds: float, nth: int, retry_state: RetryState
    ) -> Waiting:
        """A wait after something went wrong for the nth time, with when that began and when it is given up."""
        now = self.wall()
        retry_state.since = now if retry_state.since is None else retry_state.since
        self._trouble_since = now if self._trouble_since is None else self._trouble_since
        since = min(retry_state.since, self._trouble_since)
        left = min(self.budget.remaining, retry_state.budget.remaining)
        gives_up = now + left if left < math.inf else None
        return Waiting(reason, words, seconds, None, nth, since, gives_up, chunk=retry_state.chunk)

    def _use_up_budget(
        self, error: ApiError, retry_state: RetryState, asked: float | None = None
    ) -> None:
        """Note a failure, or a refusal for the rate with a pause of `asked` seconds."""
        retry_state.count += 1
        for budget in (self.budget, retry_state.budget):
            if asked is None:
                budget.failed()
            else:
                budget.refused(asked)
            if budget.exhausted:
                raise error.as_upload_error()

    async def _throttled(self, error: RateLimited, retry_state: RetryState) -> None:
        """Wait for as long as a 429 says, or, where it says nothing, for a little."""
        asked = retry_after(error.retry_after, self.wall(), error.date)
        seconds = quota_wait(error.interval, asked, self._unnamed_wait())
        if seconds is None:
            seconds = self._long_quota(error, asked)
            self._use_up_budget(error, retry_state, DAY_SECONDS)
        else:
            self._use_up_budget(error, retry_state, seconds)
        name = {"MIN": "minute", "HOUR": "hour", "DAY": "day"}.get(error.interval or "", "rate")
        self.rate.pause(seconds)
        words = f"HTTP 429, the server's {name} limit"
        waiting = self.trouble("rate_limit", words, seconds, retry_state.count, retry_state)
        await self.wait_for_rate(waiting)

    def _unnamed_wait(self) -> float:
        """The wait after a 429 that names none: about a tenth of how long this has been going on.

        So whatever the server's window is, little more than a tenth of it is lost, with few requests in vain.
        """
        now = self.loop.clock()
        if self._throttled_since is None:
            self._throttled_since = now
        longest = max(_LEAST_THROTTLE, _THROTTLE_GROWTH * (now - self._throttled_since))
        return min(longest, _MOST_THROTTLE) * self.random.uniform(0.75, 1.0)

    def throttle_over(self) -> None:
        """The API takes items again."""
        self._throttled_since = None

    def _long_quota(self, error: RateLimited, asked: float | None) -> float:
        """Seconds until to try again while a day's quota is used up; the end of the run, unless told to wait."""
        if self.settings.pacing.wait_quota:
            return min(asked or LONGEST_PAUSE, LONGEST_PAUSE)
        when = self._moment(DAY_SECONDS if asked is None else asked)
        at = f"at the latest at {when}" if asked is None else f"at {when}"
        raise TryAgain(
            f"{error}. The day's quota of this account is used up; there is room again {at}. Run the same command "
            "again then: it goes on from where it stopped (--wait-quota waits instead).",
            code=error.code,
            request_id=error.request_id,
        )

    def _moment(self, seconds: float) -> str:
        """The local time so many seconds from now."""
        return moment(self.wall() + seconds)

    # The account's limits.

    async def wait_for_room(self, wait: Wait) -> None:
        """
        Wait as the rate limit says, but no longer than it wants to be asked again.

        Raises:
            TryAgain: The day's quota is used up, and the settings say not to wait for that.
        """
        self._refuse_long_wait(wait.window, wait.seconds)
        waiting = Waiting("rate_limit", whose(wait.window), wait.seconds)
        if wait.window:
            waiting = waiting._replace(pace=wait.window.items / wait.window.seconds)
        await self.wait_for_rate(waiting, min(wait.seconds, RENEW))

    def _refuse_long_wait(self, window: Window | None, seconds: float) -> None:
        if window is None or window.name != "day" or self.settings.pacing.wait_quota:
            return
        when = self._moment(seconds)
        raise TryAgain(
            f"The daily limit of {window.items:,} items is used up; room for more comes at {when}. Run the same "
            "command again then: it goes on from where it stopped (--wait-quota waits instead).",
            code="DAILY_LIMIT",
        )

    async def wait_for_rate(self, waiting: Waiting, part: float | None = None) -> None:
        """Wait for a limit on the number of items, telling so, and whose it is; `part`: only that much of it now."""
        told = waiting.seconds >= _WORTH_TELLING
        if told:
            self.tell(waiting)
        await self.pause(waiting.seconds if part is None else part, Cause.RATE)
        if told:
            self.tell(Waiting("rate_limit", "", 0.0))

    async def nap(self, seconds: float) -> None:
        """Sleep between two looks at an operation. A stop does not shorten it: what is in the air is settled."""
        await sleep(seconds)

    async def pause(self, seconds: float, cause: Cause = Cause.SERVICE) -> None:
        """Sleep because of `cause`, but not through a stop."""
        with self.sheet.during(cause):
            await until(lambda: self.stopping is not None, seconds)

    def raise_if_stopping(self) -> None:
        """Raise what ends the run, if something does."""
        if self.stopping:
            raise self.stopping

    async def quiet(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, or for a stop."""
        await until(lambda: self.stopping is not None or condition())
