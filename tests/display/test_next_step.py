"""Command lines for what to do next: quoted for a shell, right for what happened."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from display_runs import report
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.errors import ExitStatus
from toloka_upload.report.command_line import CommandLine
from toloka_upload.report.next_step import next_steps
from toloka_upload.report.summary import Report, RunError

TYPED = CommandLine(
    ("toloka-upload",), (("--pool", "21"), ("--encoding", "cp1252")), ("my tasks.csv",)
)
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def commands(done: Report, command: CommandLine = TYPED) -> list[str]:
    """The command lines of all steps."""
    return [line for step in next_steps(done, command) for line in step.commands]


def failed(status: ExitStatus, code: str, **counts: int) -> Report:
    """A run that an error ended."""
    done = report(status, **counts)
    done.error = RunError(code, "It did not work.")
    return done


@given(st.lists(WORDS, min_size=1))
def test_any_name_survives_the_shell_and_the_terminal(names: list[str]) -> None:
    """What is printed is what the shell hands over, word for word, whatever stands in it."""
    files = tuple(name or "x" for name in names)
    line = str(CommandLine(("printf", r"%s\0"), (), tuple(f"./{name}" for name in files)))
    assert line.isprintable() or not set(line) & set(map(chr, range(32)))
    if "$'" not in line:
        assert shlex.split(line)[2:] == [f"./{name}" for name in files]


def test_names_that_a_terminal_would_obey_are_escapes_that_bash_reads() -> None:
    """Also bytes that are no text."""
    name = "a\x1b[2J'\\\nb\udcff\u202e.csv"
    line = str(CommandLine(("printf", "%s"), (), (name,)))
    assert not set(line) & set("\x1b\n\udcff\u202e")
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert done.stdout.decode(errors="surrogateescape") == name


def test_names_like_options_and_commands_are_paths() -> None:
    """A file called `runs` or `-n` is no command and no option; a value that begins with a dash stays a value."""
    line = str(CommandLine(("toloka-upload",), (("--delimiter", "-"),), ("runs", "-n", "-")))
    assert line == "toloka-upload --delimiter=- ./runs ./-n -"


@pytest.mark.parametrize(
    ("form", "options", "expected"),
    [
        ("csv", (("--encoding", "cp1252"), ("--delimiter", ";")), "--encoding cp1252 --delimiter ';' r.csv"),
        ("csv", (("--format", "csv"),), "r.csv"),
        ("xlsx", (("--format", "xlsx"), ("--sheet", "A B"), ("--overlap", "3")), "--overlap 3 r.csv"),
        ("json", (("--format", "json"), ("--encoding", "cp1251")), "--encoding cp1251 r.jsonl"),
        ("parquet", (("--suite-size", "5"),), "--suite-size 5 r.jsonl"),
        ("tsv", (("--suites-by-blank-line",), ("--dry-run",)), "--suites-by-blank-line r.tsv"),
        ("csv", (("--rejects", "r.txt"), ("--force",), ("--report", "p.html")), "--format csv r.txt"),
        ("jsonl", (("--results", "no such.jsonl"),), "--results 'no such.jsonl' r.jsonl"),
    ],
)  # fmt: skip
def test_rejects_are_read_as_what_they_are(
    form: str, options: tuple[tuple[str, ...], ...], expected: str
) -> None:
    """With the options of the input that go with them; outputs of the run before are not overwritten."""
    done = report(ExitStatus.REJECTED, created=1, rejected=1)
    done.rejects_files, done.rejects_forms = [expected.split()[-1]], [form]
    assert commands(done, CommandLine(("t",), options, ("in",))) == [f"t {expected}"]


def test_rejects_of_several_inputs_go_together_where_they_are_read_alike() -> None:
    """One command for those, another for what needs other options."""
    done = report(ExitStatus.REJECTED, created=1, rejected=3)
    done.rejects_files = ["a.rejects.csv", "b.rejects.csv", "c.rejects.csv"]
    done.rejects_forms = ["csv", "xlsx", "csv"]
    assert commands(done) == [
        "toloka-upload --pool 21 --encoding cp1252 a.rejects.csv c.rejects.csv",
        "toloka-upload --pool 21 b.rejects.csv",
    ]


def test_a_command_that_goes_again_does_not_meet_its_own_rejects(tmp_path: Path) -> None:
    """A named rejects file that is there now would stop the same command: it gets a name that is free."""
    rejects = tmp_path / "bad.csv"
    rejects.touch()
    again = TYPED.plus("--rejects", str(rejects))
    (line,) = commands(failed(ExitStatus.TRY_AGAIN, "TIMEOUT", unsent=1), again)
    assert f"--rejects {tmp_path}/bad-2.csv" in line


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (failed(ExitStatus.STOPPED, "MAX_COST", unsent=1), "t --dry-run f"),
        (failed(ExitStatus.TRY_AGAIN, "LOCKED_BY_RUN"), "t --max-cost 5 --wait-lock 30m f"),
        (failed(ExitStatus.BAD_INPUT, "ROWS_REJECTED", rejected=2), "t --max-cost 5 f"),
        (failed(ExitStatus.INTERRUPTED, "SIGINT", unsent=1), "t --max-cost 5 f"),
    ],
)
def test_the_command_is_changed_where_it_must_be(done: Report, expected: str) -> None:
    """A plan without the limit, a wait for the lock; else the same command."""
    assert commands(done, CommandLine(("t",), (("--max-cost", "5"),), ("f",))) == [expected]


@pytest.mark.parametrize("code", ["DOES_NOT_EXIST", "NO_POOL", "POOL_TASK_TYPE_CONFLICT"])
def test_a_command_that_would_fail_again_is_not_advised(code: str) -> None:
    """Something else must be typed, and only the user knows what."""
    assert commands(failed(ExitStatus.REFUSED, code)) == []


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (ExitStatus.USAGE, "PROXY", "correct or unset these variables"),
        (ExitStatus.NO_INPUT, "CERTIFICATES", "correct or unset these variables"),
        (
            ExitStatus.CANNOT_WRITE,
            "STATE_DIR",
            "make room, correct the permissions, or name another",
        ),
        (ExitStatus.CANNOT_WRITE, "DAMAGED_JOURNAL", "restore it from a backup"),
        (ExitStatus.BAD_INPUT, "NOT_A_TASK_FILE", "replace it by JSON Lines"),
        (ExitStatus.BAD_INPUT, "DAMAGED_FILE", "get or save the file again"),
        (ExitStatus.NO_INPUT, "NO_INPUT", "correct the file's name"),
    ],
)
def test_what_to_do_is_that_of_the_cause(status: ExitStatus, code: str, words: str) -> None:
    """Not that of others with the same exit status."""
    assert next_steps(failed(status, code), TYPED)[0].words.startswith(words)


def test_an_encoding_that_fits_is_put_in() -> None:
    """In place of the one that did not."""
    done = failed(ExitStatus.BAD_INPUT, "WRONG_ENCODING")
    done.error = RunError("WRONG_ENCODING", "not so", options=("--encoding", "cp1251"))
    assert commands(done) == ["toloka-upload --pool 21 --encoding cp1251 'my tasks.csv'"]


def test_the_token_is_for_the_api_that_was_asked() -> None:
    """By its address, if it is none of the environments; into the file that was named for it."""
    done = failed(ExitStatus.DENIED, "TOKEN_MISSING")
    done.env, done.url = "custom", "https://toloka.example/api/v1"
    assert "a token for https://toloka.example/api/v1" in next_steps(done, TYPED)[0].words
    named = TYPED.plus("--token-file", "key")
    assert next_steps(done, named)[0].words.startswith("put a token for https://toloka.example")


def test_standard_input_has_to_come_again() -> None:
    """A pipe is read once: it is said that the input is needed again."""
    done = failed(ExitStatus.TRY_AGAIN, "TIMEOUT", unsent=1)
    assert next_steps(done, TYPED.on("-"))[0].words.endswith("(with the same input)")
