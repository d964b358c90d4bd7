"""What may befall a journal on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

Damage = Callable[[Path], None]


def make_older(path: Path) -> None:
    """Turn a journal into one of format 2: without checksums, without a mark."""
    with closing(sqlite3.connect(path)) as db, db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            db.execute(f"DROP TRIGGER {name}")
        for table in ("tally", "checksum", "undo", "claim"):
            db.execute(f"DROP TABLE {table}")
        for column in ("again", "complete"):
            db.execute(f"ALTER TABLE run DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 2")
    path.with_suffix(".mark").unlink()


def wal(path: Path) -> Path:
    """The journal's write-ahead log."""
    return Path(f"{path}-wal")


def delete_wal(path: Path) -> None:
    """As who clears away what looks like a temporary file."""
    wal(path).unlink()


def cut_wal(path: Path) -> None:
    """Its last quarter is gone."""
    with wal(path).open("r+b") as file:
        file.truncate(wal(path).stat().st_size * 3 // 4)


def overwrite_wal(path: Path) -> None:
    """Zeros, from its middle on."""
    size = wal(path).stat().st_size
    with wal(path).open("r+b") as file:
        file.seek(size // 2)
        file.write(bytes(size - size // 2))


def flip(table: str, column: str) -> Damage:
    """One bit of a value is another one, and SQLite does not notice."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(f"DROP TRIGGER {table}_changed")
            (rowid, value) = db.execute(f"SELECT rowid, {column} FROM {table}").fetchone()
            flipped = (
                bytes([value[0] ^ 1]) + value[1:]
                if isinstance(value, bytes)
                else chr(ord(value[0]) ^ 1) + value[1:]
                if isinstance(value, str)
                else value + 1
            )
            db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (flipped, rowid))

    change.__name__ = f"flip {table}.{column}"
    return change


def lose_a_row(table: str) -> Damage:
    """A page went back to what it was before."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(f"DROP TRIGGER {table}_removed")
            db.execute(f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")

    change.__name__ = f"lose {table}"
    return change


def delete_journal(path: Path) -> None:
    """The database is gone, its mark is not."""
    path.unlink()


def delete_mark(path: Path) -> None:
    """Only the database was copied."""
    path.with_suffix(".mark").unlink()


def garble_mark(path: Path) -> None:
    """Nothing of the mark can be read."""
    path.with_suffix(".mark").write_bytes(b"?" * 256)
