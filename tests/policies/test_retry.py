"""Backoff, Retry-After, quotas, patience and the circuit breaker."""

from __future__ import annotations

import math
from email.utils import formatdate
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.policies.retry import (
    Backoff,
    BreakerState,
    CircuitBreaker,
    RetryBudget,
    quota_wait,
    retry_after,
)

if TYPE_CHECKING:
    from manual_clock import Clock

NOW = 1_795_286_800.0


@given(st.integers(1, 10_000), st.integers())
def test_backoff_doubles_up_to_its_longest_with_jitter(attempt: int, seed: int) -> None:
    """Failure n is followed by half to all of 0.5 s times 2 to the n-1, at most 30 s, however many there were."""
    full = min(30.0, 0.5 * 2 ** min(attempt - 1, 50))
    assert full / 2 <= Backoff(Random(seed))(attempt) <= full


def test_backoff_spreads_clients_that_failed_together() -> None:
    """A hundred clients do not come back at the same moment."""
    waits = sorted(Backoff(Random(seed))(7) for seed in range(100))
    assert waits[-1] - waits[0] > 10


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("1.5", 1.5),
        (formatdate(NOW + 10, usegmt=True), 10),
        (formatdate(NOW + 10).replace(" -0000", ""), 10),
        (formatdate(NOW - 10, usegmt=True), 0),
        ("999999", 86_400),
        ("9" * 500, 86_400),
        (formatdate(NOW + 1e6, usegmt=True), 86_400),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    """Both forms of RFC 9110 are read; the past is no wait, and nothing is longer than a day."""
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "header", [None, "", "soon", "-5", "nan", "inf", "1e3", "٣", "Sat, 32 Nov 2026 99:99:99 GMT"]
)
def test_a_retry_after_that_makes_no_sense_is_as_none(header: str | None) -> None:
    """Garbage does not stop a run, nor make it wait."""
    assert retry_after(header, NOW) is None


@given(st.text())
def test_no_retry_after_breaks_us(header: str) -> None:
    """Whatever a server sends is a wait of 0 to 86,400 s, or nothing."""
    wait = retry_after(header, NOW)
    assert wait is None or 0 <= wait <= 86_400


def test_a_date_is_measured_by_the_servers_own_clock() -> None:
    """If the answer says what time it is there, our clock being wrong by an hour changes nothing."""
    then, there = formatdate(NOW + 30, usegmt=True), formatdate(NOW, usegmt=True)
    assert retry_after(then, NOW - 3600, there) == 30
    assert retry_after(then, NOW, "no date") == 30, "an unreadable Date is as none"


@pytest.mark.parametrize(
    ("interval", "asked", "pause"),
    [
        ("MIN", None, 60),
        ("HOUR", None, 3600),
        ("DAY", None, None),
        (None, None, 2.5),
        ("CENTURY", None, 2.5),
        ("MIN", 4.0, 4),
        (None, 7.0, 7),
        ("HOUR", 3600.0, 3600),
        ("DAY", 5.0, None),
        (None, 40_000.0, None),
        (None, 0.0, 0.25),
    ],
)
def test_quota_wait_follows_the_servers_words(
    interval: str | None, asked: float | None, pause: float | None
) -> None:
    """Retry-After first, else the interval, else the backoff; a used-up day, or more than an hour, means stop."""
    assert quota_wait(interval, asked, backoff=2.5) == pause


def test_patience_counts_from_the_first_failure_after_a_success(clock: Clock) -> None:
    """Time without any success is what ends it, not the number of failures."""
    budget = RetryBudget(900, clock)
    clock.advance(10_000)
    assert not budget.exhausted, "nothing has failed yet"
    assert budget.remaining == math.inf
    budget.failed()
    clock.advance(899)
    for _ in range(1000):
        budget.failed()
    assert not budget.exhausted, "a thousand failures in 899 s are fine"
    assert budget.remaining == 1
    clock.advance(1)
    assert budget.exhausted, "900 s without a success are not"


def test_one_success_renews_patience(clock: Clock) -> None:
    """A service that fails now and then is never given up."""
    budget = RetryBudget(10, clock)
    for _ in range(50):
        budget.failed()
        clock.advance(9)
        assert not budget.exhausted
        budget.success()
        clock.advance(100)
        assert not budget.exhausted


def test_no_patience_means_no_retry(clock: Clock) -> None:
    """`--retry-for 0`: the first failure is the last."""
    budget = RetryBudget(0, clock)
    assert not budget.exhausted
    budget.failed()
    assert budget.exhausted


def test_a_pause_the_server_asks_for_is_kept_whatever_the_patience(clock: Clock) -> None:
    """`--retry-for 4s` and a minute's quota: the minute is waited for, and once more, and then it is enough."""
    budget = RetryBudget(4, clock)
    budget.refused(asked=60)
    clock.advance(60)
    assert not budget.exhausted, "after the pause there is a try"
    budget.refused(asked=60)
    clock.advance(60)
    assert budget.remaining == 0, "a server that only ever refuses is left"
    budget.success()
    budget.failed()
    assert budget.remaining == 4, "after a success the pause of before is forgotten"


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    """Waits 1, 2, 3, ... seconds after the first, second, third failure in a row."""
    return CircuitBreaker(float, clock)


def test_a_closed_breaker_lets_everything_through(breaker: CircuitBreaker) -> None:
    """As long as all is well nobody waits."""
    for _ in range(100):
        assert breaker.wait() == 0
        breaker.sent()
    assert breaker.state is BreakerState.CLOSED


def test_one_failure_holds_everybody_back(breaker: CircuitBreaker, clock: Clock) -> None:
    """While it is open nothing is sent, for as long as the backoff says."""
    breaker.sent()
    breaker.failed()
    assert breaker.state is BreakerState.OPEN
    assert breaker.wait() == 1.0
    clock.advance(0.75)
    assert breaker.wait() == 0.25


def test_the_wait_the_service_asks_for_is_kept(breaker: CircuitBreaker) -> None:
    """The longer of backoff and Retry-After counts, whichever request was told."""
    breaker.failed(retry_after=0.5)
    assert breaker.wait() == 1.0
    breaker.failed(retry_after=20.0)
    assert breaker.wait() == 20.0
    assert breaker.attempt == 1, "requests that were under way together fail together"


def test_half_open_lets_a_single_probe_through(breaker: CircuitBreaker, clock: Clock) -> None:
    """After the wait one request tries, and the others wait for what becomes of it."""
    breaker.failed()
    clock.advance(1)
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.wait() == 0
    assert breaker.wait() == 0, "asking alone changes nothing"
    breaker.sent()
    assert breaker.wait() == math.inf


def test_a_failed_probe_waits_longer_each_time(breaker: CircuitBreaker, clock: Clock) -> None:
    """`attempt` counts the failures in a row, for words like "next try in 3 s (3rd)"."""
    for attempt in (1, 2, 3):
        breaker.sent()
        breaker.failed()
        assert breaker.attempt == attempt
        assert breaker.wait() == attempt
        clock.advance(attempt)


def test_a_recovering_service_is_met_gently(breaker: CircuitBreaker, clock: Clock) -> None:
    """With each success one more at a time: 1, 2, 3, ... and from 8 on as many as one likes."""
    breaker.failed()
    clock.advance(1)
    for allowed in range(1, CircuitBreaker.FULL):
        assert breaker.state is BreakerState.HALF_OPEN
        assert let_through(breaker) == (allowed if allowed == 1 else 2), (
            "one answer frees its place and one more"
        )
        breaker.succeeded()
        assert breaker.attempt == 0
    assert breaker.state is BreakerState.CLOSED
    assert breaker.wait() == 0


def let_through(breaker: CircuitBreaker) -> int:
    """How many requests may start now."""
    count = 0
    while breaker.wait() == 0:
        breaker.sent()
        count += 1
    return count


def test_a_success_of_before_the_failure_does_not_close_it(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    """An answer that was under way when the breaker opened says nothing about now."""
    breaker.failed(retry_after=30)
    for _ in range(20):
        breaker.succeeded()
    assert breaker.wait() == 30.0
    assert breaker.attempt == 1
    clock.advance(30)
    assert let_through(breaker) == 1


def test_a_relapse_starts_over(breaker: CircuitBreaker, clock: Clock) -> None:
    """A failure while recovering opens it again, and a single probe follows."""
    breaker.failed()
    clock.advance(1)
    for _ in range(4):
        breaker.sent()
        breaker.succeeded()
    breaker.sent()
    breaker.failed()
    assert breaker.wait() == 1.0, "it had worked: the first failure in a row again"
    clock.advance(1)
    assert let_through(breaker) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_service_that_fails_three_times_in_ten_is_still_used(clock: Clock, seed: int) -> None:
    """With 30 % of the answers broken, 100 requests of 0.1 s get through within a minute, without giving up."""
    random = Random(seed)
    breaker, budget = CircuitBreaker(Backoff(random), clock), RetryBudget(30, clock)
    start, served = clock.now, 0
    while served < 100:
        if (wait := breaker.wait()) > 0:
            clock.advance(wait)
            continue
        breaker.sent()
        clock.advance(0.1)
        if random.random() < 0.3:
            breaker.failed()
            budget.failed()
        else:
            breaker.succeeded()
            budget.success()
            served += 1
        assert not budget.exhausted
    assert clock.now - start < 60
