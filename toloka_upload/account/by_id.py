"""A past run against the pool, by the ids that the journal has: only what it created is read, in ranges of ids."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from toloka_upload.account.comparison import Comparison, Place
from toloka_upload.account.listing import Listing, Span
from toloka_upload.account.reading import Seen, seen_of
from toloka_upload.api.client import PAGE
from toloka_upload.api.errors import ApiError
from toloka_upload.journal import RunItem, RunItems
from toloka_upload.report.observer import AccountProgress
from toloka_upload.session.session import Session

_MOST_LATE = 10_000
"""Items that are looked for twice, at most: no listing lags by more."""
_LEAST_RANGES = 20
"""Ranges in which a sample lies at least."""


@dataclass(slots=True)
class _Group:
    """Items with neighbouring ids.

    Attributes:
        left: Those that were not seen yet, by id.
        contents: Of all of them, each with one id that has it.
    """

    left: dict[str, RunItem]
    contents: dict[bytes, str] = field(default_factory=dict)


class ById:
    """Compares the items of one pool.

    Args:
        rows: Rows that there are.
        share: Look at so many of them only: 0.05 are 5 %.
        recent: They were created a moment ago, and the listing may lag: what is missing is looked for twice.

    Attributes:
        strangers: Ids in the ranges that are none of the run's, with the id of ours that has the same content.
        count: Items looked for so far.
        unsure: Items whose solutions the journal cannot compare, each with its content as the pool has it. They are
            counted by whoever can.
        changed: Items that are not what they were: (row, id, content that the row had; empty where it is not known).
    """

    def __init__(
        self,
        session: Session,
        comparison: Comparison,
        pool: str,
        rows: int,
        share: float = 1.0,
        *,
        recent: bool = False,
    ) -> None:
        self._session = session
        self._comparison = comparison
        self._pool = pool
        self._total = rows if share >= 1 else None
        self._share = share
        self._recent = recent
        self._range = max(1, min(PAGE, int(rows * share / _LEAST_RANGES)))
        self._due: float | None = None
        self._done_rows = 0
        self._last_look = False
        self._missing: list[RunItem] = []
        self.strangers: dict[str, str] = {}
        self.count = 0
        self.unsure: list[tuple[RunItem, bytes]] = []
        self.changed: list[tuple[Place, str, bytes]] = []

    async def run(self, kind: str, items: Iterable[RunItems]) -> None:
        """Compare items of one kind."""
        session = self._session
        listing: Listing[Seen] = Listing(
            session, kind, self._pool, seen_of, self._take, self._fail, self._done
        )
        self._last_look = not self._recent
        await listing.read(self._spans(listing, items))
        missing, self._missing, self._last_look = sorted(self._missing), [], True
        if missing:
            await session.pause(session.settings.pacing.settle_pause)
            session.raise_if_stopping()
            size = listing.page_items
            starts = range(0, len(missing), size)
            await listing.read(self._span(missing[at : at + size]) for at in starts)

    def _spans(self, listing: Listing[Seen], items: Iterable[RunItems]) -> Iterator[Span]:
        left_out: list[RunItem] = []
        for part in items:
            for place in part.unsettled:
                self._comparison.rows("unread", [place])
            known = sorted(part.items)
            start = 0
            while start < len(known):
                # What is looked at of a sample must not depend on how large pages are.
                size = listing.page_items if self._share >= 1 else self._range
                group = known[start : start + size]
                start += len(group)
                if self._is_due(group):
                    yield self._span(group)
                else:
                    left_out = group
        if left_out and not self.count:
            yield self._span(left_out)

    def _span(self, group: list[RunItem]) -> Span:
        self.count += len(group) * (not self._last_look)
        whose = _Group({item.id: item for item in group}, {item.content: item.id for item in group})
        return Span(first=group[0].id, last=group[-1].id, whose=whose)

    def _is_due(self, group: list[RunItem]) -> bool:
        """Whether a range belongs to the share that is looked at: one in so many, from a place that ids say."""
        if self._share >= 1:
            return True
        if self._due is None:
            self._due = zlib.crc32(group[0].id.encode()) / 2**32 * self._range
        self._due += len(group) * self._share
        if self._due < len(group):
            return False
        self._due -= len(group)
        return True

    def _take(self, span: Span, seen: Seen) -> None:
        group: _Group = span.whose
        for item, content, whole in zip(*seen, strict=True):
            ours = group.left.pop(item, None)
            if ours is None:
                if content in group.contents:
                    self.strangers[item] = group.contents[content]
            elif content != ours.content or (ours.whole is not None and whole != ours.whole):
                self._count("changed", ours)
                self.changed.append((ours.rows[0], item, ours.content))
            elif ours.whole is None and whole != content:
                self.unsure.append((ours, whole))
            else:
                self._count("same", ours)
        self._session.tell(AccountProgress("rows compared", self._done_rows, self._total))

    def _done(self, span: Span) -> None:
        for ours in span.whose.left.values():
            if self._last_look or len(self._missing) >= _MOST_LATE:
                self._count("missing", ours)
            else:
                self._missing.append(ours)

    def _fail(self, span: Span, error: ApiError) -> None:
        self._session.recorder.warn(f"pool {self._pool}: some of its items cannot be read: {error}")
        for ours in span.whose.left.values():
            self._count("unread", ours)

    def _count(self, verdict: str, ours: RunItem) -> None:
        self._comparison.rows(verdict, ours.rows, ours.id)
        self._done_rows += len(ours.rows)
