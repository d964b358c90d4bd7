"""`--again` gives each row one copy more for each time it is asked for, however often it is cut short."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from damage import make_older
from desk import Desk, at, once, rows

from toloka_upload.errors import ExitStatus, Interrupted
from toloka_upload.report.observer import ChunkSent, ChunkSettled
from toloka_upload.run import history
from toloka_upload.run.upload import Upload


def cut_short(desk: Desk, **changes: Any) -> None:
    """An `--again` that is interrupted on its way."""
    upload: Upload

    def stop() -> None:
        upload.interrupt(Interrupted("enough"))

    settings = desk.settings(again=True, concurrency=1, **changes)
    upload = Upload(settings, at(3, ChunkSent, stop))
    assert upload.run().counts.unsent > 0


def times(number: int, count: int) -> Any:
    """So many rows, each so many times."""
    return once(rows(count) * number)


def test_it_is_finished_by_the_next_whatever_ran_in_between(desk: Desk) -> None:
    """A plain run in between, and the same rows under another path."""
    desk.write(rows(60))
    desk.upload()
    cut_short(desk)
    assert desk.upload().counts.already_uploaded == 60
    other = desk.directory / "other.jsonl"
    desk.file.rename(other)
    report = desk.upload(again=True, files=(str(other),))
    assert report.exit_status is ExitStatus.OK
    assert desk.contents() == times(2, 60)
    desk.upload(again=True, files=(str(other),))
    assert desk.contents() == times(3, 60)


def test_each_row_counts_for_itself(desk: Desk) -> None:
    """Another `--again` with some of the rows takes what is there of them; the first one is owed one of its own."""
    desk.write(rows(60))
    desk.upload()
    cut_short(desk)
    there = desk.contents() - times(1, 60)
    desk.write(rows(10))
    assert desk.upload(again=True).counts.already_uploaded == 10
    assert desk.contents() == times(1, 60) + there
    desk.write(rows(60))
    assert desk.upload(again=True).exit_status is ExitStatus.OK
    assert desk.contents() == times(2, 60) + times(1, 10)
    desk.write(rows(10))
    assert desk.upload(again=True).counts.created == 10


def test_pruning_does_not_forget_it(desk: Desk) -> None:
    """One that was cut short is needed to finish it."""
    desk.write(rows(60))
    desk.upload()
    cut_short(desk)
    assert history.prune(desk.state, 0.0, time.time() + 60.0) == 1
    desk.upload(again=True)
    assert desk.contents() == times(2, 60)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_has_no_end_on_record_did_not_end(desk: Desk, error: type[BaseException]) -> None:
    """An observer raises: the run is not kept as one that ended well, and its copies are finished, not doubled."""
    desk.write(rows(60))
    desk.upload()

    def fail() -> None:
        raise error

    with pytest.raises(error):
        desk.upload(at(3, ChunkSettled, fail), again=True, concurrency=1)
    newest = history.past_runs(desk.state)[0]
    assert (newest.state, newest.report) == ("killed", None)
    assert newest.next_step.startswith("run the same command again")
    assert desk.upload(again=True).exit_status is ExitStatus.OK
    assert desk.contents() == times(2, 60)


def test_one_that_an_older_version_left_is_finished(desk: Desk) -> None:
    """Its journal is brought to this version, and says which `--again` was cut short."""
    desk.write(rows(60))
    desk.upload()
    cut_short(desk)
    (path,) = (desk.state / "journals").glob("*.db")
    make_older(path)
    assert desk.upload(dry_run=True).counts.already_uploaded == 60
    desk.upload(again=True)
    assert desk.contents() == times(2, 60)


def test_a_file_named_twice_over_is_one(desk: Desk, tmp_path: Path) -> None:
    """A pool's number and an address have one spelling each."""
    from toloka_upload.api.target import Target, base_url
    from toloka_upload.settings import pool_id

    desk.write(rows(10))
    desk.upload()
    address = desk.server.url.replace("http://", "HTTP://").replace("/api", "/./x/..//api")
    target = Target(base_url(address), "custom", None, "OAuth x")
    report = desk.upload(target=target, pool=pool_id("021"))
    assert report.counts.already_uploaded == 10
    assert [path.name for path in tmp_path.glob("state/journals/*.db")] != []
