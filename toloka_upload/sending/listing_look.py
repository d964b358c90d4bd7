"""Looking for items in their pool's listing, by content: for what neither an answer nor a log has told.

What is found, and belongs to no other chunk, is what the requests created that are looked for: `session.arrivals` sees
to it that nobody else can have. What is missing proves something only if it is missing for long enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf

from toloka_upload.api.listing import page
from toloka_upload.items.identity import WIDTH
from toloka_upload.journal import SentChunk
from toloka_upload.report.observer import Waiting
from toloka_upload.sending.operation_log import NO_REASON
from toloka_upload.sending.reconciliation import Reconciliation
from toloka_upload.session.arrivals import Look
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session

FIRST_LOOK = 0.5
"""Seconds before the first look at a listing. The next one comes `settle_pause` later, and is what makes an absence
believable: how soon a listing shows what was created is not documented."""
LATE = 4.0
"""For so many `settle_pause`s after its answer was lost, a request may still arrive, and while it is worked off it
creates something at least so often: 20 s by default, longer than proxies hold a request whose sender is gone."""


@dataclass(frozen=True, slots=True)
class ListingQuery:
    """A chunk with open items that only the pool's listing can tell of.

    Attributes:
        since: When they were created at the earliest, by the API's clock; None: at any time.
        absent_is_free: An item that is missing at the last look too was not created (else: it must be there, and
            stays unknown).
        lost: The request has no operation and no answer: it may still arrive, or be worked off.
        created: How many items the API says that it created; if those are found, it refused the others.
    """

    sent: SentChunk
    reconciliation: Reconciliation
    since: str | None
    absent_is_free: bool
    lost: bool = False
    created: int | None = None

    def room(self) -> float:
        """How many more of its items there can be."""
        return inf if self.created is None else self.created - self.reconciliation.reading.created

    def content(self, index: int) -> bytes:
        """Under which digest a listing shows an item."""
        return self.sent.contents[index * WIDTH : (index + 1) * WIDTH]

    def wanted(self) -> set[bytes]:
        """The contents of the open items."""
        return set(map(self.content, self.reconciliation.open()))

    def conclude(self, unclear: set[bytes]) -> None:
        """Take what is still missing for what it is, but for items that other requests may have made."""
        known, missing = self.reconciliation, []
        for index in self.reconciliation.open():
            if self.content(index) in unclear:
                continue
            if self.absent_is_free or index in known.named_twice:
                known.free.add(index)
            else:
                missing.append(index)
        if self.created == known.reading.created:
            known.reading.faults.update({index: [NO_REASON] for index in missing})


def late(session: Session, pool: PoolState, sent: SentChunk) -> float:
    """Seconds for which a request without an answer may still arrive."""
    left_at = pool.arrivals.left_at(sent.id)
    longest = _longest(session)
    return longest if left_at is None else max(0.0, left_at + longest - session.loop.clock())


def _longest(session: Session) -> float:
    return LATE * session.settings.pacing.settle_pause


async def settle_by_listing(
    session: Session, pool: PoolState, cases: Sequence[ListingQuery]
) -> None:
    """
    Look for the open items of chunks in their pool, by content and multiplicity, until nothing more can come.

    Meanwhile nothing else is sent to the pool. A stop leaves open what is open: an absence that is seen too early
    proves nothing.
    """
    for case in cases:
        pool.claimed.update(
            dict.fromkeys(filter(None, case.reconciliation.reading.ids), case.sent.id)
        )
    cases = sorted(cases, key=lambda case: case.absent_is_free)  # what must be there comes first
    wanted = {content for case in cases for content in case.wanted()}
    numbers, certain = {case.sent.id for case in cases}, not cases[0].absent_is_free
    with pool.arrivals.look(numbers, wanted, certain=certain) as look:
        if not look.may_begin():
            what = "waiting for other requests with equal rows before looking into the pool"
            session.tell(Waiting("settling", what, session.settings.pacing.settle_pause))
        await session.quiet(look.may_begin)
        if session.stopping:
            return
        look.begin()
        if await _until_still(session, pool, cases, look):
            for case in cases:
                case.conclude(look.unclear)


async def _until_still(
    session: Session, pool: PoolState, cases: Sequence[ListingQuery], look: Look
) -> bool:
    """
    Look again and again, until all is found or nothing more can come; False: the run stops.

    A request that creates something between two looks is still worked off: from then on it has its time anew.
    """
    clock, pause, longest = (
        session.loop.clock,
        session.settings.pacing.settle_pause,
        _longest(session),
    )
    wait = min(FIRST_LOOK, pause)
    least = clock() + wait + pause
    ends = [max(least, clock() + late(session, pool, case.sent) * case.lost) for case in cases]
    what, last = "looking into the pool for rows without an answer", max(ends)
    while True:
        session.tell(Waiting("settling", what, last - clock()))
        await session.pause(wait)
        if session.stopping:
            return False
        began = clock()
        grown = await _look(session, pool, cases, look)
        for number, case in enumerate(cases):
            if case.sent.id in grown:
                patience = longest if case.lost else pause
                ends[number] = max(ends[number], clock() + patience)
                if case.lost and case.reconciliation.open():
                    there = case.reconciliation.reading.created
                    what = f"a request without an answer is still worked off: {there} of {case.sent.items} are there"
        left = [end for case, end in zip(cases, ends, strict=True) if case.reconciliation.open()]
        last = max(left, default=began)
        if last <= began:
            return True
        wait = min(pause, max(0.0, last - clock()))


async def _look(
    session: Session, pool: PoolState, cases: Sequence[ListingQuery], look: Look
) -> set[int]:
    """One look, for all chunks at once that may have been created since the same moment; which of them found items."""
    groups: dict[tuple[str, str | None], list[ListingQuery]] = {}
    # Of equal items that are found, those come first that were surely created: the others' rows can go again.
    for case in sorted(cases, key=lambda case: case.absent_is_free):
        if case.reconciliation.open():
            groups.setdefault((case.sent.kind, case.since), []).append(case)
    grown: set[int] = set()
    for (kind, since), group in groups.items():
        wanted: dict[bytes, list[tuple[ListingQuery, int]]] = {}
        for case in reversed(group):
            for index in reversed(case.reconciliation.open()):
                if case.content(index) not in look.unclear:
                    wanted.setdefault(case.content(index), []).append((case, index))
        found = await _find(session, pool, kind, set(wanted), since)
        grown |= _share(pool, found, wanted, {case.sent.id: case.room() for case in group})
    return grown


def _share(
    pool: PoolState,
    found: dict[bytes, list[str]],
    wanted: dict[bytes, list[tuple[ListingQuery, int]]],
    room: dict[int, float],
) -> set[int]:
    """Give items that are nobody's to those that want them and have room for them; return which chunks got any."""
    owned = pool.book.owned({item for ids in found.values() for item in ids})
    grown = set()
    for content, ids in found.items():
        places = wanted[content]
        for item in ids:
            if item in owned or item in pool.claimed:
                continue
            while places and room[places[-1][0].sent.id] <= 0:
                places.pop()
            if places:
                case, index = places.pop()
                case.reconciliation.reading.ids[index] = item
                pool.claimed[item] = case.sent.id
                room[case.sent.id] -= 1
                grown.add(case.sent.id)
    return grown


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


def timestamp(moment: float) -> str:
    """Seconds since the epoch as the API writes a time."""
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat()


def earlier(moment: str | None) -> str | None:
    """A few seconds before a time of the API's: its machines' clocks need not agree. None: no time that can be read."""
    if moment is None:
        return None
    try:
        written = datetime.fromisoformat(moment)
        if written.tzinfo is not None:  # the API means UTC, and says so by leaving it out
            written = written.astimezone(UTC).replace(tzinfo=None)
        return (written - timedelta(seconds=10)).isoformat()
    except (ValueError, OverflowError):
        return None
