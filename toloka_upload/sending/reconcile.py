"""What became of a chunk's items: from the operation's log, and where it is silent from the pool's listing.

Nothing is assumed. An item is created if the log or the listing gives its id, refused if the log says so, and free to
go again only if it is proven that it was not created; all else is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from toloka_upload.api.client import Client, Operation
from toloka_upload.api.errors import ApiError
from toloka_upload.api.listing import page
from toloka_upload.items.identity import WIDTH
from toloka_upload.journal import SentChunk
from toloka_upload.outcomes import Outcome, Status
from toloka_upload.report.observer import Waiting
from toloka_upload.sending.operation_log import LogReading, read_log
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session

LOG_PAUSES = (0.06, 0.2, 0.6)
"""Parts of `settle_pause` between looks at a log that says less than the operation's counters: a log may come late."""
FIRST_LOOK = 0.5
"""Seconds before the first look at a listing. The second comes `settle_pause` later, and is what makes an absence
believable: how soon a listing shows what was created is not documented."""
LATE = 4.0
"""For so many `settle_pause`s after it left, a request may still arrive and be worked off, though nobody waits for its
answer: 20 s by default, longer than proxies hold a request whose sender is gone."""


class Reconciliation:
    """What is known of a chunk's items, as it is found out.

    Attributes:
        reading: Ids and faults so far.
        free: Items that are proven not to have been created: they may go again.
    """

    def __init__(self, reading: LogReading) -> None:
        self.reading = reading
        self.free: set[int] = set()

    def learn(self, reading: LogReading) -> None:
        """Take over what a log tells; of what it does not tell, the knowledge so far stays."""
        before, self.reading = self.reading, reading
        untold = reading.untold()
        told = set(reading.ids) if untold else ()
        for index in untold:
            if before.ids[index] not in told:
                reading.ids[index] = before.ids[index]
            if index in before.faults:
                reading.faults[index] = before.faults[index]

    def open(self) -> list[int]:
        """Items of which nothing is known yet."""
        return [index for index in self.reading.untold() if index not in self.free]

    def outcome(self, sent: SentChunk) -> Outcome:
        """The outcome of every row: each has its item's."""
        ids = self.reading.ids
        if all(ids):
            return Outcome(bytearray([Status.CREATED]) * sent.rows, ids, {})
        statuses = bytearray()
        faults = {}
        sizes = sent.per_item or [1] * sent.items
        for index, rows in enumerate(sizes):
            if self.reading.ids[index]:
                status = Status.CREATED
            elif index in self.reading.faults:
                status = Status.REJECTED
                for row in range(len(statuses), len(statuses) + rows):
                    faults[row] = self.reading.faults[index]
            else:
                status = Status.UNSENT if index in self.free else Status.UNKNOWN
            statuses += bytes([status]) * rows
        return Outcome(statuses, self.reading.ids, faults)


def nothing_known(sent: SentChunk) -> Reconciliation:
    """The reconciliation before anyone was asked."""
    return Reconciliation(LogReading([""] * sent.items))


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """A chunk with open items that only the pool's listing can tell of.

    Attributes:
        since: When they were created at the earliest, by the API's clock; None: at any time.
        absent_is_free: An item that is missing at the last look too was not created (else: it stays unknown).
        late: Seconds from now during which the request may still arrive: the last look comes after that.
    """

    sent: SentChunk
    reconciliation: Reconciliation
    since: str | None
    absent_is_free: bool
    late: float = 0.0


def late(session: Session, sent: SentChunk) -> float:
    """Seconds for which a request without an answer may still arrive.

    A clock that was set back makes nobody wait for longer than that.
    """
    longest = LATE * session.settings.pacing.settle_pause
    return longest - min(max(session.wall() - sent.sent_at, 0.0), longest)


async def settle_operation(
    session: Session, pool: PoolState, sent: SentChunk, operation: Operation
) -> Reconciliation:
    """Find out what a finished operation did with a chunk's items."""
    reconciliation = nothing_known(sent)
    case = await ask_log(session, sent, operation, reconciliation)
    if case is not None:
        await settle_by_listing(session, pool, [case])
    return reconciliation


async def ask_log(
    session: Session, sent: SentChunk, operation: Operation, reconciliation: Reconciliation
) -> ListingQuery | None:
    """Enter what a finished operation's log tells; return what is left for the listing to tell."""
    reading = await _log(session, sent, operation)
    reconciliation.learn(reading)
    if not reconciliation.open():
        return None
    failed = operation.status == "FAIL"
    said_something = reading.created or reading.faults or reading.general
    if failed and said_something and operation.details.get("success_count") == reading.created:
        reconciliation.free.update(reconciliation.open())
        return None
    return ListingQuery(sent, reconciliation, earlier(operation.submitted), absent_is_free=failed)


async def settle_by_listing(
    session: Session, pool: PoolState, cases: Sequence[ListingQuery]
) -> None:
    """
    Look for the open items of chunks in their pool, by content and multiplicity, twice.

    Nothing else is sent to the pool meanwhile, so that what is found and belongs to no other chunk is theirs. A stop
    leaves open what is open: an absence that is seen too early proves nothing.
    """
    pool.listing += 1
    for case in cases:
        pool.claimed.update(filter(None, case.reconciliation.reading.ids))
    try:
        await session.quiet(lambda: pool.in_flight - pool.parked <= pool.listing)
        for pause in _pauses(session, cases):
            what = "looking into the pool for rows without an answer"
            session.tell(Waiting("settling", what, pause))
            await session.pause(pause)
            if session.stopping:
                return
            await _look(session, pool, cases)
            if not any(case.reconciliation.open() for case in cases):
                return
        for case in cases:
            if case.absent_is_free:
                case.reconciliation.free.update(case.reconciliation.open())
    finally:
        pool.listing -= 1


def _pauses(session: Session, cases: Sequence[ListingQuery]) -> list[float]:
    pause = session.settings.pacing.settle_pause
    first = min(FIRST_LOOK, pause)
    return [first, max(pause, max(case.late for case in cases) - first)] if cases else []


async def _look(session: Session, pool: PoolState, cases: Sequence[ListingQuery]) -> None:
    """One look, for all chunks at once that may have been created since the same moment."""
    groups: dict[tuple[str, str | None], list[ListingQuery]] = {}
    for case in cases:
        if case.reconciliation.open():
            groups.setdefault((case.sent.kind, case.since), []).append(case)
    for (kind, since), group in groups.items():
        wanted: dict[bytes, list[tuple[Reconciliation, int]]] = {}
        for case in reversed(group):
            for index in reversed(case.reconciliation.open()):
                content = case.sent.contents[index * WIDTH : (index + 1) * WIDTH]
                wanted.setdefault(content, []).append((case.reconciliation, index))
        found = await _find(session, pool, kind, set(wanted), since)
        candidates = {item for ids in found.values() for item in ids}
        owned = pool.book.owned(candidates) | pool.claimed
        for content, ids in found.items():
            for item in ids:
                if item not in owned and wanted[content]:
                    reconciliation, index = wanted[content].pop()
                    reconciliation.reading.ids[index] = item
                    pool.claimed.add(item)


async def _find(
    session: Session, pool: PoolState, kind: str, contents: set[bytes], since: str | None
) -> dict[bytes, list[str]]:
    """The ids of a pool's items by content, oldest first. A page that fails is asked for again, not all of them."""
    found: dict[bytes, list[str]] = {}
    after: str | None = None
    while True:
        items, after = await session.ask(page, session.client, kind, pool.info.id, since, after)
        for content, item in items:
            if content in contents:
                found.setdefault(content, []).append(item)
        if after is None:
            return found


async def _log(session: Session, sent: SentChunk, operation: Operation) -> LogReading:
    """Read the log, again while it says less than the counters do. An archived log says nothing."""
    reading = LogReading([""] * sent.items)
    for pause in (*LOG_PAUSES, None):
        try:
            reading = await session.ask(_read, session.client, operation.id, sent.contents)
        except ApiError:
            return reading
        if _complete(reading, operation) or pause is None or session.stopping:
            break
        await session.pause(pause * session.settings.pacing.settle_pause)
    return reading


def _read(client: Client, operation_id: str, contents: bytes) -> LogReading:
    return read_log(client.operation_log(operation_id), contents)


def _complete(reading: LogReading, operation: Operation) -> bool:
    told = operation.details.get("success_count")
    if told is not None and reading.created < told:
        return False
    return (
        operation.status == "FAIL" and bool(reading.faults or reading.general)
    ) or not reading.untold()


def timestamp(moment: float) -> str:
    """Seconds since the epoch as the API writes a time."""
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat()


def earlier(moment: str | None) -> str | None:
    """A few seconds before a time of the API's: its machines' clocks need not agree."""
    if moment is None:
        return None
    try:
        earlier = datetime.fromisoformat(moment) - timedelta(seconds=10)
    except ValueError:
        return None
    return earlier.replace(tzinfo=None).isoformat()
