"""Interrupts that meet what does not move: operations and requests that never end, pipes that stay open."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
from desk import Desk, at, lines, once, rows

from toloka_upload.errors import ExitStatus, Interrupted
from toloka_upload.report.observer import ChunkSent
from toloka_upload.report.summary import Report
from toloka_upload.run import coordinator
from toloka_upload.run.upload import Upload


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator, "SETTLE_SECONDS", 0.3)


def interrupted(desk: Desk, stdin: Any = None, **settings: Any) -> Report:
    """The report of a run that is interrupted once it has sent its first chunk, or after a while."""
    upload: Upload

    def stop() -> None:
        upload.interrupt(Interrupted("enough"))

    upload = Upload(desk.settings(**settings), at(1, ChunkSent, stop), stdin=stdin)
    threading.Timer(0.5, stop).start()
    started = time.monotonic()
    report = upload.run()
    assert time.monotonic() - started < 5.0
    return report


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "stick-operation", "path": "/tasks"},
        {"action": "hang-after", "method": "POST", "path": "/tasks"},
        {"action": "hang", "method": "GET", "path": "/operations/*"},
    ],
    ids=lambda fault: fault["action"],
)
def test_what_never_ends_is_left_as_unknown(desk: Desk, fault: dict[str, Any]) -> None:
    """After a few seconds the run ends all the same, and says which rows it knows nothing of."""
    desk.server.faults.add(fault)
    desk.write(rows(20))
    report = interrupted(desk, concurrency=1)
    assert report.exit_status is ExitStatus.INTERRUPTED
    assert (report.counts.unknown, report.counts.unsent) == (10, 10)


def test_the_settling_of_an_earlier_run_can_be_interrupted(desk: Desk) -> None:
    """An operation of an earlier run that never ends does not hold the command for ever."""
    desk.server.faults.add({"action": "stick-operation", "path": "/tasks"})
    desk.write(rows(5))
    interrupted(desk)
    report = interrupted(desk)
    assert report.exit_status is ExitStatus.INTERRUPTED
    assert report.counts.created == 0


def test_a_pipe_that_stays_open_can_be_interrupted(desk: Desk) -> None:
    """What was read of it is told as unsent; nothing was sent before all was checked."""
    reading, writing = os.pipe()
    os.write(writing, lines(rows(3)))
    with os.fdopen(reading, "rb") as stdin:
        report = interrupted(desk, stdin, files=("-",))
        os.close(writing)
        time.sleep(0.1)  # the thread that reads notices the end
    assert report.exit_status is ExitStatus.INTERRUPTED
    assert report.counts.read == report.counts.unsent
    assert desk.posts() == 0


def test_no_wait_leaves_after_the_last_request_and_the_next_run_settles(desk: Desk) -> None:
    """`--no-wait`: the operations run on, and the same command finds out what they did."""
    desk.emulator.switch(operation_seconds=0.5)
    desk.write(rows(40))
    report = desk.upload(wait=False)
    assert report.exit_status is ExitStatus.UNKNOWN
    assert (report.counts.unknown, desk.posts()) == (40, 4)
    report = desk.upload()
    assert (report.exit_status, report.counts.already_uploaded) == (ExitStatus.OK, 40)
    assert desk.posts() == 4
    assert desk.contents() == once(rows(40))
