"""Kills `undo`, `adopt` and `verify` with SIGKILL, at random requests and moments, and looks at what is left.

python tests/account/kill_account.py --kills 50
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "shared"))

from killing import Trap, kill

from toloka_upload.emulator import Emulator
from toloka_upload.emulator.messages import Request, Response
from toloka_upload.emulator.server import Server

ROOT = Path(__file__).parents[2]
COMMON = 300
"""Rows that an earlier run uploaded."""


@dataclass
class Account:
    """What came of it. `repeated` are requests to take something back that were not needed."""

    kills: int = 0
    undos: int = 0
    adoptions: int = 0
    verifications: int = 0
    patched: int = 0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)


class CountingTrap(Trap):
    """Counts what is taken back, too."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        self.patched: Counter[str] = Counter()

    def handle(self, request: Request) -> Response:
        """Count it, and answer it."""
        if request.method == "PATCH":
            self.patched[request.path.split("/")[-2]] += 1
        return super().handle(request)


class Desk:
    """An emulator, a state directory, and the program in processes of their own."""

    def __init__(self, directory: Path, seed: int, account: Account) -> None:
        self._directory = directory
        self._dice = random.Random(seed)
        self._account = account
        self._file = directory / "tasks.jsonl"

    def undo(self, rows: int) -> None:
        """Upload two files, undo the second one, killed again and again; then upload it once more."""
        with self._server() as (server, trap):
            self._run(server, "upload", *self._rows(0, COMMON))
            upload = self._rows(COMMON, rows)
            run = self._run(server, "upload", *upload)["run_id"]
            self._until_done(server, trap, "undo", run, "--yes", most=rows)
            account = self._account
            account.undos += 1
            account.patched += trap.patched.total()
            account.repeated += trap.patched.total() - len(trap.patched)
            self._expect(
                "undone", self._run(server, "undo", run, "--yes")["counts"]["undone"], rows
            )
            self._expect("patched", len(trap.patched), rows)
            self._expect("left alone", Counter(self._overlaps())[3], COMMON)
            again = self._run(server, "upload", *self._rows(0, COMMON + rows))["counts"]
            self._expect("again", (again["created"], again["already_uploaded"]), (rows, COMMON))

    def adopt(self, rows: int) -> None:
        """Upload, lose the journal, adopt, killed again and again; then upload once more."""
        with self._server() as (server, trap):
            upload = self._rows(0, rows)
            self._run(server, "upload", *upload)
            for path in (self._directory / "state/journals").iterdir():
                path.unlink()
            self._until_done(server, trap, "adopt", "--pool", "21", most=8)
            self._account.adoptions += 1
            counts = self._run(server, "upload", *upload)["counts"]
            self._expect("adopted", (counts["created"], counts["already_uploaded"]), (0, rows))

    def verify(self, rows: int) -> None:
        """Upload and verify, killed again and again: it finds the same, and changes nothing."""
        with self._server() as (server, trap):
            self._run(server, "upload", *self._rows(0, rows))
            self._until_done(server, trap, "verify", most=6)
            self._account.verifications += 1
            self._expect("same", self._run(server, "verify")["counts"]["same"], rows)
            self._expect("items", len(self._overlaps()), rows)

    # Processes.

    @contextmanager
    def _server(self) -> Iterator[tuple[Server, CountingTrap]]:
        emulator = Emulator.in_memory(requests_per_second=0, operation_seconds=0)
        trap = CountingTrap(emulator)
        with Server(emulator) as server:
            self._emulator = emulator
            yield server, trap
        emulator.close()

    def _until_done(self, server: Server, trap: CountingTrap, *command: str, most: int) -> None:
        """Run a command until it ends by itself; kill it five times of six."""
        for _ in range(200):
            process = self._start(server, *command)
            kind = self._dice.choice(["moment", "before", "after", "before", "after", ""])
            if kind == "moment":
                time.sleep(self._dice.uniform(0.2, 0.6))
                if process.poll() is None:
                    kill(process)
            elif kind:
                trap.set(process, self._dice.randint(1, most), after=kind == "after")
            process.communicate(timeout=60)
            status = process.returncode
            trap.set(process, 0, after=False)
            if status != -signal.SIGKILL:
                self._expect(f"exit of {command[0]}", status, 0)
                return
            self._account.kills += 1
        self._account.problems.append(f"{command[0]}: no end")

    def _start(self, server: Server, *command: str) -> subprocess.Popen[bytes]:
        where = ["--url", server.url, "--state-dir", str(self._directory / "state"), "--json"]
        return subprocess.Popen(
            [sys.executable, "-m", "toloka_upload", *command, *where],
            env={**os.environ, "TOLOKA_TOKEN": "x", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _run(self, server: Server, *command: str) -> dict[str, Any]:
        out, _ = self._start(server, *command).communicate(timeout=60)
        value = json.loads(out)
        assert isinstance(value, dict)
        return value

    def _rows(self, first: int, count: int) -> tuple[str, ...]:
        text = '{"image":"https://example.com/%d.jpg"}\n'
        self._file.write_text("".join(text % number for number in range(first, first + count)))
        return (str(self._file), "--pool", "21", "--settle-pause", "0.2s")

    # The truth.

    def _overlaps(self) -> list[int]:
        return [item["overlap"] for item in self._emulator.items(21)]

    def _expect(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            self._account.problems.append(f"{what}: {found}, not {expected} ({self._directory})")


COMMANDS = ("undo", "adopt", "verify")


def campaign(
    kills: int, seed: int, directory: Path, rows: int = 900, commands: Sequence[str] = COMMANDS
) -> Account:
    """Kill commands of the account until there were so many kills."""
    account = Account()
    while account.kills < kills and not account.problems:
        for number, name in enumerate(commands):
            place = directory / f"{seed}-{name}"
            place.mkdir(parents=True)
            getattr(Desk(place, 10 * seed + number, account), name)(rows)
        seed += 1
    return account


def main() -> int:
    """Run the campaign that the command line asks for, and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=900)
    parser.add_argument("--only", choices=COMMANDS)
    options = parser.parse_args()
    commands = [options.only] if options.only else COMMANDS
    with tempfile.TemporaryDirectory(prefix="toloka-upload-kills-") as directory:
        account = campaign(options.kills, options.seed, Path(directory), options.rows, commands)
    for name, value in vars(account).items():
        print(f"{name:14} {value}")
    return bool(account.problems)


if __name__ == "__main__":
    sys.exit(main())
