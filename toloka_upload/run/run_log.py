"""The log of runs: every run that began, also those that ended before they had a pool to keep a journal for.

A file of lines, `runs.jsonl` in the state directory: one when a run begins, one when all its chunks are planned, one
when it ends. A line is written at once, in one piece. Nothing depends on it but what `toloka-upload runs` shows, so it
never fails a run: what cannot be written is missing.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toloka_upload.directories import make_directory
from toloka_upload.report import observer as ev
from toloka_upload.report.account import AccountReport
from toloka_upload.report.page import Carried

NAME = "runs.jsonl"
LARGEST = 4 * 1024 * 1024
"""Bytes after which the older half of the lines is dropped: some ten thousand runs."""
CHUNKS_KEPT = 1000
"""Chunks whose times are kept: ten million rows."""
_MESSAGE = 500
"""Most characters of an error that are kept: a line must go to the disk in one piece."""


@dataclass(slots=True)
class LoggedRun:
    """A run as the log has it.

    Attributes:
        ended: Seconds since the epoch, or None: it runs, or was killed.
        planned: How many rows it has, what became of those that are not sent, how many chunks; None before it knows.
        end: `exit_code`, `exit_reason`, `counts`, `error` as in the summary, once it has ended.
        pid: The process.
        verified: The last `verify` of it: `at`, `exit_reason`, `counts`, and the `share` of its rows that it looked at.
        chunks: What travelled and when, once it has ended.
        typed: The command line that goes on from it, in the directory where it was typed; "": a program began it.
    """

    id: str
    began: float
    files: list[str]
    pools: list[str]
    env: str
    url: str
    pid: int
    ended: float | None = None
    planned: dict[str, int] | None = None
    end: dict[str, Any] = field(default_factory=dict)
    chunks: list[Carried] = field(default_factory=list)
    verified: dict[str, Any] | None = None
    typed: str = ""

    @property
    def alive(self) -> bool:
        """Whether its process may still be there."""
        if self.ended is not None:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True


class RunLog:
    """An observer that keeps the log, and hands every event on.

    Args:
        state_dir: Where the log is.
        observer: Who is told as well.
        wall: Seconds since the epoch.
    """

    def __init__(self, state_dir: Path, observer: ev.Observer, wall: Callable[[], float]) -> None:
        self._path = state_dir / NAME
        self._tell = observer
        self._wall = wall
        self._run = ""
        self._dry = False
        self._read = ev.RowsRead(0, 0, 0, 0, None, finished=False)
        self._began = 0.0
        self._chunks: dict[int, Carried] = {}

    def __call__(self, event: ev.Event) -> None:
        """Log what is worth it; hand the event on."""
        match event:
            case ev.RunStarted():
                self._run, self._dry, self._began = event.run_id, event.dry_run, self._wall()
                pools = [event.pool] if event.pool else []
                self._write(
                    began=self._began,
                    files=event.files,
                    pools=pools,
                    env=event.env,
                    url=event.url,
                    pid=os.getpid(),
                )
            case ev.RowsRead():
                self._read = event
            case ev.AllPlanned():
                already, rejected = self._read.already_uploaded, self._read.rejected
                planned = {"read": self._read.read, "already": already, "rejected": rejected}
                self._write(planned={**planned, "chunks": event.chunks})
            case ev.RunFinished():
                end = _end(event.report.as_json())
                chunks = list(self._chunks.values())
                self._write(ended=self._wall(), end=end, pools=event.report.pools, chunks=chunks)
            case ev.ChunkSent() | ev.ChunkSettled():
                self._carry(event)
        self._tell(event)

    def _carry(self, event: ev.ChunkSent | ev.ChunkSettled) -> None:
        """Take note of when a chunk was first sent, and of when it had its outcome."""
        now = round(self._wall() - self._began, 2)
        chunk = self._chunks.get(event.chunk)
        if isinstance(event, ev.ChunkSettled):
            if chunk:
                self._chunks[event.chunk] = chunk._replace(settled=now, created=event.created)
        elif chunk is None and len(self._chunks) < CHUNKS_KEPT:
            self._chunks[event.chunk] = Carried(event.chunk, now, None, event.rows, 0)

    def _write(self, **values: Any) -> None:
        if not self._dry:
            append(self._path, {"run": self._run, **values})


def append(path: Path, line: dict[str, Any]) -> None:
    """Add a line, readable by the user alone; where that cannot be, do without."""
    text = json.dumps(line, separators=(",", ":")) + "\n"
    with suppress(OSError):
        make_directory(path.parent)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file, text.encode())
            if os.fstat(file).st_size > LARGEST:
                _drop_older_half(path)
        finally:
            os.close(file)


def note_verified(
    state_dir: Path, run: str, now: float, report: AccountReport, share: float
) -> None:
    """Log how a run's rows were found to stand."""
    found = {"at": now, "exit_reason": report.exit_status.reason, "counts": report.counts}
    append(state_dir / NAME, {"run": run, "verified": {**found, "share": share}})


def logged_runs(state_dir: Path) -> dict[str, LoggedRun]:
    """All runs that the log has, by their ids. A line that cannot be read is left out."""
    found: dict[str, LoggedRun] = {}
    try:
        text = (state_dir / NAME).read_text("utf-8", "replace")
    except OSError:
        return found
    for line in text.splitlines():
        with suppress(ValueError, TypeError, KeyError):
            _take(found, json.loads(line))
    return found


def _take(found: dict[str, LoggedRun], line: dict[str, Any]) -> None:
    run = line.pop("run")
    if "began" in line:
        first = {name: line.pop(name) for name in ("began", "files", "pools", "env", "url", "pid")}
        found[run] = LoggedRun(run, **first)
    if "chunks" in line:
        line["chunks"] = [Carried(*chunk) for chunk in line["chunks"]]
    for name, value in line.items():
        setattr(found[run], name, value)


def _end(report: dict[str, Any]) -> dict[str, Any]:
    end = {name: report[name] for name in ("exit_code", "exit_reason", "counts", "error")}
    if end["error"]:
        end["error"] = {**end["error"], "message": end["error"]["message"][:_MESSAGE]}
    return end


def _drop_older_half(path: Path) -> None:
    """Rewrite the log without its older half. A line that another process adds to the old file meanwhile is lost."""
    lines = path.read_bytes().splitlines(keepends=True)
    shorter = path.with_suffix(".new")
    shorter.write_bytes(b"".join(lines[len(lines) // 2 :]))
    shorter.chmod(0o600)
    shorter.replace(path)
