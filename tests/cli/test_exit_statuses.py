"""Exit statuses: cron jobs and Makefiles decide by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import BAD, COUNTS, GOOD, SUMMARY_KEYS, Cli, Ended, good_rows

from toloka_upload.emulator.server import Server
from toloka_upload.errors import ExitStatus
from toloka_upload.pytest_plugin import StartEmulator

LOCAL = ("--env", "local", "-p", "21")
NOBODY = "http://127.0.0.1:9"  # the port of a service that nobody runs any more


def told(ended: Ended, status: ExitStatus) -> dict[str, Any]:
    """The summary of a run that ended so: one JSON object with every promised key, whose counts add up."""
    assert ended.status == status, ended.err
    summary = ended.summary
    assert summary.keys() >= SUMMARY_KEYS
    assert (summary["exit_code"], summary["exit_reason"]) == (status, status.reason)
    assert summary["counts"]["read"] == sum(summary["counts"][name] for name in COUNTS)
    assert "Traceback" not in ended.err
    return summary


def test_0_every_row_is_in_the_pool(cli: Cli) -> None:
    """Also when nothing was left to do, or nothing was there."""
    good_rows("tasks.jsonl")
    told(cli(*LOCAL, "tasks.jsonl", "--json"), ExitStatus.OK)
    told(cli(*LOCAL, "tasks.jsonl", "--json"), ExitStatus.OK)
    Path("empty.jsonl").touch()
    told(cli(*LOCAL, "empty.jsonl", "--json"), ExitStatus.OK)


def test_1_some_rows_were_rejected(cli: Cli) -> None:
    """The good ones are in the pool."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD)
    ended = cli(*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--json")
    told(ended, ExitStatus.REJECTED)
    assert ended.counts == {"read": 2, "created": 1, "rejected": 1}


def test_1_some_rows_were_rejected_by_the_api(cli: Cli) -> None:
    """Without the check before, the API's word comes to the same."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD)
    ended = cli(*LOCAL, "tasks.jsonl", "--no-check", "--json")
    told(ended, ExitStatus.REJECTED)
    assert ended.counts == {"read": 2, "created": 1, "rejected": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-such-option", "tasks.jsonl"],
        [],
        ["--chunk-size", "many", "tasks.jsonl"],
        ["--chunk-size", "0", "tasks.jsonl"],
        ["--chunk-size", "10001", "tasks.jsonl"],
        ["--sync", "--chunk-size", "5001", "tasks.jsonl"],
        ["--format", "docx", "tasks.jsonl"],
        ["--env", "prod", "tasks.jsonl"],
        ["--pool", "abc", "tasks.jsonl"],
        ["--url", "http://toloka.dev", "tasks.jsonl"],
        ["--rate", "fast", "tasks.jsonl"],
        ["--retry-for", "soon", "tasks.jsonl"],
        ["--max-errors", "many", "tasks.jsonl"],
        ["--open-pool", "--no-wait", "tasks.jsonl"],
        ["--results", "tasks.jsonl", "tasks.jsonl"],
        ["--rejects", "./tasks.jsonl", "tasks.jsonl"],
        ["--events", "tasks.jsonl", "tasks.jsonl"],
        ["-", "-"],
    ],
    ids=" ".join,
)
def test_2_a_wrong_command_line(cli: Cli, arguments: list[str]) -> None:
    """Said on standard error; nothing was done, and no input was touched."""
    good_rows("tasks.jsonl")
    before = Path("tasks.jsonl").read_bytes()
    ended = cli("upload", "--json", "--env", "local", "-p", "21", *arguments)
    summary = told(ended, ExitStatus.USAGE)
    assert summary["error"]["message"]
    assert ended.err
    assert Path("tasks.jsonl").read_bytes() == before


def test_3_what_became_of_rows_is_unknown(cli: Cli, toloka_emulator: Server) -> None:
    """An operation that does not end in time; running again settles it."""
    good_rows("tasks.jsonl")
    toloka_emulator.faults.add({"action": "stick-operation", "seconds": 1.5})
    upload = ("--url", toloka_emulator.url, "-p", "21", "tasks.jsonl", "--json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOLOKA_TOKEN", "token")
        ended = cli(*upload, "--operation-timeout", "0.3s")
        told(ended, ExitStatus.UNKNOWN)
        assert ended.counts == {"read": 3, "unknown": 3}
        told(cli(*upload), ExitStatus.OK)


def test_4_too_many_errors(cli: Cli) -> None:
    """More rows than `--max-errors` were rejected; nothing more is sent."""
    Path("tasks.jsonl").write_text("".join(GOOD % row + BAD for row in range(20)))
    ended = cli(
        *(*LOCAL, "tasks.jsonl", "--json", "--skip-invalid-items", "--max-errors", "3"),
        *("--chunk-size", "4", "--no-check", "--concurrency", "1"),
    )
    told(ended, ExitStatus.STOPPED)
    assert ended.counts["unsent"] > 0


@pytest.mark.parametrize("rows", [BAD, BAD + GOOD % 1, GOOD % 1 + BAD])
@pytest.mark.parametrize("how", [[], ["--sync"], ["--dry-run"]])
def test_65_rows_failed_the_check_and_nothing_was_sent(cli: Cli, rows: str, how: list[str]) -> None:
    """All or nothing is the default: also where the only row is bad, or others are in already."""
    Path("tasks.jsonl").write_text(rows)
    ended = cli(*LOCAL, "tasks.jsonl", "--json", *how)
    summary = told(ended, ExitStatus.BAD_INPUT)
    assert summary["counts"]["created"] == 0
    assert summary["errors"][0]["code"] == "INVALID_URL_SYNTAX"
    good_rows("good.jsonl", 1, first=1)
    cli(*LOCAL, "good.jsonl")
    told(cli(*LOCAL, "tasks.jsonl", "--json", *how), ExitStatus.BAD_INPUT)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("tasks.csv", b"INPUT:image,WRONG:x\na,b\n"),
        ("tasks.csv", b'INPUT:image\n"unclosed\n'),
        ("tasks.jsonl", b'{"image":"\xff"}\n'),
        ("tasks.jsonl", b"not json\n"),
        ("tasks.json", b'[{"image":"https://example.com/1.jpg"},'),
        ("tasks.jsonl.gz", b"\x1f\x8b\x08\x00broken"),
    ],
)
def test_65_the_input_as_a_whole_cannot_be_used(cli: Cli, name: str, data: bytes) -> None:
    """Header, encoding, syntax, archive: nothing is sent."""
    Path(name).write_bytes(data)
    ended = cli(*LOCAL, name, "--json")
    assert told(ended, ExitStatus.BAD_INPUT)["counts"]["created"] == 0
    assert name in ended.err


def test_66_an_input_is_missing_or_no_file(cli: Cli) -> None:
    """Named in the message; nothing of the others was sent."""
    good_rows("tasks.jsonl")
    ended = cli(*LOCAL, "tasks.jsonl", "missing.jsonl", "--json")
    summary = told(ended, ExitStatus.NO_INPUT)
    assert "missing.jsonl" in summary["error"]["message"]
    told(cli(*LOCAL, ".", "--json"), ExitStatus.NO_INPUT)
    assert cli(*LOCAL, "tasks.jsonl", "--json").counts == {"read": 3, "created": 3}


@pytest.mark.parametrize(
    ("pool", "code"),
    [
        ("23", "POOL_ARCHIVED"),
        ("99", "DOES_NOT_EXIST"),
        ("22", "POOL_TASK_TYPE_CONFLICT"),
    ],
)
def test_69_the_api_refuses_this_upload(cli: Cli, pool: str, code: str) -> None:
    """Before anything is sent, with what to do."""
    good_rows("tasks.jsonl")
    ended = cli("--env", "local", "-p", pool, "tasks.jsonl", "--json")
    assert told(ended, ExitStatus.REFUSED)["error"]["code"] == code


def test_70_an_error_of_ours_is_a_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a file to send along, which has the traceback and no secret; never a traceback on the terminal."""
    good_rows("tasks.jsonl")
    monkeypatch.setenv("TMPDIR", str(Path.cwd()))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TOLOKA_TOKEN", "secret-token")

    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("toloka_upload.run.upload.Upload.run", broken)
    ended = cli(*LOCAL, "tasks.jsonl", "--json")
    told(ended, ExitStatus.BUG)
    (written,) = Path().glob("toloka-upload-bug-*.txt")
    assert written.name in ended.err
    assert "ZeroDivisionError" in written.read_text()
    assert "secret-token" not in written.read_text()
    assert written.stat().st_mode & 0o077 == 0


def test_130_interrupted_before_it_began(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even then `--json` prints its object."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("toloka_upload.cli.run.settings_from", interrupted)
    good_rows("tasks.jsonl")
    told(cli(*LOCAL, "tasks.jsonl", "--json"), ExitStatus.INTERRUPTED)


@pytest.mark.parametrize("option", ["--results", "--state-dir", "--rejects", "--events"])
def test_73_what_cannot_be_written(cli: Cli, option: str) -> None:
    """State, results, rejects, events: named, with what to do."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD)
    Path("file").touch()
    ended = cli(*LOCAL, "tasks.jsonl", "--json", "--skip-invalid-items", option, "file/below")
    summary = told(ended, ExitStatus.CANNOT_WRITE)
    assert "file/below" in summary["error"]["message"]


def test_75_the_service_is_failing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it was told to try; running again goes on."""
    monkeypatch.setenv("TOLOKA_TOKEN", "token")
    good_rows("tasks.jsonl")
    ended = cli("--url", NOBODY, "-p", "21", "tasks.jsonl", "--retry-for", "0.2s", "--json")
    assert "again" in told(ended, ExitStatus.TRY_AGAIN)["error"]["message"]


def test_77_there_is_no_token(cli: Cli) -> None:
    """Before anything is read or asked."""
    good_rows("tasks.jsonl")
    ended = cli("-p", "21", "tasks.jsonl", "--json")
    summary = told(ended, ExitStatus.DENIED)
    assert "TOLOKA_TOKEN" in summary["error"]["message"]
    assert summary["requests"] == 0


def test_77_the_token_is_wrong(
    cli: Cli, start_toloka_emulator: StartEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is sent; the token itself is never shown."""
    emulator = start_toloka_emulator(require_token="right-token")
    monkeypatch.setenv("TOLOKA_TOKEN", "wrong-token")
    good_rows("tasks.jsonl")
    upload = ("--url", emulator.url, "-p", "21", "tasks.jsonl", "--json", "-v")
    ended = cli(*upload)
    told(ended, ExitStatus.DENIED)
    assert "wrong-token" not in ended.out + ended.err
    assert emulator.emulator.ledger.count("POST", "/tasks") == 0
    Path("token").write_text("right-token\n")
    Path("token").chmod(0o600)
    told(cli(*upload, "--token-file", "token"), ExitStatus.OK)
