"""Reading a pool's listing: ranges of ids side by side, in pages as large as the API and this machine's memory take."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from toloka_upload.api.client import PAGE, Client
from toloka_upload.api.errors import AccessDenied, ApiError, InvalidItems, RequestRefused
from toloka_upload.policies.pace import Pace
from toloka_upload.session.loop import sleep, until
from toloka_upload.session.session import Session
from toloka_upload.session.side_by_side import side_by_side

T = TypeVar("T")

SIZES = (10_000, 1_000, PAGE, 50)
"""Items of a page to try, the largest first: documents name 300 and 100,000, and 50 where none is asked for."""
PAGE_BYTES = 2 * 1024 * 1024
"""About as many bytes a page has at most: so much is held for each range that is read."""
SIDE_BY_SIDE = 6
"""Ranges that are read at once."""
PER_SECOND = 250.0
"""Requests: the API allows 300 of one client."""

NOT_SORTED = "LISTING_NOT_SORTED"
"""The code of a listing that cannot be read: it comes in another order than was asked for."""

Pieces = Iterator[list[dict[str, Any]]]


@dataclass(slots=True)
class Span:
    """A range of ids.

    Attributes:
        first: The first id, itself included; None: from the beginning.
        after: The id to go on after.
        last: The last id, itself included; None: to the end.
        whose: What the range is read for; a part that is cut off has the same.
    """

    first: str | None = None
    after: str | None = None
    last: str | None = None
    whose: Any = None

    @property
    def filters(self) -> dict[str, str]:
        """As the API takes it."""
        named = {"id_gte": None if self.after else self.first, "id_gt": self.after}
        named["id_lte"] = self.last
        return {name: value for name, value in named.items() if value is not None}

    def cut(self) -> Span | None:
        """Cut off the later half, if the ids are of a kind that has a middle."""
        middle = _middle(self.after or self.first, self.last)
        if middle is None:
            return None
        rest = Span(after=middle, last=self.last, whose=self.whose)
        self.last = middle
        return rest


class Page(NamedTuple, Generic[T]):
    """One page: what was made of it, how many items and bytes it has, its last id and whether there are more."""

    made: T
    items: int
    size: int
    last: str | None
    more: bool


class PageSize:
    """The largest page that an endpoint takes: found once, and remembered in the state directory."""

    def __init__(self, state_dir: Path, endpoint: str) -> None:
        self._path = state_dir / "pages.json"
        self._endpoint = endpoint
        self._found = self._read().get(endpoint)
        self._most = self._found if self._found in SIZES else SIZES[0]
        self._bytes = self._items = 0

    @property
    def limit(self) -> int:
        """Items to ask for: few until it is known how large they are."""
        if not self._items:
            return min(PAGE, self._most)
        average = max(1, self._bytes // self._items)
        return max(1, min(self._most, PAGE_BYTES // average))

    def took(self, limit: int, items: int, size: int) -> None:
        """A page of so many items and bytes came back."""
        self._items += items
        self._bytes += size
        if limit > PAGE and self._found != self._most:
            self._remember()

    def refused(self, limit: int) -> bool:
        """A page was refused; return whether a smaller one may pass."""
        smaller = [size for size in SIZES if size < limit]
        if not smaller:
            return False
        self._most = min(self._most, smaller[0])
        self._remember()
        return True

    def _read(self) -> dict[str, int]:
        try:
            found = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _remember(self) -> None:
        self._found = self._most
        with suppress(OSError):  # else it is found again
            self._path.write_text(json.dumps({**self._read(), self._endpoint: self._most}))


class Listing(Generic[T]):
    """Reads the items of one pool.

    Args:
        kind: `tasks` or `task-suites`.
        make: Makes of a page's items what is kept of them; runs on a worker thread.
        take: Receives the range and what was made of a page of it, in no order.
        fail: Is told of a range whose rest cannot be read.
        done: Is told of a range that was read to its end.
    """

    def __init__(
        self,
        session: Session,
        kind: str,
        pool: str,
        make: Callable[[Pieces], T],
        take: Callable[[Span, T], None],
        fail: Callable[[Span, ApiError], None],
        done: Callable[[Span], None] = lambda _: None,
    ) -> None:
        self._session = session
        self._kind = kind
        self._pool = pool
        self._make = make
        self._take = take
        self._fail = fail
        self._done = done
        limited = session.settings.pacing.rate is not None
        self._pace = Pace(PER_SECOND if limited else None, session.loop.clock)
        self._size = PageSize(session.settings.state_dir, session.settings.target.endpoint)
        self._spans: deque[Span] = deque()
        self._source: Iterator[Span] = iter(())
        self._busy = 0
        self._sharing = False

    @property
    def page_items(self) -> int:
        """How many items the next page may have."""
        return self._size.limit

    async def whole(self) -> None:
        """Read all there is now, the range cut up among whoever has nothing to do."""
        newest, _ = await self._session.ask(
            self._session.client.items, self._kind, self._pool, sort="-id", limit="1"
        )
        if newest:
            self._sharing = True
            await self.read(iter([Span(last=newest[0]["id"])]))

    async def read(self, spans: Iterator[Span]) -> None:
        """
        Read ranges, several at once.

        Raises:
            UploadError: The run is stopping, or the service has been failing for too long.
        """
        self._source = spans
        await side_by_side(
            self._session.loop, SIDE_BY_SIDE, (self._work() for _ in range(SIDE_BY_SIDE))
        )

    async def _work(self) -> None:
        while True:
            span = self._next()
            if span is None:
                if not self._busy:
                    return
                await until(lambda: bool(self._spans) or not self._busy)
                continue
            self._busy += 1
            try:
                await self._span(span)
            finally:
                self._busy -= 1

    def _next(self) -> Span | None:
        return self._spans.popleft() if self._spans else next(self._source, None)

    async def _span(self, span: Span) -> None:
        while True:
            self._session.raise_if_stopping()
            try:
                page = await self._page(span)
            except AccessDenied:
                raise
            except ApiError as error:
                self._fail(span, error)
                return
            self._take(span, page.made)
            # An API that gives the same page again would be asked for ever.
            if not page.more or page.last is None or page.last == span.after:
                self._done(span)
                return
            span.after = page.last
            self._share(span)

    def _share(self, span: Span) -> None:
        """Give half of what is left to whoever has nothing to do."""
        idle = self._sharing and self._busy < SIDE_BY_SIDE and not self._spans
        if idle and (rest := span.cut()):
            self._spans.append(rest)

    async def _page(self, span: Span) -> Page[T]:
        while True:
            limit = self._size.limit
            await sleep(self._pace.wait())
            try:
                page = await self._session.ask(self._read, span, limit)
            except (RequestRefused, InvalidItems):
                if not self._size.refused(limit):
                    raise
            else:
                self._size.took(limit, page.items, page.size)
                return page

    def _read(self, span: Span, limit: int) -> Page[T]:
        """One page, on a worker thread."""
        client: Client = self._session.client
        answer = client.page(
            self._kind, self._pool, {"sort": "id", "limit": str(limit), **span.filters}
        )
        items, last, sorted_ = 0, span.after, True

        def counted() -> Pieces:
            nonlocal items, last, sorted_
            for piece in answer.pieces:
                ids = [item["id"] for item in piece]
                sorted_ = sorted_ and _ascending(ids if last is None else [last, *ids])
                items += len(piece)
                last = ids[-1] if ids else last
                yield piece

        made = self._make(counted())
        more = items >= limit if answer.more is None else answer.more
        if not sorted_ and (more or span.after):
            raise ApiError(
                NOT_SORTED,
                "the listing is not in the order of ids that was asked for, so it cannot be read page by page",
                request=f"GET /{self._kind}",
            )
        return Page(made, items, answer.size, last, more)


def _ascending(ids: list[str]) -> bool:
    """Whether ids stand in an order that an API may mean: by character, or numbers by their value."""
    return ids == sorted(set(ids)) or ids == sorted(set(ids), key=lambda item: (len(item), item))


def _middle(low: str | None, high: str | None) -> str | None:
    """An id half-way between two that differ in hexadecimal digits at their ends; None where there is none."""
    if low is None or high is None or len(low) != len(high):
        return None
    at = max(low.rfind("-"), high.rfind("-")) + 1
    if low[:at] != high[:at]:
        return None
    try:
        middle = (int(low[at:], 16) + int(high[at:], 16)) // 2
    except ValueError:
        return None
    found = f"{low[:at]}{middle:0{len(low) - at}x}"
    return found if low < found < high else None
