"""Noticing that "try again later" has gone on for too long: cron swallows status 75, run after run, for weeks."""

from __future__ import annotations

from collections.abc import Iterable

from toloka_upload.errors import ExitStatus
from toloka_upload.report.summary import Report, RunError
from toloka_upload.run.run_log import LoggedRun
from toloka_upload.text import counted, duration, moment

CODE = "TRY_AGAIN_FOR"
"""The code of a run that ended with 69 because 75 has lasted for too long."""


def refuse_endless_retries(
    report: Report, runs: Iterable[LoggedRun], most: float, now: float
) -> None:
    """
    Make 75 a 69 if the runs of these files, or into these pools, have ended with 75 for longer than `most` seconds.

    Args:
        report: Of a run that ended with 75; changed in place.
        runs: All runs that the log has.
        now: Seconds since the epoch.
    """
    error = report.error
    alike = [run for run in runs if run.id != report.run_id and _is_alike(run, report)]
    streak: list[LoggedRun] = []
    for run in sorted(alike, key=lambda run: run.began, reverse=True):
        if not run.end:
            continue  # it runs, or was killed: neither success nor failure
        if not _asked_for_later(run):
            break
        streak.append(run)
    if error is None or not streak or now - streak[-1].began <= most:
        return
    since = moment(streak[-1].began)
    report.exit_status = ExitStatus.REFUSED
    report.error = RunError(
        CODE,
        f"Since {since}, {counted(len(streak) + 1, 'run')} one after the other ended with 75, for longer than "
        f"--try-again-for {duration(most)} allows. This time: {error.message}",
        error.request_id,
    )


def _is_alike(run: LoggedRun, report: Report) -> bool:
    same_files = bool(run.files) and list(run.files) == report.files
    return same_files or not set(run.pools).isdisjoint(report.pools)


def _asked_for_later(run: LoggedRun) -> bool:
    return (
        run.end.get("exit_code") == ExitStatus.TRY_AGAIN
        or (run.end.get("error") or {}).get("code") == CODE
    )
