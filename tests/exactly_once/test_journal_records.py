"""What the journal keeps of chunks and runs, record by record."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from simulated_server import Weather
from simulation import History

from toloka_upload.errors import CannotWrite, ExitStatus
from toloka_upload.items.identity import WIDTH
from toloka_upload.journal import (
    ChunkState,
    Destination,
    Journal,
    SentChunk,
    Step,
    high_water,
    oldest_open,
)
from toloka_upload.journal.checksums import Tally
from toloka_upload.journal.file import APPLICATION_ID, VERSION, check_version
from toloka_upload.journal.reading import open_to_read, steps
from toloka_upload.outcomes import Block, Outcome, Places, Status
from toloka_upload.rows.model import Fault
from toloka_upload.sending.recovery import _known_so_far


def chunk(rows: int = 4, **changes: Any) -> SentChunk:
    """A chunk of so many different rows, about to be sent."""
    digests = b"".join(bytes([row]) * WIDTH for row in range(rows))
    given: dict[str, Any] = {
        "id": 0,
        "run": "run",
        "state": ChunkState.SENDING,
        "mode": "async",
        "kind": "tasks",
        "generation": 0,
        "attempt": 0,
        "operation_id": "op-1",
        "digest": b"d",
        "parameters": {"async_mode": "true"},
        "since": None,
        "sent_at": 10.0,
        "items": rows,
        "rows": rows,
        "identities": digests,
        "contents": digests,
        "per_item": None,
        "places": Places(array("q", range(1, rows + 1)), [("tasks.jsonl", rows)]),
    }
    return SentChunk(**{**given, **changes})


def test_a_lost_request_goes_again_at_once_where_the_input_still_has_its_rows(
    tmp_path: Path,
) -> None:
    """Under its own id that is safe at any time; only otherwise the run waits until it cannot arrive any more."""
    rows = [{"n": 1}, {"n": 2}]
    took = {}
    for name, again in (("same", rows), ("other", rows[1:])):
        (tmp_path / name).mkdir()
        history = History(tmp_path / name, 0, Weather(script={1: "lost_before"}))
        for step in count(1):  # killed just after the request was lost
            if history.run(rows, crash_at=step) is None and history.server.creating:
                break
        began = history.server.now
        history.server.weather = history.server.weather.cleared()
        report = history.run(again)
        assert report is not None
        assert report.exit_status is ExitStatus.OK
        took[name] = history.server.now - began
    assert took["same"] < 10.0
    assert took["other"] > 10.0


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Journal]:
    """A journal with a run in it."""
    destination = Destination("https://api.test/api/v1", "", "21")
    with closing(Journal(tmp_path / "journals" / "a.db", destination)) as made:
        made.begin_run("run", 1.0, 0, {})
        yield made


def states(book: Journal, run: str = "run") -> dict[int, ChunkState]:
    """The state of each chunk."""
    with open_to_read(book.path) as (db, _):
        return {step.id: step.state for step in steps(db, run)}


def mixed() -> Outcome:
    """One row of each outcome."""
    statuses = [Status.CREATED, Status.UNSENT, Status.REJECTED, Status.UNKNOWN]
    return Outcome(bytearray(statuses), ["a", "", "", ""], {2: [Fault("f", "CODE", "m")]})


def test_what_was_committed_is_on_disk(book: Journal) -> None:
    """After each commit: SQLite's `FULL` is 2."""
    assert book._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert book._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_only_journals_of_known_formats_are_read(tmp_path: Path) -> None:
    """The mark of the program alone does not make one, and neither does a number of a format."""
    for application, version, code in (
        (APPLICATION_ID, VERSION, None),
        (APPLICATION_ID, 1, None),
        (APPLICATION_ID, 0, "FOREIGN_JOURNAL"),
        (7, VERSION, "FOREIGN_JOURNAL"),
        (APPLICATION_ID, VERSION + 1, "NEWER_JOURNAL"),
    ):
        with closing(sqlite3.connect(":memory:")) as db:
            db.execute(f"PRAGMA application_id = {application}")
            db.execute(f"PRAGMA user_version = {version}")
            if code is None:
                check_version(db, tmp_path)
                continue
            with pytest.raises(CannotWrite) as caught:
                check_version(db, tmp_path)
            assert caught.value.code == code


def test_how_far_the_chunks_of_a_run_are(book: Journal) -> None:
    """What changes of each, and how much it is, in the order in which they were sent; of other runs' nothing."""
    first = book.sending(chunk())
    second = book.sending(chunk(3, items=2, per_item=array("q", [1, 2]), attempt=1, sent_at=20.0))
    book.sending(chunk(run="other"))
    book.move(first, ChunkState.ACCEPTED)
    with open_to_read(book.path) as (db, _):
        assert list(steps(db, "run")) == [
            Step(first, ChunkState.ACCEPTED, "op-1", 0, 4, 4, 10.0),
            Step(second, ChunkState.SENDING, "op-1", 1, 2, 3, 20.0),
        ]
        assert oldest_open(db) == 10.0
    book.move(first, ChunkState.RETURNED)
    with open_to_read(book.path) as (db, _):
        assert oldest_open(db) == 10.0, "the other run's"


def test_a_record_that_is_replaced_is_closed_in_the_same_step(book: Journal) -> None:
    """The same request has one open record: two would be settled twice. The others stay as they are."""
    first, other = book.sending(chunk()), book.sending(chunk(operation_id="op-2"))
    second = book.sending(chunk(), replaces=first)
    assert states(book) == {
        first: ChunkState.RETURNED,
        other: ChunkState.SENDING,
        second: ChunkState.SENDING,
    }
    assert [left.id for left in book.leftovers()] == [other, second]


def test_a_leftover_is_what_was_sent(book: Journal) -> None:
    """Every part of it: the next run puts the request together again from it."""
    suites = chunk(
        kind="task-suites", items=2, per_item=array("q", [1, 3]), since="2024", attempt=2
    )
    book.sending(chunk())
    book.sending(suites)
    for left, sent in zip(book.leftovers(), (chunk(), suites), strict=True):
        sent.id = left.id
        assert left == sent


def test_moving_a_chunk_keeps_its_operation_unless_it_has_another_one(book: Journal) -> None:
    """The API may name another operation than it was asked for."""
    number = book.sending(chunk())
    book.move(number, ChunkState.ACCEPTED)
    (left,) = book.leftovers()
    assert (left.state, left.operation_id) == (ChunkState.ACCEPTED, "op-1")
    book.move(number, ChunkState.ACCEPTED, operation_id="op-9")
    assert book.leftovers()[0].operation_id == "op-9"
    book.move(number, ChunkState.RETURNED)
    assert book.leftovers() == []


def test_a_request_that_leaves_again_has_its_time_anew(book: Journal) -> None:
    """From then on counts how long it may take; of no other chunk."""
    first, second = book.sending(chunk()), book.sending(chunk(operation_id="op-2"))
    book.sent_again(second, 99.0)
    assert {left.id: left.sent_at for left in book.leftovers()} == {first: 10.0, second: 99.0}


def test_a_chunk_is_settled_when_nothing_of_it_is_unknown(book: Journal) -> None:
    """Until then it is unsettled, and asked about again; what was found out is kept."""
    number = book.sending(chunk())
    assert book.outcome(number) is None
    book.settle(number, mixed())
    assert states(book)[number] is ChunkState.UNSETTLED
    assert book.outcome(number) == mixed()
    known, unknown = book.known(None)
    assert unknown == {bytes([3]) * WIDTH: number << 20 | 3}
    assert known.find([bytes([row]) * WIDTH for row in range(4)]) == [number << 20, -1, -1, -1]
    done = Outcome(bytearray([Status.CREATED]) * 4, list("abcd"), {})
    book.settle(number, done)
    assert states(book)[number] is ChunkState.SETTLED
    assert book.outcome(number) == done
    assert book.leftovers() == []


def test_what_an_earlier_attempt_to_settle_found_out_is_taken_over(book: Journal) -> None:
    """Ids, refusals, and what is free: those rows went on in another chunk, and must not be looked for."""
    number = book.sending(chunk())
    book.settle(number, mixed())
    (sent,) = book.leftovers()
    pool: Any = SimpleNamespace(book=book)
    known = _known_so_far(pool, sent)
    assert known.reading.ids == ["a", "", "", ""]
    assert known.free == {1}
    assert list(known.reading.faults) == [2]
    assert known.open() == [3]


def test_what_was_found_out_of_suites_is_by_suite(book: Journal) -> None:
    """The rows of one have its outcome."""
    number = book.sending(chunk(kind="task-suites", items=3, per_item=array("q", [1, 2, 1])))
    statuses = [Status.UNKNOWN, Status.UNSENT, Status.UNSENT, Status.REJECTED]
    faults = {3: [Fault("f", "CODE", "m")]}
    book.settle(number, Outcome(bytearray(statuses), ["", "", ""], faults))
    (sent,) = book.leftovers()
    pool: Any = SimpleNamespace(book=book)
    known = _known_so_far(pool, sent)
    assert (known.free, list(known.reading.faults), known.open()) == ({1}, [2], [0])


@pytest.mark.parametrize(
    ("last", "used"),
    [
        (ChunkState.SENDING, False),
        (ChunkState.ACCEPTED, False),
        (ChunkState.RETURNED, False),
        (ChunkState.UNSETTLED, True),
        (ChunkState.SETTLED, True),
    ],
)
def test_an_operation_id_is_used_up_once_its_operation_ran(
    book: Journal, last: ChunkState, *, used: bool
) -> None:
    """One that had no effect serves again."""
    number = book.sending(chunk())
    if last is ChunkState.UNSETTLED:
        book.settle(number, mixed())
    elif last is ChunkState.SETTLED:
        book.settle(number, Outcome(bytearray([Status.CREATED]) * 4, list("abcd"), {}))
    else:
        book.move(number, last)
    assert book.used("op-1") is used
    assert book.used("op-2") is False


def test_ids_that_chunks_have_are_known(book: Journal) -> None:
    """Of all that were asked for, and no others; besides a chunk: of the others that were sent."""
    first, second = book.sending(chunk(2)), book.sending(chunk(2, operation_id="op-2"))
    book.settle(first, Outcome(bytearray([Status.CREATED]) * 2, ["a", "b"], {}))
    book.settle(second, Outcome(bytearray([Status.CREATED, Status.UNKNOWN]), ["c", ""], {}))
    assert book.owned({"a", "c", "x"}) == {"a", "c"}
    assert book.owned(set()) == set()
    assert [list(ids) for ids in book.ids()] == [["a", "b"], ["c"]]


def test_a_generation_is_begun_anew_only_after_one_that_is_complete(book: Journal) -> None:
    """So that the ids of one that was cut short serve again."""
    assert book.next_generation() == 1
    book.begin_run("again", 2.0, 1, {"again": True})
    assert book.next_generation() == 1
    counts = {"created": 1, "unsent": 0, "unknown": 0}
    for changed in ({"unsent": 1}, {"unknown": 1}):
        book.finish_run("again", 3.0, {"exit_code": 0, "counts": {**counts, **changed}})
        assert book.next_generation() == 1
    book.finish_run("again", 3.0, {"exit_code": 75, "counts": counts})
    assert book.next_generation() == 1
    book.finish_run("again", 3.0, {"exit_code": 1, "counts": counts})
    assert book.next_generation() == 2


def test_copies_that_a_later_again_took_are_on_account_no_more(book: Journal) -> None:
    """What one sent that was cut short is the next one's, once; for any other run it is known as before."""
    book.begin_run("cut", 2.0, 1, {"again": True})
    number = book.sending(chunk(run="cut", generation=1))
    book.settle(number, Outcome(bytearray([Status.CREATED]) * 4, list("abcd"), {}))
    rows = [bytes([row]) * WIDTH for row in range(4)]
    everything = [number << 20 | row for row in range(4)]
    assert book.known(1)[0].find(rows) == everything
    book.begin_run("next", 3.0, 1, {"again": True})
    one = Places(array("q", [2]), [("tasks.jsonl", 1)])
    taken = Block(one, bytes([Status.ALREADY_UPLOADED]), "21", "")
    book.passed("next", taken, places=[number << 20 | 1])
    book.finish_run("next", 4.0, {"exit_code": 0, "counts": {"created": 0}})
    assert book.known(2)[0].find(rows) == [everything[0], -1, everything[2], everything[3]]
    assert book.known(None)[0].find(rows) == everything


def test_either_half_of_a_new_mark_is_enough(tmp_path: Path) -> None:
    """They take turns from then on."""
    path = tmp_path / "a.db"
    path.touch()
    for half in (0, 1):
        high_water.create(path, Tally("name", 7, 5))
        mark = high_water.mark_path(path)
        data = bytearray(mark.read_bytes())
        assert len(data) == 256
        data[half * 128 : half * 128 + 128] = bytes(128)
        mark.write_bytes(data)
        assert high_water.read(path) == Tally("name", 7, 5)


def test_pruning_forgets_runs_that_ended_before_and_nothing_that_is_open(book: Journal) -> None:
    """A run whose chunks are open, and an `--again` that was cut short, stay as they are."""
    for name, settings in (("old", {"a": 1}), ("open", {"a": 1}), ("cut", {"again": True})):
        book.begin_run(name, 2.0, 0, settings)
    book.sending(chunk(run="open"))
    settled = book.sending(chunk(run="old", operation_id="op-2"))
    book.settle(settled, Outcome(bytearray([Status.CREATED]) * 4, list("abcd"), {}))
    book.begin_run("gone", 2.0, 0, {"a": 1})
    book.begin_run("late", 50.0, 0, {"a": 1})
    assert sorted(book.prune(10.0)) == ["gone", "old"]
    with open_to_read(book.path) as (db, _):
        left = dict(db.execute("SELECT id, settings FROM run"))
    assert left == {
        "old": "{}",
        "open": '{"a": 1}',
        "cut": '{"again": true}',
        "late": '{"a": 1}',
    }
    assert book.known(None)[0].find([bytes([3]) * WIDTH]) == [settled << 20 | 3]
