"""A journal that cannot be used ends the run with 73 before anything is sent, and is left as it is."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from desk import Desk, once, rows

from toloka_upload.errors import ExitStatus
from toloka_upload.journal import Destination, Journal
from toloka_upload.journal.file import VERSION


def journal_of(desk: Desk) -> Path:
    """The journal of pool 21."""
    (path,) = (desk.state / "journals").glob("*-pool-21-*.db")
    return path


def set_pragma(name: str, value: int) -> Callable[[Path], None]:
    """A way to make another journal of it."""

    def change(path: Path) -> None:
        db = sqlite3.connect(path)
        db.execute(f"PRAGMA {name} = {value}")
        db.commit()
        db.close()

    return change


def of_another_pool(path: Path) -> None:
    """Put another pool's journal in its place."""
    path.unlink()
    path.with_suffix(".mark").unlink()
    Journal(path, Destination("https://toloka.dev/api/v1", "", "99")).close()


def garbage_in_the_middle(path: Path) -> None:
    """Overwrite all pages but the first."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (of_another_pool, "FOREIGN_JOURNAL"),
        (set_pragma("application_id", 7), "FOREIGN_JOURNAL"),
        (set_pragma("user_version", VERSION + 1), "NEWER_JOURNAL"),
        (lambda path: path.write_bytes(b"these are somebody's notes" * 1000), "DAMAGED_JOURNAL"),
        (garbage_in_the_middle, "DAMAGED_JOURNAL"),
    ],
    ids=["another pool's", "another program's", "newer", "no database", "damaged"],
)
def test_a_journal_that_is_not_ours_is_refused(
    desk: Desk, change: Callable[[Path], None], code: str
) -> None:
    """Never guessed at: nothing is sent, nothing is changed, and the message names the file."""
    desk.write(rows(5))
    desk.upload()
    path = journal_of(desk)
    change(path)
    before, posts = path.read_bytes(), desk.posts()
    report = desk.upload()
    assert report.exit_status is ExitStatus.CANNOT_WRITE
    assert report.error is not None
    assert report.error.code == code
    assert str(path) in report.error.message
    assert path.read_bytes() == before
    assert desk.posts() == posts
    listed = desk.command("runs")
    assert (listed.returncode, "Traceback" in listed.stderr) in ((73, False), (0, False))


@pytest.mark.parametrize("wal", [False, True])
def test_a_run_killed_while_it_made_its_journal(desk: Desk, wal: bool) -> None:  # noqa: FBT001
    """A journal without tables holds nothing: `runs` and a dry run pass over it, and an upload begins it."""
    desk.write(rows(5))
    desk.upload()
    path = journal_of(desk)
    path.unlink()
    path.with_suffix(".mark").unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode={'wal' if wal else 'delete'}")
    listed = desk.command("runs", "--json")
    assert listed.returncode == 0
    assert [run["chunks"] for run in json.loads(listed.stdout)] == [{}]  # the log of runs has it
    assert desk.upload(dry_run=True).counts.read == 5
    desk.write(rows(9)[5:])
    assert desk.upload().exit_status is ExitStatus.OK
    assert desk.contents() == once(rows(9))
    assert len(json.loads(desk.command("runs", "--json").stdout)) == 2


def test_a_state_directory_that_cannot_be_made(desk: Desk) -> None:
    """Nothing is sent without a journal."""
    (desk.directory / "file").write_text("")
    desk.write(rows(5))
    report = desk.upload(state_dir=desk.directory / "file" / "state")
    assert report.exit_status is ExitStatus.CANNOT_WRITE
    assert desk.posts() == 0


@pytest.mark.parametrize("place", ["", "journals"])
def test_a_state_directory_that_became_read_only(desk: Desk, place: str) -> None:
    """New rows are not sent, and the message says what to do."""
    drop = []
    if os.geteuid() == 0:  # root may write anywhere, unless it gives that up
        drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not here")
    desk.write(rows(5))
    desk.upload()
    desk.write(rows(9))
    (desk.state / place).chmod(0o500)
    try:
        process = desk.start(prefix=drop)
        out, errors = process.communicate(timeout=30)
    finally:
        (desk.state / place).chmod(0o700)
    assert process.returncode == 73
    assert json.loads(out)["counts"]["created"] == 0
    assert b"--state-dir" in errors or b"writable" in errors
    assert desk.contents() == once(rows(5))


@pytest.mark.parametrize("size", [10_000, 60_000, 150_000, 400_000])
def test_a_disk_that_is_full(desk: Desk, size: int) -> None:
    """Wherever it happens the run ends with 73, counts add up, and with room again the command goes on from there."""
    found = [{"image": f"https://e.test/{number}/{'x' * 200}"} for number in range(1000)]
    desk.write(found)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    process = desk.start("--chunk-size", "50", "--concurrency", "1", preexec_fn=limit)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 73, errors
    assert b"Traceback" not in errors

    counts = json.loads(out)["counts"]
    read = counts.pop("read")
    assert read == sum(counts.values())
    assert desk.contents() <= once(found)
    report = desk.upload(chunk_size=50)
    assert report.exit_status is ExitStatus.OK
    assert desk.contents() == once(found)


def test_a_full_disk_under_the_journal_alone(desk: Desk) -> None:
    """A chunk whose leaving cannot be written down does not leave."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = desk.directory / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        desk.write(rows(4000))
        report = desk.upload(state_dir=place / "state", chunk_size=100)
        assert report.exit_status is ExitStatus.CANNOT_WRITE
        counts = report.counts
        assert counts.read == counts.created + counts.unsent + counts.unknown
        assert desk.contents() <= once(rows(4000))
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        shutil.rmtree(place)
