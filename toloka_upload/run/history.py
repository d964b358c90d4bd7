"""Past and unfinished runs, from all journals of a state directory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toloka_upload import journal
from toloka_upload.errors import NoInput
from toloka_upload.journal import Destination, RunRecord, SentChunk
from toloka_upload.journal.lock import Held, Lock, holder
from toloka_upload.report.results import ResultsFile


@dataclass(slots=True)
class PastRun:
    """One run, put together from the journals of its pools.

    Attributes:
        running: Another process holds one of its pools now.
        undone: Tasks or suites of it that were taken back; `partly`: while somebody had them; `kept`: not,
            counted only where others were.
    """

    id: str
    parts: list[tuple[Path, RunRecord]] = field(default_factory=list)
    running: bool = False
    undone: int = 0
    partly: int = 0
    kept: int = 0

    @property
    def started(self) -> float:
        """When it began, seconds since the epoch."""
        return min(record.started for _, record in self.parts)

    @property
    def report(self) -> dict[str, Any] | None:
        """The report it ended with; None if it was killed, or still runs."""
        return next((record.report for _, record in self.parts if record.report), None)

    @property
    def pools(self) -> list[str]:
        """Where it was at work."""
        return [record.destination.pool for _, record in self.parts]

    @property
    def destination(self) -> Destination:
        """Where it was at work, by one of its pools."""
        return self.parts[0][1].destination

    @property
    def files(self) -> list[str]:
        """Its inputs."""
        return list(self.parts[0][1].settings.get("files", []))

    @property
    def command(self) -> str:
        """What it did: `upload`, `adopt` or `undo`."""
        return str(self.parts[0][1].settings.get("command", "upload"))

    @property
    def unsettled(self) -> int:
        """Rows in chunks whose outcome is open."""
        return sum(
            record.rows.get(state, 0)
            for _, record in self.parts
            for state in ("sending", "accepted", "unsettled")
        )

    @property
    def state(self) -> str:
        """How it stands, in a word or two."""
        if self.running:
            return "running"
        if self.report is None:
            return "killed"
        if self.unsettled:
            return "unsettled"
        if self.undone or self.partly:
            return "partly undone" if self.kept or self.partly else "undone"
        return str(self.report.get("exit_reason", ""))

    @property
    def next_step(self) -> str:
        """What the user should do about it."""
        if self.running:
            return "wait for it"
        if self.command != "upload":
            return "nothing" if self.report else "run the same command again"
        unsent = (self.report or {}).get("counts", {}).get("unsent", 0)
        if self.report is None or self.unsettled or unsent:
            return "run the same command again: it goes on from there"
        return "nothing"

    def as_json(self) -> dict[str, Any]:
        """The run for programs."""
        return {
            "run_id": self.id,
            "command": self.command,
            "started": _time(self.started),
            "finished": _time(max((record.finished or 0.0) for _, record in self.parts) or None),
            "files": self.files,
            "pools": self.pools,
            "url": self.destination.endpoint,
            "state": self.state,
            "next": self.next_step,
            "unsettled_rows": self.unsettled,
            "of": self.parts[0][1].settings.get("of") or None,
            "undone": {"undone": self.undone, "partly": self.partly},
            "chunks": _sum(record.chunks for _, record in self.parts),
            "report": self.report,
        }


def past_runs(state_dir: Path) -> list[PastRun]:
    """All runs, the newest first.

    Raises:
        CannotWrite: A journal cannot be read.
    """
    found: dict[str, PastRun] = {}
    for path in _paths(state_dir):
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
            run.parts.append((path, record))
            counts = undone[record.id]
            run.undone += counts[journal.Undo.UNDONE]
            run.partly += counts[journal.Undo.PARTLY]
            run.kept += created[record.id] - counts.total() if counts.total() else 0
            run.running = run.running or held_by == record.id
    return sorted(found.values(), key=lambda run: run.started, reverse=True)


def past_run(state_dir: Path, run_id: str) -> PastRun:
    """One run, by its id or the beginning of it.

    Raises:
        NoInput: There is none, or several begin so.
    """
    runs = [run for run in past_runs(state_dir) if run.id.startswith(run_id)]
    exact = [run for run in runs if run.id == run_id]
    if len(exact or runs) != 1:
        what = "No run" if not runs else f"{len(runs)} runs"
        raise NoInput(
            f"{what} in {state_dir} with an id like {run_id!r}. `toloka-upload runs` lists them."
        )
    return (exact or runs)[0]


def last_upload(state_dir: Path) -> PastRun:
    """The last run that uploaded.

    Raises:
        NoInput: There is none.
    """
    for run in past_runs(state_dir):
        if run.command == "upload":
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


def write_results(run: PastRun, path: Path) -> int:
    """Write a run's results file again, from the journals alone; return how many rows it has.

    Raises:
        CannotWrite: The file cannot be written.
    """
    results, rows = ResultsFile(path), 0
    for place, _ in run.parts:
        with journal.open_to_read(place) as (db, destination):
            for block in journal.blocks(db, destination, run.id):
                results.write(block)
                rows += len(block.places)
    results.close()
    return rows


def prune(state_dir: Path, age: float, now: float) -> int:
    """Forget the reports of runs older than `age` seconds; the rows they created stay known. Return how many."""
    forgotten: set[str] = set()
    for path in _paths(state_dir):
        try:
            lock = Lock(path.with_suffix(".lock"), {"run": "runs --prune"})
        except Held:
            continue
        try:
            forgotten.update(journal.prune_file(path, now - age))
        finally:
            lock.release()
    return len(forgotten)


def _paths(state_dir: Path) -> list[Path]:
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
