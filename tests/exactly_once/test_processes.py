"""Two runs at once, and signals: with real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from desk import Desk, once, rows

MakeDesk = Callable[..., Desk]


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.01)


def ended(process: subprocess.Popen[bytes]) -> tuple[dict[str, Any], str]:
    """What a process says in the end: its summary and its messages."""
    out, errors = process.communicate(timeout=40)
    return json.loads(out), errors.decode()


def test_a_second_run_leaves_and_names_the_first(make_desk: MakeDesk) -> None:
    """One run at a time for a pool: the other one ends with 75 at once, and says who holds it."""
    desk = make_desk(operation_seconds=1.0)
    desk.write(rows(30))
    first = desk.start()
    wait_for(lambda: desk.posts() > 0)
    second, errors = ended(desk.start("--results", "other.jsonl"))
    summary, _ = ended(first)
    assert (second["exit_code"], second["error"]["code"]) == (75, "LOCKED_BY_RUN")
    assert summary["run_id"] in errors
    assert summary["exit_code"] == 0
    assert desk.contents() == once(rows(30))


def test_a_second_run_can_wait_for_the_first(make_desk: MakeDesk) -> None:
    """With `--wait-lock` it goes on once the first is done, and finds nothing left to do."""
    desk = make_desk(operation_seconds=0.5)
    desk.write(rows(30))
    first = desk.start()
    wait_for(lambda: desk.posts() > 0)
    second, _ = ended(desk.start("--results", "other.jsonl", "--wait-lock", "30s"))
    assert ended(first)[0]["counts"]["created"] == 30
    assert (second["exit_code"], second["counts"]["already_uploaded"]) == (0, 30)
    assert desk.contents() == once(rows(30))


def test_the_lock_dies_with_its_process(make_desk: MakeDesk) -> None:
    """After SIGKILL nothing needs to be cleaned up: the next run goes on at once."""
    desk = make_desk(operation_seconds=0.5)
    desk.write(rows(30))
    first = desk.start()
    wait_for(lambda: desk.posts() > 0)
    first.kill()
    first.communicate(timeout=10)
    summary, _ = ended(desk.start())
    assert summary["exit_code"] == 0
    assert desk.contents() == once(rows(30))


@pytest.mark.parametrize(
    ("number", "status", "mode"),
    [(signal.SIGINT, 130, "--async"), (signal.SIGTERM, 143, "--sync")],
)
def test_the_first_signal_ends_a_run_in_order(
    make_desk: MakeDesk, number: signal.Signals, status: int, mode: str
) -> None:
    """What is in the air is settled, the summary tells the truth, and the same command goes on from there."""
    desk = make_desk(operation_seconds=0.3)
    delay = {"action": "delay", "seconds": 0.1, "method": "POST", "path": "/tasks", "times": 0}
    desk.server.faults.add(delay)
    desk.write(rows(100))
    process = desk.start(mode, "--concurrency", "2")
    wait_for(lambda: desk.posts() > 2)
    process.send_signal(number)
    summary, errors = ended(process)
    assert (process.returncode, summary["exit_reason"]) == (status, "interrupted")
    assert "again" in summary["error"]["message"]
    assert "again" in errors
    counts = summary["counts"]
    assert 0 < counts["created"] < 100
    assert counts["created"] + counts["unsent"] + counts["unknown"] == 100
    assert desk.contents().total() == counts["created"] + counts["unknown"]
    final, _ = ended(desk.start(mode))
    assert (final["exit_code"], final["counts"]["created"]) == (0, 100 - counts["created"])
    assert desk.contents() == once(rows(100))


def test_the_second_signal_leaves_at_once(make_desk: MakeDesk) -> None:
    """Though an operation never ends; what it did is found out by the next run."""
    desk = make_desk(operation_seconds=1.5)
    desk.write(rows(30))
    process = desk.start()
    wait_for(lambda: desk.posts() > 0)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 143
    assert time.monotonic() - asked < 1.0
    assert ended(desk.start())[0]["exit_code"] == 0
    assert desk.contents() == once(rows(30))
