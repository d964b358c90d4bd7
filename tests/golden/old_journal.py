"""A journal of format 2 as an interrupted run left it, and what a later run must make of it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from cases import TABLE, lines, quoted, task
from recorder import Service, run

ADDRESS = ("127.83.21.7", 48_217)
"""Operation ids are derived from the address, so this one is fixed."""
FILES = {
    "a.jsonl": lines(*(task(n, overlap=2 + n % 2) for n in range(25)), task(3, overlap=3)),
    "b.csv": quoted(TABLE[:6], ","),
    "c.jsonl": lines(*(f'{{"image":"https://e.com/c{n}","score":{n}.50}}' for n in range(9))),
}
HOW: dict[str, Any] = {"chunk_size": 10}
FIRST_ID = 1000
ACCEPTED, SENDING, REJECTED = 2, 3, 4
"""Chunks that the run was killed at, and the one of which the API refused the first row."""


def write_files(folder: Path) -> None:
    """The inputs."""
    for name, data in FILES.items():
        (folder / name).write_text(data)


def journal_of(folder: Path) -> Path:
    """The journal in a state directory."""
    [path] = (folder / "state" / "journals").glob("*.db")
    return path


def make(folder: Path) -> str:
    """An upload, and its journal as if it had been killed on the way, as SQL."""
    write_files(folder)
    service = Service(ADDRESS)
    try:
        run(service, folder, list(FILES), **HOW)
    finally:
        service.close()
    with closing(sqlite3.connect(journal_of(folder), isolation_level=None)) as db:
        for chunk, state in ((ACCEPTED, "accepted"), (SENDING, "sending")):
            db.execute("UPDATE chunk SET state = ? WHERE id = ?", (state, chunk))
            db.execute("DELETE FROM outcome WHERE chunk = ?", (chunk,))
        db.execute(
            "UPDATE outcome SET statuses = CAST('r' || substr(CAST(statuses AS TEXT), 2) AS BLOB)"
            " WHERE chunk = ?",
            (REJECTED,),
        )
        db.execute("UPDATE run SET finished = NULL, report = NULL")
        pragmas = [
            f"PRAGMA {name} = {db.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("application_id", "user_version")
        ]
        return "\n".join([*pragmas, *db.iterdump()]) + "\n"


def go_on(sql: str, folder: Path) -> dict[str, Any]:
    """Put the journal in its place, and upload the same files again, then in another order."""
    write_files(folder)
    service = Service(ADDRESS, first_id=FIRST_ID)
    try:
        (folder / "none.jsonl").touch()
        run(service, folder, ["none.jsonl"])  # finds out where the journal lives
        path = journal_of(folder)
        path.unlink()
        path.with_suffix(".mark").unlink()
        with closing(sqlite3.connect(path)) as db:
            db.executescript(sql)
            db.execute("UPDATE chunk SET sent_at = ?", (time.time() - 5,))
            db.commit()
            ids = dict(db.execute("SELECT id, operation_id FROM chunk"))
            (items,) = db.execute("SELECT items FROM chunk WHERE id = ?", (ACCEPTED,)).fetchone()
        service.operations[ids[ACCEPTED]] = [{"__item_idx": str(index)} for index in range(items)]
        runs = [run(service, folder, list(names), **HOW) for names in (FILES, reversed(FILES))]
    finally:
        service.close()
    posts = [query["operation_id"] for _, query, _ in service.posts]
    return {"runs": runs, "sent": posts, "sending": ids[SENDING]}
