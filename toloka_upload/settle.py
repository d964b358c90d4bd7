"""What became of a chunk's items: from the operation's log, and where it is silent from the pool's listing.

Nothing is assumed. An item is created if the log or the listing gives its id, refused if the log says so, and free to
go again only if it is proven that it was not created; all else is unknown.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from toloka_upload.api.client import Client, Operation
from toloka_upload.api.errors import ApiError
from toloka_upload.api.listing import find
from toloka_upload.identity import WIDTH
from toloka_upload.journal import SentChunk
from toloka_upload.lane import Lane
from toloka_upload.loop import Steps
from toloka_upload.observer import Waiting
from toloka_upload.oplog import Reading, read_log
from toloka_upload.outcomes import Outcome, Status
from toloka_upload.session import Session

LOG_PAUSES = (0.3, 1.0, 3.0)
"""Seconds between looks at a log that says less than the operation's counters: a log may come late."""
LISTING_PAUSES = (0.5, 4.0)
"""Seconds before each look at a listing. The second look is what makes an absence believable: how soon a listing
shows what was created is not documented."""


class Verdict:
    """What is known of a chunk's items, as it is found out.

    Attributes:
        reading: Ids and faults so far.
        free: Items that are proven not to have been created: they may go again.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.free: set[int] = set()

    def open(self) -> list[int]:
        """Items of which nothing is known yet."""
        return [index for index in self.reading.untold() if index not in self.free]

    def outcome(self, sent: SentChunk) -> Outcome:
        """The outcome of every row: each has its item's."""
        ids = self.reading.ids
        if "" not in ids:
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


def nothing_known(sent: SentChunk) -> Verdict:
    """The verdict before anyone was asked."""
    return Verdict(Reading([""] * sent.items))


def settle_operation(
    session: Session, lane: Lane, sent: SentChunk, operation: Operation
) -> Steps[Verdict]:
    """Find out what a finished operation did with a chunk's items."""
    verdict = Verdict((yield from _log(session, sent, operation)))
    reading = verdict.reading
    if not verdict.open():
        return verdict
    said_something = reading.created or reading.faults or reading.general
    counted = operation.details.get("success_count") == reading.created
    if operation.status == "FAIL" and said_something and counted:
        verdict.free.update(verdict.open())
        return verdict
    since = _earlier(operation.submitted)
    yield from settle_by_listing(
        session, lane, sent, verdict, since, absent_is_free=operation.status == "FAIL"
    )
    return verdict


def settle_by_listing(
    session: Session,
    lane: Lane,
    sent: SentChunk,
    verdict: Verdict,
    since: str | None,
    *,
    absent_is_free: bool,
) -> Steps[None]:
    """
    Look for the open items in the pool, by content and multiplicity, twice.

    Nothing else is sent to the pool meanwhile, so that what is found and belongs to no other chunk is this one's.

    Args:
        absent_is_free: An item that is missing at the second look too was not created (else: it stays unknown).
    """
    lane.listing += 1
    try:
        yield from session.quiet(lambda: lane.in_flight <= lane.listing)
        for pause in LISTING_PAUSES:
            session.tell(
                Waiting("settling", "looking into the pool for rows without an answer", pause)
            )
            yield from session.pause(pause)
            yield from _look(session, lane, sent, verdict, since)
            if not verdict.open():
                return
        if absent_is_free:
            verdict.free.update(verdict.open())
    finally:
        lane.listing -= 1


def _look(
    session: Session, lane: Lane, sent: SentChunk, verdict: Verdict, since: str | None
) -> Steps[None]:
    wanted: dict[bytes, list[int]] = {}
    for index in reversed(verdict.open()):
        wanted.setdefault(sent.contents[index * WIDTH : (index + 1) * WIDTH], []).append(index)
    found = yield from session.ask(
        find, session.client, sent.kind, lane.pool.id, set(wanted), since
    )
    candidates = {item for ids in found.values() for item in ids}
    owned = lane.book.owned(candidates) | lane.claimed | set(verdict.reading.ids)
    for content, ids in found.items():
        for item in ids:
            if item not in owned and wanted[content]:
                verdict.reading.ids[wanted[content].pop()] = item
                lane.claimed.add(item)


def _log(session: Session, sent: SentChunk, operation: Operation) -> Steps[Reading]:
    """Read the log, again while it says less than the counters do. An archived log says nothing."""
    reading = Reading([""] * sent.items)
    for pause in (*LOG_PAUSES, None):
        try:
            reading = yield from session.ask(_read, session.client, operation.id, sent.contents)
        except ApiError:
            return reading
        if _complete(reading, operation) or pause is None or session.stopping:
            break
        yield from session.pause(pause)
    return reading


_one_log = threading.Lock()
"""Logs are read one at a time: that of 10,000 tasks takes some 20 MB while it is read."""


def _read(client: Client, operation_id: str, contents: bytes) -> Reading:
    with _one_log:
        return read_log(client.operation_log(operation_id), contents)


def _complete(reading: Reading, operation: Operation) -> bool:
    told = operation.details.get("success_count")
    if told is not None and reading.created < told:
        return False
    return (
        operation.status == "FAIL" and bool(reading.faults or reading.general)
    ) or not reading.untold()


def _earlier(timestamp: str | None) -> str | None:
    """A few seconds before a time of the API's: its machines' clocks need not agree."""
    if timestamp is None:
        return None
    try:
        return (
            (datetime.fromisoformat(timestamp) - timedelta(seconds=10))
            .replace(tzinfo=None)
            .isoformat()
        )
    except ValueError:
        return None
