"""The events of a run as NDJSON: one line an event, written at once (`--events FILE|-`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from toloka_upload.errors import CannotWrite
from toloka_upload.report import observer as ev
from toloka_upload.text import plain

NAMES: Mapping[type[ev.Event], str] = {
    ev.RunStarted: "run_started",
    ev.PoolChecked: "pool_checked",
    ev.Warned: "warning",
    ev.RowsRead: "rows_read",
    ev.RowRejected: "row_rejected",
    ev.CostKnown: "cost_known",
    ev.AllPlanned: "all_planned",
    ev.ChunkSent: "chunk_sent",
    ev.OperationProgress: "operation_progress",
    ev.ChunkSettled: "chunk_settled",
    ev.ChunkReturned: "chunk_returned",
    ev.Waiting: "waiting",
    ev.PoolOpened: "pool_opened",
    ev.AccountStarted: "account_started",
    ev.AccountProgress: "account_progress",
    ev.AccountFinished: "account_finished",
    ev.Stopping: "stopping",
    ev.RunFinished: "run_finished",
}
"""What each event is called on its line."""


class EventsFile:
    """An observer that writes each event as a line of JSON: its time, its name, its fields.

    `{"time": "2026-11-21T18:00:00.123Z", "event": "chunk_sent", "chunk": 1, ...}`; the report of
    `run_finished` is the JSON summary. All but ASCII is escaped, so that a terminal may show it.
    Events come on one thread, so there is no lock.

    Args:
        stream: Where to write; closed at the end if `owned`.
        name: What the stream is called in a warning.
        now: Seconds since the epoch.
        warn: Told once, in words, if writing fails; the run goes on without events.
        owned: Whether the stream is ours to close.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        name: str,
        now: Callable[[], float],
        warn: Callable[[str], None],
        owned: bool,
    ) -> None:
        self._stream: BinaryIO | None = stream
        self._name = name
        self._now = now
        self._warn = warn
        self._owned = owned

    @classmethod
    def open(
        cls, target: str, stdout: BinaryIO, now: Callable[[], float], warn: Callable[[str], None]
    ) -> Self:
        """Open `target` anew: a path, a named pipe, or `-` for `stdout`.

        Raises:
            CannotWrite: It cannot be opened for writing.
        """
        if target == "-":
            return cls(stdout, name="standard output", now=now, warn=warn, owned=False)
        try:
            stream = Path(target).open("wb")  # noqa: SIM115 - closed by `close`
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            message = (
                f"{plain(target)}: cannot write events there: {reason};"
                " choose another file for --events"
            )
            raise CannotWrite(message, code="EVENTS") from error
        return cls(stream, name=plain(target), now=now, warn=warn, owned=True)

    def __call__(self, event: ev.Event) -> None:
        """Write an event; after a failure, nothing."""
        if self._stream is None:
            return
        now = self._now()
        record = {"time": _iso(now), **as_record(event)}
        if isinstance(event, ev.Waiting):
            record |= _moments(event, now)
        line = json.dumps(record, separators=(", ", ": "))
        try:
            self._stream.write(line.encode("ascii") + b"\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._give_up(error)

    def __enter__(self) -> Self:
        """Return the observer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close what is ours to close. Calling it again does nothing."""
        stream, self._stream = self._stream, None
        if stream is not None and self._owned:
            stream.close()

    def _give_up(self, error: Exception) -> None:
        stream, self._stream = self._stream, None
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        if stream is not None and self._owned:
            _close_anyway(stream)
        self._warn(f"events are no longer written to {self._name}: {reason}; the upload goes on")


def as_record(event: ev.Event) -> dict[str, Any]:
    """Return an event's name and fields, as they stand on its line."""
    name = {"event": NAMES[type(event)]}
    return name | (event.report.as_json() if isinstance(event, ev.RunFinished) else event._asdict())


def _moments(event: ev.Waiting, now: float) -> dict[str, str | None]:
    """When a wait began, ends, and is given up at the latest."""
    moments = {"since": event.since, "until": now + event.seconds, "gives_up": event.gives_up}
    return {name: None if moment is None else _iso(moment) for name, moment in moments.items()}


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _close_anyway(stream: BinaryIO) -> None:
    """Close a stream that may still hold what it could not write, which closing tries again."""
    try:
        stream.close()
    except OSError:
        return
