"""Writing a journal. Whoever does holds the pool's lock."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from toloka_upload.directories import make_directory
from toloka_upload.items.contents import Contents
from toloka_upload.items.identity import Known
from toloka_upload.journal.again import claim, is_complete
from toloka_upload.journal.file import Transaction, check, connect, explained, prepare
from toloka_upload.journal.items import (
    Created,
    asked_to_take_back,
    created_by,
    owned,
    owned_by_equals,
)
from toloka_upload.journal.packing import pack, pack_faults, pack_ids, unpack_ids
from toloka_upload.journal.reading import (
    known_blocks,
    open_to_read,
    read_adopted,
    read_known,
    read_outcome,
    select_chunks,
)
from toloka_upload.journal.states import ChunkState, Destination, SentChunk
from toloka_upload.journal.undoing import write_states
from toloka_upload.outcomes import Block, Outcome, Places, Status


class Journal:
    """One pool's journal, open for writing. The caller holds the pool's lock."""

    def __init__(self, path: Path, destination: Destination) -> None:
        """Open the journal, or make it.

        Raises:
            CannotWrite: It cannot be opened or made, or what is there is no journal, another pool's, or of a
                newer version of this program.
        """
        self.path = path
        self.destination = destination
        with explained(path):
            make_directory(path.parent)
            check(path, destination)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = connect(path, "rw")
            try:
                self._db.execute("PRAGMA synchronous=FULL")
                prepare(self._db, path, destination)
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # Writing. Each of these is on disk when it returns.

    def begin_run(
        self, run: str, started: float, generation: int, settings: dict[str, Any]
    ) -> None:
        """Note that a run works on this pool."""
        self._write(
            "INSERT OR IGNORE INTO run (id, started, generation, settings, again) VALUES (?,?,?,?,?)",
            (run, started, generation, json.dumps(settings), bool(settings.get("again"))),
        )

    def finish_run(self, run: str, finished: float, report: dict[str, Any]) -> None:
        """Note how it ended. An `--again` that is complete takes what those before it had sent for the same rows."""
        with Transaction(self._db, self.path) as db:
            db.execute(
                "UPDATE run SET finished = ?, report = ?, complete = ? WHERE id = ?",
                (finished, json.dumps(report), is_complete(report), run),
            )
            claim(db, run)

    def sending(self, chunk: SentChunk, *, replaces: int | None = None) -> int:
        """Note that a chunk is about to leave; return its number in the journal.

        `replaces` is an earlier record of the very same request, which is closed in the same step.
        """
        with Transaction(self._db, self.path) as db:
            db.execute(
                "UPDATE chunk SET state = ? WHERE id = ?", (ChunkState.RETURNED.value, replaces)
            )
            return _insert_chunk(db, chunk, ChunkState.SENDING)

    def adopt(self, chunk: SentChunk, ids: list[str]) -> None:
        """Note items that the pool has from elsewhere, with their ids: known from now on, and never sent."""
        statuses = bytes([Status.ALREADY_UPLOADED]) * chunk.rows
        with Transaction(self._db, self.path) as db:
            number = _insert_chunk(db, chunk, ChunkState.SETTLED)
            db.execute(
                "INSERT INTO outcome (chunk, statuses, ids, faults) VALUES (?,?,?,NULL)",
                (number, statuses, pack_ids(ids)),
            )

    def undo(self, states: Mapping[int, bytes | bytearray]) -> None:
        """Note where the items of chunks stand that are being taken back."""
        with Transaction(self._db, self.path) as db:
            write_states(db, states)

    def sent_again(self, chunk: int, sent_at: float) -> None:
        """Note that a chunk's request is about to leave once more: from now on counts how long it may take."""
        self._write("UPDATE chunk SET sent_at = ? WHERE id = ?", (sent_at, chunk))

    def move(self, chunk: int, state: ChunkState, *, operation_id: str | None = None) -> None:
        """Move a chunk to a state that needs no outcomes: ACCEPTED or RETURNED."""
        self._write(
            "UPDATE chunk SET state = ?, operation_id = coalesce(?, operation_id) WHERE id = ?",
            (state.value, operation_id, chunk),
        )

    def settle(self, chunk: int, outcome: Outcome) -> None:
        """Note what became of a chunk's rows: SETTLED, or UNSETTLED if some are unknown."""
        unknown = outcome.count(Status.UNKNOWN)
        state = ChunkState.UNSETTLED if unknown else ChunkState.SETTLED
        with Transaction(self._db, self.path) as db:
            db.execute(
                "INSERT OR REPLACE INTO outcome (chunk, statuses, ids, faults) VALUES (?,?,?,?)",
                (
                    chunk,
                    bytes(outcome.statuses),
                    pack_ids(outcome.ids),
                    pack_faults(outcome.faults),
                ),
            )
            db.execute("UPDATE chunk SET state = ? WHERE id = ?", (state.value, chunk))

    def passed(self, run: str, block: Block, *, places: Sequence[int] | None = None) -> None:
        """Note rows of a run that travelled in no chunk of it; `places` are those of rows known from before."""
        status = block.statuses[0]
        self._write(
            "INSERT INTO passed (run, status, lines, files, places, faults) VALUES (?,?,?,?,?,?)",
            (
                run,
                status,
                pack(block.places.lines),
                json.dumps(block.places.files),
                None if places is None else pack(places),
                pack_faults(block.faults),
            ),
        )

    def prune(self, before: float) -> list[str]:
        """Forget runs that ended before a time: see `prune_file`."""
        with Transaction(self._db, self.path) as db:
            old = [
                run
                for (run,) in db.execute(
                    "SELECT id FROM run WHERE coalesce(finished, started) < ? AND settings != '{}'"
                    " AND NOT (again AND NOT complete) AND id NOT IN"
                    " (SELECT run FROM chunk WHERE state IN ('sending', 'accepted', 'unsettled'))",
                    (before,),
                )
            ]
            for run in old:
                db.execute("DELETE FROM passed WHERE run = ?", (run,))
                db.execute("UPDATE run SET report = NULL, settings = '{}' WHERE id = ?", (run,))
            db.execute(
                "DELETE FROM run WHERE settings = '{}' AND id NOT IN (SELECT run FROM chunk)"
            )
        return old

    def _write(self, statement: str, values: Sequence[Any]) -> None:
        with Transaction(self._db, self.path) as db:
            db.execute(statement, values)

    # Reading.

    def leftovers(self) -> list[SentChunk]:
        """Chunks whose rows have no final outcome yet, oldest first."""
        with explained(self.path):
            return list(select_chunks(self._db, "state IN ('sending', 'accepted', 'unsettled')"))

    def known(self, generation: int | None) -> tuple[Known, dict[bytes, int]]:
        """
        The rows that must not be sent: those created, with their places, and apart those that are unknown.

        Args:
            generation: That of an `--again`: then only what those sent that were cut short counts. None: all.
        """
        with explained(self.path):
            return read_known(self._db, generation)

    def adopted(self, generation: int | None) -> tuple[Contents, Contents]:
        """What was adopted, by content: tasks, and suites as a whole; `generation` as in `known`."""
        with explained(self.path):
            return read_adopted(self._db, generation)

    def created_by(self, run: str) -> Iterator[Created]:
        """What a run created, chunk by chunk, and how much of it was taken back."""
        with explained(self.path):
            yield from created_by(self._db, run)

    def asked_to_take_back(self) -> list[Created]:
        """Chunks with items that an `undo` may have asked to be taken back, without an answer on record."""
        with explained(self.path):
            return list(asked_to_take_back(self._db))

    def ids(self) -> Iterator[list[str]]:
        """The ids of all items that are known, chunk by chunk."""
        with explained(self.path):
            for (packed,) in self._db.execute("SELECT ids FROM outcome"):
                yield list(filter(None, unpack_ids(packed)))

    def outcome(self, chunk: int) -> Outcome | None:
        """What the journal has of a chunk's outcome."""
        with explained(self.path):
            return read_outcome(self._db, chunk)

    def look_up(self, where: Places, statuses: bytes, places: Sequence[int]) -> Iterator[Block]:
        """Rows that are known from before, as blocks with the ids of what was created."""
        with explained(self.path):
            yield from known_blocks(self._db, self.destination.pool, where, statuses, places)

    def owned(self, ids: set[str]) -> set[str]:
        """Those of `ids` that chunks of this journal are known to have created."""
        with explained(self.path):
            return owned(self._db, ids)

    def owned_by_equals(self, ids: set[str], sent: SentChunk) -> set[str]:
        """Those of a chunk's `ids` that others are known to have created: a look found them for equal rows."""
        with explained(self.path):
            return owned_by_equals(self._db, ids, sent)

    def used(self, operation_id: str) -> bool:
        """Whether an operation of this id ran, however the API wrote it: its id is burnt, whatever it did."""
        bare = operation_id.replace("-", "")
        with explained(self.path):
            found = self._db.execute(
                "SELECT 1 FROM chunk WHERE operation_id IN (?, ?, ?, ?) AND state IN ('settled', 'unsettled')",
                (operation_id, operation_id.upper(), bare, bare.upper()),
            ).fetchone()
        return found is not None

    def next_generation(self) -> int:
        """The generation of a new `--again`: the last one's if that was cut short, so that its ids serve again."""
        with explained(self.path):
            newest = self._db.execute(
                "SELECT generation, again AND NOT complete FROM run ORDER BY generation DESC, started DESC"
            ).fetchone()
        if newest is None:
            return 1
        return int(newest[0]) + (not newest[1])


def _insert_chunk(db: sqlite3.Connection, chunk: SentChunk, state: ChunkState) -> int:
    """A chunk's record, with its rows; return its number."""
    cursor = db.execute(
        "INSERT INTO chunk (run, state, mode, kind, generation, attempt, operation_id, digest,"
        " parameters, since, sent_at, items, rows) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            chunk.run,
            state.value,
            chunk.mode,
            chunk.kind,
            chunk.generation,
            chunk.attempt,
            chunk.operation_id,
            chunk.digest,
            json.dumps(chunk.parameters),
            chunk.since,
            chunk.sent_at,
            chunk.items,
            chunk.rows,
        ),
    )
    number = cursor.lastrowid
    assert number is not None  # noqa: S101  # an INSERT that did not raise has one
    db.execute(
        "INSERT INTO chunk_rows (chunk, identities, contents, per_item, lines, files)"
        " VALUES (?,?,?,?,?,?)",
        (
            number,
            chunk.identities,
            None if chunk.contents == chunk.identities else chunk.contents,
            None if chunk.per_item is None else pack(chunk.per_item),
            pack(chunk.places.lines),
            json.dumps(chunk.places.files),
        ),
    )
    return number


def prune_file(path: Path, before: float) -> list[str]:
    """Forget runs that ended before a time, but not the rows they created. The caller holds the pool's lock.

    A run that created something stays as the owner of its chunks; its list of passed rows and its report go.
    Runs with chunks whose outcome is open stay as they are, and so does an `--again` that was cut short.
    """
    with open_to_read(path, quick=True) as (_, destination):
        pass  # it is a journal
    with closing(Journal(path, destination)) as book:
        return book.prune(before)
