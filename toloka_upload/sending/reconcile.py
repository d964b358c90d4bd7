"""What became of an operation's items: from its log, and where that is silent from the pool's listing."""

from __future__ import annotations

from toloka_upload.api.client import Client, Operation
from toloka_upload.api.errors import AnswerLost, ApiError
from toloka_upload.items.identity import WIDTH
from toloka_upload.journal import SentChunk
from toloka_upload.sending.listing_look import ListingQuery, earlier, settle_by_listing
from toloka_upload.sending.operation_log import LogReading, read_log
from toloka_upload.sending.reconciliation import Reconciliation, nothing_known
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session

LOG_PAUSES = (0.06, 0.2, 0.6)
"""Parts of `settle_pause` between looks at a log that says less than the operation's counters: a log may come late."""
UNREADABLE = 3
"""So often is a log read that is answered and is none: no JSON, or no array of objects."""


async def settle_operation(
    session: Session, pool: PoolState, sent: SentChunk, operation: Operation, *, older: bool
) -> Reconciliation:
    """Find out what a finished operation did with a chunk's items; `older`: it may be of an earlier run."""
    reconciliation = nothing_known(sent)
    case = await ask_log(session, pool, sent, operation, reconciliation, older=older)
    if case is not None:
        await settle_by_listing(session, pool, [case])
    return reconciliation


async def ask_log(
    session: Session,
    pool: PoolState,
    sent: SentChunk,
    operation: Operation,
    reconciliation: Reconciliation,
    *,
    older: bool,
) -> ListingQuery | None:
    """
    Enter what a finished operation's log tells; return what is left for the listing to tell.

    Args:
        older: The operation may be of an earlier run, in which a look may have taken its items for others'.
    """
    reading = await _log(session, sent, operation)
    reconciliation.learn(reading)
    reconciliation.named_twice = _named_twice(pool, sent, reading, older=older)
    if not reconciliation.open():
        return None
    failed, created = operation.status == "FAIL", operation.details.get("success_count")
    said_something = reading.created or reading.faults or reading.general
    if failed and said_something and created == reading.created:
        reconciliation.free.update(reconciliation.open())
        return None
    return ListingQuery(
        sent,
        reconciliation,
        earlier(operation.submitted),
        absent_is_free=failed,
        created=None if failed else created,
    )


def _named_twice(pool: PoolState, sent: SentChunk, reading: LogReading, *, older: bool) -> set[int]:
    """
    Take from a reading the ids that are another chunk's; return the items they were named for.

    Of two equal rows, the one that a look gave the id keeps it: the other one's item is whatever else there is, and if
    there is none it goes again.
    """
    named = set(filter(None, reading.ids))
    taken = {item for item in named & pool.claimed.keys() if pool.claimed[item] != sent.id}
    if older:
        taken |= pool.book.owned_by_equals(named, sent)
    items = {index for index, item in enumerate(reading.ids) if item in taken} if taken else set()
    for index in items:
        reading.ids[index] = ""
    return items


async def _log(session: Session, sent: SentChunk, operation: Operation) -> LogReading:
    """Read the log, again while it says less than the counters do. An archived log says nothing."""
    reading, read = LogReading([""] * sent.items), _LogReader(session.client, operation.id)
    for pause in (*LOG_PAUSES, None):
        try:
            reading = await session.ask(read, sent.contents)
        except ApiError:
            return reading
        if _complete(reading, operation) or pause is None or session.stopping:
            break
        await session.pause(pause * session.settings.pacing.settle_pause)
    return reading


class _LogReader:
    """Reads an operation's log. One that cannot be read may be read the next time, and says nothing in the end."""

    def __init__(self, client: Client, operation_id: str) -> None:
        self._client = client
        self._operation = operation_id
        self._unreadable = 0

    def __call__(self, contents: bytes) -> LogReading:
        try:
            return read_log(self._client.operation_log(self._operation), contents)
        except AnswerLost as error:
            self._unreadable += error.code == "BAD_ANSWER"
            if self._unreadable < UNREADABLE:
                raise
            return LogReading([""] * (len(contents) // WIDTH))


def _complete(reading: LogReading, operation: Operation) -> bool:
    told = operation.details.get("success_count")
    if told is not None and reading.created < told:
        return False
    return (
        operation.status == "FAIL" and bool(reading.faults or reading.general)
    ) or not reading.untold()
