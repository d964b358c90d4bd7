"""A journal that has lost anything says so: exit 73, and no row twice, whatever was lost."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damage import (
    Damage,
    cut_wal,
    delete_journal,
    delete_mark,
    delete_wal,
    flip,
    garble_mark,
    lose_a_row,
    make_older,
    overwrite_wal,
)
from desk import Desk, at, once, rows

from toloka_upload import journal
from toloka_upload.errors import ExitStatus
from toloka_upload.journal import high_water
from toloka_upload.journal.checksums import Tally, checksum
from toloka_upload.report.observer import ChunkSent, ChunkSettled
from toloka_upload.report.summary import Report


def journal_of(desk: Desk) -> Path:
    """The journal of pool 21."""
    (path,) = (desk.state / "journals").glob("*-pool-21-*.db")
    return path


def killed(desk: Desk) -> Path:
    """A run that was killed after four chunks: its journal, with a WAL."""
    desk.write(rows(60))
    pid = os.fork()
    if not pid:
        try:
            desk.upload(at(4, ChunkSettled, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    return journal_of(desk)


def assert_refused(report: Report) -> None:
    """73, what to do, and nothing was sent."""
    assert report.exit_status is ExitStatus.CANNOT_WRITE
    assert report.error is not None
    assert report.error.code == "DAMAGED_JOURNAL"
    assert "adopt --pool 21" in report.error.message
    assert report.counts.created == 0


@pytest.mark.parametrize(
    "damage", [delete_wal, cut_wal, overwrite_wal, delete_journal, delete_mark, garble_mark]
)
def test_a_journal_that_lost_commits_is_noticed(desk: Desk, damage: Damage) -> None:
    """After a kill the newest commits are in the WAL alone: without it the journal is an older one."""
    path = killed(desk)
    damage(path)
    before = {
        file.name: file.read_bytes() for file in path.parent.iterdir() if file.suffix != ".lock"
    }
    posts = desk.posts()
    assert_refused(desk.upload(chunk_size=7))
    assert_refused(desk.upload(chunk_size=7, dry_run=True))
    assert desk.posts() == posts
    for name, data in before.items():
        if not name.endswith("-shm"):
            assert (path.parent / name).read_bytes() == data, "it is left as it is"


@pytest.mark.parametrize(
    "damage",
    [
        flip("chunk_rows", "identities"),
        flip("chunk_rows", "lines"),
        flip("outcome", "statuses"),
        flip("outcome", "ids"),
        flip("chunk", "state"),
        flip("chunk", "operation_id"),
        flip("chunk", "sent_at"),
        flip("run", "generation"),
        lose_a_row("outcome"),
        lose_a_row("chunk_rows"),
        lose_a_row("chunk"),
        lose_a_row("run"),
    ],
    ids=lambda damage: damage.__name__,
)
def test_a_value_that_is_not_what_was_written_is_noticed(desk: Desk, damage: Damage) -> None:
    """SQLite does not: every row carries a checksum, and a sum says which rows there must be."""
    desk.write(rows(30))
    assert desk.upload().exit_status is ExitStatus.OK
    damage(journal_of(desk))
    assert_refused(desk.upload(chunk_size=7))
    assert desk.contents() == once(rows(30))


def test_an_older_copy_that_was_put_back_is_noticed(desk: Desk) -> None:
    """The mark says how many commits were made to it; an older copy has fewer."""
    desk.write(rows(30))
    desk.upload()
    path = journal_of(desk)
    shutil.copy(path, desk.directory / "copy")
    desk.write(rows(40))
    desk.upload()
    shutil.copy(desk.directory / "copy", path)
    assert_refused(desk.upload(chunk_size=7))
    make_older(path)
    high_water.create(path, Tally("x", 7, 7))
    assert_refused(desk.upload(chunk_size=7))


def test_another_journal_of_the_same_pool_is_noticed(desk: Desk, tmp_path: Path) -> None:
    """One that was begun elsewhere knows other rows."""
    desk.write(rows(30))
    desk.upload()
    path = journal_of(desk)
    shutil.copy(path, tmp_path / "mine")
    shutil.copy(path.with_suffix(".mark"), tmp_path / "mark")
    path.unlink()
    path.with_suffix(".mark").unlink()
    desk.upload()
    shutil.copy(tmp_path / "mine", path)
    assert_refused(desk.upload())
    shutil.copy(tmp_path / "mark", path.with_suffix(".mark"))
    assert desk.upload().exit_status is ExitStatus.OK


@pytest.mark.parametrize("what", ["journals", "mark", "db"])
def test_a_journal_that_is_deleted_during_a_run_is_noticed(desk: Desk, what: str) -> None:
    """Before the next request leaves: what cannot be written down is not sent."""
    desk.write(rows(100))

    def delete() -> None:
        if what == "journals":
            shutil.rmtree(desk.state / "journals")
        else:
            journal_of(desk).with_suffix(f".{what}").unlink()

    report = desk.upload(at(3, ChunkSent, delete), concurrency=1)
    assert report.exit_status is ExitStatus.CANNOT_WRITE
    assert desk.posts() <= 4
    counts = report.counts
    assert counts.read == counts.created + counts.unknown + counts.unsent
    assert desk.contents().total() <= counts.created + counts.unknown


def test_a_journal_that_another_run_began_meanwhile_is_left_alone(desk: Desk) -> None:
    """Somebody deleted the first one's; whose journal it is stands in the mark."""
    desk.write(rows(40))

    def replace() -> None:
        shutil.rmtree(desk.state / "journals")
        assert desk.upload(results=None).exit_status is ExitStatus.OK

    report = desk.upload(at(2, ChunkSent, replace), concurrency=1)
    assert report.exit_status is ExitStatus.CANNOT_WRITE
    assert desk.upload().counts.already_uploaded == 40


def test_a_kill_between_a_commit_and_its_mark_is_no_damage(desk: Desk) -> None:
    """The journal is then one commit ahead, and nothing was sent because of it."""
    desk.write(rows(5))
    desk.upload()
    path = journal_of(desk)
    behind = high_water.read(path)
    desk.write(rows(9))
    desk.upload()
    assert behind is not None
    high_water.create(path, behind)
    assert desk.upload().exit_status is ExitStatus.OK
    mark = high_water.read(path)
    assert mark is not None
    assert mark.commits > behind.commits


def test_a_mark_that_was_half_written_keeps_the_one_before(tmp_path: Path) -> None:
    """Two slots take turns."""
    path = tmp_path / "journal.db"
    path.touch()
    high_water.create(path, Tally("name", 1, 5))
    high_water.advance(path, Tally("name", 2, 6))
    assert high_water.read(path) == Tally("name", 2, 6)
    mark = high_water.mark_path(path)
    data = mark.read_bytes()
    mark.write_bytes(b"0" * 40 + data[40:])
    assert high_water.read(path) == Tally("name", 1, 5)


def test_checksums_tell_values_apart() -> None:
    """Neither moving a byte from one value to the next nor another type goes unnoticed."""
    values: list[tuple[Any, ...]] = [
        (b"ab", b"c"),
        (b"a", b"bc"),
        (1, 2),
        (12, 2),
        (1.0, 2),
        (None, 2),
    ]
    assert len({checksum(*value) for value in values}) == len(values)


@pytest.mark.parametrize("damage", [delete_wal, delete_journal, garble_mark])
def test_what_is_damaged_is_kept_aside(desk: Desk, damage: Callable[[Path], None]) -> None:
    """Under another name, with all that belongs to it; then a new journal can begin."""
    path = killed(desk)
    damage(path)
    there = {file.name for file in path.parent.iterdir() if file.suffix != ".lock"}
    aside = journal.keep_aside(path)
    assert aside is not None
    kept = {file.name for file in path.parent.iterdir() if file.suffix != ".lock"}
    assert {f"{name}.damaged-1" for name in there if not name.endswith("-shm")} <= kept
    assert not path.exists()
    destination = journal.Destination(f"{desk.server.url}/api/v1", "", "21")
    journal.Journal(path, destination).close()
    assert journal.keep_aside(path) is None
    path.unlink()
    assert journal.keep_aside(path) == Path(f"{path}.damaged-2")


def test_a_damaged_journal_is_kept_aside_and_replaced_where_that_is_asked_for(desk: Desk) -> None:
    """As `adopt` asks: the old files stay under other names, and a new journal begins."""
    path = killed(desk)
    flip("chunk_rows", "identities")(path)
    kept = journal.keep_aside(path)
    assert kept is not None
    assert kept.exists()
    assert not path.exists()
    desk.write(rows(3))
    assert desk.upload().exit_status is ExitStatus.OK
