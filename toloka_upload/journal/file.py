"""The file: its schema and version, and what is said of one that cannot be used."""

from __future__ import annotations

import re
import sqlite3
import uuid
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from toloka_upload.errors import CannotWrite, UploadError
from toloka_upload.journal import checksums, high_water
from toloka_upload.journal.checksums import Mismatch, Tally
from toloka_upload.journal.states import Destination

APPLICATION_ID = 0x544C4B55  # "TLKU"
VERSION = 3
"""1: ids as compressed lines. 2: as `packing.pack_ids` has them; what version 1 wrote stays as it is and is read.
3: checksums, the mark, and what an `--again` that was cut short left. Older ones are brought to it when they are
opened."""

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

_SINCE_3 = (
    "ALTER TABLE run ADD COLUMN again INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN complete INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE IF NOT EXISTS undo (chunk INTEGER PRIMARY KEY REFERENCES chunk (id), states BLOB NOT NULL) STRICT",
    "CREATE TABLE claim (chunk INTEGER PRIMARY KEY REFERENCES chunk (id), rows BLOB NOT NULL) STRICT",
    "UPDATE run SET again = coalesce(json_extract(settings, '$.again'), 0), complete = settings = '{}' OR"
    " coalesce(json_extract(report, '$.counts.unsent') + json_extract(report, '$.counts.unknown') = 0, 0)",
)
"""`run.again`: it was an `--again`; `complete`: it ended, with an outcome for every row. `undo`: what was taken
back, by item. `claim`: rows of an `--again` that was cut short which a later one counted as its own, a byte a row."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a journal; `mode` is `rw` or `ro`."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=10.0, check_same_thread=False
    )


def check(path: Path, destination: Destination | None) -> None:
    """
    Look whether a journal can be trusted, without changing it: its version, its destination, its mark, its checksums.

    Raises:
        CannotWrite: It is of another program, a newer version, or another pool.
        ValueError, sqlite3.Error: It is damaged.
    """
    mark = high_water.read(path)
    if not path.exists() or is_being_made(path):
        _must_have(None, mark)
        return
    with closing(connect(path, "ro")) as db:
        db.execute("BEGIN")
        check_open(db, path, destination, mark)


def check_open(
    db: sqlite3.Connection, path: Path, destination: Destination | None, mark: Tally | None
) -> None:
    """`check` for a journal that is open; `mark` was read before the transaction began."""
    if is_blank(db):
        _must_have(None, mark)
        return
    check_version(db, path)
    if destination is not None:
        _check_destination(db, path, destination)
    if _version(db) < 3:
        _must_have(None, mark)
        return
    _must_have(checksums.tally_of(db), mark)
    checksums.install(db)
    checksums.check(db)


def _must_have(tally: Tally | None, mark: Tally | None) -> None:
    """Compare a journal (None: one without tables, or of an older version) with its mark."""
    if tally is None:
        if mark is not None and mark.commits:
            raise Mismatch(f"it is gone or was replaced: {mark.commits} commits were made to it")
    elif mark is None:
        raise Mismatch("the file beside it that ends in .mark is missing")
    elif tally.journal != mark.journal:
        raise Mismatch("it was replaced by another one")
    elif tally.commits < mark.commits or (tally.commits == mark.commits and tally != mark):
        raise Mismatch(
            f"it has {tally.commits} commits, and {mark.commits} were made: the file that ends in -wal was lost, or an "
            "older copy was put in its place"
        )


def prepare(db: sqlite3.Connection, path: Path, destination: Destination) -> None:
    """Make the tables of a new journal, bring an older one to this version, set a mark that is behind."""
    db.execute("PRAGMA journal_mode=WAL")
    checksums.install(db)
    new = is_blank(db)
    if new or _version(db) < VERSION:
        name = uuid.uuid4().hex
        high_water.create(
            path, Tally(name, 0, 0)
        )  # from now on a journal without a mark has lost it
        db.execute("BEGIN IMMEDIATE")
        if new:
            _create(db, destination)
        for statement in _SINCE_3:
            db.execute(statement)
        checksums.begin(db, name)
        checksums.count(db)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    tally = checksums.tally_of(db)
    if tally != high_water.read(path):
        high_water.create(path, tally)


def _create(db: sqlite3.Connection, destination: Destination) -> None:
    for statement in SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    values = (destination.endpoint, destination.account, destination.pool)
    db.execute("INSERT INTO destination VALUES (?, ?, ?)", values)


def _check_destination(db: sqlite3.Connection, path: Path, destination: Destination) -> None:
    row = db.execute("SELECT endpoint, account, pool FROM destination").fetchone()
    if Destination(*row) != destination:
        raise CannotWrite(
            f"The journal {path} belongs to another pool ({row[2]} at {row[0]}). "
            "Was it copied or renamed? Move it away, or use another --state-dir.",
            code="FOREIGN_JOURNAL",
        )


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def is_blank(db: sqlite3.Connection) -> bool:
    """Whether nothing is in it: a run was killed between making the file and making its tables."""
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def is_being_made(path: Path) -> bool:
    """Whether a run is making the file, or was killed while it did: a rollback journal is beside it.

    Only a file that is in no WAL mode yet has one. Nothing was committed to it, and it cannot be read before somebody
    opens it to write.
    """
    return Path(f"{path}-journal").exists()


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no journal, or one of a newer program."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = _version(db)
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
    found = re.search(r"-pool-([^-]+)-[0-9a-f]{10}$", path.stem)
    pool = found.group(1) if found else "ID"
    return CannotWrite(
        f"The journal {path} is damaged: {error}. It is left as it is, and nothing is sent. Put it back from a backup, "
        f"if nothing was uploaded since; or let `toloka-upload adopt --pool {pool}` learn from the pool itself what is "
        "there: that keeps the damaged files under another name and begins a new journal.",
        code="DAMAGED_JOURNAL",
    )


def keep_aside(path: Path) -> Path | None:
    """
    Move the files of a damaged journal to other names, so that a new one can begin. The caller holds the pool's lock.

    Returns:
        Where the journal is now; None if there is nothing wrong with it, and nothing is moved.

    Raises:
        CannotWrite: It is none of ours, of a newer version, or cannot be moved.
    """
    try:
        with explained(path):
            check(path, None)
    except CannotWrite as error:
        if error.code != "DAMAGED_JOURNAL":
            raise
    else:
        return None
    # The mark goes last: while it is there, a journal that is gone is missed.
    files = (path, Path(f"{path}-wal"), Path(f"{path}-shm"), high_water.mark_path(path))
    with explained(path):
        number = next(n for n in count(1) if not any(_aside(file, n).exists() for file in files))
        for file in files:
            with suppress(FileNotFoundError):
                file.rename(_aside(file, number))
    return _aside(path, number)


def _aside(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.damaged-{number}")


def unusable(path: Path, error: Exception) -> UploadError:
    """The error for a journal that cannot be read or written now, or that is damaged."""
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return damaged(path, error)
    return CannotWrite(
        f"The journal {path} cannot be used: {error}. Nothing is sent without it: make room, correct its "
        "permissions, or name another directory with --state-dir.",
        code="JOURNAL",
    )


class Transaction:
    """BEGIN IMMEDIATE … COMMIT, and the mark; a disk that fails, or files that are gone, become `CannotWrite`."""

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
            if kind is None:
                tally = checksums.count(self._db)
                self._db.execute("COMMIT")
                high_water.advance(self._path, tally)
            else:
                self._db.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as failure:
            raise unusable(self._path, failure) from failure
        if isinstance(error, sqlite3.Error):
            raise unusable(self._path, error) from error
