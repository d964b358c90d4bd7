"""The same rows in another file, other rows in the same file: what is new is sent, and nothing else."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from collections.abc import Callable

import pytest
from desk import Desk, at, lines, once, rows

from toloka_upload.errors import ExitStatus, Interrupted
from toloka_upload.report.observer import ChunkSent
from toloka_upload.run.upload import Upload


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_finished_file_says_so(desk: Desk, mode: str) -> None:
    """The same command again sends nothing and ends with 0."""
    desk.write(rows(25))
    desk.upload(mode=mode)
    posts = desk.posts()
    report = desk.upload(mode=mode)
    assert report.exit_status is ExitStatus.OK
    assert report.counts.already_uploaded == 25
    assert desk.posts() == posts


@pytest.mark.parametrize(
    "change",
    [
        lambda old: (old, {"chunk_size": 7}),
        lambda old: (old[::-1], {}),
        lambda old: ([*old[:13], *rows(50, 1000), *old[13:]], {}),
        lambda old: (old[5:20], {"mode": "sync"}),
        lambda old: ([json.loads(json.dumps(row, indent=1)) for row in old], {}),
    ],
    ids=["other chunks", "reversed", "grown", "a part, sync", "other spaces"],
)
def test_only_what_is_new_is_created(desk: Desk, change: Callable[..., tuple[list, dict]]) -> None:  # type: ignore[type-arg]
    """Whatever became of the file: the pool gets the rows that it has not got."""
    old = rows(40)
    desk.write(old)
    desk.upload()
    new, options = change(old)
    desk.write(new)
    report = desk.upload(**options)
    fresh = [row for row in new if row not in old]
    assert (report.exit_status, report.counts.created) == (ExitStatus.OK, len(fresh))
    assert desk.contents() == once([*old, *fresh])


def test_a_zipped_copy_under_another_name_is_the_same_rows(desk: Desk) -> None:
    """A row is known by its content, not by its file."""
    desk.write(rows(25))
    desk.upload()
    copy = desk.directory / "copy.txt.gz"
    copy.write_bytes(gzip.compress(lines(rows(25))))
    report = desk.upload(files=(str(copy),))
    assert report.counts.already_uploaded == 25
    assert desk.contents() == once(rows(25))


def test_one_more_equal_row_is_one_more_task(desk: Desk) -> None:
    """Two equal rows are two tasks: the ordinal among equals is part of a row's identity."""
    desk.write(rows(1) * 3)
    desk.upload()
    desk.write(rows(1) * 5)
    report = desk.upload()
    assert (report.counts.created, report.counts.already_uploaded) == (2, 3)
    assert desk.contents() == once(rows(1) * 5)


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_row_that_was_mended_after_the_server_refused_its_chunk(desk: Desk, mode: str) -> None:
    """The chunk's good rows are in; the mended one is all that is sent."""
    bad = [*rows(12), {"image": "no address"}, *rows(12, 100)]
    desk.write(bad)
    report = desk.upload(check=False, mode=mode)
    assert (report.exit_status, report.counts.created) == (ExitStatus.REJECTED, 24)
    mended = [*rows(12), {"image": "https://e.test/mended"}, *rows(12, 100)]
    desk.write(mended)
    report = desk.upload(check=False, mode=mode)
    assert (report.exit_status, report.counts.created) == (ExitStatus.OK, 1)
    assert desk.contents() == once(mended)


def test_what_was_checked_is_what_is_sent(desk: Desk) -> None:
    """A file that is overwritten while its upload runs changes nothing of that run."""
    desk.write(rows(50))
    overwrite = at(1, ChunkSent, lambda: desk.write(rows(50, 5000)))
    report = desk.upload(overwrite, concurrency=1)
    assert (report.exit_status, report.counts.created) == (ExitStatus.OK, 50)
    assert desk.contents() == once(rows(50))


def test_standard_input_is_sent_again_from_the_spool(desk: Desk) -> None:
    """A pipe can be read once; a chunk of it can be sent more than once, and the next run knows its rows."""
    desk.server.faults.add({"action": "reset", "method": "POST", "path": "/tasks", "nth": [1, 3]})
    settings = desk.settings(files=("-",), concurrency=1)
    upload: Upload

    def stop() -> None:
        upload.interrupt(Interrupted("enough"))

    upload = Upload(settings, at(3, ChunkSent, stop), stdin=io.BytesIO(lines(rows(60))))
    assert upload.run().exit_status is ExitStatus.INTERRUPTED
    report = desk.upload(files=("-",), stdin=lines(rows(60)))
    assert report.exit_status is ExitStatus.OK
    assert desk.contents() == once(rows(60))


def test_a_lost_state_directory_doubles_nothing(desk: Desk) -> None:
    """The ids of requests are derived from what they carry: the API recognises every one of them."""
    desk.write([*rows(34), *rows(9)])
    desk.upload()
    shutil.rmtree(desk.state)
    report = desk.upload()
    assert (report.exit_status, report.counts.already_uploaded) == (ExitStatus.OK, 43)
    assert desk.contents() == once([*rows(34), *rows(9)])
