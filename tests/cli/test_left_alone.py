"""A nightly upload that nobody looks at for months: what goes wrong for long must become visible."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from command_line import GOOD, Cli, good_rows

from toloka_upload.emulator.server import Server
from toloka_upload.errors import ExitStatus
from toloka_upload.report.summary import Report, RunError
from toloka_upload.run.persistence import CODE, refuse_endless_retries
from toloka_upload.run.run_log import LoggedRun

LOCAL = ("--env", "local", "-p", "21")
DAY = 86_400.0


def logged(began: float, code: int | None, pool: str = "21", error: str = "X") -> LoggedRun:
    """A run of `pool` that began then and ended with that status."""
    end = {} if code is None else {"exit_code": code, "error": {"code": error}}
    return LoggedRun(
        f"run-{began}", began, ["t.jsonl"], [pool], "", "", 1, ended=began + 1, end=end
    )


def ended_now(*runs: LoggedRun, most: float = DAY, now: float = 10 * DAY) -> Report:
    """How a run ends that would end with 75, after those."""
    report = Report(ExitStatus.TRY_AGAIN, "now", pools=["21"], files=["other.jsonl"])
    report.error = RunError("SERVICE_FAILING", "no connection.")
    refuse_endless_retries(report, runs, most, now)
    return report


def test_75_for_longer_than_allowed_becomes_69() -> None:
    """Cron swallows 75; it must not do so for ever. The message says since when, and what it was this time."""
    report = ended_now(*(logged(hour * 3600.0, 75) for hour in range(8 * 24, 10 * 24)))
    assert report.exit_status is ExitStatus.REFUSED
    assert report.error
    assert report.error.code == CODE
    assert "49 runs" in report.error.message
    assert "no connection." in report.error.message


def test_it_stays_69_until_a_run_gets_somewhere() -> None:
    """The run after one that was turned into 69 is no new beginning; one that ended otherwise is."""
    before = [logged(8 * DAY, 75), logged(9.9 * DAY, 69, error=CODE)]
    assert ended_now(*before).exit_status is ExitStatus.REFUSED
    assert ended_now(*before, logged(9.95 * DAY, 0)).exit_status is ExitStatus.TRY_AGAIN


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [logged(9.5 * DAY, 75)],
        [logged(1 * DAY, 75), logged(9 * DAY, 0)],
        [logged(1 * DAY, 75, pool="22")],
        [logged(1 * DAY, None)],
    ],
    ids=["the first", "not long enough", "success between", "another pool", "killed"],
)
def test_75_stays_75_while_it_is_temporary(runs: list[LoggedRun]) -> None:
    """One that is new, or of another pool and other files."""
    assert ended_now(*runs).exit_status is ExitStatus.TRY_AGAIN


def test_try_again_for_works_on_the_command_line(
    cli: Cli, toloka_emulator: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a service that fails: 75, and 69 once that has lasted."""
    monkeypatch.setenv("TOLOKA_TOKEN", "token")
    good_rows("tasks.jsonl")
    toloka_emulator.faults.add({"action": "refuse", "status": 503, "times": 1000})
    upload = ("--url", toloka_emulator.url, "-p", "21", "tasks.jsonl", "--json")
    failing = (*upload, "--retry-for", "0.1s", "--try-again-for", "0.01s")
    assert cli(*failing).status == ExitStatus.TRY_AGAIN
    ended = cli(*failing)
    assert ended.status == ExitStatus.REFUSED
    assert ended.summary["error"]["code"] == CODE
    assert cli(*upload, "--retry-for", "0.1s").status == ExitStatus.TRY_AGAIN


def test_an_operation_that_never_ends_does_not_hold_the_next_run(
    cli: Cli, toloka_emulator: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time counts from its request, over all runs: the next run looks once, and sends what is new."""
    monkeypatch.setenv("TOLOKA_TOKEN", "token")
    good_rows("tasks.jsonl")
    toloka_emulator.faults.add({"action": "stick-operation", "seconds": 3600.0})
    upload = ("--url", toloka_emulator.url, "-p", "21", "tasks.jsonl", "--json")
    assert cli(*upload, "--operation-timeout", "0.3s").status == ExitStatus.UNKNOWN
    good_rows("tasks.jsonl", 5)
    time.sleep(1.0)
    ended = cli(*upload, "--operation-timeout", "1.2s")
    assert ended.status == ExitStatus.UNKNOWN
    assert ended.counts == {"read": 5, "created": 2, "unknown": 3}
    assert "did not end" in ended.err
    assert ended.summary["seconds"] < 1.1


def test_rows_that_the_pool_has_from_elsewhere_are_warned_of(cli: Cli, tmp_path: Path) -> None:
    """A state directory that is an old copy: the pool's newest items equal new rows; `adopt` is named, and helps."""
    state = tmp_path / "state"
    good_rows("tasks.jsonl", 3)
    assert cli(*LOCAL, "tasks.jsonl").status == 0
    journals = state / "journals"
    shutil.copytree(journals, tmp_path / "copy")
    good_rows("tasks.jsonl", 8)
    assert cli(*LOCAL, "tasks.jsonl", "--chunk-size", "3").status == 0
    shutil.rmtree(journals)
    shutil.copytree(tmp_path / "copy", journals)
    ended = cli(*LOCAL, "tasks.jsonl", "--json")
    (warning,) = ended.summary["warnings"]
    assert "5 items of the newest 8" in warning
    assert "toloka-upload adopt --pool 21" in warning


def test_nobody_is_warned_of_what_the_journal_knows(cli: Cli) -> None:
    """Equal rows of one's own, and other people's other rows, are no news."""
    good_rows("tasks.jsonl", 3)
    cli(*LOCAL, "tasks.jsonl")
    ended = cli(*LOCAL, "tasks.jsonl", "--again", "--json")
    assert (ended.counts["created"], ended.summary["warnings"]) == (3, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tasks.jsonl", GOOD % 1 + '{"input_values":{"image":"https://exam'),
        ("tasks.csv", "INPUT:image,INPUT:text\nhttps://example.com/1.jpg,a\nhttps://exam"),
        ("tasks.csv", 'INPUT:image,INPUT:text\nhttps://example.com/1.jpg,"a'),
    ],
    ids=["JSONL", "CSV: too few cells", "CSV: an open quote"],
)
def test_a_last_line_that_is_cut_off_may_still_be_written(cli: Cli, name: str, text: str) -> None:
    """The writer has not finished: the message asks."""
    Path(name).write_text(text)
    ended = cli(*LOCAL, name, "--json")
    assert ended.status == ExitStatus.BAD_INPUT
    assert "is it still being written?" in json.dumps(ended.summary["errors"])


def test_a_wrong_line_with_a_line_end_is_not_said_to_be_cut_off(cli: Cli) -> None:
    """It is whole, and wrong."""
    Path("tasks.jsonl").write_text(GOOD % 1 + '{"input_values":\n')
    ended = cli(*LOCAL, "tasks.jsonl", "--json")
    assert "still being written" not in json.dumps(ended.summary["errors"])
