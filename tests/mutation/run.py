"""Change the source in small ways, one at a time, and see whether the tests notice: the score, and what they missed.

    python tests/mutation/run.py policies/rate.py journal            # all mutants of these
    python tests/mutation/run.py sending --sample 200 --seed 1       # so many of them, by chance

The tests of a module are those below `TESTS` that run its lines. They are run once, to learn which lines each runs and
how long it takes; then for each mutant those that run its line, the quickest first, until one fails. All happens in a
copy of this checkout. What `equivalent.py` names is left out. The exit status is 1 where fewer than `--least` percent
are noticed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import hypothesis  # noqa: F401  # what is imported here need not be by each child
import pytest
from equivalent import is_equivalent
from mutants import Mutant, mutants

import httpx  # isort: skip  # noqa: F401

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "toloka_upload"
_LOG = "tests/core/test_operation_log"
_ONCE = "tests/exactly_once/test_"
TESTS = {
    "policies": ["tests/policies", f"{_ONCE}disk.py"],
    "sending/operation_log.py": [f"{_LOG}.py", f"{_LOG}_forms.py"],
    "sending": [
        "tests/core",
        f"{_ONCE}model.py",
        f"{_ONCE}interrupts.py",
        f"{_ONCE}changed_inputs.py",
    ],
    "journal": [
        *(f"{_ONCE}{name}.py" for name in ("journal_damage", "journal_refused", "again", "runs")),
        *(f"{_ONCE}{name}.py" for name in ("packing", "processes", "changed_inputs", "disk")),
        *("tests/account", "tests/golden", "tests/core"),
    ],
}
"""Where the tests of a module, or of the modules of a folder, are."""
QUIETLY = ("-q", "-p", "no:cacheprovider", "--assert=plain")
SLOW = 4.0
"""Seconds; tests that take longer are not run for mutants."""
MOST = 12.0
"""Seconds that the tests for one mutant may take, if all pass."""


@dataclass
class Lines:
    """What a run of the tests tells.

    Attributes:
        seconds: How long each test takes.
        tests: Of each module, the tests that run each of its lines.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    def of(self, module: str, mutant: Mutant) -> list[str]:
        """The tests for a mutant, the quickest first: those of its line, or of the whole module."""
        lines = self.tests.get(module, {})
        found = set(lines.get(mutant.line, ())) or {
            test for tests in lines.values() for test in tests
        }
        chosen, total = [], 0.0
        for test in sorted(found, key=lambda test: self.seconds.get(test, SLOW)):
            total += self.seconds.get(test, SLOW)
            if chosen and total > MOST:
                break
            chosen.append(test)
        return chosen


class _Seconds:
    """A plugin that notes how long each test takes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, float] = {}
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A part of a test has ended."""
        name = report.nodeid
        self._found[name] = self._found.get(name, 0.0) + report.duration
        if report.failed:
            self._failed.add(name)

    def pytest_sessionfinish(self) -> None:
        """All have."""
        for name in self._failed:
            print(f"fails without any mutant, and is left out: {name}", file=sys.__stderr__)
        passed = {name: took for name, took in self._found.items() if name not in self._failed}
        self._path.write_text(json.dumps(passed))


def in_child(arguments: list[str], seconds: float, *plugins: Any) -> int:
    """Run pytest in a child process; its exit status, or -1 after so many seconds."""
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        if not plugins:
            os.dup2(silence, 2)
        os._exit(pytest.main([*QUIETLY, *arguments], list(plugins)))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, 9)
    os.waitpid(child, 0)
    return -1


def learn(place: Path, modules: set[str]) -> Lines:
    """Run the tests of some modules once."""
    lines = Lines()
    names = {module if module in TESTS else module.split("/")[0] for module in modules}
    paths = sorted({path for name in names for path in TESTS[name]})
    seconds, data = place / "seconds.json", place / ".coverage"
    options = ["--cov=toloka_upload", "--cov-context=test", "--cov-report="]
    in_child([*options, *paths], 3600, _Seconds(seconds))
    lines.seconds = {
        test: took for test, took in json.loads(seconds.read_text()).items() if took <= SLOW
    }
    found = coverage.CoverageData(str(data))
    found.read()
    for file in found.measured_files():
        by_line = found.contexts_by_lineno(file)
        lines.tests[str(Path(file).relative_to(place / "toloka_upload"))] = {
            line: [test for name in names if (test := name.partition("|")[0]) in lines.seconds]
            for line, names in by_line.items()
        }
    return lines


def is_noticed(place: Path, module: str, mutant: Mutant, tests: list[str], seconds: float) -> bool:
    """Whether a test fails with a mutant in the place of its module."""
    path = place / "toloka_upload" / module
    original = path.read_text()
    for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        cached.unlink()
    path.write_text(mutant.source)
    try:
        return in_child(["-x", *tests], seconds) != 0
    finally:
        path.write_text(original)


def modules(names: list[str]) -> Iterator[str]:
    """The modules that are named, or below a folder that is."""
    for name in names:
        path = PACKAGE / name
        found = sorted(path.glob("*.py")) if path.is_dir() else [path]
        yield from (str(one.relative_to(PACKAGE)) for one in found)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "names", nargs="+", help="modules or folders, as they are below toloka_upload/"
    )
    parser.add_argument("--sample", type=int, help="so many mutants, chosen by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=float, default=95.0, help="percent that must be noticed")
    options = parser.parse_args()
    chosen = [
        (module, mutant)
        for module in modules(options.names)
        for mutant in mutants((PACKAGE / module).read_text())
        if not is_equivalent(module, mutant.what)
    ]
    if options.sample and options.sample < len(chosen):
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
        return judge(Path(directory) / "copy", chosen, options.least)


def judge(place: Path, chosen: list[tuple[str, Mutant]], least: float) -> int:
    """Try each mutant in a copy; print those that were missed, and the score."""
    shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(".git", ".*cache", "*.egg-info"))
    os.chdir(place)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(place))
    started = time.monotonic()
    lines = learn(place, {module for module, _ in chosen})
    print(f"{len(lines.seconds)} tests, {time.monotonic() - started:.0f} s", flush=True)
    noticed: dict[str, list[bool]] = {}
    for module, mutant in chosen:
        tests = lines.of(module, mutant)
        limit = 10 + 5 * sum(lines.seconds.get(test, SLOW) for test in tests)
        found = bool(tests) and is_noticed(place, module, mutant, tests, limit)
        noticed.setdefault(module, []).append(found)
        if not found:
            print(f"missed: {module}:{mutant.line}: {mutant.what} ({len(tests)} tests)", flush=True)
    for module, found in noticed.items():
        print(f"{module}: {sum(found)} of {len(found)}")
    every = [one for found in noticed.values() for one in found]
    score = 100 * sum(every) / max(1, len(every))
    print(f"{score:.1f} % of {len(every)} mutants noticed, {time.monotonic() - started:.0f} s")
    return 0 if score >= least else 1


if __name__ == "__main__":
    sys.exit(main())
