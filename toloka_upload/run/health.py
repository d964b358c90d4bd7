"""How uploading from a state directory is doing, in a few numbers for a monitor."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from toloka_upload import journal
from toloka_upload.run.history import PastRun, journal_paths

_DAY = 86_400.0


def health(state_dir: Path, runs: Sequence[PastRun], now: float) -> dict[str, Any]:
    """
    What a monitor asks.

    Args:
        runs: All runs, the newest first.
        now: Seconds since the epoch.

    Returns:
        Ages in seconds, None where there is nothing that old: of the `last_run`, of the `last_success` (status 0), of
        the `oldest_unknown` row; `failures_since_success`; `quota_used`, the items sent in the last 24 hours of the
        account that sent most; `pools`: for each its `rows` known from here.
    """
    runs = [run for run in runs if run.command == "upload"]
    good = [run for run in runs if run.exit_code == 0]
    pools, oldest = _pools(state_dir)
    return {
        "last_run": _age(now, runs[0].started if runs else None),
        "last_success": _age(now, good[0].finished if good else None),
        "failures_since_success": _failures(runs),
        "oldest_unknown": _age(now, oldest),
        "quota_used": _quota_used(state_dir / "rate.db", now),
        "pools": pools,
    }


def _failures(runs: Sequence[PastRun]) -> int:
    """Runs that ended otherwise since one ended well."""
    for number, run in enumerate(run for run in runs if not run.running):
        if run.exit_code == 0:
            return number
    return sum(not run.running for run in runs)


def _pools(state_dir: Path) -> tuple[list[dict[str, Any]], float | None]:
    """Each pool with its rows, and when the oldest row was sent whose fate is open."""
    found, oldest = [], None
    for path in journal_paths(state_dir):
        with journal.open_to_read(path) as (db, destination):
            oldest = min(filter(None, (oldest, journal.oldest_open(db))), default=None)
        known = journal.peek(path)
        rows = known[0].count if known else 0
        found.append({"pool": destination.pool, "url": destination.endpoint, "rows": rows})
    return found, oldest


def _quota_used(ledger: Path, now: float) -> int:
    if not ledger.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as db:
            (most,) = db.execute(
                "SELECT max(items) FROM (SELECT sum(items) AS items FROM sent WHERE at > ? GROUP BY key)",
                (now - _DAY,),
            ).fetchone()
    except sqlite3.Error:
        return 0
    return int(most or 0)


def _age(now: float, moment: float | None) -> float | None:
    return None if moment is None else round(max(0.0, now - moment), 1)
