"""Results and rejects, from the command line's side: written where they should be, and good for what they are for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import BAD, GOOD, Cli, good_rows, lines

LOCAL = ("--env", "local", "-p", "21")


def test_results_have_each_row_once(cli: Cli) -> None:
    """With the names of counts, and an id where one is known; rows of an earlier run keep their ids."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD + "\n" + GOOD % 2 + GOOD % 2)
    upload = (*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--json", "--results", "r.jsonl")
    assert cli(*upload).summary["results"] == "r.jsonl"
    first = {row["line"]: row for row in lines("r.jsonl")}
    assert {line: row["status"] for line, row in first.items()} == {
        1: "created",
        2: "rejected",
        4: "created",
        5: "created",
    }
    assert first[2]["errors"][0]["code"] == "INVALID_URL_SYNTAX"
    cli(*upload)
    second = {row["line"]: row for row in lines("r.jsonl")}
    assert {row["status"] for row in second.values()} == {"already_uploaded", "rejected"}
    for line in (1, 4, 5):
        assert second[line]["task_id"] == first[line]["task_id"]
    assert len({first[line]["task_id"] for line in (1, 4, 5)}) == 3


def test_rows_of_suites_name_their_suite(cli: Cli) -> None:
    """Rows grouped into suites are counted one by one, and share the id of their suite."""
    good_rows("tasks.jsonl", 5)
    ended = cli(
        *("--env", "local", "-p", "22", "tasks.jsonl", "--suite-size", "2"),
        *("--json", "--results", "r.jsonl"),
    )
    assert ended.summary["kind"] == "task-suites"
    assert ended.counts == {"read": 5, "created": 5}
    ids = {row["line"]: row["task_suite_id"] for row in lines("r.jsonl")}
    assert ids[1] == ids[2] != ids[3] == ids[4] != ids[5]


def test_rejects_can_be_mended_and_uploaded(cli: Cli) -> None:
    """The default name, the rows as they came, the reasons beside; what was good is not sent twice."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD)
    ended = cli(*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--json")
    assert ended.summary["rejects"] == "tasks.rejects.jsonl"
    rejects = Path("tasks.rejects.jsonl")
    assert rejects.read_text() == BAD
    (reason,) = lines("tasks.rejects.jsonl.errors.jsonl")
    assert (reason["file"], reason["line"]) == ("tasks.jsonl", 2)
    assert (reason["field"], reason["code"]) == ("input_values.image", "INVALID_URL_SYNTAX")
    assert reason["message"]
    rejects.write_text(BAD.replace("no address", "https://example.com/mended.jpg"))
    assert cli(*LOCAL, rejects, "--json").counts == {"read": 1, "created": 1}
    Path("tasks.jsonl").write_text(GOOD % 1 + rejects.read_text())
    assert cli(*LOCAL, "tasks.jsonl", "--json").counts == {"read": 2, "already_uploaded": 2}


def test_rejects_of_the_api_are_kept_as_they_came(cli: Cli) -> None:
    """Rows that only the API refuses, too: the same bytes."""
    bad = '{ "input_values": {"image": "no\\u0020address", "number": 1e0} }\r\n'
    Path("tasks.jsonl").write_text(GOOD % 1 + bad, newline="")
    ended = cli(*LOCAL, "tasks.jsonl", "--no-check", "--rejects", "bad.jsonl", "--json")
    assert ended.summary["rejects"] == "bad.jsonl"
    assert Path("bad.jsonl").read_bytes() == bad.encode()


def test_rejects_that_were_fixed_by_hand_survive_any_rerun(cli: Cli) -> None:
    """The next free name is taken and told; a dry run writes none at all."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD)
    cli(*LOCAL, "tasks.jsonl", "--skip-invalid-items")
    fixed = Path("tasks.rejects.jsonl")
    fixed.write_text("fixed by hand")
    assert cli(*LOCAL, "tasks.jsonl", "--dry-run", "--json").summary["rejects"] is None
    assert not Path("tasks.rejects-2.jsonl").exists()
    ended = cli(*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--json")
    assert ended.summary["rejects"] == "tasks.rejects-2.jsonl"
    assert "tasks.rejects.jsonl was there already" in ended.err
    assert fixed.read_text() == "fixed by hand"


def test_a_named_rejects_file_must_be_free(cli: Cli) -> None:
    """Status 73 before anything is sent, dry run or not; `--force` overwrites it."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD)
    Path("bad.jsonl").write_text("mine")
    upload = (*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--rejects", "bad.jsonl", "--json")
    for more in ([], ["--dry-run"]):
        ended = cli(*upload, *more)
        assert (ended.status, ended.summary["error"]["code"]) == (73, "REJECTS_EXIST")
        assert ended.counts == {}
    assert Path("bad.jsonl").read_text() == "mine"
    assert cli(*upload, "--force").counts == {"read": 2, "created": 1, "rejected": 1}
    assert Path("bad.jsonl").read_text() == BAD


@pytest.mark.parametrize(
    "arguments",
    [
        ["--results", "hard.jsonl"],
        ["--events", "hard.jsonl"],
        ["--rejects", "soft.jsonl", "--force"],
        ["--rejects", "other", "--force", "other.errors.jsonl"],
        ["--results", "token", "--token-file", "token"],
        ["--results", "out", "--events", "./out"],
        ["--results", "out.errors.jsonl", "--rejects", "out"],
        ["--results", "../state/rate.db"],
    ],
    ids=" ".join,
)
def test_no_output_overwrites_anything(cli: Cli, arguments: list[str]) -> None:
    """Inputs, the token, journals, other outputs: refused with 2 before a file is opened for writing."""
    good_rows("tasks.jsonl")
    good_rows("other.errors.jsonl", 1, first=7)
    Path("hard.jsonl").hardlink_to("tasks.jsonl")
    Path("soft.jsonl").symlink_to("tasks.jsonl")
    Path("token").write_text("token")
    Path("token").chmod(0o600)
    good_rows("first.jsonl", 1, first=8)
    assert cli(*LOCAL, "first.jsonl").status == 0
    before = {path: path.read_bytes() for path in Path().iterdir()}
    ended = cli(*LOCAL, "tasks.jsonl", *arguments, "--json")
    assert (ended.status, ended.summary["error"]["code"]) == (2, "OUTPUT_CLASH"), ended.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    assert cli("runs").status == 0


def test_what_standard_input_reads_is_an_input(here: Path) -> None:
    """`toloka-upload - --results tasks.jsonl <tasks.jsonl` destroys nothing; neither does `… >>tasks.jsonl`."""
    del here
    rows = good_rows("tasks.jsonl").read_bytes()
    for command in ("- --results tasks.jsonl <tasks.jsonl", "tasks.jsonl >>tasks.jsonl"):
        process = subprocess.run(
            ["sh", "-c", f"{sys.executable} -m toloka_upload --env local -p 21 {command}"],
            capture_output=True,
            check=False,
        )
        assert process.returncode == 2, process.stderr
        assert b"also an input" in process.stderr
    assert Path("tasks.jsonl").read_bytes() == rows


def test_results_written_again_spare_the_input(cli: Cli) -> None:
    """`runs RUN --results tasks.jsonl`."""
    rows = good_rows("tasks.jsonl").read_bytes()
    run = cli(*LOCAL, "tasks.jsonl", "--json").summary["run_id"]
    ended = cli("runs", run, "--results", "tasks.jsonl")
    assert ended.status == 2
    assert "also an input" in ended.err
    assert Path("tasks.jsonl").read_bytes() == rows


def test_no_rejects_no_file(cli: Cli) -> None:
    """Nothing is left behind by a good run."""
    good_rows("tasks.jsonl")
    ended = cli(*LOCAL, "tasks.jsonl", "--json")
    assert ended.summary["rejects"] is None
    assert [path.name for path in Path().iterdir()] == ["tasks.jsonl"]


def test_state_is_private(cli: Cli, tmp_path: Path) -> None:
    """Nobody else on the machine can read journals, the plan or the local emulator's data."""
    good_rows("tasks.jsonl")
    cli(*LOCAL, "tasks.jsonl")
    state = tmp_path / "state"
    for path in [state, *state.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
