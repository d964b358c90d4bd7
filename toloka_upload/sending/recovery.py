"""Settling what earlier runs left, before anything new is sent.

    left as      asked                     answer            then
    SENDING      the operation, by id      there             as ACCEPTED
                                           none (404)        doubtful: see below
    ACCEPTED     the operation, by id      finished          its log, else the listing
                                           none (404)        the listing; what is missing there stays unknown,
                                                             unless the request left more than 14 days ago
    UNSETTLED    as ACCEPTED, for the rows that are unknown
    sync         the listing, twice        there / missing   created / free to go again

Logs are read first, then one listing serves all chunks that need it: what it shows and no log has named is theirs.

When is "none" believed? A request can be held up on its way and arrive later than the question. So a doubtful chunk is
put together again from the rows of the input and sent again under its own id, which is safe at any time: should the
first request still arrive, one of the two meets OPERATION_ALREADY_EXISTS. Only if the input no longer has all of its
rows (or asks for other parameters) is the answer waited for: four `settle_pause`s after the run began, a second
"none" is final. The listing's last look for a synchronous request waits for that, too. After 14 days a "none" says
nothing any more, for the API may have forgotten; then the listing says it all.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from math import inf

from toloka_upload.api.client import Operation
from toloka_upload.api.errors import NotFound
from toloka_upload.items.chunks import Chunk
from toloka_upload.items.identity import WIDTH
from toloka_upload.journal import ChunkState, SentChunk
from toloka_upload.outcomes import Places, Status
from toloka_upload.report.observer import Waiting
from toloka_upload.sending.listing_look import (
    LATE,
    ListingQuery,
    late,
    settle_by_listing,
    timestamp,
)
from toloka_upload.sending.operation import finish
from toloka_upload.sending.reconcile import ask_log
from toloka_upload.sending.reconciliation import Reconciliation, nothing_known
from toloka_upload.session.arrivals import split
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session

_DAY = 86_400.0
LONG_AGO = 3_600.0
"""Seconds after which nothing of a request can be on its way any more, by the clock of this machine."""
FORGOTTEN = 14 * _DAY
"""Seconds after which the API may know an operation no longer (it keeps logs for about a month; for how long ids is not
documented). Nothing can be on its way any more, and no listing is that late: the listing alone tells."""


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

    def unsettled(self) -> tuple[Places, list[int]]:
        """The rows that the input has of it, whose fate stays open, and their places in the journal."""
        places, refs = Places(), []
        for index, (file, line) in enumerate(self._places):
            if line:
                places.add(file, line)
                refs.append(self.sent.id << 20 | index)
        return places, refs

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


async def recover(session: Session, pool: PoolState) -> list[Doubtful]:
    """Settle every leftover of a pool's journal; return the chunks that stay doubtful."""
    recovery = _Recovery(session, pool)
    await recovery.run(pool.book.leftovers())
    return [Doubtful(sent) for sent in recovery.doubtful]


async def confirm_absent(session: Session, pool: PoolState, sent: SentChunk) -> None:
    """
    Wait until a request that is not there cannot arrive any more, and ask once more.

    Its rows are free afterwards, unless it did arrive: then it is settled like any other.
    """
    recovery = _Recovery(session, pool)
    await recovery.confirm(sent)
    await recovery.look()


class _Recovery:
    """Asks about chunks one by one, and collects what cannot be settled at once.

    Attributes:
        doubtful: Chunks whose request may still be on its way.
    """

    def __init__(self, session: Session, pool: PoolState) -> None:
        self._session = session
        self._lane = pool
        self._cases: list[ListingQuery] = []
        self.doubtful: list[SentChunk] = []
        self._waited = False

    async def run(self, leftovers: list[SentChunk]) -> None:
        """Settle them all."""
        tell = self._session.tell
        self._expect(leftovers)
        for number, sent in enumerate(leftovers, 1):
            what = f"settling what an earlier run left: {number} of {len(leftovers)}"
            tell(Waiting("settling", what, 0.1))
            await self._ask(sent)
            self._raise_if_stopping()
        await self._separate()
        await self.look()
        self._raise_if_stopping()
        if leftovers:
            tell(Waiting("settling", "", 0.0))

    def _expect(self, leftovers: list[SentChunk]) -> None:
        """Any of them may still arrive: it may have been leaving until its run was killed, just now."""
        now, wall = self._session.loop.clock(), self._session.wall()
        for sent in leftovers:
            long_ago = wall - sent.sent_at > LONG_AGO
            self._lane.arrivals.expect(sent.id, sent.contents, -inf if long_ago else now)

    async def look(self) -> None:
        """Settle by the pool's listing what is left for it."""
        cases, self._cases = self._cases, []
        if cases:
            await settle_by_listing(self._session, self._lane, cases)
        for case in cases:
            self._settle(case.sent, case.reconciliation)

    async def confirm(self, sent: SentChunk) -> None:
        """Ask again about a doubtful chunk once its request cannot arrive any more."""
        left = late(self._session, self._lane, sent)
        if left > 0:
            await self._let_arrive(left)
        operation = await self._operation(sent)
        if operation is None:
            self._lane.book.move(sent.id, ChunkState.RETURNED)
            self._lane.arrivals.over(sent.id)
        else:
            await self._follow(sent, nothing_known(sent), operation)

    async def _ask(self, sent: SentChunk) -> None:
        reconciliation = _known_so_far(self._lane, sent)
        if sent.operation_id is None:
            self._cases.append(
                ListingQuery(sent, reconciliation, sent.since, absent_is_free=True, lost=True)
            )
            return
        operation = await self._operation(sent)
        if operation is not None:
            await self._follow(sent, reconciliation, operation)
        elif sent.state is not ChunkState.SENDING or self._is_old(sent):
            since = timestamp(sent.sent_at - _DAY)
            old = self._is_old(sent)
            if old and sent.state is ChunkState.SENDING:
                await self._distrust_clock()
            self._cases.append(ListingQuery(sent, reconciliation, since, absent_is_free=old))
        elif self._may_go_again(sent):
            self.doubtful.append(sent)
        else:
            await self.confirm(sent)

    async def _distrust_clock(self) -> None:
        """A clock that was wrong once makes a request look old that left a second ago: give it its time, once a run."""
        if not self._waited:
            self._waited = True
            await self._let_arrive(LATE * self._session.settings.pacing.settle_pause)

    async def _let_arrive(self, seconds: float) -> None:
        """Wait until a lost request cannot arrive any more."""
        what = "making sure that a lost request does not arrive"
        self._session.tell(Waiting("settling", what, seconds))
        await self._session.pause(seconds)
        self._raise_if_stopping()

    def _is_old(self, sent: SentChunk) -> bool:
        return self._session.wall() - sent.sent_at > FORGOTTEN

    def _may_go_again(self, sent: SentChunk) -> bool:
        """Whether this run's input could have the very same request in it."""
        settings = self._session.settings
        same_generation = sent.generation == self._lane.generation
        return sent.per_item is None and not settings.travel_kind and same_generation

    async def _operation(self, sent: SentChunk) -> Operation | None:
        session = self._session
        try:
            return await session.ask(session.client.operation, sent.operation_id or "")
        except NotFound:
            return None

    async def _follow(
        self, sent: SentChunk, reconciliation: Reconciliation, operation: Operation
    ) -> None:
        if sent.state is ChunkState.SENDING:
            self._lane.book.move(sent.id, ChunkState.ACCEPTED)
            sent.state = ChunkState.ACCEPTED
        session, lane = self._session, self._lane
        finished = await finish(session, lane, operation, None, sent)
        if finished is None:
            lane.book.settle(sent.id, reconciliation.outcome(sent))
            lane.arrivals.give_up(sent.id)
            return
        case = await ask_log(session, lane, sent, finished, reconciliation, older=True)
        if case is not None:
            self._cases.append(case)
        else:
            self._settle(sent, reconciliation)

    async def _separate(self) -> None:
        """Let no doubtful chunk arrive while the listing is looked through for rows that are equal to its own."""
        while equal := self._equal():
            self.doubtful.remove(equal)
            await self.confirm(equal)

    def _equal(self) -> SentChunk | None:
        """A doubtful chunk with a row equal to one that is looked for."""
        wanted = {content for case in self._cases for content in case.wanted()}
        alike = (sent for sent in self.doubtful if not wanted.isdisjoint(split(sent.contents)))
        return next(alike, None) if wanted else None

    def _settle(self, sent: SentChunk, reconciliation: Reconciliation) -> None:
        self._lane.book.settle(sent.id, reconciliation.outcome(sent))
        self._lane.arrivals.over(sent.id)

    def _raise_if_stopping(self) -> None:
        if self._session.stopping:
            raise self._session.stopping


def _known_so_far(pool: PoolState, sent: SentChunk) -> Reconciliation:
    """What an earlier attempt to settle found out already."""
    reconciliation = nothing_known(sent)
    before = pool.book.outcome(sent.id)
    if before is None:
        return reconciliation
    reconciliation.reading.ids = list(before.ids)
    sizes = sent.per_item or array("q", [1] * sent.items)
    row = 0
    for item, rows in enumerate(sizes):
        if before.statuses[row] == Status.UNSENT:
            reconciliation.free.add(item)
        if row in before.faults:
            reconciliation.reading.faults[item] = before.faults[row]
        row += rows
    return reconciliation
