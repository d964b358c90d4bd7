"""The file: its schema and version, and what is said of one that cannot be used."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toloka_upload.errors import CannotWrite, UploadError
from toloka_upload.journal.states import Destination

APPLICATION_ID = 0x544C4B55  # "TLKU"
VERSION = 2
"""1: ids as compressed lines. 2: as `packing.pack_ids` has them; what version 1 wrote stays as it is and is read."""

SCHEMA = """
CREATE TABLE destination (endpoint TEXT NOT NULL, account TEXT NOT NULL, pool TEXT NOT NULL) STRICT;
CREATE TABLE run (
    id TEXT PRIMARY KEY, started REAL NOT NULL, finished REAL, generation INTEGER NOT NULL,
    settings TEXT NOT NULL, report TEXT
) STRICT;
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES run (id), state TEXT NOT NULL, mode TEXT NOT NULL,
    kind TEXT NOT NULL, generation INTEGER NOT NULL, attempt INTEGER NOT NULL, operation_id TEXT,
    digest BLOB NOT NULL, parameters TEXT NOT NULL, since TEXT, sent_at REAL NOT NULL,
    items INTEGER NOT NULL, rows INTEGER NOT NULL
) STRICT;
CREATE INDEX chunk_by_operation ON chunk (operation_id);
CREATE INDEX chunk_by_state ON chunk (state) WHERE state IN ('sending', 'accepted', 'unsettled');
CREATE TABLE chunk_rows (
    chunk INTEGER PRIMARY KEY REFERENCES chunk (id), identities BLOB NOT NULL, contents BLOB, per_item BLOB,
    lines BLOB NOT NULL, files TEXT NOT NULL
) STRICT;
CREATE TABLE outcome (
    chunk INTEGER PRIMARY KEY REFERENCES chunk (id), statuses BLOB NOT NULL, ids BLOB NOT NULL, faults BLOB
) STRICT;
CREATE TABLE passed (
    run TEXT NOT NULL REFERENCES run (id), status INTEGER NOT NULL, lines BLOB NOT NULL, files TEXT NOT NULL,
    places BLOB, faults BLOB
) STRICT;
"""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a journal; `mode` is `rw` or `ro`."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=10.0, check_same_thread=False
    )


def verify(db: sqlite3.Connection, path: Path, destination: Destination) -> None:
    """Make the tables of a new journal; refuse what is none of ours, before anything in it is changed."""
    new = is_blank(db)
    if not new:
        check_version(db, path)
    db.execute("PRAGMA journal_mode=WAL")
    if new:
        db.executescript(
            f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {VERSION};"
        )
        db.execute(
            "INSERT INTO destination VALUES (?, ?, ?)",
            (destination.endpoint, destination.account, destination.pool),
        )
        db.execute("COMMIT")
    row = db.execute("SELECT endpoint, account, pool FROM destination").fetchone()
    if Destination(*row) != destination:
        raise CannotWrite(
            f"The journal {path} belongs to another pool ({row[2]} at {row[0]}). "
            "Was it copied or renamed? Move it away, or use another --state-dir.",
            code="FOREIGN_JOURNAL",
        )
    if db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
        db.execute(f"PRAGMA user_version = {VERSION}")  # all that an older one needs


def is_blank(db: sqlite3.Connection) -> bool:
    """Whether nothing is in it: a run was killed between making the file and making its tables."""
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no journal, or one of a newer program."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID or not version >= 1:
        raise CannotWrite(
            f"{path} is no journal of toloka-upload. It is left as it is: move it away, "
            "or use another --state-dir.",
            code="FOREIGN_JOURNAL",
        )
    if version > VERSION:
        raise CannotWrite(
            f"The journal {path} was written by a newer toloka-upload (format {version}, this one "
            f"knows {VERSION}). Use that version.",
            code="NEWER_JOURNAL",
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file becomes a `CannotWrite` that says what to do."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    except (zlib.error, ValueError, TypeError, StopIteration) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> UploadError:
    """The error for a journal that can be read no more."""
    return CannotWrite(
        f"The journal {path} is damaged ({error}), and is left as it is. Restore it from a backup; or move it away: "
        "then the pool is protected from doubled rows by the ids of asynchronous requests alone.",
        code="DAMAGED_JOURNAL",
    )


def unusable(path: Path, error: Exception) -> UploadError:
    """The error for a journal that cannot be read or written now, or that is damaged."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return damaged(path, error)
    return CannotWrite(
        f"The journal {path} cannot be used: {error}. Nothing is sent without it: make room, mend its "
        "permissions, or name another directory with --state-dir.",
        code="JOURNAL",
    )


class Transaction:
    """BEGIN IMMEDIATE … COMMIT; a disk that fails becomes `CannotWrite`."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error
        return self._db

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        try:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")
        except sqlite3.Error as failure:
            raise unusable(self._path, failure) from failure
        if isinstance(error, sqlite3.Error):
            raise unusable(self._path, error) from error
