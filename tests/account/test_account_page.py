"""docs/account.md is true: its story is what happens, its program runs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/account.md").read_text("utf-8")
RUN = "20261125-151243-b2eb82"


def blocks(language: str) -> list[str]:
    """The page's code of one language."""
    return re.findall(rf"(?s)```{language}\n(.*?)```", PAGE)


def told(text: str) -> str:
    """What the page says is printed, as a pattern."""
    return re.escape(text).replace(re.escape("…\n"), r"(?:.*\n)*").replace("…", ".*")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the samples, and a state of its own."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    shutil.copy(ROOT / "samples/tasks.jsonl", tmp_path)
    monkeypatch.setenv("TOLOKA_UPLOAD_STATE_DIR", str(tmp_path / "state"))
    for name in ("TOLOKA_POOL", "TOLOKA_ENV", "TOLOKA_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_story_is_what_happens(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Plan, upload, verify, undo, verify: each command prints what the page says."""
    from toloka_upload.cli import run_command_line
    from toloka_upload.run.history import past_runs

    (story,) = blocks("console")
    parts = re.split(r"(?m)^\$ toloka-upload (.*)\n", story)[1:]
    assert len(parts) >= 14
    run = RUN
    for line, output in zip(parts[::2], parts[1::2], strict=True):
        capsys.readouterr()
        run_command_line(shlex.split(line.replace(RUN, run)))
        runs = [each.id for each in past_runs(here / "state") if each.command == "upload"]
        run = runs[-1] if runs else run
        printed = capsys.readouterr().out
        assert re.fullmatch(told(output).replace(re.escape(RUN), run), printed), (line, printed)


def test_the_program_runs(here: Path) -> None:
    """As it stands."""
    (program,) = blocks("python")
    (here / "program.py").write_text(program)
    subprocess.run([sys.executable, "program.py"], cwd=here, check=True, timeout=60)


def test_the_command_line_tells_programs_what_the_contract_promises(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The keys and the counts of each `--json`."""
    from toloka_upload.cli import run_command_line

    del here
    run_command_line(["--env", "local", "--pool", "21", "tasks.jsonl"])
    promised = {
        "verify": ["rows", "same", "changed", "missing", "unread", "doubled", "extra"],
        "undo 2 --yes": ["items", "undone", "partly", "failed", "left"],
        "adopt --env local --pool 21": ["listed", "adopted", "known"],
    }
    for line, names in promised.items():
        capsys.readouterr()
        assert run_command_line([*line.split(), "--json"]) == 0
        value = json.loads(capsys.readouterr().out)
        assert list(value["counts"]) == names
        assert {"schema_version", "exit_code", "exit_reason", "pools", "run_id", "files"} <= set(
            value
        )
        assert {"requests", "seconds", "error"} <= set(value)
