"""A disk that fails at any change, or forgets what was not synced: the journal opens, or the run says 73.

What is tried here is a part; `disk_campaign.py` leaves nothing out.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import faulty_disk
import pytest
from disk_campaign import FIRST, MODES, ROWS, Campaign, World, campaign, memory
from faulty_disk import FAULTS, FaultyDisk
from power_cut import Change, Cut, Disk, Recorder

from toloka_upload import journal
from toloka_upload.journal import Destination, writing
from toloka_upload.policies.rate import RateLimit, Taken, Window

pytestmark = pytest.mark.skipif(
    not faulty_disk.is_possible(), reason="this Python's SQLite is part of it"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory, in memory where there is one."""
    path = memory()
    yield path
    shutil.rmtree(path)


def test_whatever_the_disk_does_each_row_is_there_once_in_the_end(place: Path) -> None:
    """The nth change fails, or the nth read, or the power goes off before the nth sync; then the same command."""
    account = campaign(place, stride=97)
    assert account.problems == []
    assert {fault for fault in FAULTS if account.seen[f"{fault}: ended with 73"]} == set(FAULTS)
    assert account.seen["power cut"] > 50


def test_a_journal_that_is_not_synced_is_caught(place: Path) -> None:
    """The campaign can fail: with commits that are not on disk when they return, rows are doubled."""
    prepare = writing.prepare

    def carelessly(db: sqlite3.Connection, path: Path, destination: Destination) -> None:
        prepare(db, path, destination)
        db.execute("PRAGMA synchronous=NORMAL")

    tried = Campaign(place)
    with mock.patch.object(writing, "prepare", carelessly):
        moments = tried.recorded(FIRST, MODES["sync"])
    forgotten = [(Cut(cut.synced, ()), server) for cut, server in moments]
    tried.cuts("sync", forgotten, MODES["sync"])
    assert any("doubled" in problem for problem in tried.account.problems)


def test_a_run_that_is_cut_off_while_it_makes_its_journal_is_no_trouble(place: Path) -> None:
    """SQLite then left a rollback journal beside it, which nobody who only reads can do away with."""
    tried = Campaign(place)
    begun = [
        World(disk, server)
        for cut, server in tried.recorded(FIRST, MODES["async"])
        for _, disk in cut.disks()
        if any("-pool-21-" in name and name.endswith(".db-journal") for name in disk)
    ]
    assert begun
    for number, world in enumerate(begun):
        directory = place / f"begun-{number}"
        directory.mkdir()
        history = world.begin(directory)
        for path in history.state.glob("journals/*.db"):
            assert not journal.is_begun(path)
            assert journal.peek(path) is None
        history.finish(ROWS, **MODES["async"])


def test_the_log_of_what_was_sent_lately_survives_a_power_cut(tmp_path: Path) -> None:
    """It may have lost its last entries, and can be read."""
    moments: list[Cut] = []
    with FaultyDisk(tmp_path, recorder=Recorder(tmp_path, moments.append)):
        limit = RateLimit(tmp_path / "rate.db", "us", [Window(100, 60, "minute")], lambda: 1.0)
        for _ in range(3):
            taken = limit.take(10)
            assert isinstance(taken, Taken)
            limit.confirm(taken.ticket)
        limit.close()
    for disk in [disk for cut in moments for _, disk in cut.disks()][::3]:
        for name in ("rate.db", "rate.db-journal"):
            (tmp_path / name).unlink(missing_ok=True)
            if data := disk.get(str(tmp_path / name)):
                (tmp_path / name).write_bytes(data)
        limit = RateLimit(tmp_path / "rate.db", "us", [Window(100, 60, "minute")], lambda: 1.0)
        assert isinstance(limit.take(10), Taken)
        limit.close()


def test_a_file_that_fails_says_so_as_sqlite_does(tmp_path: Path) -> None:
    """An I/O error and a full disk reach the program as the errors that SQLite has for them."""
    for fault, words in (("once", "disk I/O error"), ("full", "full"), ("read", "disk I/O error")):
        path = tmp_path / f"{fault}.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("CREATE TABLE t (x)")
        with (
            FaultyDisk(tmp_path, fault, 3) as disk,
            pytest.raises(sqlite3.OperationalError, match=words),
            closing(sqlite3.connect(path, isolation_level=None)) as db,
        ):
            db.execute("INSERT INTO t VALUES (1)")
        assert disk.failed
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    with closing(sqlite3.connect(tmp_path / "once.db")) as db, db:
        db.execute("INSERT INTO t VALUES (1)")  # the layer is gone again


def test_what_was_synced_is_what_is_there(tmp_path: Path) -> None:
    """The recorder's account of a database is the database, byte for byte."""
    cuts: list[Cut] = []
    recorder = Recorder(tmp_path, cuts.append)
    path = tmp_path / "some.db"
    with FaultyDisk(tmp_path, recorder=recorder), closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE t (x)")
        with db:
            db.execute("INSERT INTO t VALUES (zeroblob(10000))")
        log = f"{path}-wal"
        assert recorder.synced.contents()[log] == Path(log).read_bytes()
    assert recorder.synced.contents()[str(path)] == path.read_bytes()
    assert len(cuts) > 4


def test_a_power_cut_leaves_what_was_synced_and_any_of_the_rest() -> None:
    """All lost, none, each alone, each alone kept, each half written."""
    there = Disk({0: bytearray(b"123")}, {"a": 0})
    changes = (Change("write", "a", 0, 2, b"xyzu"), Change("truncate", "a", 0, 4))
    disks = [(name, disk["a"]) for name, disk in Cut(there, changes).disks()]
    assert disks == [
        ("all lost", b"123"),
        ("none lost", b"12xy"),
        ("0 lost", b"123\0"),
        ("0 kept", b"12xyzu"),
        ("0 torn", b"12xy"),
        ("1 lost", b"12xyzu"),
        ("1 kept", b"123\0"),
    ]


def test_a_power_cut_may_undo_what_became_of_a_name() -> None:
    """A file whose name was not synced is lost with all that is in it; one that was deleted may be there again."""
    there = Disk({0: bytearray(b"old"), 1: bytearray(b"new")}, {"a": 0})
    cut = Cut(there, (Change("delete", "a", 0), Change("create", "a", 1)))
    assert dict(cut.disks()) == {
        "all lost": {"a": b"old"},
        "none lost": {"a": b"new"},
        "0 lost": {"a": b"new"},
        "0 kept": {},
        "1 lost": {},
        "1 kept": {"a": b"new"},
    }
    assert there.contents() == {"a": b"old"}, "the disk itself is as it was"
