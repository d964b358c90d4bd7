"""Past and unfinished runs, from all journals of a state directory."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from toloka_upload import journal
from toloka_upload.errors import CannotWrite, NoInput, UsageProblem
from toloka_upload.journal import ChunkState, Destination, RunRecord, SentChunk, Step
from toloka_upload.journal.lock import Held, Lock, holder
from toloka_upload.outcomes import Block, Outcome
from toloka_upload.report.results import ResultsFile
from toloka_upload.run.run_log import LoggedRun, logged_runs
from toloka_upload.text import counted, listed

_FAR = {
    "sending": "in flight",
    "accepted": "in flight",
    "settled": "settled",
    "unsettled": "unknown",
}


@dataclass(slots=True)
class PastRun:
    """One run, put together from the journals of its pools.

    Attributes:
        running: Another process holds one of its pools now.
        logged: What the log of runs has of it: all there is of a run that ended before it had a pool.
        undone: Tasks or suites of it that were taken back; `partly`: while somebody had them; `asked`: may have been,
            by an `undo` that was cut short; `refused`: the API would not; `kept`: none of these, counted only where
            there are some.
    """

    id: str
    parts: list[tuple[Path, RunRecord]] = field(default_factory=list)
    running: bool = False
    logged: LoggedRun | None = None
    undone: int = 0
    partly: int = 0
    asked: int = 0
    refused: int = 0
    kept: int = 0

    @property
    def started(self) -> float:
        """When it began, seconds since the epoch."""
        logged = [self.logged.began] if self.logged else []
        return min([*logged, *(record.started for _, record in self.parts)])

    @property
    def finished(self) -> float | None:
        """When it ended; None if it was killed, or still runs."""
        if self.logged and self.logged.ended:
            return self.logged.ended
        return max((record.finished or 0.0 for _, record in self.parts), default=0.0) or None

    @property
    def report(self) -> dict[str, Any] | None:
        """The report it ended with; None if it was killed, or still runs."""
        found = next((record.report for _, record in self.parts if record.report), None)
        if found is None and not self.parts and self.logged and self.logged.end:
            return self.logged.end
        return found

    @property
    def created(self) -> int:
        """Rows that it created, as it said at its end."""
        return int(((self.report or {}).get("counts") or {}).get("created", 0))

    @property
    def has_rows(self) -> bool:
        """Whether there are rows of it in a pool, or may be."""
        counts = (self.report or {}).get("counts")
        if counts is None:
            return bool(self.parts)
        return any(counts.get(name) for name in ("created", "already_uploaded", "unknown"))

    @property
    def exit_code(self) -> int | None:
        """The exit status it ended with; None if it was killed, or still runs."""
        return None if self.report is None else int(self.report.get("exit_code", 70))

    @property
    def pools(self) -> list[str]:
        """Where it was at work, or would have been."""
        if not self.parts and self.logged:
            return self.logged.pools
        return [record.destination.pool for _, record in self.parts]

    @property
    def destination(self) -> Destination:
        """Where it was at work, by one of its pools, if it came to one."""
        if not self.parts and self.logged:
            return Destination(self.logged.url, "", next(iter(self.logged.pools), ""))
        return self.parts[0][1].destination

    @property
    def files(self) -> list[str]:
        """Its inputs."""
        if not self.parts and self.logged:
            return self.logged.files
        return list(self._settings.get("files", []))

    @property
    def command(self) -> str:
        """What it did: `upload`, `adopt` or `undo`."""
        return str(self._settings.get("command", "upload"))

    @property
    def of(self) -> str | None:
        """The run that it was about, if it was about one."""
        return self._settings.get("of") or None

    @property
    def _settings(self) -> dict[str, Any]:
        return self.parts[0][1].settings if self.parts else {}

    @property
    def unsettled(self) -> int:
        """Rows in chunks whose outcome is open."""
        return sum(
            record.rows.get(state, 0)
            for _, record in self.parts
            for state in ("sending", "accepted", "unsettled")
        )

    @property
    def rows_so_far(self) -> dict[str, int]:
        """Rows that travelled, by how far they are: `in flight`, `settled`, `unknown`."""
        found: dict[str, int] = {}
        for _, record in self.parts:
            for state, rows in record.rows.items():
                name = _FAR.get(state)
                if name:
                    found[name] = found.get(name, 0) + rows
        return found

    @property
    def state(self) -> str:
        """How it stands, in a word or two."""
        if self.running:
            return "running"
        if self.unsettled and self.report is not None:
            return "unsettled"
        others = self.kept or self.partly or self.asked or self.refused
        if self.undone or self.partly or self.asked:
            return "partly undone" if others else "undone"
        if self.is_pruned:
            return "pruned"
        if self.report is None:
            return "killed"
        return str(self.report.get("exit_reason", ""))

    @property
    def account(self) -> dict[str, Any]:
        """What was done about its rows since: the last `verify`, and items by what an `undo` came to."""
        verified = self.logged.verified if self.logged else None
        if verified:
            verified = {**verified, "at": _time(verified["at"])}
        undone = {"undone": self.undone, "partly": self.partly}
        undone |= {"asked": self.asked, "failed": self.refused}
        return {"verified": verified, "undone": undone}

    @property
    def is_pruned(self) -> bool:
        """Whether `runs --prune` forgot all of it but the rows it created."""
        return bool(self.parts) and not self._settings and self.report is None

    @property
    def next_step(self) -> str:
        """What the user should do about it."""
        if self.running:
            return "wait for it"
        if self.command != "upload":
            return "nothing" if self.report else "run the same command again"
        if self.is_pruned or self.state == "undone":
            return "nothing"
        unsent = (self.report or {}).get("counts", {}).get("unsent", 0)
        if self.report is None or self.unsettled or unsent:
            return "run the same command again: it goes on from there"
        if self.asked or self.refused:
            what = "was cut short" if self.asked else f"failed for {counted(self.refused, 'item')}"
            return f"its undo {what}: toloka-upload undo {self.id}"
        return "nothing"

    def as_json(self) -> dict[str, Any]:
        """The run for programs."""
        return {
            "run_id": self.id,
            "command": self.command,
            "started": _time(self.started),
            "finished": _time(self.finished),
            "seconds": None if self.finished is None else round(self.finished - self.started, 3),
            "files": self.files,
            "pools": self.pools,
            "url": self.destination.endpoint,
            "state": self.state,
            "next": self.next_step,
            "unsettled_rows": self.unsettled,
            "of": self.of,
            **self.account,
            "chunks": _sum(record.chunks for _, record in self.parts),
            "report": self.report,
        }


class ChunkStep(NamedTuple):
    """How far a chunk is, and in which pool; `outcome` once it is settled."""

    pool: str
    step: Step
    outcome: Outcome | None


def past_runs(state_dir: Path) -> list[PastRun]:
    """All runs, the newest first.

    Raises:
        CannotWrite: A journal cannot be read.
    """
    found = {
        logged.id: PastRun(logged.id, running=logged.alive, logged=logged)
        for logged in logged_runs(state_dir).values()
    }
    for path in journal_paths(state_dir):
        held_by = _holder(path)
        with journal.open_to_read(path, quick=True) as (db, destination):
            records = list(journal.runs(db, destination))
            undone = {record.id: journal.undone_of(db, record.id) for record in records}
            created = {
                run: sum(len(part.items) for part in journal.created_by(db, run))
                for run, counts in undone.items()
                if counts.total()
            }
        for record in records:
            run = found.setdefault(record.id, PastRun(record.id))
            if not run.parts:  # a pool's lock tells better than a process's number
                run.running = False
            run.parts.append((path, record))
            counts = undone[record.id]
            run.undone += counts[journal.Undo.UNDONE]
            run.partly += counts[journal.Undo.PARTLY]
            run.asked += counts[journal.Undo.ASKED]
            run.refused += counts[journal.Undo.FAILED]
            run.kept += created[record.id] - counts.total() if counts.total() else 0
            run.running = run.running or held_by == record.id
    return sorted(found.values(), key=lambda run: run.started, reverse=True)


def past_run(state_dir: Path, run_id: str) -> PastRun:
    """One run, by its id or the beginning of it.

    Raises:
        NoInput: There is none, or several begin so.
        UsageProblem: The id is empty, such as a variable that was never set.
    """
    if not isinstance(run_id, str):
        raise TypeError(f"A run is named by its id, a text, not by {type(run_id).__name__}.")
    if not run_id.strip():
        raise UsageProblem("The run has no name. `toloka-upload runs` lists them.")
    runs = [run for run in past_runs(state_dir) if run.id.startswith(run_id)]
    exact = [run for run in runs if run.id == run_id]
    if len(exact or runs) != 1:
        what = "No run" if not runs else f"{len(runs)} runs"
        raise NoInput(
            f"{what} in {state_dir} with an id like {run_id!r}. `toloka-upload runs` lists them."
        )
    return (exact or runs)[0]


def require_upload(run: PastRun) -> None:
    """
    Refuse a run that is no upload, or whose journals do not know any more what it created.

    Raises:
        UsageProblem: It is an `undo` or `adopt`.
        CannotWrite: Names the pools whose journal is gone, and what to do instead.
    """
    if run.command != "upload":
        of = f" of {run.of}" if run.of else ""
        raise UsageProblem(
            f"Run {run.id} is no upload, but {run.command!r}{of}: it created nothing."
        )
    if run.logged is None:
        return
    created = run.created
    known = {record.destination.pool for _, record in run.parts}
    lost = [pool for pool in run.logged.pools if pool not in known]
    if created and lost:
        raise CannotWrite(
            f"Run {run.id} created {counted(created, 'row')}, and the journal of pool {listed(lost)} knows nothing "
            "of it: it is gone, or was begun anew after a damage. `toloka-upload verify --pool ID FILE` compares a "
            "pool with the rows of files; tasks whose journal is gone can be taken back in the web interface alone.",
            code="RUN_LOST",
        )


def last_upload(state_dir: Path) -> PastRun:
    """The last run that uploaded, and has rows in a pool.

    Raises:
        NoInput: There is none.
    """
    for run in past_runs(state_dir):
        if run.command == "upload" and run.has_rows:
            return run
    raise NoInput(f"There is no upload in {state_dir}. Name a run, or files and their --pool.")


def operations(run: PastRun) -> list[dict[str, Any]]:
    """The chunks of a run with their operations."""
    found: list[dict[str, Any]] = []
    for path, _ in run.parts:
        with journal.open_to_read(path) as (db, destination):
            found += [_operation(chunk, destination) for chunk in journal.chunks_of(db, run.id)]
    return found


def _operation(chunk: SentChunk, destination: Destination) -> dict[str, Any]:
    return {
        "pool": destination.pool,
        "operation_id": chunk.operation_id,
        "state": chunk.state.value,
        "mode": chunk.mode,
        "attempt": chunk.attempt + 1,
        "rows": chunk.rows,
        "items": chunk.items,
        "sent": _time(chunk.sent_at),
        "file": chunk.places.files[0][0],
        "first_line": chunk.places.lines[0],
        "last_line": chunk.places.lines[-1],
    }


def steps(run: PastRun, settled: Container[tuple[str, int]]) -> Iterator[ChunkStep]:
    """How far the chunks of a run are; with their outcomes, but for those that are known to be settled."""
    for path, _ in run.parts:
        with journal.open_to_read(path) as (db, destination):
            for step in list(journal.steps(db, run.id)):
                outcome = None
                if step.state is ChunkState.SETTLED and (destination.pool, step.id) not in settled:
                    outcome = journal.read_outcome(db, step.id)
                yield ChunkStep(destination.pool, step, outcome)


def blocks(run: PastRun) -> Iterator[Block]:
    """Every row of a run with its outcome, as far as the journals have it."""
    for place, _ in run.parts:
        with journal.open_to_read(place) as (db, destination):
            yield from journal.blocks(db, destination, run.id)


def write_results(run: PastRun, path: Path) -> int:
    """Write a run's results file again, from the journals alone; return how many rows it has.

    Raises:
        CannotWrite: The file cannot be written.
    """
    results, rows = ResultsFile(path), 0
    for block in blocks(run):
        results.write(block)
        rows += len(block.places)
    results.close()
    return rows


def prune(state_dir: Path, age: float, now: float) -> int:
    """Forget the reports of runs older than `age` seconds; the rows they created stay known. Return how many."""
    forgotten: set[str] = set()
    for path in journal_paths(state_dir):
        try:
            lock = Lock(path.with_suffix(".lock"), {"run": "runs --prune"})
        except Held:
            continue
        try:
            forgotten.update(journal.prune_file(path, now - age))
        finally:
            lock.release()
    return len(forgotten)


def journal_paths(state_dir: Path) -> list[Path]:
    """The journals of a state directory, one a pool."""
    return sorted(path for path in (state_dir / "journals").glob("*.db") if journal.is_begun(path))


def _holder(path: Path) -> str | None:
    """The run that holds a pool's lock now, if one does."""
    found = holder(path.with_suffix(".lock"))
    return None if found is None else found.get("run")


def _sum(counts: Iterator[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for state, count in part.items():
            total[state] = total.get(state, 0) + count
    return total


def _time(moment: float | None) -> str | None:
    return None if moment is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
