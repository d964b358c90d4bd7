"""Samples and templates: what we hand out can be uploaded as it is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import ROOT, Cli, Shell, good_rows

from toloka_upload.cli.app import app

SAMPLES = ROOT / "samples"


@pytest.mark.parametrize(
    ("name", "pool", "options", "kind"),
    [
        ("tasks.jsonl", "21", [], "tasks"),
        ("tasks.tsv", "21", [], "tasks"),
        ("tasks.csv", "21", [], "tasks"),
        ("tasks.jsonl", "21", ["--sync"], "tasks"),
        ("suites.jsonl", "22", [], "task-suites"),
        ("tasks.jsonl", "22", ["--suite-size", "5"], "task-suites"),
        ("tasks.csv", "22", ["--suite-size", "3"], "task-suites"),
    ],
)
def test_every_sample_can_be_uploaded(
    cli: Cli, name: str, pool: str, options: list[str], kind: str
) -> None:
    """To the pool that the documents name, and a second time nothing is left to do."""
    upload = ["--env", "local", "-p", pool, str(SAMPLES / name), *options, "--json"]
    first = cli(*upload)
    assert first.status == 0, first.out + first.err
    assert first.summary["kind"] == kind
    assert first.counts["created"] == first.counts["read"] >= 5
    assert cli(*upload).counts["already_uploaded"] == first.counts["read"]


def test_the_same_rows_in_other_forms_are_the_same_rows(cli: Cli) -> None:
    """JSONL, JSON, gzip: whatever a row travels in, it reaches a pool once."""
    import gzip

    rows = (SAMPLES / "tasks.jsonl").read_bytes()
    Path("tasks.jsonl.gz").write_bytes(gzip.compress(rows))
    Path("tasks.json").write_bytes(b"[" + b",\n".join(rows.splitlines()) + b"]")
    upload = ("--env", "local", "-p", "21", "--json")
    count = cli(*upload, "tasks.jsonl.gz").counts["created"]
    for name in (SAMPLES / "tasks.jsonl", "tasks.json"):
        assert cli(*upload, name).counts == {"read": count, "already_uploaded": count}


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "tsv"])
@pytest.mark.parametrize(("pool", "options"), [("21", []), ("22", ["--suite-size", "1"])])
def test_a_template_can_be_uploaded(cli: Cli, form: str, pool: str, options: list[str]) -> None:
    """The example row in it passes the check of the very pool it was made for."""
    made = cli("template", "--env", "local", "-p", pool, "--format", form)
    assert made.status == 0, made.err
    path = Path(f"template.{form}")
    path.write_text(made.out)
    if "tasks" in made.out:
        options = []  # a template for a pool of suites is a suite
    ended = cli("--env", "local", "-p", pool, path, *options, "--json")
    assert ended.status == 0, ended.out
    assert ended.counts["created"] >= 1


def test_a_template_of_a_pool_that_is_not_there(cli: Cli) -> None:
    """Ends as an upload would."""
    assert cli("template", "--env", "local", "-p", "99").status == 69
    assert cli("template", "-p", "21").status == 77


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_the_makefile_uploads_once(shell: Shell, here: Path) -> None:
    """`make ENV=local`: everything is uploaded, and a second `make` has nothing to do."""
    del shell
    for path in SAMPLES.iterdir():
        shutil.copy(path, here)
    command = ["make", "-s", "ENV=local", f"UPLOAD={sys.executable} -m toloka_upload"]
    first = subprocess.run(command, capture_output=True, check=False, timeout=50, text=True)
    assert first.returncode == 0, first.stderr
    summaries = sorted(here.glob("*.summary.json"))
    assert len(summaries) >= 3
    assert all(json.loads(path.read_text())["exit_code"] == 0 for path in summaries)
    times = [path.stat().st_mtime_ns for path in summaries]
    subprocess.run(command, capture_output=True, check=True, timeout=50)
    assert [path.stat().st_mtime_ns for path in summaries] == times


@pytest.fixture
def on_path(here: Path) -> dict[str, str]:
    """An environment in which `toloka-upload` is on the path, and uploads go to the local emulator."""
    folder = here.parent / "bin"
    folder.mkdir()
    command = folder / "toloka-upload"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m toloka_upload "$@"\n')
    command.chmod(0o700)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "TOLOKA_ENV": "local", "TOLOKA_POOL": "21"}


def test_what_cron_runs_is_quiet_when_all_is_well(on_path: dict[str, str]) -> None:
    """Summary and results are there, nothing is printed; a failure prints the log and keeps its status."""
    shutil.copy(SAMPLES / "upload-new", ".")
    good_rows("tasks.jsonl", 3)

    def cron() -> tuple[int, bytes]:
        done = subprocess.run(
            ["./upload-new", "tasks.jsonl"], env=on_path, capture_output=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert cron() == (0, b"")
    assert json.loads(Path("summary.json").read_text())["counts"]["created"] == 3
    assert len(Path("results.jsonl").read_text().splitlines()) == 3
    Path("tasks.jsonl").write_text("no row\n")
    status, printed = cron()
    assert status == 65
    assert b"tasks.jsonl:1" in printed
    assert sorted(path.name for path in Path().iterdir() if path.is_dir()) == []


def test_what_cron_runs_may_overlap_itself(on_path: dict[str, str]) -> None:
    """A run that leaves with 75 because another one is at work overwrites nothing of that one's files."""
    shutil.copy(SAMPLES / "upload-new", ".")
    for name in ("summary.json", "results.jsonl", "upload.log"):
        Path(name).write_text("of the run at work")
    stub = Path(on_path["PATH"].split(os.pathsep)[0]) / "toloka-upload"
    stub.write_text("#!/bin/sh\necho '{}'\nexit 75\n")
    done = subprocess.run(["./upload-new", "t"], env=on_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    for name in ("summary.json", "results.jsonl", "upload.log"):
        assert Path(name).read_text() == "of the run at work"


COMMANDS = re.compile(r"(?:/usr/local/bin/)?toloka-upload ((?:--|runs).*)")


@pytest.mark.parametrize(
    "name",
    ["toloka-upload.service", "airflow_dag.py", "github-actions.yml", "crontab", "upload-new"],
)
def test_every_command_of_a_sample_is_one(name: str) -> None:
    """Its options exist, and take what they are given."""
    group: Any = typer.main.get_command(app)
    found = COMMANDS.findall((SAMPLES / name).read_text())
    assert found
    for line in found:
        words = shlex.split(re.sub(r' [0-9]?>.*|",$|`.*', "", line))
        command = group.commands["runs" if words[0] == "runs" else "upload"]
        arguments = [word for word in words if word != "runs"]
        root = group.make_context("toloka-upload", [words[0]], resilient_parsing=True)
        assert command.make_context("x", arguments, root, resilient_parsing=False).params


def test_the_airflow_sample_is_python() -> None:
    """It compiles; Airflow itself is too big to be a test's dependency."""
    compile((SAMPLES / "airflow_dag.py").read_text(), "airflow_dag.py", "exec")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_knows_every_line_of_the_units(here: Path) -> None:
    """Nothing is unknown to it but the program and the user, who are not here."""
    del here
    units = [str(SAMPLES / f"toloka-upload.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert "Unknown" not in done.stderr
