"""Runs to tell of: a clock set by hand, and events with the fields a test does not care about."""

from __future__ import annotations

from toloka_upload.errors import ExitStatus
from toloka_upload.report import observer as ev
from toloka_upload.report.summary import Counts, Report, RunError

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt.exe [bold red]\nx\r\udc80"


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def started(*files: str, pool: str | None = "21", dry_run: bool = False) -> ev.RunStarted:
    """The run begins."""
    url = "https://toloka.dev/api/v1"
    names = files or ("tasks.jsonl",)
    return ev.RunStarted("run-1", names, pool, "production", url, "async", dry_run)


def rows_read(
    read: int, *, of: int | None = None, already: int = 0, rejected: int = 0, finished: bool = False
) -> ev.RowsRead:
    """Reading came this far, of an input of `of` rows of 100 bytes each."""
    size = None if of is None else of * 100
    return ev.RowsRead(read, already, rejected, read * 100, size, finished)


def sent(chunk: int, rows: int = 100, attempt: int = 1) -> ev.ChunkSent:
    """A chunk left."""
    operation = f"{chunk:08x}-0000-5000-8000-000000000000"
    return ev.ChunkSent(chunk, "21", rows, rows, rows * 100, operation, attempt)


def progressed(chunk: int, status: str = "RUNNING", percent: int | None = None) -> ev.Event:
    """An operation was asked about."""
    operation = f"{chunk:08x}-0000-5000-8000-000000000000"
    return ev.OperationProgress(chunk, "21", operation, status, percent)


def settled(
    chunk: int, created: int = 100, already: int = 0, rejected: int = 0, unknown: int = 0
) -> ev.ChunkSettled:
    """A chunk has its outcomes."""
    operation = f"{chunk:08x}-0000-5000-8000-000000000000"
    return ev.ChunkSettled(chunk, "21", operation, created, already, rejected, unknown)


def rejected(line: int = 418, message: str = "Value must be present") -> ev.RowRejected:
    """A row has a fault."""
    return ev.RowRejected("tasks.jsonl", line, "input_values.image", "VALUE_REQUIRED", message)


def report(status: ExitStatus = ExitStatus.OK, **counts: int) -> Report:
    """Return the report of a run of 12.34 seconds into pool 21."""
    made = Report(exit_status=status, run_id="run-1", env="production", pools=["21"])
    made.files, made.seconds = ["tasks.jsonl"], 12.34
    made.counts = Counts(read=sum(counts.values()), **counts)
    made.operations.submitted = 1 if made.counts.created else 0
    return made


def finished(status: ExitStatus = ExitStatus.OK, **counts: int) -> ev.RunFinished:
    """The run is over."""
    return ev.RunFinished(report(status, **counts))


def hostile_events() -> list[ev.Event]:
    """One event of each kind, every text in it hostile."""
    bad = HOSTILE
    ended = report(ExitStatus.REFUSED, created=1)
    ended.error = RunError(bad, bad, bad)
    return [
        ev.RunStarted(bad, (bad, bad), bad, bad, bad, bad, dry_run=False),
        ev.PoolChecked(bad, bad, bad, bad, 7),
        ev.Warned(bad),
        ev.RowsRead(10, 0, 1, 100, 1000, finished=False),
        *(ev.RowRejected(bad, line, bad, bad, bad) for line in range(1, 14)),
        ev.AllPlanned(3),
        ev.ChunkSent(1, bad, 10, 10, 10, bad, 2),
        ev.OperationProgress(1, bad, bad, bad, 5),
        ev.Waiting(bad, bad, 5.0, bad),
        ev.ChunkSettled(2, bad, bad, 1, 1, 1, 1),
        ev.ChunkReturned(3, bad, bad),
        ev.PoolOpened(bad, already=False),
        ev.Stopping(bad),
        ev.RunFinished(ended),
    ]
