"""When to ask for an operation again, tried on operations of all lengths."""

from __future__ import annotations

from random import Random
from statistics import mean
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.policies.polling import PollPace


class Watched(NamedTuple):
    lost: float
    """Seconds from the operation's end to our seeing it, as a share of its duration."""
    looks: int


def watch(
    pace: PollPace, seconds: float, *, tells: bool = False, in_flight: int = 1, items: int = 1
) -> Watched:
    """Look at an operation until it is done; `tells`: the server says how far it is."""
    elapsed, looks, progress = 0.0, 0, None
    while elapsed < seconds:
        elapsed += pace.next_wait(elapsed, progress, in_flight, items)
        looks += 1
        progress = int(100 * elapsed / seconds) if tells else None
    pace.finished(elapsed, items)
    return Watched((elapsed - seconds) / seconds, looks)


@pytest.mark.parametrize(("seconds", "looks"), [(0.2, 3), (1.0, 9), (10.0, 18), (120.0, 32)])
def test_an_unknown_operation_is_seen_within_a_third(seconds: float, looks: int) -> None:
    """Without experience waits grow with the operation's age, up to 10 s."""
    first = watch(PollPace(), seconds)
    assert first.lost <= 0.3
    assert first.looks <= looks


@pytest.mark.parametrize("tells", [False, True], ids=["silent", "telling"])
@pytest.mark.parametrize(("seconds", "looks"), [(0.2, 2), (1.0, 2.5), (10.0, 2.5), (120.0, 14)])
def test_known_operations_cost_little_time_and_few_looks(
    seconds: float,
    looks: float,
    tells: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    """With durations that vary by 15 %, about a tenth is lost, and two looks do, or one each 10 s."""
    random, pace = Random(1), PollPace()
    watch(pace, seconds)
    seen = [watch(pace, seconds * random.uniform(0.85, 1.15), tells=tells) for _ in range(60)]
    assert mean(one.lost for one in seen) <= 0.15
    assert mean(one.looks for one in seen) <= looks


@pytest.mark.parametrize("seconds", [2.0, 10.0])
def test_progress_saves_looks_at_an_unknown_operation(seconds: float) -> None:
    """A server that tells how far it is is asked less, and its end is met at least as well."""
    silent, telling = (watch(PollPace(), seconds, tells=tells) for tells in (False, True))
    assert telling.looks < silent.looks
    assert telling.lost <= 0.1


def test_experience_follows_operations_that_become_quicker() -> None:
    """Looking just before the expected end finds out that it was earlier; the next looks come sooner."""
    pace = PollPace()
    for _ in range(10):
        watch(pace, 5.0)
    for _ in range(30):
        last = watch(pace, 2.0)
    assert last.lost <= 0.15


def test_experience_is_of_operations_of_like_size() -> None:
    """A last small chunk is not waited for as if it were a whole one."""
    pace = PollPace()
    for _ in range(5):
        watch(pace, 8.0, items=10_000)
    assert pace.next_wait(0.0, None, 1, items=9_000) == pytest.approx(0.9 * 8, rel=0.3)
    assert pace.next_wait(0.0, None, 1, items=40) == 0.1


def test_an_operation_that_takes_longer_than_expected_is_asked_less_and_less() -> None:
    """What should have ended after 1 s and is not done after 10 minutes costs a request each 10 s."""
    pace = PollPace()
    watch(pace, 1.0)
    assert pace.next_wait(1.0, None, 1) < 0.2
    assert 1 < pace.next_wait(6.0, None, 1) < 2
    assert pace.next_wait(600.0, None, 1) == 10.0


def test_a_progress_that_means_nothing_does_no_harm() -> None:
    """0 and 100 percent of an operation that is not done say nothing; 99 for ever is as being late."""
    pace = PollPace()
    assert pace.next_wait(4.0, 0, 1) == pace.next_wait(4.0, 100, 1) == pace.next_wait(4.0, None, 1)
    assert pace.next_wait(60.0, 99, 1) >= 5.0


@given(
    st.floats(0, 1e6),
    st.none() | st.floats(-10, 200),
    st.integers(1, 64),
    st.lists(st.floats(0, 1e4), max_size=9),
)
def test_many_operations_share_a_bounded_number_of_looks(
    elapsed: float, progress: float | None, in_flight: int, known: list[float]
) -> None:
    """All operations in flight together are asked at most 20 times a second, and each at least every 10 s."""
    pace = PollPace()
    for seconds in known:
        pace.finished(seconds)
    assert in_flight / 20 <= pace.next_wait(elapsed, progress, in_flight) <= 10.0
