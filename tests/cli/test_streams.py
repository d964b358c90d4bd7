"""Streams: standard output carries data only, and nothing foreign is ever obeyed by a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from command_line import BAD, GOOD, Cli, Shell, good_rows

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
