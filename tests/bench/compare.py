"""What `toloka-upload` takes in CPU and memory, for every form of input, against the least script that does the job.

    python tests/bench/compare.py [--rows 100000] [--turns 3] [--forms plain,CSV] [--memory 50000,2000000]

Both upload the same file by turns to one stub server in a process of its own. `toloka-upload` checks every row,
journals every chunk and writes the results file; the bare script does none of that. CPU is user and system time of
the whole process, start-up included, the least of all turns; memory is the peak resident set. Known rows are those
of a second upload of the same file, and of its lines in a random order: their CPU is without that of start-up.

Targets: 1.5 times the bare script for lines of JSON, twice for the others, 80 MiB, 6 µs a known row.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from forms import FORMS

HERE = Path(__file__).parent


class Cost(NamedTuple):
    """What one process took: CPU seconds, and MiB at its peak."""

    cpu: float
    peak: float


def cost(command: Sequence[object], environ: dict[str, str]) -> Cost:
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

    def __init__(self, directory: Path) -> None:
        self._directory = directory
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

    def file(self, form: str, rows: int) -> Path:
        """A file of so many rows."""
        path = self._directory / f"{form.replace(' ', '-')}-{rows}.{FORMS[form].extension}"
        if not path.exists():
            self._made("make", form, path, rows)
        return path

    def shuffled(self, path: Path) -> Path:
        """The same lines in another order."""
        other = path.with_stem(path.stem + "-shuffled")
        self._made("shuffle", path, other)
        return other

    def _made(self, *what: object) -> None:
        """Have a file made by a process of its own: a process's peak counts what its parent held when it began."""
        subprocess.run([sys.executable, HERE / "forms.py", *map(str, what)], check=True)

    def bare(self, form: str, path: Path) -> Cost:
        """The bare script's turn."""
        command = [sys.executable, HERE / "bare.py", str(self.port), form, path]
        return cost(command, dict(os.environ))

    def new_state(self) -> Path:
        """A state directory in which nothing is known."""
        self._turn += 1
        return self._directory / f"state-{self._turn}"

    def ours(self, form: str, path: Path, state: Path | None = None) -> Cost:
        """The turn of `toloka-upload`."""
        environ = {**os.environ, "TOLOKA_TOKEN": "bench"}
        return cost(
            [
                *(sys.executable, "-m", "toloka_upload", path, *FORMS[form].options),
                *("--url", f"http://127.0.0.1:{self.port}", "--pool", FORMS[form].pool, "--json"),
                *("--rate", "100000000/min", "--daily-limit", "1000000000"),
                *("--results", self._directory / "results.jsonl"),
                *("--state-dir", state or self.new_state()),
            ],
            environ,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--memory", default="", help="numbers of rows whose peaks are compared")
    parser.add_argument("--known", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    forms = [name for name in options.forms.split(",") if name]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory))
        try:
            compare(bench, forms, options.rows, options.turns)
            if options.known:
                known_rows(bench, options.rows)
            for form in forms if options.memory else ():
                peaks(bench, form, [int(rows) for rows in options.memory.split(",")])
        finally:
            bench.close()


def compare(bench: Bench, forms: list[str], rows: int, turns: int) -> None:
    """CPU by turns, a line of a table for each form."""
    print("| form | bare script | toloka-upload | ratio | µs a row | peak |")
    print("|---|---|---|---|---|---|", flush=True)
    for form in forms:
        path = bench.file(form, rows)
        bare, ours = [], []
        for _ in range(turns):
            bare.append(bench.bare(form, path))
            ours.append(bench.ours(form, path))
        least, cpu = min(bare).cpu, min(ours).cpu
        peak = max(ours, key=lambda cost: cost.peak).peak
        print(
            f"| {form} | {least:.2f} s | {cpu:.2f} s | {cpu / least:.2f} | {1e6 * cpu / rows:.1f} "
            f"| {peak:.0f} MiB |",
            flush=True,
        )


def known_rows(bench: Bench, rows: int) -> None:
    """CPU of rows that the pool has, in the order of their upload and in another one, and of a start."""
    empty = bench.file("plain", rows).with_name("empty.jsonl")
    empty.touch()
    path, state = bench.file("plain", rows), bench.new_state()
    bench.ours("plain", path, state)
    start = min(bench.ours("plain", empty, state).cpu for _ in range(3))
    print(f"\nto start, with nothing to upload: {start:.2f} s")
    for order, file in (("in their order", path), ("shuffled", bench.shuffled(path))):
        found = bench.ours("plain", file, state)
        each = 1e6 * (found.cpu - start) / rows
        print(
            f"{rows:,} known rows, {order}: {each:.1f} µs a row, {found.peak:.0f} MiB", flush=True
        )
    for option in ("--version", "--help"):
        command = [sys.executable, "-m", "toloka_upload", option]
        least = min(cost(command, dict(os.environ)).cpu for _ in range(5))
        print(f"{option}: {least:.2f} s", flush=True)


def peaks(bench: Bench, form: str, sizes: list[int]) -> None:
    """Memory for files of several sizes."""
    for rows in sizes:
        path = bench.file(form, rows)
        print(f"{form}, {rows:,} rows: peak {bench.ours(form, path).peak:.1f} MiB", flush=True)
        path.unlink()


if __name__ == "__main__":
    main()
