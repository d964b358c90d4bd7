"""What the core tells while it works. The display, the events file and tests are observers.

Every event is a frozen record; `kind` is its name in `--events` output, and its fields are that line's keys.
Events are handed over on one thread, in order. An observer must be quick and must not raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from toloka_upload.report.summary import Report


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened. `kind` names what."""

    kind: ClassVar[str]


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """The run begins; nothing has been read or sent yet."""

    kind = "run_started"
    run_id: str
    files: tuple[str, ...]
    pool: str | None
    env: str
    url: str
    mode: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class PoolChecked(Event):
    """The pool and its project were read, and take this upload."""

    kind = "pool_checked"
    pool: str
    name: str
    status: str
    project: str
    known_rows: int


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something the user should know, which stops nothing."""

    kind = "warning"
    message: str


@dataclass(frozen=True, slots=True)
class RowsRead(Event):
    """How far reading is. Counts are totals since the start, told about every thousand rows.

    `size` is None where an input's size cannot be told; `position` and `size` are bytes over all inputs.
    `finished` is true once: with the last row.
    """

    kind = "rows_read"
    read: int
    already_uploaded: int
    rejected: int
    position: int
    size: int | None
    finished: bool


@dataclass(frozen=True, slots=True)
class RowRejected(Event):
    """One fault of one row, found here or told by the API."""

    kind = "row_rejected"
    file: str
    line: int
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ChunkSent(Event):
    """A request left. `chunk` is the chunk's number in this run, from 1."""

    kind = "chunk_sent"
    chunk: int
    pool: str
    rows: int
    items: int
    bytes: int
    operation_id: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class OperationProgress(Event):
    """The API told where an operation stands. `percent` is None where it does not say."""

    kind = "operation_progress"
    chunk: int
    pool: str
    operation_id: str
    status: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class ChunkSettled(Event):
    """Every row of a chunk has its outcome; the four counts add up to its rows."""

    kind = "chunk_settled"
    chunk: int
    pool: str
    operation_id: str | None
    created: int
    already_uploaded: int
    rejected: int
    unknown: int


@dataclass(frozen=True, slots=True)
class ChunkReturned(Event):
    """A chunk left the air without outcomes for its rows: it is cut up, or goes again later."""

    kind = "chunk_returned"
    chunk: int
    pool: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """The run holds back, and why, in words a person understands.

    `reason` is one of `rate_limit`, `quota`, `server_busy`, `pool_locked`, `lock`, `settling`; `message` reads like
    "minute limit: 23 s" or "server busy, next try in 8 s (3rd)". `seconds` is how long from now; zero ends
    the wait of that `reason`.
    """

    kind = "waiting"
    reason: str
    message: str
    seconds: float
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class PoolOpened(Event):
    """The pool was opened, or was open already."""

    kind = "pool_opened"
    pool: str
    already: bool


@dataclass(frozen=True, slots=True)
class Stopping(Event):
    """The run stops before its end and settles what is in flight. `reason` is in words."""

    kind = "stopping"
    reason: str


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """The run is over; `report` is what the summary shows."""

    kind = "run_finished"
    report: Report


class Observer(Protocol):
    """Whoever is told."""

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        ...


def unobserved(event: Event) -> None:
    """The observer of a run that nobody watches."""
