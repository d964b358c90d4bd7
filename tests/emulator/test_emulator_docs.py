"""docs/emulator.md tells of every switch and every fault, in the words of the code, and its samples work."""

from __future__ import annotations

import ast
import builtins
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from emulated import task

from toloka_upload.emulator import Emulator, Switches, World, load_world
from toloka_upload.emulator.faults import ACTIONS, load_plan
from toloka_upload.emulator.server import Server
from toloka_upload.emulator.switches import about
from toloka_upload.emulator.world import default_world
from toloka_upload.library import upload
from toloka_upload.pytest_plugin import StartEmulator

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def shown(value: Any) -> str:
    """A value as TOML and the command line take it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value) or "(empty)"


def switch_rows() -> list[str]:
    """The rows of the table of switches."""
    usual = Switches()
    rows = []
    for name, (words, choices) in about().items():
        values = " ".join(f"`{choice}`" for choice in choices)
        kind = "text" if isinstance(getattr(usual, name), str) else "number"
        default = shown(getattr(usual, name))
        rows.append(f"| `{name}` | {values or kind} | `{default}` | {words} |")
    return rows


def fault_rows() -> list[str]:
    """The rows of the table of faults."""
    rows = []
    for name, action in ACTIONS.items():
        pairs = action.settings.items()
        settings = ", ".join(f"`{key}` = {json.dumps(value)}" for key, value in pairs)
        rows.append(f"| `{name}` | {action.phase} | {action.about} | {settings} |")
    return rows


def test_every_switch_is_documented() -> None:
    """Name, values, default, meaning."""
    missing = [row for row in switch_rows() if row not in TEXT]
    assert not missing, "docs/emulator.md lacks:\n" + "\n".join(missing)


def test_every_fault_is_documented() -> None:
    """Name, when, what, settings with their defaults."""
    missing = [row for row in fault_rows() if row not in TEXT]
    assert not missing, "docs/emulator.md lacks:\n" + "\n".join(missing)


def test_nothing_is_documented_that_is_not_there() -> None:
    """No row of either table names what the code does not know."""
    named = set(re.findall(r"^\| `([\w-]+)` \|", TEXT, re.MULTILINE))
    assert named == about().keys() | ACTIONS.keys()


def samples(language: str) -> list[str]:
    """The document's samples in a language."""
    return re.findall(rf"(?s)```{language}\n(.*?)```", TEXT)


def the_sample(language: str, words: str) -> str:
    """The one sample that has some words."""
    (found,) = (sample for sample in samples(language) if words in sample)
    return found


@pytest.mark.parametrize("sample", samples("toml"))
def test_the_files_work(sample: str, tmp_path: Path) -> None:
    """Plans are plans, and worlds can be put in."""
    path = tmp_path / "sample.toml"
    path.write_text(sample)
    if "[[fault]]" in sample:
        assert load_plan(path)[0]
    else:
        emulator = Emulator.in_memory(load_world(path))
        emulator.close()


def rows(count: int, path: Path) -> None:
    """A file of rows for pool 21."""
    lines = [json.dumps({"image": f"https://example.com/{n}.jpg"}) for n in range(count)]
    path.write_text("\n".join(lines))


def shell(script: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a sample's commands; what they leave in the background ends with them."""
    bin_directory = cwd / "bin"
    bin_directory.mkdir()
    command = bin_directory / "toloka-upload"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m toloka_upload "$@"\n')
    command.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", f"set -e\n{script}"],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env={
            "PATH": f"{bin_directory}:{os.environ['PATH']}",
            "PYTHONPATH": ":".join(sys.path),
            "TOLOKA_UPLOAD_STATE_DIR": str(cwd / "state"),
            **environ,
        },
    )


def prepared(sample: str, port: int) -> str:
    """A sample's commands, at a free port, each emulator awaited."""
    wait = f"until curl -sf http://127.0.0.1:{port}/ >/dev/null; do sleep 0.05; done"
    return sample.replace(" &\n", f' &\ntrap "kill $!" EXIT\n{wait}\n').replace("8080", str(port))


@pytest.fixture
def port() -> int:
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.skipif(not shutil.which("curl"), reason="the samples use curl")
def test_the_rehearsal_works(
    start_toloka_emulator: StartEmulator, tmp_path: Path, port: int
) -> None:
    """A pool is copied with the user's token, and an upload into the copy succeeds."""
    elsewhere = start_toloka_emulator(require_token="secret")
    copied = {**default_world().pools[21], "id": "12345"}
    elsewhere.emulator.put(World({}, {12345: copied}))
    rows(20, tmp_path / "tasks.jsonl")
    sample = the_sample("sh", "--like").replace("TOLOKA_TOKEN=...", "TOLOKA_TOKEN=secret")
    sample = sample.replace("--env production", f"--url {elsewhere.url} --port 8080")
    ran = shell(prepared(sample, port), tmp_path)
    assert ran.returncode == 0, ran
    assert "20" in ran.stdout
    assert elsewhere.emulator.items(12345) == []


@pytest.mark.skipif(not shutil.which("curl"), reason="the samples use curl")
def test_the_bad_day_takes_place(tmp_path: Path, port: int) -> None:
    """The job of the text meets the faults of the plan, so often as the text says, and every row is there once."""
    (tmp_path / "bad-day.toml").write_text(the_sample("toml", "[[fault]]"))
    rows(500, tmp_path / "tasks.jsonl")
    job = tmp_path / "my-nightly-job"
    job.write_text(
        "#!/bin/sh\nexec toloka-upload --chunk-size 100 --rate 1000000/min tasks.jsonl\n"
    )
    job.chmod(0o755)
    assert "`toloka-upload --chunk-size 100 tasks.jsonl`" in TEXT
    sample = the_sample("sh", "./my-nightly-job") + (
        "curl -s http://127.0.0.1:8080/_emulator/state > state.json\n"
    )
    ran = shell(prepared(sample.replace("--memory", "--memory --operation-time 0"), port), tmp_path)
    assert ran.returncode == 0, ran
    state = json.loads((tmp_path / "state.json").read_text())
    counts = state["faults"]["counts"]
    assert (counts["throttle"], counts["reset-after"]) == (2, 1)
    assert {pool["id"]: pool["tasks"] for pool in state["pools"]}["21"] == 500


def lines(sample: str) -> dict[str, Any]:
    """The tests that a sample defines, as it stands, with the reader's own job for them to call."""
    names: dict[str, Any] = {"run_my_job": careful_job}
    exec(compile(sample, str(DOCUMENT), "exec"), names)
    return names


def careful_job(url: str, pool: str = "21") -> None:
    """Three tasks, each once: the upload of this very package."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "tasks.jsonl")
        rows(3, path)
        report = upload(path, url=url, pool=pool, token="any", state_dir=Path(directory))
        assert report.exit_status == 0, report


def blind_job(url: str) -> None:
    """Three tasks, sent again if there is no answer."""
    body = json.dumps([task(number) for number in range(3)]).encode()
    request = urllib.request.Request(url + "/tasks", body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=5)
    except OSError:
        urllib.request.urlopen(request, timeout=5)


def test_the_test_of_a_lost_answer_works(toloka_emulator: Server) -> None:
    """It passes with a careful job, and fails with one that resends blindly: with 6 tasks, as the text says."""
    names = lines(the_sample("python", "test_my_job_survives_a_lost_answer"))
    names["test_my_job_survives_a_lost_answer"](toloka_emulator)
    toloka_emulator.faults.clear()
    names["run_my_job"] = blind_job
    fresh = toloka_emulator.emulator
    before = len(fresh.items(21))
    with pytest.raises(AssertionError):
        names["test_my_job_survives_a_lost_answer"](toloka_emulator)
    assert len(fresh.items(21)) - before == 6


def test_the_test_with_a_world_works(
    start_toloka_emulator: StartEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`load_world` is where the text imports it from, and takes the name of a file."""
    (tmp_path / "world.toml").write_text(the_sample("toml", "[[pool]]"))
    monkeypatch.chdir(tmp_path)
    names = lines(the_sample("python", "load_world"))
    names["run_my_job"] = careful_job
    names["test_my_job_fills_a_pool_on_the_map"](start_toloka_emulator)


def test_the_samples_for_pytest_run_as_they_stand(tmp_path: Path) -> None:
    """The page's own `conftest.py` and tests, in a directory of their own, with the reader's job beside them."""
    conftest, *tests = [sample for sample in samples("python") if "client." not in sample]
    (tmp_path / "conftest.py").write_text(conftest)
    job = "import sys\nsys.path.insert(0, {!r})\nfrom test_emulator_docs import careful_job as run_my_job\n"
    (tmp_path / "job.py").write_text(job.format(str(Path(__file__).parent)))
    for number, sample in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(f"from job import run_my_job\n{sample}")
    (tmp_path / "world.toml").write_text(the_sample("toml", "[[pool]]"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
    ]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=40, check=False,
                         env={**os.environ, "PYTHONPATH": ":".join([str(tmp_path), *sys.path])})  # fmt: skip
    assert "2 passed" in ran.stdout, ran


def test_every_sample_imports_what_it_uses() -> None:
    """Whoever copies a block, or blocks that go on one from the other, has all names in it."""
    known: set[str] = {*dir(builtins), "run_my_job"}
    for sample in samples("python"):
        tree = ast.parse(sample)
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                made |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.FunctionDef):
                made.add(node.name)
        known |= made
        assert {node.id for node in names} <= known


def test_every_sample_is_run() -> None:
    """Here, or by the official client's judge, which has the client."""
    judged = [
        sample for sample in samples("python") if "toloka.client" in sample or "client." in sample
    ]
    assert len(judged) == 2
    assert len(samples("python")) == len(judged) + 3
    assert len(samples("sh")) == 2
