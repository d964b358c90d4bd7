"""`toloka-upload runs`: every run that began, how far one is, and what a monitor asks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command_line import BAD, Cli, Shell, good_rows

from toloka_upload.report import observer as ev
from toloka_upload.report.observer import unobserved
from toloka_upload.run import run_log
from toloka_upload.run.run_log import LoggedRun, RunLog, logged_runs

LOCAL = ("--env", "local", "-p", "21")


def listed(cli: Cli, *options: str) -> list[dict[str, Any]]:
    """What `runs --json` lists."""
    found = json.loads(cli("runs", "--json", *options).out)
    assert isinstance(found, list)
    return found


def test_runs_that_failed_early_are_listed(cli: Cli) -> None:
    """No token, no file, no such pool: a gap in the list would look like health."""
    good_rows("tasks.jsonl")
    assert cli("tasks.jsonl", "-p", "21").status == 77
    assert cli(*LOCAL, "nowhere.jsonl").status == 66
    assert cli("--env", "local", "-p", "99", "tasks.jsonl").status == 69
    assert cli(*LOCAL, "tasks.jsonl").status == 0
    found = listed(cli)
    assert [run["state"] for run in found] == ["ok", "refused", "no input", "denied"]
    assert found[2]["files"] == ["nowhere.jsonl"]
    assert "nowhere.jsonl" in found[2]["report"]["error"]["message"]
    assert all(run["seconds"] >= 0 for run in found)
    shown = cli("runs", found[2]["run_id"]).out
    assert "NO_INPUT" in shown
    assert "nowhere.jsonl" in shown


def test_a_dry_run_is_no_run(cli: Cli) -> None:
    """It sent nothing, and nobody asks for it."""
    good_rows("tasks.jsonl")
    cli(*LOCAL, "tasks.jsonl", "--dry-run")
    assert listed(cli) == []


def test_the_list_can_be_cut_short(cli: Cli) -> None:
    """By number, pool, outcome and age."""
    good_rows("tasks.jsonl")
    for _ in range(3):
        cli(*LOCAL, "tasks.jsonl")
    cli("--env", "local", "-p", "99", "tasks.jsonl")
    assert len(listed(cli)) == 4
    assert len(listed(cli, "--limit", "2")) == 2
    assert [run["pools"] for run in listed(cli, "--failed")] == [["99"]]
    assert len(listed(cli, "--pool", "21")) == 3
    assert listed(cli, "--since", "0s") == []
    assert len(listed(cli, "--since", "1d")) == 4


def test_a_monitor_is_told_in_numbers(cli: Cli) -> None:
    """Ages of the last run, the last success and the oldest unknown row; quota used; rows of each pool."""
    assert json.loads(cli("runs", "--health", "--json").out)["last_success"] is None
    good_rows("tasks.jsonl", 5)
    cli(*LOCAL, "tasks.jsonl", "--rate", "1000/min")
    for _ in range(2):
        cli(*LOCAL, "nowhere.jsonl")
    found = json.loads(cli("runs", "--health", "--json").out)
    assert 0 <= found["last_run"] <= found["last_success"] < 60
    assert found["failures_since_success"] == 2
    assert found["oldest_unknown"] is None
    assert found["quota_used"] == 5
    assert found["pools"] == [{"pool": "21", "url": "local", "rows": 5}]
    assert "last success" in cli("runs", "--health").out


def test_a_finished_run_can_be_followed(cli: Cli) -> None:
    """Its last frame is told at once; a run is named by the beginning of its id."""
    Path("tasks.jsonl").write_text(good_rows("tasks.jsonl", 7).read_text() + BAD)
    cli(*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--chunk-size", "2")
    ended = cli("runs", listed(cli)[0]["run_id"], "--follow")
    assert ended.status == 0
    assert "8 rows read, 7 created, 1 rejected" in ended.err
    assert cli("runs", "--follow").status == 66  # none runs


def test_the_log_is_private_and_its_length_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older half goes when it is too long; what is left can be read."""
    monkeypatch.setattr(run_log, "LARGEST", 2000)
    for number in range(50):
        log = RunLog(tmp_path, unobserved, lambda: 1.0)
        log(ev.RunStarted(f"run-{number}", ("f",), "21", "local", "local", "async", dry_run=False))
    path = tmp_path / run_log.NAME
    assert path.stat().st_mode & 0o077 == 0
    assert path.stat().st_size < 2200
    found = list(logged_runs(tmp_path))
    assert found[-1] == "run-49"
    assert 4 < len(found) < 30


def test_a_broken_log_harms_nobody(tmp_path: Path) -> None:
    """A half-written line is left out; a directory that cannot be written is done without."""
    (tmp_path / run_log.NAME).write_text('{"run": "a", "began": 1\n[]\n{"run": "b", "ended": 2}\n')
    assert logged_runs(tmp_path) == {}
    log = RunLog(Path("/proc/nowhere"), unobserved, lambda: 1.0)
    log(ev.RunStarted("run", ("f",), None, "local", "local", "async", dry_run=False))


def test_a_run_whose_process_is_gone_does_not_run() -> None:
    """Nor does one that ended."""

    def run(pid: int, ended: float | None = None) -> LoggedRun:
        return LoggedRun("r", 1.0, [], [], "local", "local", pid, ended)

    assert run(os.getpid()).alive
    assert not run(os.getpid(), 2.0).alive
    assert not run(2**22 + 1).alive


def test_a_run_has_a_page_to_look_at(cli: Cli) -> None:
    """Written at its end, or later from what is known; a file that is an input is never overwritten."""
    Path("tasks.jsonl").write_text(good_rows("tasks.jsonl", 7).read_text() + BAD)
    upload = (*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--chunk-size", "2")
    assert cli(*upload, "--report", "page.html").status == 1
    text = Path("page.html").read_text()
    assert "<b>7</b>created" in text
    assert "INVALID_URL_SYNTAX" in text
    assert text.count('class="op"') >= 4
    assert cli("runs", "--report", "again.html").status == 0
    assert Path("again.html").read_text().count('class="op"') >= 4
    assert cli(*upload, "--report", "tasks.jsonl").status == 2
    assert cli(*upload, "--report", "/nowhere/page.html").status == 73


def test_a_run_shows_what_was_done_about_its_rows_since(cli: Cli) -> None:
    """The last `verify`, what an `undo` came to, and the cost: on the terminal, as JSON and on the page."""
    good_rows("tasks.jsonl", 4)
    cli(*LOCAL, "tasks.jsonl")
    (run,) = (found["run_id"] for found in listed(cli))
    assert cli("verify").status == 0
    shown = cli("runs", run).out
    assert "4 rows, 4 same" in shown
    assert "USD" in shown
    assert "nobody gets" not in shown
    assert cli("undo", run, "--yes").status == 0
    assert cli("verify", run).status == 1
    shown = cli("runs", run).out
    assert "4 rows, 4 missing" in shown
    assert "4 nobody gets" in shown
    assert cli("runs", run, "--report", "page.html").status == 0
    page = Path("page.html").read_text()
    assert "4 rows, 4 missing" in page
    assert "4 nobody gets" in page
    told = next(found for found in listed(cli) if found["run_id"] == run)
    assert told["verified"]["counts"]["missing"] == 4
    assert told["undone"] == {"undone": 4, "partly": 0, "asked": 0, "failed": 0}


def test_a_run_that_can_go_on_shows_the_command_that_does(shell: Shell, here: Path) -> None:
    """From any directory, as it was typed; a finished run shows none."""
    good_rows("my tasks.jsonl")
    upload = ("--env", "local", "-p", "21", "my tasks.jsonl")
    assert shell(*upload, "--no-wait").status == 3
    listed = json.loads(shell("runs", "--json").out)
    shown = shell("runs", listed[0]["run_id"])
    (line,) = [line for line in shown.out.splitlines() if line.startswith("command")]
    command = line.removeprefix("command").strip()
    assert command.startswith(f"cd {here} && ")
    done = subprocess.run(["/bin/sh", "-c", command], cwd="/", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    newest = json.loads(shell("runs", "--json").out)[0]["run_id"]
    assert "\ncommand" not in shell("runs", newest).out
    assert json.loads(shell("runs", newest, "--json").out)["command_line"] == command
