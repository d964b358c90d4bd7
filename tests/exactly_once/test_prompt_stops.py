"""A signal is obeyed within a second while a run waits for what is not its own: a pipe, or another run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from desk import Desk, lines, rows

from toloka_upload.errors import ExitStatus
from toloka_upload.journal import Destination
from toloka_upload.journal.lock import Lock
from toloka_upload.run.upload import Upload
from toloka_upload.session.pool import journal_path

Waiting = Callable[[], tuple[list[str], dict[str, int]]]
"""Brings about something to wait for; returns arguments of a run that waits for it, and its standard input."""


def _pipe(stack: ExitStack) -> int:
    """A pipe with three rows in it that stays open."""
    reading, writing = os.pipe()
    os.write(writing, lines(rows(3)))
    stack.callback(os.close, writing)
    stack.callback(os.close, reading)
    return reading


@pytest.fixture
def waits(desk: Desk) -> Iterator[dict[str, Waiting]]:
    """What a run may wait for, by name."""
    desk.write(rows(3))
    fifo = desk.directory / "fifo.jsonl"
    with ExitStack() as stack:

        def nobody_writes() -> tuple[list[str], dict[str, int]]:
            os.mkfifo(fifo)
            return [str(fifo)], {}

        def stands_still() -> tuple[list[str], dict[str, int]]:
            os.mkfifo(fifo)
            writing = os.open(fifo, os.O_RDWR)
            stack.callback(os.close, writing)
            os.write(writing, lines(rows(3)))
            return [str(fifo)], {}

        def locked() -> tuple[list[str], dict[str, int]]:
            stack.callback(_lock(desk).release)
            return [str(desk.file), "--wait-lock", "1h"], {}

        yield {
            "a pipe that nobody opens": nobody_writes,
            "a pipe that stands still": stands_still,
            "a standard input that stands still": lambda: (["-"], {"stdin": _pipe(stack)}),
            "good rows of it": lambda: (["-", "--skip-invalid-items"], {"stdin": _pipe(stack)}),
            "another run": locked,
        }


def _lock(desk: Desk) -> Lock:
    """The pool's lock, as another run has it."""
    settings = desk.settings()
    path = journal_path(desk.state, Destination(settings.target.endpoint, "", "21"))
    return Lock(path.with_suffix(".lock"), {"run": "another"})


@pytest.mark.parametrize(
    "what",
    [
        "a pipe that nobody opens",
        "a pipe that stands still",
        "a standard input that stands still",
        "good rows of it",
        "another run",
    ],
)
def test_a_signal_is_obeyed_at_once(desk: Desk, waits: dict[str, Waiting], what: str) -> None:
    """130 within a second, with a sentence, and not with an abort of the interpreter."""
    arguments, streams = waits[what]()
    options = ["--pool", "21", "--url", desk.server.url, "--state-dir", str(desk.state)]
    process = subprocess.Popen(
        [sys.executable, "-m", "toloka_upload", *options, *arguments],
        **{"stdin": subprocess.DEVNULL, **streams},
        env=desk.environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _until(
        lambda: len(desk.emulator.ledger.requests) >= 2
    )  # it has asked for the pool and its project
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert time.monotonic() - began < 1.0
    assert b"Stopped by SIGINT" in errors
    assert b"Fatal" not in errors


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


def test_a_run_that_cannot_go_on_waits_for_no_pipe(desk: Desk) -> None:
    """The API refuses a chunk while the pipe stands still: the run ends with that, whatever is still to come."""
    desk.server.faults.add({"action": "quota", "method": "POST", "path": "/tasks", "times": 0})
    reading, writing = os.pipe()
    writer = threading.Thread(target=os.write, args=[writing, lines(rows(20_000))], daemon=True)
    writer.start()
    with os.fdopen(reading, "rb") as stdin:
        began = time.monotonic()
        settings = desk.settings(files=("-",), skip_invalid_items=True, chunk_size=1000)
        report = Upload(settings, stdin=stdin).run()
        os.close(writing)
        time.sleep(0.1)  # the thread that reads notices the end
    assert report.exit_status is ExitStatus.REFUSED
    assert time.monotonic() - began < 3
    assert report.counts.read == report.counts.unsent


def test_a_lock_is_waited_for_as_long_as_told(desk: Desk) -> None:
    """`--wait-lock 0.5s`: 75 after half a second, with who holds it; freed meanwhile, the run goes on."""
    desk.write(rows(3))
    lock = _lock(desk)
    began = time.monotonic()
    report = desk.upload(wait_lock=0.5)
    assert report.exit_status is ExitStatus.TRY_AGAIN
    assert report.error is not None
    assert "Another run (another" in report.error.message
    assert 0.5 <= time.monotonic() - began < 2
    lock.release()
    assert desk.upload(wait_lock=0.5).exit_status is ExitStatus.OK
