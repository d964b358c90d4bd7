"""`--again`, once for each time it is asked for.

An `--again` is complete when it ended with an outcome for every row of its input. What one sent that was cut short
is on account: the next `--again` that has the row counts it as its own instead of sending it, and once that one is
complete, the row is claimed. So whatever ran in between, and by whatever name a file goes, each row has one copy more
for each complete `--again` that had it, and at most one besides, which the next one will take.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from toloka_upload.journal.packing import unpack

CUT_SHORT = "SELECT id FROM run WHERE again AND NOT complete"
"""The runs whose copies are on account."""


def is_complete(report: dict[str, Any]) -> bool:
    """Whether a run ended with an outcome for every row of its input."""
    counts = report.get("counts", {})
    ended = report.get("exit_code") in (0, 1)
    return bool(ended and not counts.get("unsent") and not counts.get("unknown"))


def claim(db: sqlite3.Connection, run: str) -> None:
    """Note which copies on account a run took, if it is a complete `--again`. The caller has a transaction."""
    if not db.execute("SELECT 1 FROM run WHERE id = ? AND again AND complete", (run,)).fetchone():
        return
    taken: dict[int, list[int]] = {}
    for (places,) in db.execute(
        "SELECT places FROM passed WHERE run = ? AND places IS NOT NULL", (run,)
    ):
        for place in unpack(places):
            taken.setdefault(place >> 20, []).append(place & 0xFFFFF)
    open_chunks = db.execute(f"SELECT id, rows FROM chunk WHERE run IN ({CUT_SHORT})").fetchall()  # noqa: S608
    for chunk, count in open_chunks:
        if chunk in taken:
            claimed = bytearray(claimed_rows(db, chunk) or count)
            for row in taken[chunk]:
                claimed[row] = 1
            db.execute("INSERT OR REPLACE INTO claim (chunk, rows) VALUES (?, ?)", (chunk, claimed))


def claimed_rows(db: sqlite3.Connection, chunk: int) -> bytes | None:
    """A byte for each row of a chunk: 1 where a later `--again` took it; None where none was taken."""
    row = db.execute("SELECT rows FROM claim WHERE chunk = ?", (chunk,)).fetchone()
    return None if row is None else bytes(row[0])


def without_claimed(db: sqlite3.Connection, chunk: int, statuses: bytes, instead: int) -> bytes:
    """The statuses of a chunk's rows, those that were taken replaced."""
    claimed = claimed_rows(db, chunk)
    if claimed is None:
        return statuses
    return bytes(
        [instead if taken else status for status, taken in zip(statuses, claimed, strict=True)]
    )
