"""Waits of hours and days, in time that is handed in: each ends when an option says so, and not before."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from input_runs import Answer, Service, upload
from manual_clock import Clock

from toloka_upload.api import client
from toloka_upload.api.deadline import Deadline
from toloka_upload.errors import ExitStatus
from toloka_upload.policies import rate
from toloka_upload.report.summary import Report
from toloka_upload.session import session
from toloka_upload.settings import Pacing

HOUR = 3600.0
Mood = Callable[[int], Answer | None]
"""What is answered to the nth creating request, from 1; None: as usual."""
COME_BACK_IN_AN_HOUR: Answer = (503, {"retry-after": "3600"}, b"")


class Moody(Service):
    """An API with moods."""

    def __init__(self, mood: Mood) -> None:
        super().__init__()
        self._mood = mood
        self.posts = 0

    def __call__(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Answer one request."""
        if method == "POST":
            self.posts += 1
            if (answer := self._mood(self.posts)) is not None:
                return answer
        return super().__call__(method, path, query, headers, body)


def _upload(folder: Path, clock: Clock, mood: Mood, **pacing: Any) -> Report:
    """Upload 100 rows in synchronous requests of ten: the emulator's operations keep a time of their own."""
    rows = folder / "rows.jsonl"
    rows.write_text("".join(f'{{"image":"https://example.com/{n}"}}\n' for n in range(100)))
    with closing(Moody(mood)) as service:
        options: dict[str, Any] = {"mode": "sync", "chunk_size": 10, "pacing": Pacing(**pacing)}
        return upload(service, folder / "state", rows, clock=clock, **options).report


def _used_up(retry_after: str | None) -> Answer:
    """A day's quota is used up."""
    payload = {} if retry_after else {"interval": "DAY"}
    body = json.dumps({"code": "TOO_MANY_REQUESTS", "message": "", "payload": payload}).encode()
    return 429, {"retry-after": retry_after} if retry_after else {}, body


@pytest.mark.parametrize("retry_after", [None, "7200"])
def test_wait_quota_waits_for_the_day(
    tmp_path: Path, clock: Clock, retry_after: str | None
) -> None:
    """`--wait-quota`: twenty-three hours without room are waited for, whatever `--retry-for` says."""
    began = clock.now

    def mood(_: int) -> Answer | None:
        return None if clock.now - began > 23 * HOUR else _used_up(retry_after)

    report = _upload(tmp_path, clock, mood, wait_quota=True)
    assert report.exit_status is ExitStatus.OK
    assert report.counts.created == 100
    assert 23 * HOUR < clock.now - began < 25 * HOUR


def test_wait_quota_too_has_an_end(tmp_path: Path, clock: Clock) -> None:
    """A day's quota that never comes back is given up after two days."""
    began = clock.now
    report = _upload(tmp_path, clock, lambda _: _used_up(None), wait_quota=True)
    assert report.exit_status is ExitStatus.TRY_AGAIN
    assert report.counts.unsent == 100
    assert 47 * HOUR < clock.now - began < 50 * HOUR


def test_our_own_day_is_waited_for_with_wait_quota(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--daily-limit 30 --wait-quota`: a hundred rows take three days and more, and end with 0."""
    for module in (session, rate):  # to ask each half minute would take the test a minute
        monkeypatch.setattr(module, "RENEW", HOUR)
    began = clock.now
    report = _upload(tmp_path, clock, lambda _: None, daily_limit=30, wait_quota=True)
    assert report.exit_status is ExitStatus.OK
    assert report.counts.created == 100
    assert 72 * HOUR <= clock.now - began < 73 * HOUR


def test_an_hour_that_one_request_is_told_to_wait_ends_with_retry_for(
    tmp_path: Path, clock: Clock
) -> None:
    """503 with `Retry-After: 3600`: longer than `--retry-for`, so the run ends with 75 by then."""
    began = clock.now
    report = _upload(tmp_path, clock, lambda _: COME_BACK_IN_AN_HOUR, retry_for=60.0)
    assert report.exit_status is ExitStatus.TRY_AGAIN
    assert clock.now - began < 90


def test_one_success_meanwhile_does_not_prolong_the_hour(tmp_path: Path, clock: Clock) -> None:
    """Two requests are under way: one is told to come back in an hour, then the other succeeds. 75 by `--retry-for`."""
    began, posts = clock.now, []

    def mood(number: int) -> Answer | None:
        posts.append(number)
        return COME_BACK_IN_AN_HOUR if number == 1 else None

    report = _upload(tmp_path, clock, mood, retry_for=60.0, concurrency=2)
    assert report.exit_status is ExitStatus.TRY_AGAIN
    assert posts == [1, 2]
    assert clock.now - began < 90
    assert (report.counts.created, report.counts.unknown, report.counts.unsent) == (10, 10, 80)


def test_a_request_gets_no_more_time_than_patience_is_left(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the service fails, each request may take what is left of `--retry-for`, and a second at least."""
    asked: list[tuple[float, float]] = []

    class Noted(Deadline):
        def __init__(self, timeout: float, patience: float) -> None:
            asked.append((timeout, patience))
            super().__init__(timeout, patience)

    monkeypatch.setattr(client, "Deadline", Noted)
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"image":"https://example.com/1"}')
    pacing = Pacing(retry_for=100.0, timeout=60.0)
    upload(lambda *_: (503, {}, b""), tmp_path / "state", rows, clock=clock, pacing=pacing)
    assert asked[0] == (60.0, math.inf), "nothing has failed yet"
    left = [patience for _, patience in asked[1:]]
    assert left == sorted(left, reverse=True)
    assert 60.0 < left[0] < 100.0
    assert 1.0 <= left[-1] < 30.0
    assert all(timeout == min(60.0, patience) for timeout, patience in asked)
