"""No output takes the place of what it is not: inputs, secrets, journals, other outputs."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from toloka_upload.errors import UsageProblem
from toloka_upload.report.outputs import Use, inputs, refuse_clashes


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with an input and ways to it."""
    monkeypatch.chdir(tmp_path)
    Path("tasks.jsonl").write_text("rows")
    Path("hard").hardlink_to("tasks.jsonl")
    Path("soft").symlink_to("tasks.jsonl")
    Path("folder").symlink_to(".")


@pytest.mark.parametrize(
    "name", ["tasks.jsonl", "./tasks.jsonl", "hard", "soft", "folder/folder/tasks.jsonl"]
)
def test_an_input_is_known_by_device_and_inode(name: str) -> None:
    """Whatever way leads to it."""
    with pytest.raises(UsageProblem, match="also an input"):
        refuse_clashes([Use("--results", Path(name))], inputs(["tasks.jsonl"]))


def test_standard_input_is_a_file_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """`toloka-upload - --results tasks.jsonl <tasks.jsonl`."""
    with Path("hard").open() as file:
        monkeypatch.setattr(
            "toloka_upload.report.outputs.os.stat",
            lambda place, stat=os.stat: stat(file.fileno() if place == 0 else place),
        )
        with pytest.raises(UsageProblem, match="also an input"):
            refuse_clashes([Use("--results", Path("tasks.jsonl"))], inputs(["-"]))


@pytest.mark.parametrize("other", ["out.jsonl", "folder/out.jsonl", "dangling"])
def test_two_outputs_are_two_files(other: str) -> None:
    """Also where neither is there yet, and where one is a symlink to the other."""
    Path("dangling").symlink_to("out.jsonl")
    with pytest.raises(UsageProblem, match=r"--events .* is also --results"):
        refuse_clashes([Use("--results", Path("out.jsonl")), Use("--events", Path(other))], [])


@pytest.mark.parametrize("name", ["journal.db", "link", "journal.db-wal"])
def test_no_output_takes_the_place_of_a_journal(name: str) -> None:
    """Nor of any other database."""
    with closing(sqlite3.connect("journal.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (a)")
        Path("link").hardlink_to("journal.db")
        with pytest.raises(UsageProblem, match="journal"):
            refuse_clashes([Use("--results", Path(name))], [])


@pytest.mark.parametrize("name", ["new.jsonl", "missing/new.jsonl", "loop", os.devnull])
def test_what_clashes_with_nothing_passes(name: str) -> None:
    """New files, devices; what cannot be written is found out when it is opened."""
    Path("loop").symlink_to("loop")
    refuse_clashes(
        [Use("--results", Path(name)), Use("--events", Path(os.devnull))], inputs(["tasks.jsonl"])
    )


def test_a_working_directory_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    """The check says nothing; opening the file will."""
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    refuse_clashes([Use("--results", Path("new.jsonl"))], inputs(["tasks.jsonl"]))
