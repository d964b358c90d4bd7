"""What we know about a pool, on disk: every chunk that was ever about to be sent, and what became of its rows.

One SQLite file for each endpoint, account and pool, in WAL mode with `synchronous=FULL`: a commit that has
returned survives a power cut. Only the holder of the pool's lock writes (`toloka_upload.lock`), over one connection;
readers open the file read-only. Nothing secret is in it, and it is private all the same (0600 in a directory of 0700).
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, chain
from operator import sub
from pathlib import Path
from typing import Any

from toloka_upload.errors import CannotWrite, UploadError
from toloka_upload.identity import WIDTH, Known
from toloka_upload.outcomes import Block, Outcome, Places, Status
from toloka_upload.rows.model import Fault

APPLICATION_ID = 0x544C4B55  # "TLKU"
VERSION = 1
GOES_ON = Status.UNSENT
"""In a chunk's outcome: the row went on in another chunk, whose outcome is the row's."""


class ChunkState(Enum):
    """A chunk's life, and what is on disk at each state.

    (planned) ──► SENDING ──► ACCEPTED ──► SETTLED
                     │            │           ▲
                     ├────────────┼──► UNSETTLED ─┘
                     └──► RETURNED ◄──┘
    """

    SENDING = "sending"
    """Before the first byte leaves: rows, operation id and digest are on disk. The request may have left.
    After a crash: ask for the operation by its id; without an operation (sync), look through the pool's listing."""
    ACCEPTED = "accepted"
    """The API runs the operation. After a crash: ask for it, then read its log."""
    SETTLED = "settled"
    """Every row has its final outcome on disk: created (with its id), already uploaded (with its id: the API had the
    whole request before this run sent it), rejected, or not created and free to go again."""
    UNSETTLED = "unsettled"
    """Some rows' outcome could not be found out; they count as unknown and are not sent again. Later runs ask anew."""
    RETURNED = "returned"
    """The request is known to have had no effect; its rows are free to be sent again."""


_SCHEMA = """
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


@dataclass(frozen=True, slots=True)
class Destination:
    """Where rows go: what exactly-once is promised for."""

    endpoint: str
    account: str
    pool: str


@dataclass(slots=True)
class SentChunk:
    """A chunk as the journal has it.

    Attributes:
        id: Its number in the journal.
        since: From when on the listing may show its items (the API's clock), or None: from the beginning.
        sent_at: Wall-clock time at which it was about to leave.
        contents: For each item the digest under which a listing shows it.
        per_item: Rows of each item, or None: one each.
    """

    id: int
    run: str
    state: ChunkState
    mode: str
    kind: str
    generation: int
    attempt: int
    operation_id: str | None
    digest: bytes
    parameters: dict[str, str]
    since: str | None
    sent_at: float
    items: int
    rows: int
    identities: bytes
    contents: bytes
    per_item: array[int] | None
    places: Places


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as a pool's journal has it; `report` is missing while it runs, and for good if it was killed."""

    id: str
    started: float
    finished: float | None
    generation: int
    settings: dict[str, Any]
    report: dict[str, Any] | None
    destination: Destination
    chunks: dict[str, int]
    rows: dict[str, int]


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
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = _connect(path, "rw")
            try:
                self._db.execute("PRAGMA synchronous=FULL")
                _verify(self._db, path, destination)
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
            "INSERT OR IGNORE INTO run (id, started, generation, settings) VALUES (?, ?, ?, ?)",
            (run, started, generation, json.dumps(settings)),
        )

    def finish_run(self, run: str, finished: float, report: dict[str, Any]) -> None:
        """Note how it ended."""
        self._write(
            "UPDATE run SET finished = ?, report = ? WHERE id = ?",
            (finished, json.dumps(report), run),
        )

    def sending(self, chunk: SentChunk, *, replaces: int | None = None) -> int:
        """Note that a chunk is about to leave; return its number in the journal.

        `replaces` is an earlier record of the very same request, which is closed in the same step.
        """
        with _Transaction(self._db, self.path) as db:
            db.execute(
                "UPDATE chunk SET state = ? WHERE id = ?", (ChunkState.RETURNED.value, replaces)
            )
            cursor = db.execute(
                "INSERT INTO chunk (run, state, mode, kind, generation, attempt, operation_id, digest,"
                " parameters, since, sent_at, items, rows) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    chunk.run,
                    ChunkState.SENDING.value,
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
                    None if chunk.per_item is None else _pack(chunk.per_item),
                    _pack(chunk.places.lines),
                    json.dumps(chunk.places.files),
                ),
            )
        return number

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
        with _Transaction(self._db, self.path) as db:
            db.execute(
                "INSERT OR REPLACE INTO outcome (chunk, statuses, ids, faults) VALUES (?,?,?,?)",
                (
                    chunk,
                    bytes(outcome.statuses),
                    zlib.compress("\n".join(outcome.ids).encode(), 1),
                    _pack_faults(outcome.faults),
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
                _pack(block.places.lines),
                json.dumps(block.places.files),
                None if places is None else _pack(places),
                _pack_faults(block.faults),
            ),
        )

    def _write(self, statement: str, values: Sequence[Any]) -> None:
        with _Transaction(self._db, self.path) as db:
            db.execute(statement, values)

    # Reading.

    def leftovers(self) -> list[SentChunk]:
        """Chunks whose rows have no final outcome yet, oldest first."""
        with _explained(self.path):
            return list(_chunks(self._db, "state IN ('sending', 'accepted', 'unsettled')"))

    def known(self, generation: int | None) -> tuple[Known, dict[bytes, int]]:
        """
        The rows that must not be sent: those created, with their places, and apart those that are unknown.

        Args:
            generation: Only what was sent in this generation (`--again`), or None: in any.
        """
        with _explained(self.path):
            return _known(self._db, generation)

    def outcome(self, chunk: int) -> Outcome | None:
        """What the journal has of a chunk's outcome."""
        with _explained(self.path):
            return _outcome(self._db, chunk)

    def look_up(self, where: Places, statuses: bytes, places: Sequence[int]) -> Iterator[Block]:
        """Rows that are known from before, as blocks with the ids of what was created."""
        with _explained(self.path):
            yield from known_blocks(self._db, self.destination.pool, where, statuses, places, {})

    def owned(self, ids: set[str]) -> set[str]:
        """Those of `ids` that chunks of this journal are known to have created."""
        found: set[str] = set()
        with _explained(self.path):
            for (packed,) in self._db.execute("SELECT ids FROM outcome") if ids else ():
                found.update(ids.intersection(zlib.decompress(packed).decode().split("\n")))
        return found

    def used(self, operation_id: str) -> bool:
        """Whether an operation of this id ran: its id is burnt, whatever it did."""
        with _explained(self.path):
            found = self._db.execute(
                "SELECT 1 FROM chunk WHERE operation_id = ? AND state IN ('settled', 'unsettled')",
                (operation_id,),
            ).fetchone()
        return found is not None

    def generations(self) -> tuple[int, RunRecord | None]:
        """The newest generation, and its last run (None before the first run)."""
        last = None
        with _explained(self.path):
            for record in runs(self._db, self.destination):
                if last is None or record.generation >= last.generation:
                    last = record
        return (last.generation if last else 0), last


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT; a disk that fails becomes `CannotWrite`."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise _unusable(self._path, error) from error
        return self._db

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        try:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")
        except sqlite3.Error as failure:
            raise _unusable(self._path, failure) from failure
        if isinstance(error, sqlite3.Error):
            raise _unusable(self._path, error) from error


@contextmanager
def open_to_read(path: Path) -> Iterator[tuple[sqlite3.Connection, Destination]]:
    """Open a journal read-only, also while a run writes it.

    Raises:
        CannotWrite: It is no journal, or it cannot be read; also while it is being used.
    """
    with _explained(path), closing(_connect(path, "ro")) as db:
        _check_version(db, path)
        found = db.execute("SELECT endpoint, account, pool FROM destination").fetchone()
        yield db, Destination(*found)


def peek(path: Path) -> tuple[Known, dict[bytes, int]] | None:
    """The rows that a pool's journal knows, without touching it; None where there is no journal."""
    if not path.exists():
        return None
    with open_to_read(path) as (db, _):
        return _known(db, None)


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


def chunks_of(db: sqlite3.Connection, run: str) -> Iterator[SentChunk]:
    """The chunks of one run, in the order in which they were sent."""
    return _chunks(db, "run = ?", run)


def blocks(db: sqlite3.Connection, destination: Destination, run: str) -> Iterator[Block]:
    """Every row of a run with its outcome, as far as the journal has it. Rows still in the air are unknown."""
    for chunk in chunks_of(db, run):
        outcome = _outcome(db, chunk.id)
        if chunk.state is ChunkState.RETURNED:
            continue
        if outcome is None:
            statuses = bytes([Status.UNKNOWN]) * chunk.rows
            yield Block(chunk.places, statuses, destination.pool, chunk.kind, chunk.operation_id)
        else:
            yield block_of(chunk, outcome, destination.pool).without(GOES_ON)
    cache: dict[int, tuple[SentChunk, list[str]]] = {}
    for status, lines, files, places, faults in db.execute(
        "SELECT status, lines, files, places, faults FROM passed WHERE run = ?", (run,)
    ):
        where = Places(_unpack(lines), [(file, count) for file, count in json.loads(files)])
        statuses = bytes([status]) * len(where)
        if places is None:
            yield Block(where, statuses, destination.pool, "", faults=_unpack_faults(faults))
        else:
            yield from known_blocks(db, destination.pool, where, statuses, _unpack(places), cache)


def known_blocks(
    db: sqlite3.Connection,
    pool: str,
    where: Places,
    statuses: bytes,
    places: Sequence[int],
    cache: dict[int, tuple[SentChunk, list[str]]],
) -> Iterator[Block]:
    """Rows known from before, with the ids that the journal has for them: a block for each run of one chunk."""
    start = 0
    while start < len(places):
        number = places[start] >> 20
        stop = start
        while stop < len(places) and places[stop] >> 20 == number:
            stop += 1
        if number not in cache:
            if len(cache) > 32:
                cache.clear()
            chunk = next(_chunks(db, "id = ?", number))
            outcome = _outcome(db, number)
            cache[number] = (chunk, outcome.row_ids(chunk.per_item) if outcome else [])
        chunk, ids = cache[number]
        yield Block(
            where.slice(start, stop),
            statuses[start:stop],
            pool,
            chunk.kind,
            chunk.operation_id,
            [ids[place & 0xFFFFF] if ids else "" for place in places[start:stop]],
        )
        start = stop


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


def prune_file(path: Path, before: float) -> list[str]:
    """Forget runs that ended before a time, but not the rows they created. The caller holds the pool's lock.

    A run that created something stays as the owner of its chunks; its list of passed rows and its report go.
    Runs with chunks whose outcome is open stay as they are.
    """
    with open_to_read(path):
        pass  # it is a journal
    with closing(_connect(path, "rw")) as db, _Transaction(db, path):
        old = [
            run
            for (run,) in db.execute(
                "SELECT id FROM run WHERE coalesce(finished, started) < ? AND settings != '{}' AND id NOT IN"
                " (SELECT run FROM chunk WHERE state IN ('sending', 'accepted', 'unsettled'))",
                (before,),
            )
        ]
        for run in old:
            db.execute("DELETE FROM passed WHERE run = ?", (run,))
            db.execute("UPDATE run SET report = NULL, settings = '{}' WHERE id = ?", (run,))
        db.execute("DELETE FROM run WHERE settings = '{}' AND id NOT IN (SELECT run FROM chunk)")
    return old


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=10.0, check_same_thread=False
    )


def _verify(db: sqlite3.Connection, path: Path, destination: Destination) -> None:
    """Make the tables of a new journal; refuse what is none of ours, before anything in it is changed."""
    new = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not new:
        _check_version(db, path)
    db.execute("PRAGMA journal_mode=WAL")
    if new:
        db.executescript(
            f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {VERSION}; COMMIT;"
        )
    row = db.execute("SELECT endpoint, account, pool FROM destination").fetchone()
    if row is None:
        db.execute(
            "INSERT INTO destination VALUES (?, ?, ?)",
            (destination.endpoint, destination.account, destination.pool),
        )
    elif Destination(*row) != destination:
        raise CannotWrite(
            f"The journal {path} belongs to another pool ({row[2]} at {row[0]}). "
            "Was it copied or renamed? Move it away, or use another --state-dir.",
            code="FOREIGN_JOURNAL",
        )


def _check_version(db: sqlite3.Connection, path: Path) -> None:
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
def _explained(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file becomes a `CannotWrite` that says what to do."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    except (zlib.error, ValueError, TypeError, StopIteration) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UploadError:
    return CannotWrite(
        f"The journal {path} is damaged ({error}), and is left as it is. Restore it from a backup; or move it away: "
        "then the pool is protected from doubled rows by the ids of asynchronous requests alone.",
        code="DAMAGED_JOURNAL",
    )


def _unusable(path: Path, error: Exception) -> UploadError:
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return _damaged(path, error)
    return CannotWrite(
        f"The journal {path} cannot be used: {error}. Nothing is sent without it: make room, mend its "
        "permissions, or name another directory with --state-dir.",
        code="JOURNAL",
    )


_SELECT_CHUNKS = """
SELECT id, run, state, mode, kind, generation, attempt, operation_id, digest, parameters, since, sent_at, items, rows,
    identities, contents, per_item, lines, files
FROM chunk JOIN chunk_rows ON chunk_rows.chunk = id WHERE """


def _chunks(db: sqlite3.Connection, where: str, *values: Any) -> Iterator[SentChunk]:
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
            per_item=None if per_item is None else _unpack(per_item),
            places=Places(_unpack(lines), [(file, count) for file, count in json.loads(files)]),
        )


def _outcome(db: sqlite3.Connection, chunk: int) -> Outcome | None:
    row = db.execute(
        "SELECT statuses, ids, faults FROM outcome WHERE chunk = ?", (chunk,)
    ).fetchone()
    if row is None:
        return None
    return Outcome(
        bytearray(row[0]), zlib.decompress(row[1]).decode().split("\n"), _unpack_faults(row[2])
    )


def _known(db: sqlite3.Connection, generation: int | None) -> tuple[Known, dict[bytes, int]]:
    known, unknown = Known(), {}
    cursor = db.execute(
        "SELECT id, identities, statuses, kind FROM chunk JOIN chunk_rows ON chunk_rows.chunk = id"
        " JOIN outcome ON outcome.chunk = id WHERE ?1 IS NULL OR generation = ?1 ORDER BY id",
        (generation,),
    )
    for chunk, identities, statuses, _kind in cursor:
        there = statuses.count(Status.CREATED) + statuses.count(Status.ALREADY_UPLOADED)
        if there == len(statuses):
            known.add(identities, chunk, range(there))
            continue
        known.add(identities, chunk, _where(statuses, Status.CREATED, Status.ALREADY_UPLOADED))
        for index in _where(statuses, Status.UNKNOWN):
            unknown[identities[index * WIDTH : (index + 1) * WIDTH]] = chunk << 20 | index
    return known, unknown


def _where(statuses: bytes, *wanted: Status) -> Iterator[int]:
    return (index for index, byte in enumerate(statuses) if byte in wanted)


def _pack(numbers: Sequence[int]) -> bytes:
    """Differences, compressed: consecutive numbers take next to nothing."""
    differences = array("q", map(sub, numbers, chain((0,), numbers)))
    return zlib.compress(differences.tobytes(), 1)


def _unpack(data: bytes) -> array[int]:
    differences = array("q", zlib.decompress(data))
    return array("q", accumulate(differences))


def _pack_faults(faults: Any) -> bytes | None:
    return zlib.compress(json.dumps(faults).encode(), 1) if faults else None


def _unpack_faults(data: bytes | None) -> dict[int, list[Fault]]:
    if data is None:
        return {}
    return {
        int(index): [Fault(*fault) for fault in faults]
        for index, faults in json.loads(zlib.decompress(data)).items()
    }
