"""The emulator's database: one SQLite file, or none at all.

A file is kept in rollback mode, not WAL: several processes may write to one local database, and SQLite
before 3.51.3 can corrupt a WAL that way. What was acknowledged was committed, so killing the process loses
nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

from toloka_upload.emulator.ids import operation_names
from toloka_upload.emulator.sharing import Share, in_use

Kind = Literal["tasks", "suites"]
KINDS: tuple[Kind, ...] = ("tasks", "suites")
NOUN: Mapping[Kind, str] = {"tasks": "TASK", "suites": "TASK_SUITE"}
"""What the API calls one of them: in operations and logs, in lower case in its ids and in world files."""

BUSY_SECONDS = 60.0
"""How long to wait for another process that writes; its longest write is one operation's items."""

SCHEMA_VERSION = 2

_ITEMS = """(
    pool INTEGER NOT NULL, oid BLOB NOT NULL, created INTEGER NOT NULL, overlap INTEGER, body TEXT NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (pool, oid)
) WITHOUT ROWID"""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS projects (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pools (
    id INTEGER PRIMARY KEY, training INTEGER NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL,
    tasks INTEGER NOT NULL DEFAULT 0, suites INTEGER NOT NULL DEFAULT 0, suite_tasks INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS tasks {items};
CREATE TABLE IF NOT EXISTS suites {items};
CREATE TABLE IF NOT EXISTS operations (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, pool INTEGER,
    settled TEXT, submitted INTEGER NOT NULL, started INTEGER NOT NULL, due INTEGER,
    parameters TEXT NOT NULL, fate TEXT NOT NULL, digest BLOB,
    total INTEGER NOT NULL, valid INTEGER, created INTEGER
);
CREATE INDEX IF NOT EXISTS operations_unsettled ON operations (due) WHERE settled IS NULL;
CREATE TABLE IF NOT EXISTS assignments (id TEXT PRIMARY KEY, pool INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS assignments_of_pools ON assignments (pool, id);
CREATE TABLE IF NOT EXISTS bodies (id TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS logs (id TEXT PRIMARY KEY, log BLOB NOT NULL);
""".replace("{items}", _ITEMS)
# Times are milliseconds of Unix time. An overlap of NULL is an infinite one. `settled` is NULL until the
# operation's work was done, then its final status; `due` is NULL for one that never ends. `taken` counts the
# assignments of an item that somebody has begun.

_UPGRADES = {
    1: (
        "ALTER TABLE tasks ADD COLUMN taken INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE suites ADD COLUMN taken INTEGER NOT NULL DEFAULT 0",
        *(statement for statement in _SCHEMA.split(";") if "assignments" in statement),
    ),
}
"""By the version of a database: what makes the next version of it."""


class ItemRow(NamedTuple):
    """A task or suite as stored. `body` is its JSON text as sent; `taken`, how often somebody has begun it."""

    pool: int
    oid: bytes
    created: int
    overlap: int | None
    body: str
    taken: int = 0


class OperationRow(NamedTuple):
    """An operation as stored; the columns are explained at the schema."""

    number: int
    id: str
    type: str
    pool: int | None
    settled: str | None
    submitted: int
    started: int
    due: int | None
    parameters: str
    fate: str
    digest: bytes | None
    total: int
    valid: int | None
    created: int | None


_TABLES = {"projects", "pools", "tasks", "suites", "operations", "bodies", "logs"}


def forget(path: Path) -> None:
    """Delete a database with all that it holds; nothing but a database of an emulator's that nobody uses.

    Raises:
        ValueError: The file is something else, or somebody uses it.
        OSError: It cannot be deleted.
    """
    if not path.exists():
        return
    if path.stat().st_size and not _is_ours(path):
        raise ValueError(f"{path}: not an emulator's database; it is left as it is")
    if in_use(path):
        raise ValueError(f"{path}: another process uses it; end that first")
    path.unlink()
    path.with_name(path.name + "-journal").unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return False
    return tables >= _TABLES


class Store:
    """Tables and the statements on them. Not thread-safe: the emulator's lock is held around every call.

    Args:
        path: The database file, made with mode 0600 if it is not there; None: in memory.

    Attributes:
        alone: Whether no other process used the file when it was opened.

    Raises:
        ValueError: The file is no database of this emulator's.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._share: Share | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(
            path or ":memory:",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        try:
            self._prepare()
        except sqlite3.DatabaseError as problem:
            self.close()
            if isinstance(problem, sqlite3.OperationalError):
                raise
            raise ValueError(f"{path}: not an emulator's database: {problem}") from None
        if path is not None:
            self._share = Share(path)
        self.alone = self._share is None or self._share.alone

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = TRUNCATE")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA cache_size = -16384")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == SCHEMA_VERSION:
            return
        with self.writing():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]  # now nobody else's
            if version and not 0 < version <= SCHEMA_VERSION:
                raise sqlite3.DatabaseError(f"made by another version ({version}); use --reset")
            if version == 0 and self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise sqlite3.DatabaseError("another program's")
            steps = [_SCHEMA.split(";")] if version == 0 else []
            steps += [
                list(_UPGRADES[old]) for old in range(version or SCHEMA_VERSION, SCHEMA_VERSION)
            ]
            for statement in chain.from_iterable(steps):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the database."""
        self._db.close()
        if self._share:
            self._share.close()
            self._share = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that no other process's writing can come into; all of it or nothing is kept."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        return self._db.execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None."""
        return self._db.execute(query, values).fetchone()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run one statement that changes something."""
        self._db.execute(statement, values)

    def next_id(self, table: str) -> int:
        """A number that no project, or no pool and training, has."""
        highest: int = self.row(f"SELECT coalesce(max(id), 0) FROM {table}")[0]  # noqa: S608
        return highest + 1

    def put_project(self, number: int, body: Mapping[str, Any]) -> None:
        """Put a project in, in the place of one with its id."""
        self.execute(
            "INSERT OR REPLACE INTO projects VALUES (?, ?)",
            (number, json.dumps(body, allow_nan=False)),
        )

    def put_pool(self, number: int, *, training: int, status: str, body: Mapping[str, Any]) -> None:
        """Put a pool or training in, in the place of one with its id, whose items stay."""
        self.execute(
            "INSERT INTO pools (id, training, status, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET training = excluded.training, status = excluded.status, body = excluded.body",
            (number, training, status, json.dumps(body, allow_nan=False)),
        )

    def pools_of(self, project: int) -> list[Any]:
        """Id, training, status and body of the pools and trainings of a project."""
        query = (
            "SELECT id, training, status, body FROM pools "
            "WHERE CAST(json_extract(body, '$.project_id') AS INTEGER) = ?"
        )
        return self.rows(query, (project,))

    def put_assignment(self, name: str, pool: int, body: Mapping[str, Any]) -> None:
        """Put an assignment in, in the place of one with its id."""
        values = (name, pool, json.dumps(body, allow_nan=False))
        self.execute("INSERT OR REPLACE INTO assignments VALUES (?, ?, ?)", values)

    def add_items(self, kind: Kind, rows: Iterable[ItemRow]) -> None:
        """Put items in, in order of their ids: then they go to the end of the table."""
        self._db.executemany(f"INSERT INTO {kind} VALUES (?,?,?,?,?,?)", sorted(rows))  # noqa: S608

    def count(self, kind: Kind, pool: int, added: int, inside: int) -> None:
        """A pool has so many items more, with so many tasks inside if they are suites."""
        self.execute(
            f"UPDATE pools SET {kind} = {kind} + ?, suite_tasks = suite_tasks + ? WHERE id = ?",  # noqa: S608
            (added, inside, pool),
        )

    def item(self, kind: Kind, pool: int, oid: bytes) -> ItemRow | None:
        """The item of an id."""
        found = self.row(f"SELECT * FROM {kind} WHERE pool = ? AND oid = ?", (pool, oid))  # noqa: S608
        return ItemRow(*found) if found else None

    def change_item(self, kind: Kind, row: ItemRow) -> None:
        """Put an item in the place of the one with its id."""
        self.execute(
            f"UPDATE {kind} SET overlap = ?, body = ?, taken = ? WHERE pool = ? AND oid = ?",  # noqa: S608
            (row.overlap, row.body, row.taken, row.pool, row.oid),
        )

    def operation(self, operation_id: str) -> OperationRow | None:
        """The operation of an id, in whichever form."""
        query = "SELECT * FROM operations WHERE id IN (?, ?, ?)"
        found = self.row(query, operation_names(operation_id))
        return OperationRow(*found) if found else None

    def next_due(self, due: int, only: str = "") -> OperationRow | None:
        """Of the operations whose work is to be done, or of the one with an id, the first to end."""
        query = "SELECT * FROM operations WHERE settled IS NULL AND due <= ?"
        if only:
            found = self.row(f"{query} AND id IN (?, ?, ?)", (due, *operation_names(only)))
        else:
            found = self.row(f"{query} ORDER BY due, number LIMIT 1", (due,))
        return OperationRow(*found) if found else None
