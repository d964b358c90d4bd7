"""Reading a journal, also while a run writes it."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from toloka_upload.items.contents import Contents, suite_content
from toloka_upload.items.identity import WIDTH, Known
from toloka_upload.journal import high_water
from toloka_upload.journal.again import CUT_SHORT, without_claimed
from toloka_upload.journal.file import (
    check,
    check_open,
    check_version,
    connect,
    explained,
    is_being_made,
    is_blank,
)
from toloka_upload.journal.packing import (
    unpack,
    unpack_faults,
    unpack_ids,
    unpack_some_ids,
    where,
)
from toloka_upload.journal.states import (
    ADOPTED,
    GOES_ON,
    ChunkState,
    Destination,
    RunRecord,
    SentChunk,
    Step,
)
from toloka_upload.journal.undoing import Undo, has_undo, rows_in
from toloka_upload.outcomes import Block, Outcome, Places, Status


@contextmanager
def open_to_read(
    path: Path, *, quick: bool = False
) -> Iterator[tuple[sqlite3.Connection, Destination]]:
    """Open a journal read-only, also while a run writes it: all that is read is of one moment.

    Args:
        quick: Leave the checksums out: enough for reports.

    Raises:
        CannotWrite: It is no journal, it is damaged, or it cannot be read; also while it is being used.
    """
    with explained(path):
        mark = high_water.read(path)
        with closing(connect(path, "ro")) as db:
            db.execute("BEGIN")
            if quick:
                check_version(db, path)
            else:
                check_open(db, path, None, mark)
            found = db.execute("SELECT endpoint, account, pool FROM destination").fetchone()
            yield db, Destination(*found)


def is_begun(path: Path) -> bool:
    """Whether there is a journal, and a run came as far as making its tables.

    Raises:
        CannotWrite: It cannot be read.
    """
    if not path.exists() or is_being_made(path):
        return False
    with explained(path), closing(connect(path, "ro")) as db:
        return not is_blank(db)


def peek(path: Path) -> tuple[Known, dict[bytes, int], tuple[Contents, Contents]] | None:
    """The rows that a pool's journal knows, without touching it; None where there is no journal."""
    with explained(path):
        check(path, None)
    if not is_begun(path):
        return None
    with open_to_read(path, quick=True) as (db, _):
        return *read_known(db, None), read_adopted(db, None)


def runs(db: sqlite3.Connection, destination: Destination) -> Iterator[RunRecord]:
    """All runs of a journal, oldest first."""
    for run, started, finished, generation, settings, report in db.execute(
        "SELECT id, started, finished, generation, settings, report FROM run ORDER BY started, id"
    ).fetchall():
        chunks = dict(
            db.execute("SELECT state, count(*) FROM chunk WHERE run = ? GROUP BY state", (run,))
        )
        rows = dict(
            db.execute("SELECT state, sum(rows) FROM chunk WHERE run = ? GROUP BY state", (run,))
        )
        yield RunRecord(
            run,
            started,
            finished,
            generation,
            json.loads(settings),
            json.loads(report) if report else None,
            destination,
            chunks,
            rows,
        )


def steps(db: sqlite3.Connection, run: str) -> Iterator[Step]:
    """How far the chunks of a run are, in the order in which they were sent. Quick: no row is read."""
    for row in db.execute(
        "SELECT id, state, operation_id, attempt, items, rows, sent_at FROM chunk WHERE run = ? ORDER BY id",
        (run,),
    ):
        yield Step(row[0], ChunkState(row[1]), *row[2:])


def oldest_open(db: sqlite3.Connection) -> float | None:
    """When the oldest chunk was sent that has no outcome, or not for all of its rows; None if there is none."""
    (when,) = db.execute(
        "SELECT min(sent_at) FROM chunk WHERE state IN ('sending', 'accepted', 'unsettled')"
    ).fetchone()
    return None if when is None else float(when)


def chunks_of(db: sqlite3.Connection, run: str) -> Iterator[SentChunk]:
    """The chunks of one run, in the order in which they were sent."""
    return select_chunks(db, "run = ?", run)


def blocks(db: sqlite3.Connection, destination: Destination, run: str) -> Iterator[Block]:
    """Every row of a run with its outcome, as far as the journal has it. Rows still in the air are unknown."""
    for chunk in chunks_of(db, run):
        outcome = read_outcome(db, chunk.id)
        if chunk.state is ChunkState.RETURNED:
            continue
        if outcome is None:
            statuses = bytes([Status.UNKNOWN]) * chunk.rows
            yield Block(chunk.places, statuses, destination.pool, chunk.kind, chunk.operation_id)
        else:
            yield block_of(chunk, outcome, destination.pool).without(GOES_ON)
    for status, lines, files, places, faults in db.execute(
        "SELECT status, lines, files, places, faults FROM passed WHERE run = ?", (run,)
    ):
        where = Places(unpack(lines), [(file, count) for file, count in json.loads(files)])
        statuses = bytes([status]) * len(where)
        if places is None:
            yield Block(where, statuses, destination.pool, "", faults=unpack_faults(faults))
        else:
            yield from known_blocks(db, destination.pool, where, statuses, unpack(places))


def known_blocks(
    db: sqlite3.Connection, pool: str, where: Places, statuses: bytes, places: Sequence[int]
) -> Iterator[Block]:
    """Rows known from before, with the ids that the journal has for them: a block for each chunk they were sent in."""
    rows_of: dict[int, list[int]] = {}
    for row, place in enumerate(places):
        rows_of.setdefault(place >> 20, []).append(row)
    for number, rows in sorted(rows_of.items()):
        kind, operation_id, per_item, ids = db.execute(_SELECT_IDS, (number,)).fetchone()
        items = [places[row] & 0xFFFFF for row in rows]
        if per_item is not None:
            ends = list(accumulate(unpack(per_item)))
            items = [bisect_right(ends, row) for row in items]
        yield Block(
            where.select(rows),
            bytes(map(statuses.__getitem__, rows)),
            pool,
            kind,
            operation_id,
            [""] * len(rows) if ids is None else unpack_some_ids(ids, items),
        )


_SELECT_IDS = """
SELECT kind, operation_id, per_item, ids FROM chunk JOIN chunk_rows ON chunk_rows.chunk = id
    LEFT JOIN outcome ON outcome.chunk = id WHERE id = ?"""


def block_of(chunk: SentChunk, outcome: Outcome, pool: str) -> Block:
    """A settled chunk's rows for the results file."""
    return Block(
        chunk.places,
        outcome.statuses,
        pool,
        chunk.kind,
        chunk.operation_id,
        outcome.row_ids(chunk.per_item),
        outcome.faults,
    )


_SELECT_CHUNKS = """
SELECT id, run, state, mode, kind, generation, attempt, operation_id, digest, parameters, since, sent_at, items, rows,
    identities, contents, per_item, lines, files
FROM chunk JOIN chunk_rows ON chunk_rows.chunk = id WHERE """


def select_chunks(db: sqlite3.Connection, where: str, *values: Any) -> Iterator[SentChunk]:
    """The chunks for which a constant condition holds, oldest first."""
    # `where` is one of this module's constant conditions; what varies is bound.
    query = _SELECT_CHUNKS + where + " ORDER BY id"
    for row in db.execute(query, values):
        parameters, since, sent_at, items, rows = row[9:14]
        identities, contents, per_item, lines, files = row[14:]
        yield SentChunk(
            id=row[0],
            run=row[1],
            state=ChunkState(row[2]),
            mode=row[3],
            kind=row[4],
            generation=row[5],
            attempt=row[6],
            operation_id=row[7],
            digest=row[8],
            parameters=json.loads(parameters),
            since=since,
            sent_at=sent_at,
            items=items,
            rows=rows,
            identities=identities,
            contents=identities if contents is None else contents,
            per_item=None if per_item is None else unpack(per_item),
            places=Places(unpack(lines), [(file, count) for file, count in json.loads(files)]),
        )


def read_outcome(db: sqlite3.Connection, chunk: int) -> Outcome | None:
    """The outcome of a chunk, if it has one."""
    row = db.execute(
        "SELECT statuses, ids, faults FROM outcome WHERE chunk = ?", (chunk,)
    ).fetchone()
    if row is None:
        return None
    return Outcome(bytearray(row[0]), unpack_ids(row[1]), unpack_faults(row[2]))


def read_known(db: sqlite3.Connection, generation: int | None) -> tuple[Known, dict[bytes, int]]:
    """
    The rows that must not be sent, and apart those whose fate is open.

    With a generation, that of an `--again`: only what is on account of those that were cut short. None: all.
    """
    which = "mode != ?" if generation is None else f"mode != ? AND run IN ({CUT_SHORT})"
    (rows,) = db.execute(f"SELECT total(rows) FROM chunk WHERE {which}", (ADOPTED,)).fetchone()  # noqa: S608  # our own words
    known, unknown = Known(int(rows)), {}
    cursor = db.execute(
        "SELECT id, identities, statuses, per_item FROM chunk JOIN chunk_rows ON chunk_rows.chunk = id"  # noqa: S608  # our own words
        f" JOIN outcome ON outcome.chunk = id WHERE {which} ORDER BY id",
        (ADOPTED,),
    )
    undone = has_undo(db)
    for chunk, identities, statuses, per_item in cursor:
        if generation is not None:
            statuses = without_claimed(db, chunk, statuses, GOES_ON)
        if undone:
            # What was taken back is not there; of what may have been, nobody can tell.
            for state, status in ((Undo.UNDONE, GOES_ON), (Undo.ASKED, Status.UNKNOWN)):
                statuses = _with(statuses, rows_in(db, chunk, per_item, state), status)
        there = statuses.count(Status.CREATED) + statuses.count(Status.ALREADY_UPLOADED)
        if there == len(statuses):
            known.add(identities, chunk, range(there))
            continue
        known.add(identities, chunk, where(statuses, Status.CREATED, Status.ALREADY_UPLOADED))
        for index in where(statuses, Status.UNKNOWN):
            unknown[identities[index * WIDTH : (index + 1) * WIDTH]] = chunk << 20 | index
    return known, unknown


def _with(statuses: bytes, rows: Sequence[int], status: Status) -> bytes:
    if not rows:
        return statuses
    changed = bytearray(statuses)
    for row in rows:
        changed[row] = status
    return bytes(changed)


def read_adopted(db: sqlite3.Connection, generation: int | None) -> tuple[Contents, Contents]:
    """The adopted tasks, in suites or not, and the suites as a whole; none for the generation of an `--again`.

    A suite's place is that of its first task.
    """
    tasks, suites = Contents(), Contents()
    if generation is not None:
        return tasks, suites
    for chunk, identities, per_item in db.execute(
        "SELECT id, identities, per_item FROM chunk JOIN chunk_rows ON chunk_rows.chunk = id"
        " WHERE mode = ? ORDER BY id",
        (ADOPTED,),
    ):
        contents = [identities[at : at + WIDTH] for at in range(0, len(identities), WIDTH)]
        tasks.add(contents, chunk)
        if per_item is not None:
            starts = list(accumulate(unpack(per_item), initial=0))
            wholes = [suite_content(contents[a:b]) for a, b in pairwise(starts)]
            suites.add(wholes, chunk, starts[:-1])
    return tasks, suites
