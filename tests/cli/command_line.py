"""What the tests of the command line share: how a run ended, rows to upload, and the promised words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

ROOT = Path(__file__).parents[2]
GOOD = '{"input_values":{"image":"https://example.com/%d.jpg"}}\n'
BAD = '{"input_values":{"image":"no address"}}\n'

SUMMARY_KEYS = {
    "schema_version",
    "exit_code",
    "exit_reason",
    "run_id",
    "env",
    "url",
    "pools",
    "files",
    "kind",
    "mode",
    "dry_run",
    "counts",
    "operations",
    "requests",
    "retries",
    "seconds",
    "waited_seconds",
    "pool_opened",
    "errors",
    "error",
    "results",
    "rejects",
}
COUNTS = ("created", "already_uploaded", "rejected", "unknown", "unsent")


class Ended(NamedTuple):
    """How a run ended."""

    status: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """Standard output as one JSON object."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def counts(self) -> dict[str, int]:
        """The counts of the summary that are not zero."""
        return {name: count for name, count in self.summary["counts"].items() if count}


class Cli(Protocol):
    """Runs the command line."""

    def __call__(self, *arguments: str | Path) -> Ended:
        """Run it with these arguments."""
        ...


class Shell(Protocol):
    """Runs the command line in a process of its own."""

    def __call__(
        self, *arguments: str | Path, stdin: bytes = b"", environ: Mapping[str, str] = ...
    ) -> Ended:
        """Run it with these arguments, standard input and further environment variables."""
        ...


def good_rows(path: Path | str, count: int = 3, first: int = 0) -> Path:
    """Write a file of rows that the local emulator takes."""
    path = Path(path)
    path.write_text("".join(GOOD % number for number in range(first, first + count)))
    return path


def lines(path: Path | str) -> list[dict[str, Any]]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in Path(path).read_text().splitlines()]
