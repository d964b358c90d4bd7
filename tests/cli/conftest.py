"""Fixtures of the command line's tests: `cli` runs it in this process, `shell` as users do."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from command_line import Cli, Ended, Shell

from toloka_upload.pytest_plugin import start_toloka_emulator, toloka_emulator

__all__ = ["start_toloka_emulator", "toloka_emulator"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a state directory of the test's own."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("TOLOKA_UPLOAD_STATE_DIR", str(tmp_path / "state"))
    return work


@pytest.fixture
def cli(here: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """Run the command line in this process: `cli("--env", "local", "tasks.jsonl")`."""
    from toloka_upload.cli import run_command_line

    del here
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers, threshold = [signal.getsignal(number) for number in signals], gc.get_threshold()

    def ended(*arguments: str | Path) -> Ended:
        capfd.readouterr()
        status = run_command_line([str(argument) for argument in arguments])
        return Ended(status, *capfd.readouterr())

    yield ended
    for number, handler in zip(signals, handlers, strict=True):
        signal.signal(number, handler)
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.fixture
def shell(here: Path) -> Shell:
    """Run the command line in a process of its own, without a terminal."""
    del here

    def ended(
        *arguments: str | Path,
        stdin: bytes = b"",
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> Ended:
        process = subprocess.run(
            [sys.executable, "-m", "toloka_upload", *arguments],
            input=stdin,
            capture_output=True,
            env={**os.environ, **environ},
            check=False,
            timeout=30,
        )
        return Ended(process.returncode, process.stdout.decode(), process.stderr.decode())

    return ended
