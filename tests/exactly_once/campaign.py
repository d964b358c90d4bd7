"""Kill real uploads for real, again and again, and count what is there in the end.

    python tests/exactly_once/campaign.py --kills 1000 --seed 1 --mode both --jobs 2

Each upload is `python -m toloka_upload` against an emulator on a socket, in bad weather. It is killed with SIGKILL:
at a random moment, or just before or just after the emulator did a request; sometimes two are started at once, and one
waits for the other's lock. The same command (now and then with other chunks, or the file turned round, grown or
zipped) is run again until it ends with 0. Then the emulator's store is compared with the input, by content and
multiplicity, and the results, live and from the journal, with both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "shared"))

from killing import Trap, kill

from toloka_upload.emulator import Emulator
from toloka_upload.emulator.server import Server

ROOT = Path(__file__).parents[2]
CHUNK = 40
_GOES_ON = (3, 75, -signal.SIGKILL)
"""Exit statuses after which the same command is to be run again."""
MOST_RUNS = 60
"""Runs after which an upload is taken never to end."""
WEATHER = [
    {"action": action, "method": method, "probability": 0.02}
    for method in ("POST", "GET")
    for action in ("reset", "reset-after", "refuse-after", "truncate", "html", "refuse")
]
FATES = [
    {"action": "fail-operation", "part": 0.5, "probability": 0.02},
    {"action": "fail-operation", "part": 0.5, "log": "empty", "probability": 0.01},
    {"action": "empty-log", "probability": 0.01},
]


@dataclass
class Account:
    """What came of it. `problems` tells of each thing that must not be."""

    uploads: int = 0
    runs: int = 0
    kills: int = 0
    rows: int = 0
    doubled: int = 0
    lost: int = 0
    untold: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, other: Account) -> None:
        """Take over another account."""
        for name in ("uploads", "runs", "kills", "rows", "doubled", "lost", "untold"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        self.problems += other.problems


class Upload:
    """One file, one state directory, one emulator; killed until it is done."""

    def __init__(self, seed: int, mode: str, directory: Path) -> None:
        self.dice = random.Random(seed)
        self.account = Account(uploads=1)
        self._name = f"upload {seed} ({mode})"
        self._mode = mode
        self._directory = directory
        size = self.dice.randint(200, 400)
        self._rows = [
            {"image": f"https://e.test/{self.dice.randrange(size * 4)}"} for _ in range(size)
        ]
        self.account.rows = size
        self._file = directory / "tasks.jsonl"
        self._write(self._rows)

    def run(self, kills: int) -> Account:
        """Kill it about so often, then let it end, and compare."""
        with self._server() as (server, trap):
            environ = {
                **os.environ,
                "TOLOKA_TOKEN": "x",
                "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)),
            }
            command = self._command(server)
            for _ in range(MOST_RUNS):
                self.account.runs += 1
                may_kill = self.account.kills < kills
                if may_kill and self.dice.random() < 0.2:
                    self._change()
                    command = self._command(server)
                status = self._once(command, environ, trap, may_kill=may_kill)
                if status == 0:
                    break
                if status not in _GOES_ON:
                    self.account.problems.append(f"{self._name}: exit {status}")
                    return self.account
            else:
                self.account.problems.append(f"{self._name}: no end")
            self.account.faults += Counter(server.faults.counts)
            self._compare(server.emulator, command, environ)
        return self.account

    @contextmanager
    def _server(self) -> Iterator[tuple[Server, Trap]]:
        emulator = Emulator.in_memory(
            operation_seconds=self.dice.choice([0.0, 0.2, 0.4]), requests_per_second=0
        )
        weather = WEATHER + (FATES if self._mode == "async" else [])
        chosen = self.dice.sample(weather, 4)
        emulator.faults.add(
            *[dict(fault, path="*") for fault in chosen], seed=self.dice.randrange(99)
        )
        trap = Trap(emulator)
        with Server(emulator) as server:
            yield server, trap
        emulator.close()

    def _command(self, server: Server) -> list[str]:
        results = self._directory / "results.jsonl"
        state = self._directory / "state"
        return [
            *(sys.executable, "-m", "toloka_upload", str(self._file), "--pool", "21"),
            *("--url", server.url, f"--{self._mode}", "--state-dir", str(state)),
            *("--results", str(results), "--rejects", str(self._directory / "rejects")),
            *("--settle-pause", "0.25s", "--wait-lock", "20s", "--quiet", "--no-fail-fast"),
            *("--chunk-size", str(self.dice.choice([CHUNK, CHUNK, CHUNK, CHUNK // 2, CHUNK + 7]))),
            *("--json", "--retry-for", "5s"),
        ]

    def _once(
        self, command: list[str], environ: dict[str, str], trap: Trap, *, may_kill: bool
    ) -> int:
        """One run, killed or not; a second one beside it now and then. Return the first one's exit status."""
        process = self._start(command, environ)
        kind = self.dice.choice(["moment", "before", "after"]) if may_kill else ""
        beside = None
        if may_kill and self.dice.random() < 0.1:
            beside = self._start([*command, "--results", os.devnull], environ)
        if kind == "moment":
            time.sleep(self.dice.uniform(0.2, 1.0))
            self._kill(process, beside)
        elif kind:
            trap.set(process, self.dice.randint(1, 20), after=kind == "after")
        status = self._wait(process)
        if kind != "moment" and status == -signal.SIGKILL:
            self.account.kills += 1
        if beside is not None:
            self._kill(beside)
            self._wait(beside)
        trap.set(process, 0, after=False)
        return status

    def _start(self, command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self._directory / "errors").open("ab") as errors:
            return subprocess.Popen(
                command,
                env=environ,
                cwd=self._directory,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def _kill(self, *processes: subprocess.Popen[bytes] | None) -> None:
        for process in processes:
            if process is not None and process.poll() is None:
                kill(process)
                self.account.kills += 1

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(60)
        except subprocess.TimeoutExpired:
            self.account.problems.append(f"{self._name}: a run hangs")
            kill(process)
            return process.wait()

    # The file.

    def _write(self, rows: list[dict[str, Any]]) -> None:
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
        self._file.write_bytes(gzip.compress(data) if self.dice.random() < 0.2 else data)

    def _change(self) -> None:
        """The same rows in another way, or a few more."""
        if self.dice.random() < 0.5:
            self._rows = self._rows[::-1]
        else:
            self._rows = self._rows + self._rows[: self.dice.randint(1, 5)]
        self._write(self._rows)

    # The truth.

    def _compare(self, emulator: Emulator, command: list[str], environ: dict[str, str]) -> None:
        expected = Counter(row["image"] for row in self._rows)
        there, contents = self._store(emulator)
        account = self.account
        account.doubled += (there - expected).total()
        account.lost += (expected - there).total()
        told = self._told(self._directory / "results.jsonl", contents)
        account.untold += told
        again = self._directory / "again.jsonl"
        state = ["--state-dir", str(self._directory / "state")]
        listed = subprocess.run(
            [*command[:3], "runs", "--json", *state], env=environ, capture_output=True, check=False
        )
        # A run that was killed while it waited may have begun last; the one that finished told the results.
        newest = next(run["run_id"] for run in json.loads(listed.stdout) if run["report"])
        subprocess.run(
            [*command[:3], "runs", newest, "--results", str(again), *state],
            env=environ,
            capture_output=True,
            check=False,
        )
        account.untold += self._told(again, contents)
        if account.doubled or account.lost or account.untold or account.problems:
            account.problems.append(f"{self._name}: kept in {self._directory}")

    def _store(self, emulator: Emulator) -> tuple[Counter[str], dict[str, str]]:
        """Contents with their multiplicity, and the content of each id."""
        contents = {item["id"]: item["input_values"]["image"] for item in emulator.items(21)}
        return Counter(contents.values()), contents

    def _told(self, path: Path, contents: dict[str, str]) -> int:
        """How many rows the results do not tell truly: a missing line, a second one, a wrong or a shared id."""
        ids, good = set(), 0
        lines = set()
        for text in path.read_text().splitlines():
            row = json.loads(text)
            line, task = row["line"], row.get("task_id")
            truly = contents.get(task) == self._rows[line - 1]["image"]
            if truly and line not in lines and task not in ids:
                good += 1
            lines.add(line)
            ids.add(task)
        return len(self._rows) - good


def campaign(kills: int, seed: int, mode: str, directory: Path) -> Account:
    """Uploads one after the other until there were enough kills."""
    account = Account()
    while account.kills < kills and not account.problems:
        chosen = mode if mode != "both" else ("async", "sync")[seed % 2]
        place = directory / str(seed)
        place.mkdir(parents=True)
        account.add(Upload(seed, chosen, place).run(min(10, kills - account.kills)))
        if not account.problems:
            shutil.rmtree(place)
        seed += 1
    return account


def _job(number: int, options: argparse.Namespace, directory: Path, queue: Any) -> None:
    kills = options.kills // options.jobs
    queue.put(campaign(kills, options.seed * 100_000 + number * 10_000, options.mode, directory))


def main() -> int:
    """Run the campaign that the command line asks for, and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=["async", "sync", "both"], default="both")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="campaign-"))
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    jobs = [
        context.Process(target=_job, args=(number, options, directory, queue))
        for number in range(options.jobs)
    ]
    for job in jobs:
        job.start()
    account = Account()
    for _ in jobs:
        account.add(queue.get())
    for problem in account.problems:
        print(problem)
    print(
        f"{account.kills} kills in {account.uploads} uploads, {account.runs} runs, {account.rows} rows"
    )
    print(f"faults besides: {dict(account.faults)}")
    print(f"rows doubled: {account.doubled}, lost: {account.lost}, untold: {account.untold}")
    print(f"{time.monotonic() - started:.0f} seconds")
    return 1 if account.problems else 0


if __name__ == "__main__":
    sys.exit(main())
