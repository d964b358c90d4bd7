"""`toloka-upload runs --follow`: a run's display from another terminal. It only reads, and disturbs nobody."""

from __future__ import annotations

import time
from pathlib import Path

from toloka_upload.display import Display, display_on_stderr
from toloka_upload.errors import ExitStatus, NoInput
from toloka_upload.journal import ChunkState
from toloka_upload.outcomes import Status
from toloka_upload.report import observer as ev
from toloka_upload.report.summary import Counts, Report
from toloka_upload.run import history
from toloka_upload.run.history import ChunkStep, PastRun

LOOK = 0.5
"""Seconds between two looks."""


def follow(state_dir: Path, run_id: str | None) -> None:
    """
    Show how far a run is until it ends.

    Args:
        state_dir: Where its journal is.
        run_id: Its id or the beginning of it; None: the newest that runs.

    Raises:
        NoInput: There is no such run, or none runs.
    """
    run = history.past_run(state_dir, run_id) if run_id else _running(state_dir)
    display = display_on_stderr()
    with display:
        replay = Replay(display, time.monotonic() - time.time())
        while replay.catch_up(run) and run.running:
            time.sleep(LOOK)
            run = history.past_run(state_dir, run.id)


class Replay:
    """Tells a display what a journal says that it was not told before.

    Args:
        display: Who is told.
        offset: What to add to seconds since the epoch to have those of the display's clock.
    """

    def __init__(self, display: Display, offset: float) -> None:
        self._display = display
        self._offset = offset
        self._numbers: dict[tuple[str, int], int] = {}
        self._settled: set[tuple[str, int]] = set()
        self._begun = self._planned = False

    def catch_up(self, run: PastRun) -> bool:
        """Tell what is new; return whether the run goes on."""
        if not self._begun:
            self._begin(run)
        self._tell_plan(run)
        for found in history.steps(run, self._settled):
            self._tell_chunk(found)
        if run.report is not None:
            self._display(ev.RunFinished(_report(run)))
        return run.report is None

    def _begin(self, run: PastRun) -> None:
        self._begun = True
        env = run.logged.env if run.logged else ""
        pool = run.pools[0] if len(run.pools) == 1 else None
        files = tuple(run.files)
        self._display(
            ev.RunStarted(
                run.id, files, pool, env, run.destination.endpoint, "async", dry_run=False
            )
        )
        self._display.progress.started = run.started + self._offset

    def _tell_plan(self, run: PastRun) -> None:
        """How many rows there are in all; before the run knows, those that travelled so far."""
        planned = run.logged.planned if run.logged else None
        if planned is None:
            read = sum(run.rows_so_far.values())
            self._display(ev.RowsRead(read, 0, 0, 0, None, finished=False))
        elif not self._planned:
            self._planned = True
            counts = planned["read"], planned["already"], planned["rejected"]
            self._display(ev.RowsRead(*counts, 0, None, finished=True))
            self._display(ev.AllPlanned(planned["chunks"]))

    def _tell_chunk(self, found: ChunkStep) -> None:
        """As it was sent and as it was settled, at about the time at which it was."""
        pool, step, outcome = found
        key, name = (pool, step.id), step.operation_id
        at = step.sent_at + self._offset
        first = key not in self._numbers
        if first:
            number = self._numbers[key] = len(self._numbers) + 1
            sent = ev.ChunkSent(number, pool, step.rows, step.items, 0, name, step.attempt + 1)
            self._display.progress.note(sent, at)
        number = self._numbers[key]
        if key in self._settled:
            return
        if outcome is not None:
            self._settled.add(key)
            counts = [outcome.count(status) for status in _OUTCOMES]
            settled = ev.ChunkSettled(number, pool, name, *counts)
            self._display.progress.note(settled, at if first else time.monotonic())
        elif step.state is ChunkState.RETURNED:
            self._settled.add(key)
            self._display.progress.note(ev.ChunkReturned(number, pool, ""), at)


_OUTCOMES = (Status.CREATED, Status.ALREADY_UPLOADED, Status.REJECTED, Status.UNKNOWN)


def _running(state_dir: Path) -> PastRun:
    for run in history.past_runs(state_dir):
        if run.running:
            return run
    raise NoInput(
        "Nothing is being uploaded from here now. `toloka-upload runs` lists past uploads."
    )


def _report(run: PastRun) -> Report:
    """What the display needs of a report."""
    said = run.report or {}
    report = Report(
        ExitStatus(int(said.get("exit_code", 70))), run.id, files=run.files, pools=run.pools
    )
    report.counts = Counts(**said.get("counts", {}))
    report.seconds = (run.finished or run.started) - run.started
    return report
