"""A place to upload from: an emulator on a socket, a state directory, and the program in this process or in its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from toloka_upload.api.target import Target
from toloka_upload.emulator import Emulator
from toloka_upload.emulator.server import Server
from toloka_upload.report.observer import Observer, unobserved
from toloka_upload.report.summary import Report
from toloka_upload.run.upload import Upload
from toloka_upload.settings import Pacing, Requests, Settings

ROOT = Path(__file__).parents[2]


class Desk:
    """Uploads `tasks.jsonl` of its directory into pool 21 of an emulator.

    Attributes:
        results: Where runs write their results.
    """

    def __init__(self, directory: Path, **switches: Any) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.file = directory / "tasks.jsonl"
        self.results = directory / "results.jsonl"
        self.emulator = Emulator.in_memory(requests_per_second=0, **switches)
        self.server = Server(self.emulator)

    def __enter__(self) -> Desk:
        self.server.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.server.__exit__(None, None, None)
        self.emulator.close()

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Put rows into the file."""
        self.file.write_bytes(lines(rows))

    def settings(self, **changes: Any) -> Settings:
        """Settings for a quick run; those of `Requests` and `Pacing` by name, too."""
        requests = {key: changes.pop(key) for key in list(changes) if key in _REQUESTS}
        pacing = {key: changes.pop(key) for key in list(changes) if key in _PACING}
        return Settings(
            **{
                "files": (str(self.file),),
                "target": Target(self.server.url, "custom", None, "OAuth x"),
                "pool": "21",
                "state_dir": self.state,
                "results": self.results,
                "rejects": self.directory / "rejects.jsonl",
                "force": True,
                "requests": Requests(**{"chunk_size": 10, **requests}),
                "pacing": Pacing(
                    **{"rate": None, "settle_pause": 0.2, "fail_fast": False, **pacing}
                ),
                **changes,
            }
        )

    def upload(
        self, observer: Observer = unobserved, stdin: bytes | None = None, **changes: Any
    ) -> Report:
        """Upload in this process."""
        source = None if stdin is None else io.BytesIO(stdin)
        return Upload(self.settings(**changes), observer, stdin=source).run()

    def start(
        self, *options: str, prefix: Sequence[str] = (), **popen: Any
    ) -> subprocess.Popen[bytes]:
        """Start an upload in a process of its own; `--json` goes to its standard output."""
        command = [
            *prefix,
            *(sys.executable, "-m", "toloka_upload", str(self.file), "--pool", "21", "--json"),
            *("--url", self.server.url, "--state-dir", str(self.state), "--settle-pause", "0.2s"),
            *("--results", str(self.results), "--chunk-size", "10", *options),
        ]
        return subprocess.Popen(
            command,
            **{
                "env": self.environ(),
                "cwd": self.directory,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **popen,
            },
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command on this state directory."""
        return subprocess.run(
            [sys.executable, "-m", "toloka_upload", *arguments, "--state-dir", str(self.state)],
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def environ(self) -> dict[str, str]:
        """The environment of a process."""
        path = os.environ.get("PYTHONPATH", str(ROOT))
        return {**os.environ, "TOLOKA_TOKEN": "x", "PYTHONPATH": path}

    def contents(self, pool: str = "21") -> Counter[str]:
        """How often each image is in a pool."""
        return Counter(item["input_values"]["image"] for item in self.emulator.items(int(pool)))

    def posts(self) -> int:
        """Creating requests so far."""
        return self.emulator.ledger.count("POST", "/tasks")

    def told(self) -> list[dict[str, Any]]:
        """The results file."""
        return [json.loads(line) for line in self.results.read_text().splitlines()]


_REQUESTS = set(Requests.__dataclass_fields__)
_PACING = set(Pacing.__dataclass_fields__)


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    """So many different rows."""
    return [{"image": f"https://e.test/{number}"} for number in range(start, start + count)]


def lines(found: Sequence[dict[str, Any]]) -> bytes:
    """Rows as JSONL."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in found)


def once(found: Sequence[dict[str, Any]]) -> Counter[str]:
    """What the pool has if each row is there once."""
    return Counter(row["image"] for row in found)


def at(number: int, kind: type, do: Callable[[], None]) -> Observer:
    """An observer that does something at the nth event of a kind."""
    seen = 0

    def observer(event: Any) -> None:
        nonlocal seen
        if isinstance(event, kind):
            seen += 1
            if seen == number:
                do()

    return observer
