"""What the core tells while it works. The display, the events file and tests are observers.

Every event is a named tuple, and its fields are the keys of its line in `--events` output.
Events are handed over on one thread, in order. An observer must be quick and must not raise.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from toloka_upload.report.account import AccountReport
from toloka_upload.report.summary import Report
from toloka_upload.text import duration, ordinal, time_of_day


class RunStarted(NamedTuple):
    """The run begins; nothing has been read or sent yet."""

    run_id: str
    files: tuple[str, ...]
    pool: str | None
    env: str
    url: str
    mode: str
    dry_run: bool


class PoolChecked(NamedTuple):
    """The pool and its project were read, and take this upload."""

    pool: str
    name: str
    status: str
    project: str
    known_rows: int


class Warned(NamedTuple):
    """Something the user should know, which stops nothing."""

    message: str


class RowsRead(NamedTuple):
    """How far reading is. Counts are totals since the start, told about every thousand rows.

    `size` is None where an input's size cannot be told; `position` and `size` are bytes over all inputs.
    `finished` is true once: with the last row.
    """

    read: int
    already_uploaded: int
    rejected: int
    position: int
    size: int | None
    finished: bool


class RowRejected(NamedTuple):
    """One fault of one row, found here or told by the API."""

    file: str
    line: int
    field: str
    code: str
    message: str


class CostKnown(NamedTuple):
    """What the rows to be created will cost, as the summary's `plan` has it."""

    cost: dict[str, Any]


class AllPlanned(NamedTuple):
    """Every row was read and belongs to a chunk or needs none. `chunks` is how many this run sends."""

    chunks: int


class ChunkSent(NamedTuple):
    """A request left. `chunk` is the chunk's number in this run, from 1."""

    chunk: int
    pool: str
    rows: int
    items: int
    bytes: int
    operation_id: str | None
    attempt: int


class OperationProgress(NamedTuple):
    """The API told where an operation stands. `percent` is None where it does not say."""

    chunk: int
    pool: str
    operation_id: str
    status: str
    percent: int | None


class ChunkSettled(NamedTuple):
    """Every row of a chunk has its outcome; the four counts add up to its rows."""

    chunk: int
    pool: str
    operation_id: str | None
    created: int
    already_uploaded: int
    rejected: int
    unknown: int


class ChunkReturned(NamedTuple):
    """A chunk left the air without outcomes for its rows: it is cut up, or goes again later."""

    chunk: int
    pool: str
    reason: str


class Waiting(NamedTuple):
    """The run holds back, and why, in words a person understands.

    `reason` is one of `rate_limit`, `quota`, `server_busy`, `pool_locked`, `lock`, `settling`; `message` says for what:
    "limit of --rate 20000/min", "cannot resolve api.example". `seconds` is how long from now; zero ends the wait of
    that `reason`. Of what went wrong, `attempt` is how often it did, `since` when it began, and `gives_up` when the run
    will end for it at the latest, both in seconds since the epoch. `chunk` is the one whose request it was. `pace` is
    how many items a second the limit allows that is waited for.
    """

    reason: str
    message: str
    seconds: float
    pool: str | None = None
    attempt: int = 0
    since: float | None = None
    gives_up: float | None = None
    chunk: int | None = None
    pace: float | None = None

    def words(self, left: float, *, zone: bool = False) -> str:
        """For what, since when, for how long yet, and until when at the latest.

        "cannot resolve api.example (3rd try since 18:20), again in 8 s, giving up at 18:35". A wait whose end nobody
        can tell is only named.

        Args:
            left: Seconds of it that are left.
            zone: Whether times are told with their zone.
        """
        words = self.message
        if self.attempt:
            began = self.attempt > 1 and self.since is not None
            since = f" since {time_of_day(self.since, self.since)}" if began and self.since else ""
            words += f" ({ordinal(self.attempt)} try{since})"
        if self.reason in _GOES_ON:
            words += f", again in {duration(left)}"
        elif self.reason == "settling" and min(self.seconds, left) >= 1:
            words += f", for {duration(left)}"
        if self.gives_up is not None:
            beside = self.gives_up if self.since is None else self.since
            words += f", giving up at {time_of_day(self.gives_up, beside, zone=zone)}"
        return words


_GOES_ON = frozenset({"rate_limit", "quota", "server_busy", "pool_locked"})
"""Waits after which the same is tried again."""


class PoolOpened(NamedTuple):
    """The pool was opened, or was open already."""

    pool: str
    already: bool


class AccountStarted(NamedTuple):
    """A command of the account begins: `verify`, `undo` or `adopt`."""

    command: str
    run_id: str | None
    pools: tuple[str, ...]
    env: str
    url: str


class AccountProgress(NamedTuple):
    """How far it is: `done` of `total` are `what` ("tasks read"). `total` is None where nobody knows."""

    what: str
    done: int
    total: int | None


class AccountFinished(NamedTuple):
    """It is over; `report` is what its summary shows."""

    report: AccountReport


class Stopping(NamedTuple):
    """The run stops before its end and settles what is in flight. `reason` is in words."""

    reason: str


class RunFinished(NamedTuple):
    """The run is over; `report` is what the summary shows."""

    report: Report


Event = (
    RunStarted
    | PoolChecked
    | Warned
    | RowsRead
    | RowRejected
    | CostKnown
    | AllPlanned
    | ChunkSent
    | OperationProgress
    | ChunkSettled
    | ChunkReturned
    | Waiting
    | PoolOpened
    | AccountStarted
    | AccountProgress
    | AccountFinished
    | Stopping
    | RunFinished
)
"""Something that happened."""


class Observer(Protocol):
    """Whoever is told."""

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        ...


def both(one: Observer, other: Observer) -> Observer:
    """An observer that tells two."""

    def observer(event: Event) -> None:
        one(event)
        other(event)

    return observer


def unobserved(event: Event) -> None:
    """The observer of a run that nobody watches."""
