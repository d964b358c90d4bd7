"""The packages: made of what is committed, the same bytes each time, and they run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from command_line import ROOT

pytestmark = pytest.mark.skipif(
    not shutil.which("git") or not (ROOT / ".git").exists(), reason="not a checkout"
)


def built(checkout: Path, out: Path) -> dict[str, bytes]:
    """The packages of a checkout, by name."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path}
    subprocess.run([checkout / ".ci/build", out], env=environ, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of a clone in which files lie about, built twice."""
    folder = tmp_path_factory.mktemp("build")
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{ROOT}", clone], check=True)
    for stray in (".env", "toloka_upload/stray.py", "tests/.env", "samples/token"):
        (clone / stray).write_text("secret")
    first, second = built(clone, folder / "first"), built(clone, folder / "second")
    assert first == second
    return folder / "first"


def test_packages_hold_what_is_committed_and_nothing_else(packages: Path) -> None:
    """And are the same bytes when they are built again."""
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    tracked = set(listed.stdout.splitlines())
    (sdist,) = packages.glob("*.tar.gz")
    (wheel,) = packages.glob("*.whl")
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert names - {"PKG-INFO"} <= tracked
    assert {
        "README.md",
        "docs/terminal.svg",
        "samples/upload-new",
        "tests/cli/test_build.py",
    } <= names
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert inside == {name for name in tracked if name.startswith("toloka_upload/")}


def test_the_wheel_installs_and_runs(packages: Path, tmp_path: Path) -> None:
    """Far from the checkout: a dry run of a row into the local emulator's pool."""
    (wheel,) = packages.glob("*.whl")
    home = tmp_path / "site"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        home,
    ]
    subprocess.run([*install, wheel], check=True, capture_output=True)
    (tmp_path / "t.jsonl").write_text('{"image": "https://example.com/1.jpg"}\n')
    command = [sys.executable, "-m", "toloka_upload", "--env", "local", "-p", "21", "t.jsonl"]
    environ = {
        **os.environ,
        "PYTHONPATH": str(home),
        "TOLOKA_UPLOAD_STATE_DIR": str(tmp_path / "s"),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("Uploaded 1 row to pool 21."), done.stderr
