"""How much CPU and memory `toloka-upload` takes, against the least script that does the same job.

    python tests/bench/compare.py [--rows 200000] [--turns 7] [--memory 50000,200000,500000]

Both upload the same file by turns to one stub server in a process of its own. `toloka-upload` checks every row,
journals every chunk and writes the results file; the bare script does none of that. CPU is user + system time of
the process; memory is its peak resident set. Targets: twice the bare script's CPU, and 80 MiB whatever the size.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROW_BYTES = 110


class Cost(NamedTuple):
    """What one process took: CPU seconds, and MiB at its peak."""

    cpu: float
    peak: float


def make_rows(path: Path, rows: int, *, flat: bool) -> None:
    """Write a file of different rows of 110 bytes each, line end included."""
    with path.open("w") as file:
        for number in range(rows):
            row = f'{{"image":"https://images.example.com/{number:08}.jpg","text":"'
            row = row if flat else f'{{"input_values":{row}'
            end = '"}\n' if flat else '"}}\n'
            file.write(row + "x" * (ROW_BYTES - len(row) - len(end)) + end)


def cost(command: Sequence[str | Path], environ: dict[str, str]) -> Cost:
    """Run a command to its end and return what it took."""
    # An installed package is compiled; a source tree is so after its first run, if it may be.
    environ = {key: value for key, value in environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [str(part) for part in command], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}:\n{output!r}\n{errors!r}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


class Bench:
    """A stub server and a directory to work in."""

    def __init__(self, directory: Path, *, flat: bool) -> None:
        self._directory = directory
        self._flat = flat
        self._server = subprocess.Popen(
            [sys.executable, HERE / "stub_server.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout
        self.port = int(self._server.stdout.readline())
        self._turn = 0

    def close(self) -> None:
        """End the server."""
        self._server.communicate()

    def rows(self, number: int) -> Path:
        """A file of so many rows."""
        path = self._directory / f"{number}.jsonl"
        if not path.exists():
            make_rows(path, number, flat=self._flat)
        return path

    def bare(self, path: Path) -> Cost:
        """The bare script's turn."""
        return cost([sys.executable, HERE / "bare.py", str(self.port), path], dict(os.environ))

    def ours(self, path: Path) -> Cost:
        """The turn of `toloka-upload`, with a state directory of its own: nothing is known."""
        self._turn += 1
        place = self._directory / f"turn-{self._turn}"
        place.mkdir()
        environ = {**os.environ, "TOLOKA_TOKEN": "bench"}
        return cost(
            [
                *(sys.executable, "-m", "toloka_upload", path),
                *("--url", f"http://127.0.0.1:{self.port}", "--pool", "21", "--json"),
                *("--rate", "100000000/min", "--daily-limit", "1000000000"),
                *("--results", place / "results.jsonl", "--state-dir", place / "state"),
            ],
            environ,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--memory", default="50000,200000,500000")
    parser.add_argument("--flat", action="store_true", help="flat rows in place of API tasks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), flat=options.flat)
        try:
            compare(bench, options.rows, options.turns)
            for rows in filter(None, options.memory.split(",")):
                peak = bench.ours(bench.rows(int(rows))).peak
                print(f"{int(rows):>9,} rows: peak {peak:.1f} MiB", flush=True)
        finally:
            bench.close()


def compare(bench: Bench, rows: int, turns: int) -> None:
    """CPU by turns."""
    path = bench.rows(rows)
    bare, ours = [], []
    for turn in range(turns):
        bare.append(bench.bare(path).cpu)
        ours.append(bench.ours(path).cpu)
        print(f"turn {turn + 1}: bare {bare[-1]:.2f} s, ours {ours[-1]:.2f} s", flush=True)
    print(
        f"{rows:,} rows: bare min {min(bare):.2f} s, median {statistics.median(bare):.2f} s; "
        f"ours min {min(ours):.2f} s, median {statistics.median(ours):.2f} s; "
        f"ratio {min(ours) / min(bare):.2f} (min), "
        f"{statistics.median(ours) / statistics.median(bare):.2f} (median)",
        flush=True,
    )


if __name__ == "__main__":
    main()
