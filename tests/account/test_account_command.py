"""What the commands of the account have in common: signals, locks, weather, and their command lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from account_runs import (
    CALLER,
    STATE,
    Tampered,
    adopt,
    counts,
    elsewhere,
    general,
    undo,
    upload,
    verify,
)
from input_runs import Service
from unhurried import Unhurried

from toloka_upload.account.commands import adopting, undoing
from toloka_upload.cli import run_command_line
from toloka_upload.errors import Interrupted
from toloka_upload.journal.lock import Lock
from toloka_upload.report.observer import AccountFinished, AccountProgress, AccountStarted
from toloka_upload.run.history import last_upload, past_runs

ROWS = [general(number) for number in range(700)]


def test_an_interrupt_ends_it_in_order(service: Service) -> None:
    """Exit 130; what was done is counted and noted, the rest is left, and the next call does it."""
    upload(service, ROWS)
    run = last_upload(STATE)
    told: list[Any] = []

    def observer(event: Any) -> None:
        told.append(event)
        if isinstance(event, AccountProgress) and event.done == 250:
            command.interrupt(Interrupted("stopped", code="SIGINT"))

    command = undoing(replace(CALLER, observer=observer), run, handler=service)
    report = command.run()
    assert (report.exit_status, report.counts["failed"]) == (130, 0)
    assert report.counts["left"] > 0
    assert report.counts["undone"] + report.counts["left"] == 700
    assert isinstance(told[0], AccountStarted)
    assert isinstance(told[-1], AccountFinished)
    assert counts(undo(service, run.id)) == {"items": 700, "undone": 700}


def test_a_pool_that_an_upload_holds_is_left_alone(service: Service) -> None:
    """Exit 75, and nothing is done: one run a pool at a time."""
    upload(service, ROWS[:3])
    (journal,) = (STATE / "journals").glob("*.db")
    lock = Lock(journal.with_suffix(".lock"), {"run": "another"})
    try:
        for report in (undo(service), adopt(service)):
            assert (report.exit_status, report.error and report.error.code) == (75, "LOCKED_BY_RUN")
    finally:
        lock.release()
    assert counts(verify(service)) == {"rows": 3, "same": 3}  # which only reads


def test_a_failing_service_is_waited_for(service: Service) -> None:
    """Pages and requests that fail are asked for again, and nothing is counted twice."""
    upload(service, ROWS)
    fails = [True, False, True, True, False] * 400

    def shaky(*request: Any) -> Any:
        if request[0] in ("GET", "PATCH") and fails.pop():
            return 503, {}, b""
        return service(*request)

    assert counts(verify(shaky)) == {"rows": 700, "same": 700}
    assert counts(undo(shaky)) == {"items": 700, "undone": 700}


def test_an_adoption_that_lacks_a_page_is_called_again(service: Service) -> None:
    """Exit 75; what was read is known, and the next call does the rest."""
    elsewhere(service, ROWS)
    api = Tampered(service)
    api.broken = lambda query: "id_gt" in query
    first = adopt(api)
    assert first.exit_status == 75
    assert 0 < first.counts["adopted"] < 700
    second = adopt(service)
    assert (second.counts["listed"], second.counts["known"]) == (700, first.counts["adopted"])
    assert upload(service, ROWS).counts == {"read": 700, "already_uploaded": 700}


def test_an_adoption_that_is_killed_is_called_again(service: Service) -> None:
    """Whatever the moment, each task is adopted once."""
    elsewhere(service, ROWS)

    class Killed(BaseException):
        pass

    for page in range(1, 12):
        left = [page]

        def killing(*request: Any, left: list[int] = left) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return service(*request)

        try:
            adopting(CALLER, "21", handler=killing, loop=Unhurried()).run()
        except Killed:
            continue
    adopt(service)
    assert adopt(service).counts == {"listed": 700, "adopted": 0, "known": 700}
    assert upload(service, ROWS).counts == {"read": 700, "already_uploaded": 700}


# Command lines.


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory with an upload to the emulator inside the program."""
    monkeypatch.setenv("TOLOKA_UPLOAD_STATE_DIR", str(tmp_path / "here"))
    monkeypatch.delenv("TOLOKA_TOKEN", raising=False)
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS[:5]))
    assert run_command_line(["--env", "local", "--pool", "21", "--quiet", "a.jsonl"]) == 0
    return tmp_path / "here"


def test_undo_off_a_terminal_needs_a_yes(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, and nothing is done; it says what it would do."""
    (run,) = past_runs(state)
    assert run_command_line(["undo", run.id]) == 2
    assert f"5 items of run {run.id}" in capsys.readouterr().err
    assert [found.state for found in past_runs(state)] == ["ok"]
    assert run_command_line(["undo", run.id, "--dry-run"]) == 0
    assert [found.state for found in past_runs(state)] == ["ok"]
    assert run_command_line(["undo", run.id, "--yes"]) == 0
    assert {found.state for found in past_runs(state) if found.id == run.id} == {"undone"}


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("undo nothing --yes", 66, "No run"),
        ("verify nothing", 66, "No run"),
        ("verify --env sandbox", 2, "the run knows"),
        ("verify a.jsonl b.jsonl", 2, "--pool"),
        ("verify --pool 21 --env local --quick a.jsonl", 2, "--quick"),
        ("verify --sample much", 2, "--sample"),
        ("verify --combined nowhere/file", 73, "--combined"),
        ("verify --pool 99 --env local a.jsonl", 69, "no pool 99"),
        ("adopt --pool x --env local", 2, "--pool"),
        ("adopt --pool 21 --env sandbox", 77, "token"),
    ],
)
def test_what_cannot_be_is_told(
    state: Path, capsys: pytest.CaptureFixture[str], line: str, status: int, said: str
) -> None:
    """With the exit status of an upload, and what is wrong."""
    del state
    capsys.readouterr()
    assert run_command_line(line.split()) == status
    assert said in "".join(capsys.readouterr())


def test_lines_for_people_and_for_programs(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report on standard output, everything else on standard error; `--combined -` takes standard output."""
    del state
    capsys.readouterr()
    assert run_command_line(["verify"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("verify: 5 rows, 5 same\n")
    assert "verifying run" in err
    assert "finished: 5 rows, 5 same" in err
    assert run_command_line(["verify", "--combined", "-", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert [line[:2] for line in out.splitlines()] == ["= "] * 5
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "status", "names"),
    [
        (
            ["verify", "nothing"],
            66,
            {"rows", "same", "changed", "missing", "unread", "doubled", "extra"},
        ),
        (["undo", "nothing"], 66, {"items", "undone", "partly", "failed", "left"}),
        (["undo"], 2, {"items", "undone", "partly", "failed", "left"}),
        (["adopt", "--pool", "x"], 2, {"listed", "adopted", "known"}),
    ],
)
def test_an_early_end_has_the_json_of_its_command(
    arguments: list[str], status: int, names: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that reads the counts finds them, at zero."""
    assert run_command_line([*arguments, "--json", "--state-dir", "state"]) == status
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == status
    assert found["counts"] == dict.fromkeys(names, 0)
    assert found["error"]["message"]


@pytest.mark.parametrize("output", ["a.jsonl", "./a.jsonl", "link"])
@pytest.mark.parametrize(
    "command",
    [
        "verify --pool 21 a.jsonl --combined",
        "verify --combined",
        "runs --report",
        "runs RUN --report",
    ],
)
def test_an_output_never_overwrites_the_rows(
    service: Service, command: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2 before anything is opened for writing, whatever links lead there."""
    run = upload(service, ROWS[:3]).report.run_id
    Path("link").symlink_to("a.jsonl")
    before = Path("a.jsonl").read_bytes()
    monkeypatch.setenv("TOLOKA_TOKEN", "token")
    words = command.replace("RUN", run).split()
    assert run_command_line([*words, output, "--state-dir", str(STATE)]) == 2
    assert Path("a.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    ["verify --combined - --json", "verify --sample 0%", "verify --sample 101%", "undo  --yes"],
)
def test_what_makes_no_sense_is_a_usage_error(service: Service, command: str) -> None:
    """Two things on one stream, no share, no run."""
    upload(service, ROWS[:3])
    assert run_command_line([*command.split(" "), "--state-dir", str(STATE)]) == 2
