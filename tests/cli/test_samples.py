"""Samples and templates: what we hand out can be uploaded as it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ROOT, Cli, Shell

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
