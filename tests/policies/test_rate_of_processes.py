"""Processes of one account, side by side: they share one limit, keep it in every stretch of time, and none starves."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from manual_clock import Clock

from toloka_upload.policies import rate
from toloka_upload.policies.rate import RENEW, RateLimit, Taken, Wait, Window

WINDOW = Window(100, 0.4, "0.4 s")
Served = list[tuple[float, int]]
"""When a server counted each request, and how many items it had."""


def _send(path: Path, requests: int, items: int, slow: float, seed: int) -> Served:
    """Send so many requests as a run does; a server counts each at any time between its leaving and its answer."""
    dice, served = random.Random(seed), Served()
    with closing(RateLimit(path, "api", [WINDOW])) as limit:
        while len(served) < requests:
            answer = limit.take(items)
            if isinstance(answer, Wait):
                time.sleep(min(answer.seconds, RENEW))
                continue
            time.sleep(dice.uniform(0, slow))
            counted = time.time()
            time.sleep(dice.uniform(0, slow))
            if dice.random() < 0.2:
                limit.give_back(answer.ticket)  # it was refused before it was counted
                continue
            limit.confirm(answer.ticket)
            served.append((counted, items))
    return served


def _most_in_a_window(served: Served) -> int:
    return max(
        sum(items for at, items in served if end - WINDOW.seconds < at <= end) for end, _ in served
    )


@pytest.mark.parametrize(
    "runs",
    [
        [(20, 10, 0.01), (2, 100, 0.01)],
        [(8, 25, 0.01), (8, 25, 0.01)],
        [(3, 60, 0.01), (3, 60, 0.01), (10, 5, 0.01)],
        [(2, 100, 0.5), (15, 10, 0.01)],
    ],
    ids=[
        "small ones and a whole window",
        "the same",
        "three",
        "answers that take longer than a window",
    ],
)
def test_processes_keep_the_limit_together_and_none_starves(
    tmp_path: Path, runs: list[tuple[int, int, float]]
) -> None:
    """All of their requests get through, in about the time that the limit needs, and never too many at once."""
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(len(runs)) as pool:
        jobs = [(tmp_path / "rate.db", *run, seed) for seed, run in enumerate(runs)]
        served = pool.starmap_async(_send, jobs, chunksize=1).get(timeout=30)
    assert [len(by_one) for by_one in served] == [count for count, _, _ in runs]
    assert _most_in_a_window([one for by_one in served for one in by_one]) <= WINDOW.items
    least = sum(count * items for count, items, _ in runs) / WINDOW.items * WINDOW.seconds
    assert time.monotonic() - began < 4 * least + 10


def test_one_that_takes_whole_windows_gets_its_share(tmp_path: Path, clock: Clock) -> None:
    """Two processes, small requests and whole windows, asking at the same times: neither waits longer than for two."""
    with _two(tmp_path, clock) as (small, large):
        last = {small: clock.now, large: clock.now}
        longest = {small: 0.0, large: 0.0}
        for _ in range(80):
            clock.advance(0.05)
            for limit, items in ((small, 10), (large, 100)):
                if isinstance(answer := limit.take(items), Taken):
                    limit.confirm(answer.ticket)
                    longest[limit] = max(longest[limit], clock.now - last[limit])
                    last[limit] = clock.now
        assert max(longest.values()) < 2.5 * WINDOW.seconds
        assert clock.now - min(last.values()) < 2.5 * WINDOW.seconds


def test_what_another_process_has_in_flight_does_not_age(tmp_path: Path, clock: Clock) -> None:
    """The server may count it as late as it answers: until then it stands at now, and from then on it ages."""
    with _two(tmp_path, clock) as (first, second):
        taken = first.take(100)
        assert isinstance(taken, Taken)
        clock.advance(10)
        assert isinstance(second.take(1), Wait)
        first.confirm(taken.ticket)
        clock.advance(0.4)
        assert isinstance(second.take(1), Taken)


@pytest.mark.parametrize("gone", ["the process", "the request"])
def test_what_is_gone_holds_up_nobody(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """A process that was killed, or another one that has got its number: what it took ages from its last moment."""
    if gone == "the process":
        monkeypatch.setattr(rate, "_lives", lambda _: False)
    with _two(tmp_path, clock) as (first, second):
        assert isinstance(first.take(100), Taken)
        clock.advance(0.3)
        assert isinstance(second.take(1), Wait)
        clock.advance(0.5 if gone == "the process" else 901)
        assert isinstance(second.take(1), Taken)


def test_a_process_that_has_ended_does_not_live() -> None:
    """As far as this machine can tell."""
    process = multiprocessing.get_context("spawn").Process(target=int)
    process.start()
    assert process.pid is not None
    assert rate._lives(process.pid)
    process.join()
    assert not rate._lives(process.pid)
    assert rate._lives(1), "nobody's child, and another user's"


@contextmanager
def _two(folder: Path, clock: Clock) -> Iterator[tuple[RateLimit, RateLimit]]:
    with (
        closing(RateLimit(folder / "rate.db", "api", [WINDOW], clock)) as first,
        closing(RateLimit(folder / "rate.db", "api", [WINDOW], clock)) as second,
    ):
        yield first, second
