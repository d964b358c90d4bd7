"""Whole histories of uploads in simulated time: a server, a disk, a network, and runs that may be cut off at any step.

A `History` is one state directory and one server. `History.run` does a run of the real program over them; the run's
calls are carried out, and their answers come back, in an order chosen by the history's dice. A step is anything after
which the world outside is another: a commit of the journal begun or done, a request handed over or answered. `crash_at`
cuts the run off there, as SIGKILL or a power cut would: what was not committed is gone, and nothing more happens.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from simulated_server import Answer, Server, Weather

from toloka_upload.api.target import Target
from toloka_upload.errors import ExitStatus, Interrupted
from toloka_upload.journal import reading, writing
from toloka_upload.journal.lock import Lock
from toloka_upload.policies.rate import Window
from toloka_upload.report.summary import Report
from toloka_upload.run import history
from toloka_upload.run.upload import Upload
from toloka_upload.session import pool as pool_module
from toloka_upload.session import session
from toloka_upload.session.loop import Loop, Task, _Reply
from toloka_upload.settings import Pacing, Requests, Settings

Rows = list[dict[str, Any]]
LONGEST_ANSWER = 10.0
"""Seconds by which the clock may move on while answers are due."""
MOST_MOVES = 50_000
"""Moves after which a run is taken to go on for ever."""
LONGEST_RUN = 4 * 3600.0
"""Seconds: likewise."""


class Crash(BaseException):
    """The process is gone."""


class Steps:
    """Counts the steps of a run, and ends or interrupts it at one of them."""

    def __init__(
        self, crash_at: int | None, interrupt: Callable[[], None], interrupt_at: int
    ) -> None:
        self.count = 0
        self.dead = False
        self.locks: list[Lock] = []
        self._crash_at = crash_at
        self._interrupt = interrupt
        self._interrupt_at = interrupt_at

    def __call__(self) -> None:
        """One more."""
        if self.dead:
            raise Crash
        self.count += 1
        if self.count == self._interrupt_at:
            self._interrupt()
        if self.count == self._crash_at:
            self.dead = True
            raise Crash


class Disk(sqlite3.Connection):
    """A connection whose commits are steps, before and after; a dead process commits nothing more."""

    steps: Steps | None = None

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run a statement."""
        if self.steps is not None and self.steps.dead:
            raise Crash
        alone = not self.in_transaction and sql.startswith(("INSERT", "UPDATE", "DELETE"))
        if self.steps is None or not (alone or sql == "COMMIT"):
            return super().execute(sql, *values)
        self.steps()
        cursor = super().execute(sql, *values)
        self.steps()
        return cursor


class SimulatedLoop(Loop):
    """Carries out calls and brings back their answers one at a time, in an order that dice choose."""

    def __init__(self, world: History, rng: random.Random) -> None:
        super().__init__(clock=lambda: world.server.now)
        self._world = world
        self._rng = rng
        self._calls: list[tuple[Callable[[], Any], Task[Any]]] = []
        self._answers: list[_Reply] = []
        self._moves = 0
        self._began = world.server.now

    def _perform(self, function: Callable[[], Any], task: Task[Any]) -> None:
        self._calls.append((function, task))

    def _idle(self, timeout: float | None) -> None:
        self._moves += 1
        assert self._moves < MOST_MOVES, "the run goes on for ever"
        assert self._world.server.now - self._began < LONGEST_RUN, "the run takes for ever"
        self._world.tick()
        if not self._inbox.empty():
            self._inbox.get()()  # type: ignore[operator]  # only functions are posted here
            return
        moves = len(self._calls) + len(self._answers)
        if moves and (timeout is None or self._rng.random() < 0.9):
            self._move(self._rng.randrange(moves))
        else:
            assert timeout is not None, "nothing will ever happen again"
            # An answer takes no longer than a request is given.
            self._world.server.now += min(timeout, LONGEST_ANSWER) if moves else timeout

    def bury(self) -> None:
        """Close what calls opened whose answers nobody heard any more."""
        for reply in self._answers:
            if hasattr(reply.value, "close"):
                reply.value.close()

    def _move(self, number: int) -> None:
        self._world.server.now += 0.01
        if number < len(self._answers):
            self._ready.append(self._answers.pop(number))
            return
        function, task = self._calls.pop(number - len(self._answers))
        try:
            self._answers.append(_Reply(task, function(), None))
        except Exception as error:  # noqa: BLE001  # it is raised again where the call was made
            self._answers.append(_Reply(task, None, error))


class History:
    """One state directory, one server, and the runs over them.

    Attributes:
        steps: How many steps the latest run took.
        generations: How often each row may be there: once, and once more for each `--again`.
        others: What somebody else created in the pool.
        clock_error: Seconds by which this machine's clock is ahead of the API's.
        jumps: Errors that the clock may take on at any moment of a run.
        account: Counts runs, rows and crashes.
    """

    def __init__(self, directory: Path, seed: int = 0, weather: Weather | None = None) -> None:
        self.rng = random.Random(seed)
        self.server = Server(random.Random(seed + 1), weather)
        self.directory = directory
        self.state = directory / "state"
        self.steps = 0
        self.most: dict[str, Counter[str]] = {}
        self.generations = 1
        self.others: Counter[str] = Counter()
        self.clock_error = 0.0
        self.jumps: tuple[float, ...] = ()
        self.account: Counter[str] = Counter()

    def tick(self) -> None:
        """Time passes: the clock may jump."""
        if self.jumps and self.rng.random() < 0.02:
            self.clock_error = self.rng.choice(self.jumps)

    def run(
        self,
        rows: Rows,
        *,
        crash_at: int | None = None,
        interrupt_at: int = 0,
        chunk_size: int = 2,
        concurrency: int = 2,
        mode: str = "async",
        pool: str | None = "21",
        skip: bool = False,
        suite_size: int | None = None,
        rate: Window | None = None,
        operation_timeout: float | None = None,
        **options: Any,
    ) -> Report | None:
        """
        Do a run and check all that must hold after it, however it ended.

        Returns:
            Its report; None if it was cut off.
        """
        self._expect(rows, pool)
        source = self.directory / "tasks.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        results = self.directory / "results.jsonl"
        settings = Settings(
            files=(str(source),),
            target=Target("http://127.0.0.1:1/api/v1", "custom", None, "OAuth x"),
            pool=pool,
            state_dir=self.state,
            requests=Requests(mode, chunk_size, skip_invalid_items=skip, suite_size=suite_size),
            pacing=Pacing(
                rate=rate,
                daily_limit=None,
                concurrency=concurrency,
                operation_timeout=operation_timeout,
                fail_fast=False,
            ),
            results=results,
            rejects=self.directory / "rejects.jsonl",
            force=True,
            **options,
        )
        loop = SimulatedLoop(self, self.rng)
        steps = Steps(crash_at, lambda: upload.interrupt(Interrupted("stop")), interrupt_at)
        upload = Upload(
            settings,
            handler=self._handler(steps),
            loop=loop,
            wall=lambda: self.server.now + self.clock_error,
        )
        try:
            with _simulated(steps, self.rng):
                report = upload.run()
        except Crash:
            report = None
        finally:
            self.steps = steps.count
            loop.bury()
            _bury(upload, steps)
        self.account.update(runs=1, rows=len(rows), crashes=report is None)
        if report is None:
            self.at_most_once()
            return None
        self._check(report, rows, results)
        return report

    def finish(self, rows: Rows, runs: int = 6, **options: Any) -> Report:
        """Run until it ends well, in good weather; every valid row must then be there once."""
        self.server.weather = self.server.weather.cleared()
        report = None
        for _ in range(runs):
            report = self.run(rows, **options)
            assert report is not None
            if report.exit_status in (ExitStatus.OK, ExitStatus.REJECTED):
                break
            self.server.now += 60.0  # an operation that was left as it was goes on meanwhile
        assert report is not None
        if report.exit_status is ExitStatus.UNKNOWN and options.get("mode", "async") == "async":
            # What became of some rows can no longer be found out; the user decides.
            assert not self.server.tells_all, "unknown, and it could be known"
            report = self.run(rows, resend_unknown=True, **options)
            assert report is not None
        assert report.exit_status in (ExitStatus.OK, ExitStatus.REJECTED), report.error
        assert report.counts.unsent == report.counts.unknown == 0
        self.server.everything_arrives()
        kept = [rows[line - 1] for line in self._lines() - self._lines("rejected")]
        if not options.get("suite_size"):  # a bad task takes its suite along
            assert all(_bad(rows[line - 1]) for line in self._lines("rejected")), "wrongly rejected"
        for name, most in _pools(kept, options.get("pool", "21")).items():
            assert self._ours(name) >= most, "lost"
        self.at_most_once()
        return report

    def _lines(self, status: str = "") -> set[int]:
        told = map(json.loads, (self.directory / "results.jsonl").read_text().splitlines())
        return {row["line"] for row in told if row["status"] == status or not status}

    def lose_state(self) -> None:
        """Somebody removes the state directory."""
        import shutil

        shutil.rmtree(self.state, ignore_errors=True)

    # What must hold.

    def at_most_once(self) -> None:
        """The server has no row more often than any one input did, a generation."""
        for pool, most in self.most.items():
            for content, count in self._ours(pool).items():
                assert count <= most[content] * self.generations, f"doubled: {content}"

    def _ours(self, pool: str) -> Counter[str]:
        return self.server.contents(pool) - self.others

    def _expect(self, rows: Rows, pool: str | None) -> None:
        for name, found in _pools(rows, pool).items():
            self.most[name] = self.most.get(name, Counter()) | found

    def _check(self, report: Report, rows: Rows, results: Path) -> None:
        self.server.settle()
        self.at_most_once()
        counts = report.counts
        ended = (
            counts.created
            + counts.already_uploaded
            + counts.rejected
            + counts.unknown
            + counts.unsent
        )
        assert counts.read == ended, f"the counts do not add up: {counts}, {report.error}"
        assert report.exit_status is not ExitStatus.BUG
        told = [json.loads(line) for line in results.read_text().splitlines()]
        assert len(told) == counts.read
        assert len({row["line"] for row in told}) == len(told), "a row stands twice in the results"
        assert Counter(row["status"] for row in told) == {
            status: count
            for status in ("created", "already_uploaded", "rejected", "unknown", "unsent")
            if (count := getattr(counts, status))
        }
        self._check_claims(rows, told)
        self._check_journal(report, told)

    def _check_claims(self, rows: Rows, told: list[dict[str, Any]]) -> None:
        """What is said to be there is there."""
        claimed: dict[str, Counter[str]] = {}
        for row in told:
            if row["status"] in ("created", "already_uploaded"):
                content = _content(rows[row["line"] - 1])
                claimed.setdefault(row["pool_id"], Counter())[content] += 1
                assert "task_id" in row or "task_suite_id" in row
        for pool, contents in claimed.items():
            assert contents <= self._ours(pool), "claimed and not there"
        self._check_ids(told)

    def _check_ids(self, told: list[dict[str, Any]]) -> None:
        """An id is there, and stands for as many rows as its item has."""
        there = {item["id"]: len(item.get("tasks", [item])) for item in self.server.items}
        named = Counter(row.get("task_id") or row.get("task_suite_id") for row in told)
        del named[None]
        for name, rows in named.items():
            assert name in there, f"an id that is not there: {name}"
            assert rows <= there[name], f"one id for {rows} rows: {name}"

    def _check_journal(self, report: Report, told: list[dict[str, Any]]) -> None:
        """The results written again from the journal are those that were written live."""
        if not (self.state / "journals").exists():
            return
        if report.run_id not in {run.id for run in history.past_runs(self.state)}:
            return
        again = self.directory / "again.jsonl"
        history.write_results(history.past_run(self.state, report.run_id), again)
        lines = [json.loads(line) for line in again.read_text().splitlines()]
        live, from_journal = set(map(_plain, told)), set(map(_plain, lines))
        assert from_journal == live, ("untold", sorted(from_journal ^ live))
        assert len(lines) == len(told)

    def _handler(self, steps: Steps) -> Callable[..., Answer]:
        def handle(
            method: str,
            path: str,
            query: Mapping[str, str],
            headers: Mapping[str, str],
            body: bytes,
        ) -> Answer:
            steps()
            try:
                return self.server.handle(method, path, query, headers, body)
            finally:
                steps()

        return handle


@contextmanager
def _simulated(steps: Steps, rng: random.Random) -> Iterator[None]:
    def connect(path: Path, mode: str) -> sqlite3.Connection:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        disk = sqlite3.connect(
            uri, uri=True, isolation_level=None, factory=Disk, check_same_thread=False
        )
        disk.steps = steps
        return disk

    def locked(path: Path, holder: dict[str, str]) -> Lock:
        steps.locks.append(Lock(path, holder))
        return steps.locks[-1]

    dice = random.Random(rng.random())
    with (
        mock.patch.object(writing, "connect", connect),
        mock.patch.object(reading, "connect", connect),
        mock.patch.object(pool_module, "Lock", locked),
        mock.patch.object(session, "random", SimpleNamespace(Random=lambda: dice)),
    ):
        yield


def _bury(upload: Upload, steps: Steps) -> None:
    """Close what a dead process's kernel would close."""
    if upload._work is not None:
        for one in upload._work.pools:
            one.close()
    for lock in steps.locks:
        lock.release()


def _pools(rows: Iterable[dict[str, Any]], pool: str | None) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for row in rows:
        if not _bad(row):
            name = pool or str(row["pool_id"])
            found.setdefault(name, Counter())[_content(row)] += 1
    return found


def _bad(row: dict[str, Any]) -> bool:
    return "bad" in row.get("input_values", row)


def _content(row: dict[str, Any]) -> str:
    return json.dumps(row.get("input_values", row), sort_keys=True)


def _plain(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
