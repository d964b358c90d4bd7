"""The README is true: its statuses, summary and links are those of the code."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from command_line import ROOT, Cli

from toloka_upload import ExitStatus, __version__
from toloka_upload.report.summary import Report

README = (ROOT / "README.md").read_text("utf-8")
CODE = re.compile(r"`([^`]+)`")


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_exit_status_is_in_the_readme() -> None:
    """By its number and name, and in the help by its number."""
    written = {int(row[0]): row[1] for row in table("Exit statuses")}
    meant = {int(status): status.reason for status in ExitStatus}
    assert meant.pop(143) == meant[130]
    assert written == meant
    assert "143" in README


def test_help_names_every_exit_status(cli: Cli) -> None:
    """For those who have no README at hand."""
    said = " ".join(cli("--help").out.split("Exit status:")[1].split())
    assert {int(number) for number in re.findall(r"\d+", said)} == {int(one) for one in ExitStatus}


def test_the_summary_in_the_readme_has_every_key() -> None:
    """At every level, and no key that is not there."""
    (sample,) = re.findall(r"(?s)```json\n(.*?)```", README)
    written, meant = json.loads(sample), Report().as_json()
    assert written.keys() == meant.keys()
    for name in ("counts", "operations", "waited_seconds"):
        assert written[name].keys() == meant[name].keys()
    assert written["counts"]["read"] == sum(written["counts"].values()) / 2


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_and_paths_lead_somewhere(document: str) -> None:
    """Every file and folder of this repository that a document names is there."""
    text = (ROOT / document).read_text("utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    paths = re.findall(r"`?((?:tests|docs|samples|\.ci)/[\w./-]*\w)", text)
    missing = [path for path in {*links, *paths} if not (ROOT / path).exists()]
    assert not missing


def test_the_map_of_the_rooms_names_every_module() -> None:
    """CONTRIBUTING.md knows each module and package, and none that is gone."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rooms = {name for row in re.findall(r"(?m)^\| (`.*?) \|", text) for name in CODE.findall(row)}
    package = ROOT / "toloka_upload"
    modules = {path.name for path in package.glob("*.py") if not path.name.startswith("_")}
    packages = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    rooms = {room for room in rooms if not room.startswith("tests/")}
    assert rooms == modules | packages


def test_the_tests_are_run_as_the_readme_says() -> None:
    """The same packages, the same command."""
    script = (ROOT / ".ci/run").read_text("utf-8")
    assert "pip install -e '.[dev]'" in README
    assert ".venv/bin/python -m pytest -n 2\n" in README
    assert "pip install --quiet -e '.[dev]'" in script
    assert "python -m pytest -n 2\n" in script


def test_the_changelog_knows_this_version() -> None:
    """Whoever raises the version says what changed."""
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_python_of_the_readme_works(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands, with a file of that name."""
    (sample,) = re.findall(r"(?s)```python\n(.*?)```", README)
    shutil.copy(ROOT / "samples/tasks.jsonl", here)
    exec(compile(sample, "README.md", "exec"), {})
    assert "OK" in capsys.readouterr().out


def script(name: str) -> ModuleType:
    """One of the scripts that make parts of the documents."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/{name}.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_picture_is_what_the_program_shows() -> None:
    """Made anew with fewer rows, it has the same words; figures and bars are those of its run."""
    maker = script("make_picture")
    kept = maker.PICTURE.read_text("utf-8")
    made = maker.picture(rows=2000, seconds=0.5)
    assert maker.shape(made) == maker.shape(kept), "run python docs/make_picture.py"
    assert "http://www.w3.org" in kept
    assert "cdnjs" not in kept


def test_the_demonstration_of_the_readme_works(here: Path, free_port: int) -> None:
    """Killed in the middle, run again: each row once. With a quicker emulator, at a port of its own."""
    (demonstration,) = re.findall(r"(?s)```bash\n(.*?)```", README)
    for long, short in (("8080", str(free_port)), ("30000", "3000"), ("time 2 ", "time 0.4 ")):
        demonstration = demonstration.replace(long, short)
    demonstration = demonstration.replace("3000 rows", "300 rows").replace("KILL 4", "KILL 1.2")
    folder = here.parent / "bin"
    folder.mkdir()
    (folder / "toloka-upload").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m toloka_upload "$@"\n'
    )
    (folder / "toloka-upload").chmod(0o700)
    environ = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", f"{demonstration}\nkill %1"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert "Uploaded " in done.stdout, done.stderr
    assert "Nothing left to do: all 3,000 rows reached pool 21" in done.stdout
    assert "verify: 3,000 rows, 3,000 same" in done.stdout


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
