"""How far a run is, as told by its events. Knows neither a terminal nor a clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from toloka_upload.errors import ExitStatus
from toloka_upload.report import observer as ev
from toloka_upload.report.account import AccountReport
from toloka_upload.report.summary import Report

SPEED_WINDOW = 30.0
"""Seconds over which rows a second are averaged: several operations long, yet quick to follow."""

SETTLING_SHOWN = 3.0
"""Seconds for which a look-up is shown at least: it is told as it begins, and mostly ends at once."""

_HOLDING = frozenset({"rate_limit", "quota", "server_busy", "lock"})
"""Waits in which the whole run stands still."""


class Speed:
    """Rows a second over the last `SPEED_WINDOW` seconds, or since the start while that is less."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, now: float, total: int) -> None:
        """Take a sample: `total` rows at `now`. The first one marks the start."""
        self._samples.append((now, total))
        while len(self._samples) > 2 and self._samples[1][0] < now - SPEED_WINDOW:
            self._samples.popleft()

    def rate(self, now: float) -> float | None:
        """Rows a second at `now`; None before there is anything to tell."""
        if not self._samples:
            return None
        (start, before), (_, after) = self._samples[0], self._samples[-1]
        return (after - before) / (now - start) if after > before and now > start else None


@dataclass(frozen=True, slots=True)
class Wait:
    """Something the run waits for, until the clock shows `until`."""

    event: ev.Waiting
    until: float

    def words(self, now: float, *, zone: bool = False) -> str:
        """What it is, counted down."""
        return self.event.words(self.until - now, zone=zone)


@dataclass(slots=True)
class Flight:
    """A chunk that was sent and has no outcome yet; `refused` is the wait after its request came to nothing."""

    chunk: int
    rows: int
    operation_id: str | None
    attempt: int
    since: float
    status: str = "sent"
    percent: int | None = None
    refused: Wait | None = None


class Held:
    """How long a run stood still, by the waits it told of."""

    def __init__(self) -> None:
        self._total = 0.0
        self._until = 0.0

    def wait(self, now: float, seconds: float) -> None:
        """It stands still for so long from now; zero ends what was to come."""
        if seconds <= 0:
            self._total -= self.left(now)
            self._until = min(self._until, now)
        else:
            begin, end = max(now, self._until), now + seconds
            self._total += max(0.0, end - begin)
            self._until = max(self._until, end)

    def left(self, now: float) -> float:
        """Seconds that it still stands still."""
        return max(0.0, self._until - now)

    def so_far(self, now: float) -> float:
        """Seconds that it stood still."""
        return self._total - self.left(now)


class Progress:
    """What has happened so far. Every attribute is a total since the start.

    Attributes:
        read: Rows read, whatever became of them.
        created: Rows created in this run. Like the next three, told by settled chunks or by reading.
        fraction_read: Bytes consumed of bytes there are, or None where sizes cannot be told.
        finished_reading: `read` is the number of rows of the whole input.
        files, pool, env, url: What goes where, as the run began; `pool_name` once it is known.
        flights: Chunks in flight by number, in the order sent.
        chunks: Chunks that this run sends, once all are planned; `chunks_done` of them have their outcomes.
        retries: Waits after a request that failed: each is followed by another try.
        command: A command of the account, if it is none that uploads; `account` is how far it is.
        report: The run's report once it is over.
        left: The display closes; without a report, the run was cut short.
    """

    def __init__(self, started: float) -> None:
        self.started = started
        self.files: tuple[str, ...] = ()
        self.pool: str | None = None
        self.pool_name = self.env = self.url = ""
        self.dry_run = False
        self.read = self.created = self.rejected = self.unknown = self.already_uploaded = 0
        self.fraction_read: float | None = None
        self.finished_reading = False
        self.sending = False
        self.stopping = ""
        self.flights: dict[int, Flight] = {}
        self.chunks: int | None = None
        self.chunks_done = self.retries = 0
        self.report: Report | AccountReport | None = None
        self.command = ""
        self.account: ev.AccountProgress | None = None
        self.left = False
        self._waits: dict[tuple[str, str | None], Wait] = {}
        self._speed = Speed()
        self._held = Held()
        self._pace: float | None = None
        self._rows_an_item = 1.0
        self._first_sent = 0.0
        self._by_reading = (0, 0)

    def note(self, event: ev.Event, now: float) -> None:
        """Take an event into account. Events of unknown kinds change nothing."""
        match event:
            case ev.RowsRead():
                self._rows_read(event)
            case ev.ChunkSent():
                self._chunk_sent(event, now)
            case ev.OperationProgress():
                self._operation(event, now)
            case ev.ChunkSettled():
                self._settled(event, now)
            case ev.ChunkReturned():
                self.flights.pop(event.chunk, None)
            case ev.Waiting():
                self._waiting(event, now)
            case ev.Stopping():
                self.stopping = event.reason
            case ev.RunStarted() | ev.PoolChecked() | ev.AllPlanned():
                self._learned(event)
            case ev.AccountStarted() | ev.AccountProgress() | ev.AccountFinished():
                self._account(event, now)
            case ev.RunFinished():
                self._finished(event)

    def _account(
        self, event: ev.AccountStarted | ev.AccountProgress | ev.AccountFinished, now: float
    ) -> None:
        match event:
            case ev.AccountStarted():
                self.command = event.command
                self._speed.note(now, 0)
            case ev.AccountProgress():
                self.account = event
                self._speed.note(now, event.done)
            case ev.AccountFinished():
                self.report = event.report
                self._waits.clear()

    @property
    def in_pool(self) -> int:
        """Rows that are in the pool, from this run or an earlier one; of another command: what is done."""
        if self.command:
            return self.account.done if self.account else 0
        return self.created + self.already_uploaded

    @property
    def in_flight(self) -> float:
        """Rows in flight that the server has done, by its own percentage."""
        return sum(flight.rows * (flight.percent or 0) / 100 for flight in self.flights.values())

    @property
    def interrupted(self) -> bool:
        """The run was asked to stop: what is in flight now, nobody waits for."""
        if self.report is None:
            return bool(self.stopping)
        return self.report.exit_status in {ExitStatus.INTERRUPTED, ExitStatus.TERMINATED}

    @property
    def total(self) -> int | None:
        """Rows of the whole input: counted, else estimated from the bytes read, else None."""
        if self.command:
            return self.account.total if self.account else None
        if self.finished_reading:
            return self.read
        return round(self.read / self.fraction_read) if self.fraction_read else None

    @property
    def checking(self) -> bool:
        """Rows are read and checked, and none was sent: the reading is what there is to show."""
        return self.dry_run or not (self.sending or self.finished_reading or self.command)

    def looking_up(self, now: float) -> bool:
        """Whether the run asks what became of rows that were sent, and sends nothing."""
        settling = (wait for (reason, _), wait in self._waits.items() if reason == "settling")
        return not self.sending and any(wait.until > now for wait in settling)

    @property
    def share(self) -> float | None:
        """What the bar shows, 0 to 1: rows in the pool of all; while `checking`, bytes read of all."""
        if self.checking:
            return 1.0 if self.finished_reading else self.fraction_read
        total = self.total
        if total is None:
            return None
        return min(1.0, self.in_pool / total) if total else 1.0

    def rate(self, now: float) -> float | None:
        """Rows a second that got an outcome from the API, or None before the first.

        Once the run is over: rows created, over the whole of its time.
        """
        if self.report is not None:
            seconds = self.report.seconds
            done = self.in_pool if self.command else self.created
            return done / seconds if done and seconds > 0 else None
        return self._speed.rate(now)

    def seconds_left(self, now: float) -> float | None:
        """How long the rest takes, or None where that cannot be told.

        At the present rate; where the run had to stand still, at the rate since the start, but no sooner than the wait
        it is in and the rest at the rate it has between waits.
        """
        rate, total = self.rate(now), self.total
        if not rate or total is None or self.stopping or self.report or self.left:
            return None
        rest = max(0, total - self.in_pool - self.rejected - self.unknown)
        held, sending = self._held.so_far(now), now - self._first_sent
        if self.command or (not held and not self._held.left(now)):
            return rest / rate
        between = rest * max(sending - held, 0.0) / self._by_api
        by_limit = rest / (self._pace * self._rows_an_item) if self._pace else 0.0
        return max(rest * sending / self._by_api, self._held.left(now) + between, by_limit)

    @property
    def _by_api(self) -> int:
        """Rows that got an outcome from the API in this run."""
        return self.created + self.rejected - self._by_reading[1] + self.unknown

    def waits(self, now: float) -> list[Wait]:
        """What the run waits for at `now`, the longest wait last."""
        current = [wait for wait in self._waits.values() if wait.until > now]
        return sorted(current, key=lambda wait: wait.until)

    def _learned(self, event: ev.RunStarted | ev.PoolChecked | ev.AllPlanned) -> None:
        if isinstance(event, ev.RunStarted):
            self.dry_run, self.files, self.pool = event.dry_run, event.files, event.pool
            self.env, self.url = event.env, event.url
        elif isinstance(event, ev.AllPlanned):
            self.chunks = event.chunks
        elif event.pool == self.pool:
            self.pool_name = event.name

    def _rows_read(self, event: ev.RowsRead) -> None:
        self.read = event.read
        already, rejected = self._by_reading
        self.already_uploaded += event.already_uploaded - already
        self.rejected += event.rejected - rejected
        self._by_reading = (event.already_uploaded, event.rejected)
        self.fraction_read = min(1.0, event.position / event.size) if event.size else None
        self.finished_reading = event.finished

    def _chunk_sent(self, event: ev.ChunkSent, now: float) -> None:
        if not self.sending:
            self.sending = True
            self._first_sent = now
            self._speed.note(now, 0)
        self._rows_an_item = max(1.0, event.rows / max(1, event.items))
        before = self.flights.pop(event.chunk, None)
        since = before.since if before else now
        self.flights[event.chunk] = Flight(
            event.chunk, event.rows, event.operation_id, event.attempt, since
        )

    def _operation(self, event: ev.OperationProgress, now: float) -> None:
        flight = self.flights.get(event.chunk)
        if flight is None:  # sent by an earlier run; its rows come with its outcomes
            flight = Flight(event.chunk, 0, event.operation_id, 1, now)
            self.flights[event.chunk] = flight
        flight.operation_id = event.operation_id
        flight.status, flight.percent = event.status, event.percent

    def _settled(self, event: ev.ChunkSettled, now: float) -> None:
        self.flights.pop(event.chunk, None)
        self.chunks_done += 1
        self.created += event.created
        self.already_uploaded += event.already_uploaded
        self.rejected += event.rejected
        self.unknown += event.unknown
        if self.sending:
            self._speed.note(now, self._by_api)

    def _waiting(self, event: ev.Waiting, now: float) -> None:
        if event.reason in _HOLDING:
            self._held.wait(now, event.seconds)
        self.retries += event.reason == "server_busy" and event.seconds > 0
        if event.seconds > 0:
            least = SETTLING_SHOWN if event.reason == "settling" else 0.0
            wait = Wait(event, now + max(event.seconds, least))
            self._waits[event.reason, event.pool] = wait
            self._pace = event.pace or self._pace
            flight = self.flights.get(event.chunk or 0)
            if flight:
                flight.refused = wait
        elif event.pool is None:
            for key in [key for key in self._waits if key[0] == event.reason]:
                del self._waits[key]
        else:
            self._waits.pop((event.reason, event.pool), None)

    def _finished(self, event: ev.RunFinished) -> None:
        counts = event.report.counts
        self.report = event.report
        self.read, self.created = counts.read, counts.created
        self.already_uploaded, self.rejected = counts.already_uploaded, counts.rejected
        self.unknown = counts.unknown
        self.finished_reading = True
        self.flights.clear()
        self._waits.clear()
