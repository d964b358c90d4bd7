"""What was taken back of what runs created, item by item.

Every journal that is written has the table (`file.py`); one of an older format, which is only read, may lack it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from itertools import accumulate

from toloka_upload.journal.packing import unpack


class Undo(IntEnum):
    """Where an item stands. The value is the byte that stands for it in a chunk's column."""

    KEPT = ord(".")
    """Nothing was done, or the item is none that may be taken back."""
    ASKED = ord("a")
    """The request to take it back may have left. After a crash: ask how the item stands before it leaves again."""
    UNDONE = ord("u")
    """Nobody had it, and nobody will: its rows are free."""
    PARTLY = ord("p")
    """Somebody had it, and nobody more will: its rows stay known."""
    FAILED = ord("f")
    """The API refused. The next call asks again."""


def read_states(db: sqlite3.Connection, chunk: int) -> bytearray | None:
    """Where the items of a chunk stand; None where nothing was done."""
    if not has_undo(db):
        return None
    row = db.execute("SELECT states FROM undo WHERE chunk = ?", (chunk,)).fetchone()
    return None if row is None else bytearray(row[0])


def write_states(db: sqlite3.Connection, states: Mapping[int, bytes | bytearray]) -> None:
    """Note where items stand, by chunk. The caller has a transaction."""
    db.executemany(
        "INSERT OR REPLACE INTO undo (chunk, states) VALUES (?, ?)",
        [(chunk, bytes(column)) for chunk, column in states.items()],
    )


def chunks_with(db: sqlite3.Connection, state: Undo) -> list[int]:
    """The chunks that have an item in a state."""
    if not has_undo(db):
        return []
    found = db.execute("SELECT chunk FROM undo WHERE instr(states, ?)", (bytes([state]),))
    return [chunk for (chunk,) in found]


def rows_in(db: sqlite3.Connection, chunk: int, per_item: bytes | None, state: Undo) -> list[int]:
    """The rows of a chunk whose items are in a state; `per_item` is packed, as chunks have it."""
    states = read_states(db, chunk)
    if states is None:
        return []
    items = [item for item, one in enumerate(states) if one == state]
    if per_item is None:
        return items
    starts = list(accumulate(unpack(per_item), initial=0))
    return [row for item in items for row in range(starts[item], starts[item + 1])]


def undone_of(db: sqlite3.Connection, run: str) -> Counter[Undo]:
    """How many items of a run were taken back, and how."""
    counts: Counter[Undo] = Counter()
    if has_undo(db):
        for (states,) in db.execute(
            "SELECT states FROM undo JOIN chunk ON chunk.id = undo.chunk WHERE run = ?", (run,)
        ):
            counts.update({state: states.count(state) for state in Undo if state is not Undo.KEPT})
    return counts


def has_undo(db: sqlite3.Connection) -> bool:
    """Whether anything was ever taken back."""
    return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = 'undo'").fetchone())
