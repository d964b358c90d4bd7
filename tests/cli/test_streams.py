"""Streams: standard output carries data only, and nothing foreign is ever obeyed by a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import BAD, GOOD, Cli, Ended, Shell, good_rows, lines

LOCAL = ("--env", "local", "-p", "21")


def test_json_is_all_that_stands_on_standard_output(shell: Shell) -> None:
    """One line, one object; the rest goes to standard error."""
    good_rows("tasks.jsonl")
    ended = shell(*LOCAL, "tasks.jsonl", "--json", "-v")
    assert ended.out.count("\n") == 1
    assert ended.counts == {"read": 3, "created": 3}
    assert "3" in ended.err


def test_without_a_terminal_there_are_no_escape_sequences(shell: Shell) -> None:
    """`2>log </dev/null`: plain lines, one at the start and one at the end."""
    Path("tasks.jsonl").write_text(GOOD % 1 + BAD)
    for environ in ({}, {"FORCE_COLOR": "1"}, {"TERM": "xterm-256color"}):
        ended = shell(*LOCAL, "tasks.jsonl", "--skip-invalid-items", "--again", environ=environ)
        assert ended.status == 1
        if "FORCE_COLOR" not in environ:
            assert "\x1b" not in ended.out + ended.err
        assert "\r" not in ended.out + ended.err
        assert "tasks.jsonl:2: input_values.image: INVALID_URL_SYNTAX: " in ended.err
        assert len(ended.err.splitlines()) >= 3


def test_foreign_text_is_shown_and_not_obeyed(shell: Shell) -> None:
    """Escape sequences and markup in names, fields and values."""
    name = "ta[red]sk\x1b[31ms\n.jsonl"
    Path(name).write_text(
        '{"input_values":{"image":"\\u001b[2J","[bold]\\u001b]0;x\\u0007":"1"}}\n'
    )
    ended = shell(*LOCAL, name)
    assert ended.status == 65
    shown = ended.out + ended.err
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "ta[red]sk\\x1b[31ms\\n.jsonl:1" in shown
    assert "[bold]" in shown


def test_a_name_of_undecodable_bytes_is_no_obstacle(shell: Shell) -> None:
    """Neither for the summary nor for results, rejects and events."""
    name = os.fsdecode(b"caf\xe9.jsonl")
    Path(name).write_text(GOOD % 1 + BAD)
    ended = shell(
        *(*LOCAL, name, "--json", "--skip-invalid-items", "--results", "r", "--events", "e")
    )
    assert ended.status == 1, ended.err
    assert ended.counts == {"read": 2, "created": 1, "rejected": 1}
    assert [json.loads(line)["line"] for line in Path("r").read_text().splitlines()]
    assert Path(os.fsdecode(b"caf\xe9.rejects.jsonl")).read_text() == BAD
    assert shell(*LOCAL, name, "--skip-invalid-items").status == 1
    assert shell("runs").status == 0


def test_quiet_says_only_what_matters(shell: Shell) -> None:
    """Nothing on standard error where nothing went wrong."""
    good_rows("tasks.jsonl")
    assert shell(*LOCAL, "tasks.jsonl", "-q").err == ""
    Path("bad.jsonl").write_text(BAD)
    assert "INVALID_URL_SYNTAX" in shell(*LOCAL, "bad.jsonl", "-q").err


def test_events_on_standard_output(shell: Shell) -> None:
    """Each line a JSON object, from the beginning to the end of the run; no summary between them."""
    good_rows("tasks.jsonl")
    ended = shell(*LOCAL, "tasks.jsonl", "--events", "-")
    kinds = [json.loads(line)["event"] for line in ended.out.splitlines()]
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
    assert {"pool_checked", "rows_read", "chunk_sent", "chunk_settled"} <= set(kinds)


def test_events_and_summary_both(cli: Cli) -> None:
    """Events in a file leave standard output to the summary; both on standard output are JSON lines still."""
    good_rows("tasks.jsonl")
    assert cli(*LOCAL, "tasks.jsonl", "--events", "e.jsonl", "--json").counts["created"] == 3
    assert Path("e.jsonl").read_text().startswith("{")
    both = cli(*LOCAL, "tasks.jsonl", "--events", "-", "--json").out.splitlines()
    assert json.loads(both[-1])["exit_code"] == 0
    assert all(json.loads(line) for line in both)


def test_a_reader_that_went_away_ends_no_upload_in_a_traceback(here: Path) -> None:
    """`toloka-upload … --events - | head -1`: the rows are uploaded all the same."""
    good_rows("tasks.jsonl")
    command = [sys.executable, "-m", "toloka_upload", *LOCAL, "tasks.jsonl", "--events", "-"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=here)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(20) in (0, 73), errors
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_a_reader_of_help_that_went_away(here: Path) -> None:
    """`toloka-upload --help | head -1`."""
    del here
    process = subprocess.Popen(
        [sys.executable, "-m", "toloka_upload", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(20)
    assert errors == b""


def test_output_in_an_encoding_that_lacks_letters(shell: Shell) -> None:
    """A `C` locale prints escapes in place of letters, and never fails."""
    name = "задачи.jsonl"
    good_rows(name)
    for environ in ({"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}):
        ended = shell(*LOCAL, name, environ=environ)
        assert ended.status == 0, ended.err


def redirected(command: str, here: Path) -> Ended:
    """Run `toloka-upload` with the redirections of a shell."""
    process = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m toloka_upload {command}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        cwd=here,
    )
    assert "Traceback" not in process.stderr
    return Ended(process.returncode, process.stdout, process.stderr)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed_keep_no_row_back(here: Path, closed: str) -> None:
    """Nobody wants to know: the upload is done all the same, and no journal gets the number of a closed stream."""
    good_rows("tasks.jsonl")
    assert redirected(f"--env local -p 21 tasks.jsonl --results r.jsonl {closed}", here).status == 0
    assert len(lines("r.jsonl")) == 3


@pytest.mark.parametrize("more", ["", "--json", "--events -"])
def test_73_a_full_standard_output_and_the_rows_are_in(here: Path, more: str) -> None:
    """Said once, with how the upload itself ended."""
    good_rows("tasks.jsonl")
    ended = redirected(f"--env local -p 21 tasks.jsonl --results r.jsonl {more} >/dev/full", here)
    assert ended.status == 73
    assert ended.err.count("Standard output cannot be written") == 1
    assert "status 0" in ended.err
    assert [row["status"] for row in lines("r.jsonl")] == ["created"] * 3


@pytest.mark.parametrize("command", ["runs", "--version", "--help", "template --env local -p 21"])
def test_73_a_full_standard_output_of_other_commands(here: Path, command: str) -> None:
    """One sentence; also where standard error is full as well."""
    ended = redirected(f"{command} >/dev/full", here)
    assert ended.status == 73
    assert ended.err.count("Standard output cannot be written: No space left on device.") == 1
    assert redirected(f"{command} >/dev/full 2>/dev/full", here).status == 73


def test_66_a_closed_standard_input_is_no_empty_input(here: Path) -> None:
    """`toloka-upload - <&-` has nothing to read from."""
    assert redirected("--env local -p 21 - <&-", here).status == 66


def test_completion_installs_with_status_0(shell: Shell, tmp_path: Path) -> None:
    """It ends by leaving the interpreter, which is no error."""
    # Else typer asks which shell has started the tests, and there may be none.
    environ = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = shell("--install-completion", "bash", environ=environ)
    assert ended.status == 0, ended.err


def test_on_windows_it_says_at_once_where_it_runs(here: Path) -> None:
    """In place of an ImportError."""
    code = "import sys, toloka_upload.cli as c; sys.platform = 'win32'; c.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "run it in WSL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.usefixtures("here")
def test_ctrl_c_is_heard_among_blank_lines_without_end(form: str) -> None:
    """No row comes, nothing is told, and still the run ends at once with 130."""
    command = [sys.executable, "-m", "toloka_upload", *LOCAL, "--format", form, "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(b"image\n" if form == "csv" else b"\n")
        process.stderr.readline()  # it has begun
        blank, asked = b"\n" * (1 << 20), None
        with contextlib.suppress(BrokenPipeError):
            for piece in range(10_000):
                process.stdin.write(blank)
                if piece == 2:
                    asked = time.monotonic()
                    process.send_signal(signal.SIGINT)
                assert asked is None or time.monotonic() - asked < 10
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        assert process.wait(timeout=10) == 130
