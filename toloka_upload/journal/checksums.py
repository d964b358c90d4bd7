"""Checksums of what exactly-once rests on: one for each row, and over all of them a tally of commits and of their sum.

Triggers keep them, so nobody who writes can forget it; the connection that writes needs `install`. SQLite itself
notices neither a flipped byte in a value nor rows that are gone with a page that went back to what it was.
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import NamedTuple

TABLES = {
    "run": "id, started, finished, generation, settings, report, again, complete",
    "chunk": "id, run, state, mode, kind, generation, attempt, operation_id, digest, parameters, since, sent_at,"
    " items, rows",
    "chunk_rows": "chunk, identities, contents, per_item, lines, files",
    "outcome": "chunk, statuses, ids, faults",
    "undo": "chunk, states",
    "claim": "chunk, rows",
}
"""What is covered. `passed` is not: it serves reports alone, and it is the table that grows with every run."""

SCHEMA = """
CREATE TABLE tally (journal TEXT NOT NULL, commits INTEGER NOT NULL, total INTEGER NOT NULL) STRICT;
CREATE TABLE checksum (
    of TEXT NOT NULL, row INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (of, row)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER checksum_added AFTER INSERT ON checksum BEGIN
    UPDATE tally SET total = total + NEW.value;
END;
CREATE TRIGGER checksum_removed AFTER DELETE ON checksum BEGIN
    UPDATE tally SET total = total - OLD.value;
END;
"""


class Tally(NamedTuple):
    """How much a journal has seen.

    Attributes:
        journal: The journal's own name, made by chance.
        commits: Commits since it was made.
        total: The sum of all checksums after the last one.
    """

    journal: str
    commits: int
    total: int


class Mismatch(ValueError):
    """What is there is not what was written."""


def checksum(*values: object) -> int:
    """CRC-32 of a row's values, each with its length. It finds accidents, not forgery."""
    found = 0
    for value in values:
        data = value if isinstance(value, bytes) else repr(value).encode()
        found = zlib.crc32(data, zlib.crc32(b"%d:" % len(data), found))
    return found


def install(db: sqlite3.Connection) -> None:
    """Let a connection compute checksums: its triggers need that."""
    db.create_function("checksum", -1, checksum, deterministic=True)


def begin(db: sqlite3.Connection, journal: str) -> None:
    """Make the tables and triggers, and cover the rows that are there. The caller has a transaction."""
    for statement in _statements():
        db.execute(statement)
    db.execute("INSERT INTO tally VALUES (?, 0, 0)", (journal,))
    for table, columns in TABLES.items():
        db.execute(
            f"INSERT INTO checksum SELECT '{table}', rowid, checksum({columns}) FROM {table}"  # noqa: S608  # our own names
        )


def _statements() -> list[str]:
    statements, text = [], ""
    for line in SCHEMA.splitlines():
        text += line + "\n"
        if sqlite3.complete_statement(text):
            statements.append(text)
            text = ""
    for table, columns in TABLES.items():
        new = ", ".join(f"NEW.{name.strip()}" for name in columns.split(","))
        removed = f"DELETE FROM checksum WHERE of = '{table}' AND row = "  # noqa: S608  # our own names
        added = f"INSERT INTO checksum VALUES ('{table}', NEW.rowid, checksum({new}))"  # noqa: S608
        statements += [
            f"CREATE TRIGGER {table}_{word} AFTER {event} ON {table} BEGIN {removed}NEW.rowid; {added}; END"
            for word, event in (("added", "INSERT"), ("changed", "UPDATE"))
        ]
        statements.append(
            f"CREATE TRIGGER {table}_removed AFTER DELETE ON {table} BEGIN {removed}OLD.rowid; END"
        )
    return statements


def tally_of(db: sqlite3.Connection) -> Tally:
    """What the journal says of itself."""
    return Tally(*db.execute("SELECT journal, commits, total FROM tally").fetchone())


def count(db: sqlite3.Connection) -> Tally:
    """Count one commit more, and say what there is then. The caller has a transaction."""
    db.execute("UPDATE tally SET commits = commits + 1")
    return tally_of(db)


def check(db: sqlite3.Connection) -> None:
    """
    Read all that is covered, once: identities, statuses and ids of each row of input.

    Raises:
        Mismatch: A row is not what it was, or one is gone, or one is there that was never written.
    """
    total = db.execute("SELECT coalesce(sum(value), 0) FROM checksum").fetchone()[0]
    if total != tally_of(db).total:
        raise Mismatch("checksums are missing")
    for table, columns in TABLES.items():
        named = ", ".join(f"{table}.{name.strip()}" for name in columns.split(","))
        wrong, rows = db.execute(
            f"SELECT count(*) FILTER (WHERE value IS NOT checksum({named})), count(*) FROM {table}"  # noqa: S608  # our own names
            f" LEFT JOIN checksum ON of = '{table}' AND row = {table}.rowid"
        ).fetchone()
        if wrong:
            raise Mismatch(f"{wrong} of {rows} rows of the table {table} are not what was written")
        there = db.execute("SELECT count(*) FROM checksum WHERE of = ?", (table,)).fetchone()[0]
        if there != rows:
            raise Mismatch(f"{there - rows} rows of the table {table} are missing")
