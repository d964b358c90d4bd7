"""Writing the page of a run: at its end with `--report`, or later with `runs RUN --report`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from toloka_upload.cli.keep import to_keep
from toloka_upload.errors import CannotWrite, NoInput
from toloka_upload.report.command_line import CommandLine
from toloka_upload.report.next_step import next_steps
from toloka_upload.report.outputs import Use, refuse_clashes
from toloka_upload.report.page import page
from toloka_upload.report.summary import Report
from toloka_upload.run import history
from toloka_upload.run.run_log import logged_runs


def write_page(report: Report, command: CommandLine, state_dir: Path, path: Path) -> None:
    """
    Write the page of a run that has just ended.

    Raises:
        CannotWrite: The file cannot be written.
    """
    logged = logged_runs(state_dir).get(report.run_id)
    began = logged.began if logged else time.time() - report.seconds
    chunks = logged.chunks if logged else []
    _write(page(report.as_json(), chunks, _step(report, command), started=_moment(began)), path)


def _step(report: Report, command: CommandLine) -> str:
    """What to do next, in one paragraph."""
    steps = next_steps(report, command)
    return " ".join(f"{step.sentence} {' '.join(step.commands)}".rstrip() for step in steps)


def write_page_of(state_dir: Path, run_id: str | None, path: Path) -> None:
    """
    Write the page of a past run; without an id, of the newest.

    Raises:
        NoInput: There is no such run.
        UsageProblem: The page would overwrite an input of the run, or a journal.
        CannotWrite: The file cannot be written.
    """
    runs = history.past_runs(state_dir)
    if not runs:
        raise NoInput(f"There are no runs in {state_dir}.")
    run = history.past_run(state_dir, run_id) if run_id else runs[0]
    refuse_clashes([Use("--report", path)], to_keep(run.files))
    known: dict[str, Any] = {
        "run_id": run.id,
        "files": run.files,
        "pools": run.pools,
        "url": run.destination.endpoint,
    }
    known |= {"exit_reason": run.state, "seconds": (run.finished or run.started) - run.started}
    known |= {"env": run.logged.env if run.logged else "", "exit_code": 75}
    report = {**known, **(run.report or {"counts": run.rows_so_far}), **run.account}
    step = "" if run.next_step == "nothing" else f"{run.next_step}."
    chunks = run.logged.chunks if run.logged else []
    _write(page(report, chunks, step, started=_moment(run.started)), path)


def _write(text: str, path: Path) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CannotWrite(
            f"The page cannot be written to {path}: {error.strerror}. Everything else is done: "
            "`toloka-upload runs RUN --report FILE` writes it again.",
            code="REPORT",
        ) from error


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(seconds))
