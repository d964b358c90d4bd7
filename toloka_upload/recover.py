"""Settling what earlier runs left, before anything new is sent.

    left as      asked                     answer            then
    SENDING      the operation, by id      there             as ACCEPTED
                                           none (404)        doubtful: see below
    ACCEPTED     the operation, by id      finished          its log, else the listing
                                           none (404)        the listing; what is missing there stays unknown
    UNSETTLED    as ACCEPTED, for the rows that are unknown
    sync         the listing, twice        there / missing   created / free to go again

When is "none" believed? A request can be held up on its way and arrive later than the question. So a doubtful chunk is
put together again from the rows of the input and sent again under its own id, which is safe at any time: should the
first request still arrive, one of the two meets OPERATION_ALREADY_EXISTS. Only if the input no longer has all of its rows (or
asks for other parameters) is the answer waited for: `LATE_SECONDS` after the request left, a second "none" is final.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from toloka_upload.api.client import Operation
from toloka_upload.api.errors import NotFound
from toloka_upload.chunks import Chunk
from toloka_upload.identity import WIDTH
from toloka_upload.journal import ChunkState, SentChunk
from toloka_upload.lane import Lane
from toloka_upload.loop import Steps
from toloka_upload.observer import Waiting
from toloka_upload.outcomes import Block, Places, Status
from toloka_upload.polling import finish
from toloka_upload.session import Session
from toloka_upload.settle import Verdict, nothing_known, settle_by_listing, settle_operation

LATE_SECONDS = 20.0
"""How long after it left a request may still arrive: longer than proxies hold a request whose sender is gone."""


class Doubtful:
    """A chunk that may or may not have arrived, as it is put together again from the input's rows.

    Only chunks of one row an item come this way.

    Attributes:
        gone: The chunk is on its way again, or settled.
    """

    def __init__(self, sent: SentChunk) -> None:
        self.sent = sent
        self._index = {
            sent.identities[start : start + WIDTH]: start // WIDTH
            for start in range(0, len(sent.identities), WIDTH)
        }
        self._texts: list[bytes] = [b""] * sent.items
        self._raws: list[bytes] = [b""] * sent.items
        self._places: list[tuple[str, int]] = [("", 0)] * sent.items
        self._missing = sent.items
        self.gone = False

    def take(self, identity: bytes, text: bytes, raw: bytes, file: str, line: int) -> bool:
        """Take a row if it is one of this chunk's."""
        index = self._index.get(identity)
        if index is None:
            return False
        self._texts[index], self._raws[index] = text, raw
        self._places[index] = (file, line)
        self._missing -= 1
        return True

    def chunk(self, pool: str, *, whole: bool) -> Chunk | None:
        """The chunk, if all its rows are there; with `whole` off, a chunk of those that are (None: of none)."""
        if whole and self._missing:
            return None
        sent = self.sent
        chunk = Chunk(pool, sent.kind)
        there = [index for index, text in enumerate(self._texts) if text]
        chunk.texts = [self._texts[index] for index in there]
        chunk.raws = [self._raws[index] for index in there]
        chunk.identities = b"".join(_at(sent.identities, index) for index in there)
        chunk.contents = b"".join(_at(sent.contents, index) for index in there)
        for index in there:
            chunk.places.add(*self._places[index])
        chunk.attempt = sent.attempt
        return chunk if there else None

    def unsettled(self, pool: str) -> Block:
        """The rows that the input has of it, whose fate stays open."""
        places = Places()
        for file, line in self._places:
            if line:
                places.add(file, line)
        statuses = bytes([Status.UNKNOWN]) * len(places)
        return Block(places, statuses, pool, self.sent.kind, self.sent.operation_id)

    def arrived(self, statuses: bytes | bytearray) -> Iterator[tuple[Status, Places, list[int]]]:
        """The rows of the input that turned out to be there, or whose fate is open, with their places."""
        for status, entered in (
            (Status.CREATED, Status.ALREADY_UPLOADED),
            (Status.UNKNOWN, Status.UNKNOWN),
        ):
            places, refs = Places(), []
            for index, text in enumerate(self._texts):
                if text and statuses[index] == status:
                    places.add(*self._places[index])
                    refs.append(self.sent.id << 20 | index)
            if refs:
                yield entered, places, refs

    def free(self, statuses: bytes | bytearray) -> list[int]:
        """Which of the rows that the input has were not created, counted among those."""
        there = [statuses[index] for index, text in enumerate(self._texts) if text]
        return [
            at for at, status in enumerate(there) if status not in (Status.CREATED, Status.UNKNOWN)
        ]


def _at(packed: bytes, index: int) -> bytes:
    return packed[index * WIDTH : (index + 1) * WIDTH]


def recover(session: Session, lane: Lane) -> Steps[list[Doubtful]]:
    """Settle every leftover of a pool's journal; return the chunks that stay doubtful."""
    doubtful = []
    leftovers = lane.book.leftovers()
    for number, sent in enumerate(leftovers, 1):
        what = f"settling what an earlier run left: {number} of {len(leftovers)}"
        session.tell(Waiting("settling", what, 0.1))
        if not (yield from _settle(session, lane, sent)):
            doubtful.append(Doubtful(sent))
        if session.stopping:
            raise session.stopping
    if leftovers:
        session.tell(Waiting("settling", "", 0.0))
    return doubtful


def _settle(session: Session, lane: Lane, sent: SentChunk) -> Steps[bool]:
    """Settle one chunk; false if its request may still be on the way."""
    verdict = _known_so_far(lane, sent)
    if sent.operation_id is None:
        yield from settle_by_listing(session, lane, sent, verdict, sent.since, absent_is_free=True)
    else:
        try:
            operation = yield from session.ask(session.client.operation, sent.operation_id)
        except NotFound:
            if sent.state is ChunkState.SENDING:
                if sent.per_item is None and not session.settings.travel_kind:
                    return False
                return (yield from confirm_absent(session, lane, sent))
            yield from settle_by_listing(session, lane, sent, verdict, None, absent_is_free=False)
        else:
            yield from _settle_operation(session, lane, sent, verdict, operation)
    lane.book.settle(sent.id, verdict.outcome(sent))
    return True


def _known_so_far(lane: Lane, sent: SentChunk) -> Verdict:
    """What an earlier attempt to settle found out already."""
    verdict = nothing_known(sent)
    before = lane.book.outcome(sent.id)
    if before is None:
        return verdict
    verdict.reading.ids = list(before.ids)
    sizes = sent.per_item or array("q", [1] * sent.items)
    row = 0
    for item, rows in enumerate(sizes):
        if before.statuses[row] == Status.UNSENT:
            verdict.free.add(item)
        if row in before.faults:
            verdict.reading.faults[item] = before.faults[row]
        row += rows
    return verdict


def _settle_operation(
    session: Session, lane: Lane, sent: SentChunk, verdict: Verdict, operation: Operation
) -> Steps[None]:
    if sent.state is ChunkState.SENDING:
        lane.book.move(sent.id, ChunkState.ACCEPTED)
        sent.state = ChunkState.ACCEPTED
    finished = yield from finish(session, lane, operation, None)
    if finished is None:
        return
    found = yield from settle_operation(session, lane, sent, finished)
    for item in verdict.open():
        verdict.reading.ids[item] = found.reading.ids[item]
        if item in found.reading.faults:
            verdict.reading.faults[item] = found.reading.faults[item]
        elif item in found.free:
            verdict.free.add(item)


def confirm_absent(session: Session, lane: Lane, sent: SentChunk) -> Steps[bool]:
    """
    Wait until a request that is not there cannot arrive any more, and ask once more.

    Its rows are free afterwards, unless it did arrive: then it is settled like any other. Always true.
    """
    # A clock that was set back must not make us wait for a day, nor one set forward not at all.
    age = min(max(session.wall() - sent.sent_at, 0.0), LATE_SECONDS)
    if age < LATE_SECONDS:
        left = LATE_SECONDS - age
        session.tell(
            Waiting(
                "settling", f"making sure that a lost request does not arrive: {left:.0f} s", left
            )
        )
        yield from session.pause(left)
        if session.stopping:
            raise session.stopping
    try:
        operation = yield from session.ask(session.client.operation, sent.operation_id or "")
    except NotFound:
        lane.book.move(sent.id, ChunkState.RETURNED)
        return True
    verdict = nothing_known(sent)
    yield from _settle_operation(session, lane, sent, verdict, operation)
    lane.book.settle(sent.id, verdict.outcome(sent))
    return True
