"""The rate limit: a sliding log that several processes share."""

from __future__ import annotations

import math
import multiprocessing
import sqlite3
import stat
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toloka_upload.errors import CannotWrite
from toloka_upload.policies.rate import RateLimit, Taken, Wait, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from manual_clock import Clock

FOUR_SECONDS = Window(1000, 4.0, "4 s")
DAY = Window(2500, 86_400.0, "day")


@pytest.fixture
def opened() -> Iterator[Callable[..., RateLimit]]:
    """Makes rate limits, and closes them in the end."""
    with ExitStack() as stack:

        def open_limit(
            path: Path | None, key: str, windows: list[Window], clock: Clock
        ) -> RateLimit:
            return stack.enter_context(closing(RateLimit(path, key, windows, clock)))

        yield open_limit


@pytest.fixture
def limit(opened: Callable[..., RateLimit], clock: Clock) -> RateLimit:
    """1000 items in 4 seconds, in memory."""
    return opened(None, "api", [FOUR_SECONDS], clock)


def took(answer: Taken | Wait) -> int:
    """The ticket, where one was granted."""
    assert isinstance(answer, Taken), f"there is room, but: {answer}"
    return answer.ticket


def waits(answer: Taken | Wait) -> float:
    """The seconds to wait, where there was no room."""
    assert isinstance(answer, Wait), "there is no room"
    return answer.seconds


def test_a_full_window_says_exactly_when_there_is_room(limit: RateLimit, clock: Clock) -> None:
    """What leaves the window first makes room first, and the wait lasts until enough has left."""
    limit.confirm(took(limit.take(600)))
    clock.advance(1)
    limit.confirm(took(limit.take(400)))
    assert limit.take(1) == Wait(3.0, FOUR_SECONDS), "the first 600 leave 4 s after they were sent"
    assert waits(limit.take(601)) == 4.0, "601 need the 400 to leave as well"
    clock.advance(2.9)
    assert waits(limit.take(600)) == pytest.approx(0.1), "not a moment earlier"
    clock.advance(0.1)
    took(limit.take(600))
    assert waits(limit.take(1)) == pytest.approx(1.0), "the 400 leave next"


def test_waiting_takes_nothing(limit: RateLimit) -> None:
    """A refused request leaves the room for a smaller one."""
    limit.confirm(took(limit.take(900)))
    waits(limit.take(200))
    took(limit.take(100))


def test_items_age_from_the_answer_on(limit: RateLimit, clock: Clock) -> None:
    """The server may count a request as late as it answers it: the window is left 4 s after that."""
    ticket = took(limit.take(1000))
    clock.advance(3)
    limit.confirm(ticket)
    clock.advance(3.9)
    assert waits(limit.take(1)) == pytest.approx(0.1)
    clock.advance(0.1)
    took(limit.take(1000))


def test_a_request_in_flight_never_leaves_the_window(limit: RateLimit, clock: Clock) -> None:
    """Whatever a request takes, its items count until it is answered, and a whole window from then."""
    took(limit.take(1000))
    clock.advance(100)
    assert waits(limit.take(1)) == 4.0
    assert limit.used(FOUR_SECONDS) == 1000


def test_what_is_given_back_is_free_at_once(limit: RateLimit) -> None:
    """A request that was refused before work did not count at the server."""
    ticket = took(limit.take(1000))
    limit.give_back(ticket)
    assert limit.used(FOUR_SECONDS) == 0
    took(limit.take(1000))


def test_all_windows_hold_and_the_longest_wait_is_named(
    opened: Callable[..., RateLimit], clock: Clock
) -> None:
    """A day's quota binds although the short window has room, and the wait says which one it is."""
    limit = opened(None, "api", [FOUR_SECONDS, DAY], clock)
    for _ in range(2):
        limit.confirm(took(limit.take(1000)))
        clock.advance(4)
    limit.confirm(took(limit.take(500)))
    assert limit.take(500) == Wait(86_400.0 - 8, DAY), "the first 1000 leave the day first"
    assert limit.used(DAY) == 2500
    assert limit.used(FOUR_SECONDS) == 500


@pytest.mark.parametrize("items", [0, -1])
def test_a_request_without_items_is_an_error(limit: RateLimit, items: int) -> None:
    """Nothing is no request."""
    with pytest.raises(ValueError, match="no request"):
        limit.take(items)


def test_more_than_a_window_leaves_once_the_window_is_empty(limit: RateLimit, clock: Clock) -> None:
    """What an earlier run left may be larger than today's limit: it counts when it leaves, and is not impossible."""
    limit.confirm(took(limit.take(1)))
    assert waits(limit.take(3000)) == 4.0
    clock.advance(4)
    limit.confirm(took(limit.take(3000)))
    assert waits(limit.take(1)) == 4.0


def test_who_waits_for_a_whole_window_is_not_starved(
    opened: Callable[..., RateLimit], tmp_path: Path, clock: Clock
) -> None:
    """Two processes: one sends small requests all the time, the other one needs all of the window, and gets it."""
    small, large = (opened(tmp_path / "rate.db", "api", [FOUR_SECONDS], clock) for _ in range(2))
    small.confirm(took(small.take(500)))
    began = clock.now
    while isinstance(answer := large.take(1000), Wait):
        assert clock.now - began < 4.5, "it waits for ever"
        clock.advance(min(answer.seconds, 0.5))
        if isinstance(other := small.take(100), Taken):
            small.confirm(other.ticket)
    large.confirm(answer.ticket)
    clock.advance(4)
    took(small.take(100))


def test_one_that_waits_and_is_killed_holds_up_nobody_for_long(
    opened: Callable[..., RateLimit], tmp_path: Path, clock: Clock
) -> None:
    """Its place is kept until it should have asked again, and a little longer."""
    killed, other = (opened(tmp_path / "rate.db", "api", [FOUR_SECONDS], clock) for _ in range(2))
    killed.confirm(took(killed.take(1000)))
    waits(killed.take(1000))
    began = clock.now
    while isinstance(answer := other.take(100), Wait):
        clock.advance(answer.seconds)
    assert clock.now - began < 4 + 10 + 0.5


def test_one_that_leaves_gives_up_its_place(
    opened: Callable[..., RateLimit], tmp_path: Path, clock: Clock
) -> None:
    """A run that ends while it waits keeps nobody waiting."""
    with closing(RateLimit(tmp_path / "rate.db", "api", [FOUR_SECONDS], clock)) as leaving:
        leaving.confirm(took(leaving.take(500)))
        waits(leaving.take(1000))
        other = opened(tmp_path / "rate.db", "api", [FOUR_SECONDS], clock)
        waits(other.take(100))
    took(other.take(100))


def test_after_a_refusal_one_request_tries_alone(limit: RateLimit, clock: Clock) -> None:
    """A 429 where we saw room: pause as asked, then one request, and the others only if it is accepted."""
    ticket = took(limit.take(100))
    limit.give_back(ticket)
    limit.pause(30)
    limit.pause(5)
    assert limit.take(100) == Wait(30.0, None), "the latest end of several refusals holds"
    clock.advance(30)
    probe = took(limit.take(100))
    assert limit.take(100) == Wait(math.inf, None), "the others wait for its answer"
    assert limit.trying
    limit.confirm(probe)
    assert not limit.trying
    took(limit.take(100))
    took(limit.take(100))


def test_a_try_that_is_refused_again_is_followed_by_another_alone(
    limit: RateLimit, clock: Clock
) -> None:
    """As long as the server refuses, each pause costs one request."""
    limit.pause(2)
    for _ in range(3):
        clock.advance(2)
        probe = took(limit.take(100))
        waits(limit.take(100))
        limit.give_back(probe)
        limit.pause(2)
        assert waits(limit.take(100)) == 2.0


def test_a_try_that_was_lost_on_the_way_is_followed_by_another(
    limit: RateLimit, clock: Clock
) -> None:
    """A try given back without a refusal (no connection) proves nothing: the next goes alone as well."""
    limit.pause(1)
    clock.advance(1)
    limit.give_back(took(limit.take(100)))
    took(limit.take(100))
    waits(limit.take(100))


def test_a_clock_that_jumps_back_never_opens_the_window(limit: RateLimit, clock: Clock) -> None:
    """Entries from the future count as made now: nothing is let through early, and at most one window is lost."""
    limit.confirm(took(limit.take(1000)))
    clock.advance(-3600)
    assert waits(limit.take(1)) == 4.0
    clock.advance(4)
    took(limit.take(1000))


def test_a_clock_that_jumps_back_does_not_prolong_a_pause(limit: RateLimit, clock: Clock) -> None:
    """A pause begins again at worst; it does not last until the old time comes round."""
    limit.pause(10)
    clock.advance(-86_400)
    assert waits(limit.take(1)) == 10.0
    clock.advance(10)
    took(limit.take(1))


def test_accounts_do_not_share_a_limit(
    opened: Callable[..., RateLimit], tmp_path: Path, clock: Clock
) -> None:
    """One file serves several endpoints and accounts; the key keeps them apart."""
    one, other = (opened(tmp_path / "rate.db", key, [FOUR_SECONDS], clock) for key in "ab")
    took(one.take(1000))
    took(other.take(1000))


def test_a_later_run_counts_what_an_earlier_one_sent(
    opened: Callable[..., RateLimit], tmp_path: Path, clock: Clock
) -> None:
    """The day's quota holds over runs, also after a run that was killed."""
    first = opened(tmp_path / "rate.db", "api", [DAY], clock)
    took(first.take(2500))  # and never heard of again
    clock.advance(3600)
    second = opened(tmp_path / "rate.db", "api", [DAY], clock)
    assert waits(second.take(1)) == 86_400.0 - 3600
    clock.advance(86_400 - 3600)
    took(second.take(2500))


def test_the_file_is_private_and_stays_small(
    opened: Callable[..., RateLimit], tmp_path: Path, clock: Clock
) -> None:
    """Nobody else reads what was sent when; entries that no window needs are dropped at the next start."""
    path = tmp_path / "rate.db"
    limit = opened(path, "api", [FOUR_SECONDS], clock)
    for _ in range(10):
        limit.confirm(took(limit.take(1)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    clock.advance(8 * 86_400)
    opened(path, "api", [FOUR_SECONDS], clock)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT COUNT(*) FROM sent").fetchone() == (0,)


@pytest.mark.parametrize("content", [b"this is no database, whatever it is\n" * 50, None])
def test_a_file_that_cannot_be_used_is_told(
    tmp_path: Path, clock: Clock, content: bytes | None
) -> None:
    """A damaged file, or a folder that is not there: exit 73 with the path and what to do."""
    path = tmp_path / "rate.db" if content else tmp_path / "missing" / "rate.db"
    if content:
        path.write_bytes(content)
    with pytest.raises(CannotWrite, match=r"rate\.db: .*remove the file"):
        RateLimit(path, "api", [FOUR_SECONDS], clock)


def test_a_busy_file_is_waited_for(tmp_path: Path) -> None:
    """Another process inside its transaction delays us; it does not fail us."""
    path = tmp_path / "rate.db"
    limit = RateLimit(path, "api", [FOUR_SECONDS])
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(path, 0.5))
    process.start()
    while not (path.parent / "held").exists():
        time.sleep(0.01)
    took(limit.take(1))
    assert (path.parent / "released").exists(), "it was granted only when the file was free"
    process.join()
    limit.close()


def _hold(path: Path, seconds: float) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    (path.parent / "held").touch()
    time.sleep(seconds)
    (path.parent / "released").touch()
    database.execute("COMMIT")
    database.close()


def test_processes_share_the_limit_exactly(tmp_path: Path) -> None:
    """Four processes that ask as fast as they can get, together, exactly what the window holds."""
    path = tmp_path / "rate.db"
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        granted = pool.map(_grab, [path] * 4, chunksize=1)
    assert sum(granted) == 10_000, f"granted one by one: {granted}"


def _grab(path: Path) -> int:
    limit = RateLimit(path, "api", [Window(10_000, 3600.0, "hour")])
    granted = 0
    for _ in range(60):
        if isinstance(answer := limit.take(50), Taken):
            limit.confirm(answer.ticket)
            granted += 50
    limit.close()
    return granted


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "confirm", "give back"]),
        st.integers(1, 10),
        st.floats(0, 3, allow_nan=False),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(STEPS)
def test_no_server_that_counts_the_same_ever_refuses(steps: list[tuple[str, int, float]]) -> None:
    """Whenever between sending and answering the server counts, no stretch of its time holds more than the limit."""
    now = [1_795_286_800.0]
    limit = RateLimit(None, "api", [Window(10, 4.0, "limit")], lambda: now[0])
    in_flight: list[tuple[int, int, float]] = []
    counted: list[tuple[float, float, int]] = []  # earliest, latest, items
    for action, items, pause in steps:
        now[0] += pause
        if action == "take":
            if isinstance(answer := limit.take(items), Taken):
                in_flight.append((answer.ticket, items, now[0]))
        elif in_flight:
            ticket, items_sent, sent = in_flight.pop(0)
            if action == "confirm":
                limit.confirm(ticket)
                counted.append((sent, now[0], items_sent))
            else:
                limit.give_back(ticket)
    limit.close()
    counted += [(sent, now[0], items) for _, items, sent in in_flight]
    for (
        _,
        latest,
        _,
    ) in counted:  # the stretch of 4 s that begins when the server counted this one, at the latest
        inside = [n for sent, last, n in counted if last >= latest and sent < latest + 4.0 - 1e-6]
        assert sum(inside) <= 10, f"too much within 4 s from {latest}: {counted}"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10), st.floats(0, 6)), min_size=1, max_size=30),
    st.integers(1, 10),
)
def test_the_wait_told_is_enough_and_not_too_long(
    sent: list[tuple[int, float]], items: int
) -> None:
    """After the wait there is room; a hundredth of a second before its end there was none."""
    now = [1_795_286_800.0]
    limit = RateLimit(
        None, "api", [Window(10, 4.0, "limit"), Window(20, 11.0, "other")], lambda: now[0]
    )
    for amount, pause in sent:
        now[0] += pause
        if isinstance(answer := limit.take(amount), Taken):
            limit.confirm(answer.ticket)
    if isinstance(answer := limit.take(items), Wait):
        start = now[0]
        if answer.seconds > 0.01:
            now[0] = start + answer.seconds - 0.01
            assert isinstance(limit.take(items), Wait), (
                "there is no room before the end of the wait"
            )
        now[0] = start + answer.seconds + 1e-6
        assert isinstance(limit.take(items), Taken), "there is room after the wait"
    limit.close()


@pytest.mark.parametrize("latency", [0.005, 0.05])
def test_the_speed_is_nearly_the_limit(limit: RateLimit, clock: Clock, latency: float) -> None:
    """Chunks of 500 at 1000 in 4 s: at least 0.95 of the possible speed, in spite of the care for late counting."""
    start, sent = clock.now, 0
    while sent < 20_000:
        answer = limit.take(500)
        if isinstance(answer, Taken):
            clock.advance(latency)
            limit.confirm(answer.ticket)
            sent += 500
        else:
            clock.advance(answer.seconds)
    least = (20_000 / 1000 - 1) * 4.0  # the first thousand leaves at once
    assert least <= clock.now - start <= least / 0.95


def test_a_server_with_a_lower_limit_costs_little(
    opened: Callable[..., RateLimit], clock: Clock
) -> None:
    """It allows 1000 in 4 s and we believe in 100,000 a minute: 3000 in 500s take at most 1.15 times the least."""
    limit = opened(None, "api", [Window(100_000, 60.0, "minute")], clock)
    counted: list[float] = []
    start, refused = clock.now, 0
    while len(counted) < 6:
        answer = limit.take(500)
        if isinstance(answer, Wait):
            clock.advance(answer.seconds)
            continue
        recent = [at for at in counted if at > clock.now - 4.0]
        clock.advance(0.02)
        if len(recent) < 2:
            counted.append(clock.now - 0.01)
            limit.confirm(answer.ticket)
        else:
            refused += 1
            limit.give_back(answer.ticket)
            limit.pause(math.ceil(recent[-2] + 4.0 - clock.now))  # Retry-After has whole seconds
    assert clock.now - start <= 8.0 * 1.15
    assert refused <= 4
