"""`toloka-upload runs`: what the journal tells of past and unfinished uploads."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, at, rows

from toloka_upload import journal
from toloka_upload.errors import ExitStatus, Interrupted, NoInput
from toloka_upload.journal.lock import Held, Lock, holder
from toloka_upload.report.observer import ChunkSent
from toloka_upload.run import history
from toloka_upload.run.upload import Upload


def stopped(desk: Desk, after: int = 2) -> Any:
    """The report of a run that is interrupted when its nth chunk leaves."""
    upload: Upload

    def stop() -> None:
        upload.interrupt(Interrupted("enough"))

    upload = Upload(desk.settings(concurrency=1), at(after, ChunkSent, stop))
    return upload.run()


def results_again(desk: Desk, run_id: str) -> list[dict[str, Any]]:
    """A run's results as the journal has them."""
    again = desk.directory / "again.jsonl"
    history.write_results(history.past_run(desk.state, run_id), again)
    return [json.loads(line) for line in again.read_text().splitlines()]


def by_line(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Results in the order of their rows."""
    return sorted(found, key=lambda row: row["line"])


def test_a_list_of_runs_says_how_to_go_on(desk: Desk) -> None:
    """The newest first, each with its state, and what to do about it; for people and for programs."""
    assert desk.command("runs").stdout == "No uploads yet.\n"
    desk.write(rows(40))
    first = stopped(desk)
    second = desk.upload()
    listed = json.loads(desk.command("runs", "--json").stdout)
    assert [run["run_id"] for run in listed] == [second.run_id, first.run_id]
    assert [run["state"] for run in listed] == ["ok", "interrupted"]
    assert listed[0]["next"] == "nothing"
    assert listed[1]["next"].startswith("run the same command again")
    assert listed[0]["files"] == [str(desk.file)]
    assert listed[0]["pools"] == ["21"]
    assert listed[0]["report"]["counts"]["read"] == 40
    lines = desk.command("runs").stdout.splitlines()
    assert lines[0].split() == [*("RUN", "STARTED", "TOOK", "POOLS", "STATE", "CREATED", "FILES")]
    assert [line.split()[0] for line in lines[1:]] == [second.run_id, first.run_id]


def test_one_run_in_detail_with_its_operations(desk: Desk) -> None:
    """Each request with its operation's id, its state and its rows; the run is named by the beginning of its id."""
    desk.write(rows(25))
    report = desk.upload()
    shown = json.loads(desk.command("runs", report.run_id, "--json").stdout)
    assert [operation["rows"] for operation in shown["operations"]] == [10, 10, 5]
    assert {operation["state"] for operation in shown["operations"]} == {"settled"}
    text = desk.command("runs", report.run_id).stdout
    for operation in shown["operations"]:
        assert operation["operation_id"] in text
    missing = desk.command("runs", "19700101")
    assert (missing.returncode, "No run" in missing.stderr) == (66, True)


def test_a_beginning_that_several_runs_share_names_none(desk: Desk) -> None:
    """Which of them is meant is not guessed."""
    desk.write(rows(3))
    desk.upload()
    desk.upload()
    with pytest.raises(NoInput, match="2 runs"):
        history.past_run(desk.state, "20")


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_the_results_come_again_from_the_journal_alone(desk: Desk, mode: str) -> None:
    """Created, already uploaded, rejected here and by the server, unsent: row for row what was written live."""
    desk.write(rows(10))
    desk.upload(mode=mode)
    desk.write([*rows(30), {"image": "no address"}, {"text": "no image"}, *rows(3, 100)])
    report = desk.upload(mode=mode, skip_invalid_items=True)
    assert report.counts.already_uploaded == 10
    assert report.counts.rejected == 2
    assert by_line(results_again(desk, report.run_id)) == by_line(desk.told())
    report = desk.upload(mode=mode, check=False)
    assert by_line(results_again(desk, report.run_id)) == by_line(desk.told())
    command = desk.command("runs", report.run_id, "--results", str(desk.directory / "third.jsonl"))
    assert command.stdout.startswith("35 rows written to ")


def test_the_results_of_an_interrupted_run_come_again_too(desk: Desk) -> None:
    """Rows that were never sent stand there as unsent."""
    desk.write(rows(60))
    report = stopped(desk)
    assert report.exit_status is ExitStatus.INTERRUPTED
    assert report.counts.unsent > 0
    assert by_line(results_again(desk, report.run_id)) == by_line(desk.told())


def test_a_killed_and_a_running_run_are_told_apart(make_desk: Callable[..., Desk]) -> None:
    """Who holds the lock is running; who does not and left no report was killed. Looking disturbs nobody."""
    desk = make_desk(operation_seconds=1.0)
    desk.write(rows(20))
    process = desk.start()
    while not desk.posts():
        time.sleep(0.01)
    (running,) = history.past_runs(desk.state)
    assert (running.state, running.next_step) == ("running", "wait for it")
    process.kill()
    process.communicate(timeout=10)
    (killed,) = history.past_runs(desk.state)
    assert killed.state == "killed"
    assert killed.unsettled > 0
    assert killed.next_step.startswith("run the same command again")


def test_pruning_forgets_reports_and_no_row(desk: Desk) -> None:
    """Old runs lose their reports; what they created stays known, and unfinished runs stay as they are."""
    desk.write(rows(25))
    desk.upload()
    forgotten = desk.command("runs", "--prune", "90d")
    assert forgotten.stdout.startswith("Forgot 0 runs")
    assert history.prune(desk.state, 10.0, time.time() + 60.0) == 1
    assert history.prune(desk.state, 10.0, time.time() + 60.0) == 0
    posts = desk.posts()
    report = desk.upload()
    assert (report.counts.already_uploaded, desk.posts()) == (25, posts)
    assert all(row["task_id"] for row in desk.told())


def test_pruning_leaves_unfinished_runs(desk: Desk) -> None:
    """A run with rows whose fate is open is needed to settle them."""
    desk.emulator.switch(operation_seconds=30.0)
    desk.write(rows(5))
    desk.upload(wait=False)
    assert history.prune(desk.state, 0.0, time.time() + 60.0) == 0


def test_a_lock_is_looked_at_without_being_taken(tmp_path: Path) -> None:
    """Whoever looks who holds it keeps nobody from taking it."""
    path = tmp_path / "lock"
    assert holder(path) is None
    lock = Lock(path, {"run": "mine"})
    assert holder(path) == {"run": "mine"}
    with pytest.raises(Held) as error:
        Lock(path, {})
    assert error.value.holder == {"run": "mine"}
    lock.release()
    lock.release()
    assert holder(path) is None
    Lock(path, {}).release()


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """The lock is its parent's and ends with it."""
    lock = Lock(tmp_path / "lock", {"run": "mine"})
    ready, said = os.pipe()
    waits, go = os.pipe()
    child = os.fork()
    if not child:
        os.close(go)
        os.write(said, b".")
        os.read(waits, 1)
        os._exit(0)
    os.read(ready, 1)
    assert holder(tmp_path / "lock") == {"run": "mine"}
    os.close(lock._file)  # as the kernel does when the parent is killed
    lock._file = -1
    Lock(tmp_path / "lock", {}).release()
    for file in (go, waits, ready, said):
        os.close(file)
    os.waitpid(child, 0)


def test_a_commit_survives_a_power_cut(desk: Desk) -> None:
    """WAL with `synchronous=FULL`: what the journal says was written is on the disk before a request leaves."""
    desk.write(rows(1))
    desk.upload()
    (path,) = (desk.state / "journals").glob("*.db")
    book = journal.Journal(path, _destination(path))
    assert book._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert book._db.execute("PRAGMA synchronous").fetchone() == (2,)
    book.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_new_directories_survive_a_power_cut(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a request leaves, each directory on the way to the journal is synced, as an entry of the one above."""
    synced: set[int] = set()
    fsync, before_the_first = os.fsync, []

    def watched(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr(os, "fsync", watched)
    desk.write(rows(1))
    state = desk.directory / "never" / "seen" / "state"
    observer = at(1, ChunkSent, lambda: before_the_first.extend(synced))
    desk.upload(observer, state_dir=state)
    above = (state, state.parent, state.parent.parent, desk.directory)
    assert {place.stat().st_ino for place in above} <= set(before_the_first)

    synced.clear()
    desk.upload(state_dir=state)
    assert not synced  # they are old by now


def _destination(path: Path) -> journal.Destination:
    with sqlite3.connect(path) as db:
        found = db.execute("SELECT endpoint, account, pool FROM destination").fetchone()
    db.close()
    return journal.Destination(*found)
