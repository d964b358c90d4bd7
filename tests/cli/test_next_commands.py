"""What a summary says to do next, done: each command line goes into a shell as it was printed, and succeeds."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Shell
from make_xlsx import sheet_xml, workbook

URL = "https://example.com/%d.jpg"
LOCAL = ("--env", "local", "-p", "21")
SEMICOLON = f"image;text\n{URL % 1};Tür\nno url;Büro\n{URL % 2};a\n"
TSV = f"INPUT:image\tINPUT:text\n{URL % 1}\ta\nno url\tb\n"


def printed(out: str) -> list[str]:
    """The command lines of a summary."""
    after = out.split("\nNext: ")[1].splitlines()[1:]
    return [line.removeprefix("  ") for line in after if line.startswith("  ")]


def done(line: str, stdin: bytes = b"", *, status: int = 0) -> str:
    """Run a command line as it was printed; return what it says."""
    ended = subprocess.run(
        ["/bin/sh", "-c", line], input=stdin, capture_output=True, check=False, timeout=60
    )
    assert ended.returncode == status, (line, ended.stdout, ended.stderr)
    return ended.stdout.decode()


def fix(path: str | Path) -> None:
    """Correct the bad address, byte for byte."""
    path = Path(path)
    path.write_bytes(path.read_bytes().replace(b"no url", (URL % 9).encode()))


def write_inputs() -> None:
    """A file in each form, each with one bad row."""
    rows = [{"image": URL % 1}, {"image": "no url"}, {"image": URL % 2}]
    Path("a b.csv").write_bytes(SEMICOLON.encode("cp1252"))
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("array.json").write_text(json.dumps(rows, indent=1))
    Path("packed.tsv.gz").write_bytes(gzip.compress(TSV.encode()))
    Path("odd.dat").write_text(TSV)
    make_book(Path("book.xlsx"), [["image", "text"], [URL % 1, "a"], ["no url", "b"]])


def make_book(path: Path, rows: list[list[str]]) -> None:
    """A workbook with one sheet of texts, called Tasks."""
    path.write_bytes(workbook({"Tasks": sheet_xml(rows)}))


CASES = {
    "cp1252 with semicolons": ("--encoding", "cp1252", "--delimiter", ";", "a b.csv"),
    "JSON Lines": ("rows.jsonl", "--results", "r.jsonl"),
    "a JSON array": ("--format", "json", "array.json"),
    "gzip": ("packed.tsv.gz",),
    "a format by name": ("--format", "tsv", "odd.dat", "--rejects", "bad.rows"),
    "a sheet": ("--sheet", "Tasks", "book.xlsx"),
    "standard input": ("--format", "tsv", "-"),
    "several files": ("rows.jsonl", "array.json", "packed.tsv.gz", "book.xlsx"),
    "suites": ("-p", "22", "--suite-size", "2", "rows.jsonl"),
}


@pytest.mark.parametrize("case", CASES)
def test_rejects_that_were_fixed_are_uploaded_by_the_command_that_is_printed(
    shell: Shell, case: str
) -> None:
    """With the encoding, delimiter, format, pool and place of the run before; all rows are in then."""
    write_inputs()
    ended = shell(*LOCAL, *CASES[case], "--skip-invalid-items", stdin=TSV.encode())
    assert ended.status == 1, ended.err
    lines = printed(ended.out)
    assert lines
    for line in lines:
        for word in shlex.split(line):
            if Path(word).is_file() and word != sys.executable:
                fix(word)
        assert "Uploaded" in done(line)


@pytest.mark.parametrize("case", ["cp1252 with semicolons", "a format by name", "standard input"])
def test_both_ways_out_of_bad_rows_work_as_printed(shell: Shell, case: str) -> None:
    """Sending the good ones, and the same command once the input is corrected."""
    write_inputs()
    stdin = TSV.encode()
    ended = shell(*LOCAL, *CASES[case], stdin=stdin)
    assert ended.status == 65, ended.err
    same, good = printed(ended.out)
    sent = subprocess.run(["/bin/sh", "-c", good], input=stdin, capture_output=True, check=False)
    assert sent.returncode == 1, sent.stderr
    for name in ("a b.csv", "odd.dat"):
        fix(name)
    # The rejects of the run in between are there now, and are not overwritten.
    same = same.replace("bad-2.rows", "bad-3.rows")
    done(same, TSV.replace("no url", URL % 9).encode())


def test_a_file_in_another_encoding_is_uploaded_by_the_command_that_is_printed(
    shell: Shell,
) -> None:
    """It names the first encoding in which the file reads as text."""
    Path("tasks.csv").write_bytes(f"image;text\n{URL % 1};Tür\n".encode("cp1252"))
    ended = shell(*LOCAL, "tasks.csv")
    assert ended.status == 65
    (line,) = printed(ended.out)
    assert "--encoding cp1252" in line
    done(line)


def test_a_plan_that_was_good_is_uploaded_by_the_command_that_is_printed(shell: Shell) -> None:
    """And what nobody waited for is settled by the next one; a variable of one command is part of it."""
    Path("tasks.jsonl").write_text(json.dumps({"image": URL % 1}) + "\n")
    ended = shell(
        "-n", "--no-wait", "tasks.jsonl", environ={"TOLOKA_POOL": "21", "TOLOKA_ENV": "local"}
    )
    done(*printed(done(*printed(ended.out), status=3)))


def test_a_cost_that_is_too_high_is_looked_at_with_the_command_that_is_printed(
    shell: Shell,
) -> None:
    """A plan, without the limit that stopped the run."""
    Path("tasks.jsonl").write_text(json.dumps({"image": URL % 1}) + "\n")
    ended = shell(*LOCAL, "--max-cost", "0.001", "tasks.jsonl")
    assert ended.status == 4
    assert "cost" in done(*printed(ended.out))


def test_a_missing_package_comes_with_the_command_that_installs_it(shell: Shell) -> None:
    """The one of this very Python; the command itself, not the advice to change the input."""
    Path("tasks.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    hidden = Path("hidden/pyarrow")
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError")
    path = os.pathsep.join(filter(None, ["hidden", os.environ.get("PYTHONPATH")]))
    ended = shell(*LOCAL, "tasks.parquet", environ={"PYTHONPATH": path})
    assert ended.status == 65
    install, again = printed(ended.out)
    assert shlex.split(install) == [sys.executable, "-m", "pip", "install", "pyarrow>=17"]
    assert again.endswith("tasks.parquet")


def test_packages_to_install_are_those_of_the_extras() -> None:
    """What the messages name is what pyproject.toml asks for."""
    root = Path(__file__).parents[2]
    extras = (root / "pyproject.toml").read_text()
    for package in ("pyarrow>=17", "backports.zstd>=1.0"):
        assert f'"{package}' in extras


@pytest.mark.usefixtures("here")
def test_a_failure_is_said_once_where_both_streams_meet() -> None:
    """In a cron job's mail: the start, what happened, what to do. On streams of their own, each says it once."""
    command = [sys.executable, "-m", "toloka_upload", "--pool", "21", "tasks.jsonl"]
    Path("tasks.jsonl").write_text(json.dumps({"image": URL % 1}) + "\n")
    environ = {name: value for name, value in os.environ.items() if name != "TOLOKA_TOKEN"}
    mail = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environ
    ).stdout.decode()
    assert mail.count("There is no token") == 1
    assert len(mail.splitlines()) == 4, mail
    apart = subprocess.run(command, capture_output=True, check=False, env=environ)
    for stream in (apart.stdout.decode(), apart.stderr.decode()):
        assert stream.count("There is no token") == 1
        assert len(stream.splitlines()) == 3, stream
