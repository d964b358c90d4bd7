"""Waits of hours and days, in time that is handed in: each ends when an option says so, and not before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from manual_clock import Clock
from quick_loop import quick_upload, refusal

from toloka_upload.emulator import Request
from toloka_upload.emulator.messages import Response
from toloka_upload.errors import ExitStatus
from toloka_upload.policies import rate
from toloka_upload.session import session

HOUR = 3600.0


def _used_up(retry_after: str | None) -> Response:
    """A day's quota is used up."""
    payload = {} if retry_after else {"interval": "DAY"}
    body = json.dumps({"code": "TOO_MANY_REQUESTS", "message": "", "payload": payload}).encode()
    return Response(429, {"Retry-After": retry_after} if retry_after else {}, body)


@pytest.mark.parametrize("retry_after", [None, "7200"])
def test_wait_quota_waits_for_the_day(
    tmp_path: Path, clock: Clock, retry_after: str | None
) -> None:
    """`--wait-quota`: twenty-three hours without room are waited for, whatever `--retry-for` says."""
    began = clock.now

    def answer(request: Request) -> Response | None:
        late = clock.now - began > 23 * HOUR
        return None if late or request.method != "POST" else _used_up(retry_after)

    report = quick_upload(tmp_path, clock, answer, wait_quota=True)
    assert report.exit_status is ExitStatus.OK
    assert report.counts.created == 100
    assert 23 * HOUR < clock.now - began < 25 * HOUR


def test_wait_quota_too_has_an_end(tmp_path: Path, clock: Clock) -> None:
    """A day's quota that never comes back is given up after two days."""
    began = clock.now

    def answer(request: Request) -> Response | None:
        return _used_up(None) if request.method == "POST" else None

    report = quick_upload(tmp_path, clock, answer, wait_quota=True)
    assert report.exit_status is ExitStatus.TRY_AGAIN
    assert report.counts.unsent == 100
    assert 47 * HOUR < clock.now - began < 50 * HOUR


def test_our_own_day_is_waited_for_with_wait_quota(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--daily-limit 30 --wait-quota`: a hundred rows take three days and more, and end with 0."""
    monkeypatch.setattr(
        session, "RENEW", HOUR
    )  # it asks each half minute, which would take the test a minute
    monkeypatch.setattr(rate, "RENEW", HOUR)
    began = clock.now
    report = quick_upload(tmp_path, clock, lambda _: None, daily_limit=30, wait_quota=True)
    assert report.exit_status is ExitStatus.OK
    assert report.counts.created == 100
    assert 72 * HOUR <= clock.now - began < 73 * HOUR


def test_an_hour_that_one_request_is_told_to_wait_ends_with_retry_for(
    tmp_path: Path, clock: Clock
) -> None:
    """503 with `Retry-After: 3600`: longer than `--retry-for`, so the run ends with 75 by then."""
    began = clock.now

    def answer(request: Request) -> Response | None:
        return refusal(503, Retry_After="3600") if request.method == "POST" else None

    report = quick_upload(tmp_path, clock, answer, retry_for=60.0)
    assert report.exit_status is ExitStatus.TRY_AGAIN
    assert clock.now - began < 90


def test_one_success_meanwhile_does_not_prolong_the_hour(tmp_path: Path, clock: Clock) -> None:
    """Two requests are under way: one is told to come back in an hour, then the other succeeds. 75 by `--retry-for`."""
    began, posts = clock.now, 0

    def answer(request: Request) -> Response | None:
        nonlocal posts
        posts += request.method == "POST"
        first = request.method == "POST" and posts == 1
        return refusal(503, Retry_After="3600") if first else None

    report = quick_upload(tmp_path, clock, answer, retry_for=60.0, concurrency=2)
    assert report.exit_status is ExitStatus.TRY_AGAIN
    assert posts == 2
    assert clock.now - began < 90
    assert (report.counts.created, report.counts.unknown, report.counts.unsent) == (10, 10, 80)
