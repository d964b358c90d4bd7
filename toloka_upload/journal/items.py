"""The items that a run has in a pool, as the journal knows them: with ids, contents and the rows they are made of."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from toloka_upload.items.identity import WIDTH
from toloka_upload.journal.packing import unpack, unpack_ids, where
from toloka_upload.journal.reading import read_outcome, select_chunks
from toloka_upload.journal.states import ADOPTED, ChunkState, SentChunk
from toloka_upload.journal.undoing import Undo, chunks_with, read_states
from toloka_upload.outcomes import Outcome, Places, Status

IN_POOL = (Status.CREATED, Status.ALREADY_UPLOADED)


class RunItem(NamedTuple):
    """One task or suite.

    Attributes:
        id: The API's.
        content: As chunks have it.
        whole: Its content with solutions and hint; None where the journal cannot tell.
        rows: (file, line) of the rows of the run that it is made of.
    """

    id: str
    content: bytes
    whole: bytes | None
    rows: list[tuple[str, int]]


class RunItems(NamedTuple):
    """Items of one chunk. `unsettled` are rows whose fate is open."""

    kind: str
    items: list[RunItem]
    unsettled: list[tuple[str, int]]


def items_of(db: sqlite3.Connection, run: str, kind: str) -> Iterator[RunItems]:
    """What a run has in the pool (`tasks` or `task-suites`): what it created, and what it found there."""
    for chunk in select_chunks(db, "run = ? AND kind = ?", run, kind):
        if chunk.state is ChunkState.RETURNED:
            continue
        outcome = read_outcome(db, chunk.id)
        rows = list(zip(chunk.places.file_of_rows(), chunk.places.lines, strict=True))
        if outcome is None:
            yield RunItems(chunk.kind, [], rows)
        else:
            unsettled = [rows[row] for row in where(bytes(outcome.statuses), Status.UNKNOWN)]
            there = list(where(bytes(outcome.statuses), *IN_POOL))
            yield RunItems(chunk.kind, _items(chunk, outcome, there, rows), unsettled)
    yield from _passed(db, run, kind)


def _passed(db: sqlite3.Connection, run: str, kind: str) -> Iterator[RunItems]:
    """The rows of a run that were known before."""
    for status, lines, files, places in db.execute(
        "SELECT status, lines, files, places FROM passed WHERE run = ? AND places IS NOT NULL",
        (run,),
    ):
        here = Places(unpack(lines), [(file, count) for file, count in json.loads(files)])
        rows = list(zip(here.file_of_rows(), here.lines, strict=True))
        if status == Status.UNKNOWN:
            if kind == "tasks":
                yield RunItems(kind, [], rows)
            continue
        by_chunk: dict[int, dict[int, tuple[str, int]]] = {}
        for place, row in zip(unpack(places), rows, strict=True):
            by_chunk.setdefault(place >> 20, {})[place & 0xFFFFF] = row
        for number, known in by_chunk.items():
            chunk = next(select_chunks(db, "id = ?", number))
            outcome = read_outcome(db, number)
            if outcome is not None and chunk.kind == kind:
                yield RunItems(kind, _items(chunk, outcome, list(known), known), [])


def _items(
    chunk: SentChunk,
    outcome: Outcome,
    there: Sequence[int],
    rows: Sequence[tuple[str, int]] | dict[int, tuple[str, int]],
) -> list[RunItem]:
    """The items that rows of a chunk belong to; `there` are their indexes, and `rows` where they stand."""
    owners = _owners(chunk.per_item)
    found: dict[int, list[tuple[str, int]]] = {}
    for row in there:
        found.setdefault(row if owners is None else owners[row], []).append(rows[row])
    items = []
    for item, own in found.items():
        content = chunk.contents[item * WIDTH : (item + 1) * WIDTH]
        identity = chunk.identities[item * WIDTH : (item + 1) * WIDTH]
        known = owners is None and (chunk.mode == ADOPTED or identity == content)
        items.append(RunItem(outcome.ids[item], content, identity if known else None, own))
    return items


def _owners(per_item: array[int] | None) -> array[int] | None:
    """The item of each row."""
    if per_item is None:
        return None
    owners = array("q", bytes(8 * sum(per_item)))
    for item, (start, count) in enumerate(
        zip(accumulate(per_item, initial=0), per_item, strict=False)
    ):
        for row in range(start, start + count):
            owners[row] = item
    return owners


def owned(db: sqlite3.Connection, ids: set[str]) -> set[str]:
    """Those of `ids` that the journal knows, from whatever run."""
    found: set[str] = set()
    for (packed,) in db.execute("SELECT ids FROM outcome") if ids else ():
        found.update(ids.intersection(unpack_ids(packed)))
    return found


def owned_by_equals(db: sqlite3.Connection, ids: set[str], sent: SentChunk) -> set[str]:
    """
    Those of `ids`, which a log gives to a chunk, that other chunks which were sent have.

    Only chunks with a row equal to one of this chunk's can have them. Where all rows are different, none has: equal
    rows of one input have ordinals, so that identities differ from contents, or they are of two generations.
    """
    found: set[str] = set()
    for (packed,) in db.execute(
        "SELECT ids FROM outcome JOIN chunk ON chunk.id = outcome.chunk JOIN chunk_rows ON chunk_rows.chunk = chunk.id"
        " WHERE chunk.id != ? AND mode != ? AND (contents IS NOT NULL OR generation != ? OR ?)",
        (sent.id, ADOPTED, sent.generation, sent.contents != sent.identities),
    ):
        found.update(ids.intersection(unpack_ids(packed)))
    return found


def ids_at(db: sqlite3.Connection, places: set[int]) -> dict[int, str]:
    """The ids of the items that rows became which the journal has at `places`."""
    found: dict[int, str] = {}
    by_chunk: dict[int, list[int]] = {}
    for place in places:
        by_chunk.setdefault(place >> 20, []).append(place)
    for number, here in by_chunk.items():
        chunk = next(select_chunks(db, "id = ?", number))
        outcome = read_outcome(db, number)
        if outcome is not None:
            ids = outcome.row_ids(chunk.per_item)
            found.update({place: ids[place & 0xFFFFF] for place in here})
    return found


class Created(NamedTuple):
    """A chunk with items that a run created: which they are, and where each stands."""

    chunk: SentChunk
    ids: list[str]
    items: list[int]
    states: bytearray


def created_by(db: sqlite3.Connection, run: str) -> Iterator[Created]:
    """What a run created, chunk by chunk."""
    numbers = db.execute("SELECT id FROM chunk WHERE run = ?", (run,)).fetchall()
    return _created(db, [number for (number,) in numbers])


def asked_to_take_back(db: sqlite3.Connection) -> Iterator[Created]:
    """Chunks with items that an `undo` may have asked to be taken back, and that have no answer on record."""
    return _created(db, chunks_with(db, Undo.ASKED))


def _created(db: sqlite3.Connection, chunks: Sequence[int]) -> Iterator[Created]:
    for number in chunks:
        chunk = next(select_chunks(db, "id = ?", number))
        outcome = read_outcome(db, chunk.id)
        if outcome is None:
            continue
        starts: Sequence[int] = range(chunk.items)
        if chunk.per_item is not None:
            starts = list(accumulate(chunk.per_item, initial=0))[:-1]
        items = [
            item
            for item, row in enumerate(starts)
            if outcome.statuses[row] == Status.CREATED and outcome.ids[item]
        ]
        if items:
            states = read_states(db, chunk.id) or bytearray([Undo.KEPT]) * chunk.items
            yield Created(chunk, outcome.ids, items, states)
