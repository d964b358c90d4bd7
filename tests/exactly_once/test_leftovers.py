"""Chunks that an earlier run left, and settings that have changed since."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from desk import Desk, at, once, rows

from toloka_upload.errors import ExitStatus, Interrupted
from toloka_upload.policies.rate import Window
from toloka_upload.report.observer import ChunkSent
from toloka_upload.report.summary import Report
from toloka_upload.run import coordinator, history
from toloka_upload.run.upload import Upload

A_DAY = 86_400.0


def _leave_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """End a run that has sent a chunk of 100 items, which never arrived, and does not know that."""
    desk.write(rows(100))
    desk.server.faults.add({"action": "hang", "method": "POST", "path": "/tasks"})
    run: Upload

    def stop() -> None:
        run.interrupt(Interrupted("enough"))

    with monkeypatch.context() as patch:
        patch.setattr(coordinator, "SETTLE_SECONDS", 0.1)
        run = Upload(desk.settings(chunk_size=100), at(1, ChunkSent, stop))
        assert run.run().counts.unknown == 100
    desk.server.faults.clear()


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize(
    "limit",
    [{"rate": Window(20, 0.3, "0.3 s")}, {"daily_limit": 30}],
    ids=["--rate", "--daily-limit"],
)
def test_one_that_is_larger_than_a_limit_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, mode: str, limit: dict[str, Any]
) -> None:
    """A limit that is named later makes nothing impossible: each row is there once, if need be on the next days."""
    _leave_one(desk, monkeypatch)
    for day in range(1, 6):
        report = _upload_later(desk, day * A_DAY, mode=mode, chunk_size=20, **limit)
        counts = report.counts
        assert counts.read == counts.created + counts.already_uploaded + counts.unsent
        if report.exit_status is ExitStatus.OK:
            break
        assert report.exit_status is ExitStatus.TRY_AGAIN, report.error
        assert "daily_limit" in limit
    assert report.exit_status is ExitStatus.OK
    assert desk.contents() == once(rows(100))


def _upload_later(desk: Desk, seconds: float, **settings: Any) -> Report:
    return Upload(desk.settings(**settings), wall=lambda: time.time() + seconds).run()


def test_a_run_that_a_bug_ended_did_not_end(desk: Desk) -> None:
    """70: the run is on record as one that was cut short, and the same command goes on from there."""
    desk.write(rows(60))
    code = (
        "import sys\n"
        "del sys.argv[1:4]\n"  # python -m toloka_upload
        "from toloka_upload.sending import sender\n"
        "from toloka_upload.cli import main\n"
        "def fail(*_): raise ZeroDivisionError\n"
        "sender.Sender._conclude = fail\n"
        "main()"
    )
    process = desk.start(prefix=(sys.executable, "-c", code))
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 70, errors
    assert b"Traceback" not in out + errors
    newest = history.past_runs(desk.state)[0]
    assert (newest.state, newest.report) == ("killed", None)
    assert newest.next_step.startswith("run the same command again")
    assert desk.upload().exit_status is ExitStatus.OK
    assert desk.contents() == once(rows(60))
