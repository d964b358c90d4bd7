"""Rows against a whole pool, by content: whoever uploaded them, each row is to be there once, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from toloka_upload.account.comparison import Comparison, Place
from toloka_upload.account.listing import Listing, Span
from toloka_upload.account.reading import Seen, seen_of
from toloka_upload.api.errors import ApiError
from toloka_upload.items.contents import ALL_TAKEN, NONE, Contents
from toloka_upload.outcomes import Places
from toloka_upload.report.observer import AccountProgress
from toloka_upload.session.session import Session


class ByContent:
    """Compares rows with all that a pool has. 50 to 75 bytes a row.

    Attributes:
        unread: Some of the pool could not be read.
    """

    def __init__(self, session: Session, comparison: Comparison, pool: str) -> None:
        self._session = session
        self._comparison = comparison
        self._pool = pool
        self._contents = Contents()
        self._batches: list[_Batch] = []
        self._extra = bytearray()
        self.unread = False
        self._read = 0

    def add(
        self, contents: Sequence[bytes], places: Places, per_item: Sequence[int] | None
    ) -> None:
        """Add items and the rows that they are made of."""
        self._contents.add(contents, len(self._batches))
        self._batches.append(_Batch(places, per_item, len(contents)))

    async def run(self, kind: str) -> None:
        """Read the pool, and take each row once."""
        listing: Listing[Seen] = Listing(
            self._session, kind, self._pool, seen_of, self._take, self._fail
        )
        await listing.whole()

    def _take(self, _: Span, seen: Seen) -> None:
        places = self._contents.take(seen.wholes)
        for item, whole, place in zip(seen.ids, seen.wholes, places, strict=True):
            if place == NONE:
                self._extra += item.encode() + b"\n"
            elif place == ALL_TAKEN:
                first = self._contents.place(whole)
                self._comparison.task("doubled", item, self._batch(first).id_of(first & 0xFFFFF))
            else:
                batch, index = self._batch(place), place & 0xFFFFF
                batch.took(index, item)
                self._comparison.rows("same", batch.rows_of(index), item)
        self._read += len(seen.ids)
        self._session.tell(AccountProgress("items of the pool read", self._read, None))

    def _fail(self, _: Span, error: ApiError) -> None:
        self.unread = True
        self._session.recorder.warn(f"pool {self._pool}: some of its items cannot be read: {error}")

    def left(self) -> Iterator[list[Place]]:
        """The rows of each item that was not found."""
        for place in self._contents.left():
            yield self._batch(place).rows_of(place & 0xFFFFF)

    def extras(self) -> Iterator[str]:
        """The ids of what no row accounts for."""
        yield from self._extra.decode().split()

    def forget(self, items: Iterable[str]) -> None:
        """Some of them are accounted for after all."""
        accounted = set(items)
        left = [item for item in self.extras() if item not in accounted] if accounted else None
        if left is not None:
            self._extra = bytearray("".join(f"{item}\n" for item in left).encode())

    def release(self) -> None:
        """Give the memory of the rows back: nothing but ids and extras are asked for any more."""
        self._contents = Contents()
        for batch in self._batches:
            batch.release()

    def found(self, items: set[str]) -> set[str]:
        """Those of some ids that a row was found to have."""
        found: set[str] = set()
        for batch in self._batches:
            found.update(items.intersection(batch.ids()))
        return found

    def _batch(self, place: int) -> _Batch:
        return self._batches[place >> 20]


class _Batch:
    """Items that were added together: their rows, and the ids that were found for them in 12 bytes each."""

    def __init__(self, places: Places, per_item: Sequence[int] | None, items: int) -> None:
        self._places = places
        self._starts: list[int] | None = None
        if per_item is not None:
            self._starts = [0]
            for rows in per_item:
                self._starts.append(self._starts[-1] + rows)
        self._items = items
        self._prefix: str | None = None
        self._tails = bytearray()
        self._odd: dict[int, str] = {}

    def rows_of(self, index: int) -> list[Place]:
        """The rows of an item."""
        if self._starts is None:
            return [self._places.at(index)]
        return [self._places.at(row) for row in range(self._starts[index], self._starts[index + 1])]

    def release(self) -> None:
        """Keep the ids alone."""
        self._places, self._starts = Places(), None

    def ids(self) -> Iterator[str]:
        """The ids that were found."""
        for index in range(self._items):
            yield self.id_of(index)

    def took(self, index: int, item: str) -> None:
        """Note the id that an item has."""
        head, tail = item[:-24], item[-24:]
        try:
            packed = bytes.fromhex(tail)
        except ValueError:
            packed = b""
        if self._prefix is None and packed.hex() == tail:
            self._prefix, self._tails = head, bytearray(12 * self._items)
        if head == self._prefix and packed.hex() == tail:
            self._tails[12 * index : 12 * index + 12] = packed
        else:
            self._odd[index] = item

    def id_of(self, index: int) -> str:
        """The id that an item has."""
        if index in self._odd or self._prefix is None:
            return self._odd.get(index, "")
        return self._prefix + bytes(self._tails[12 * index : 12 * index + 12]).hex()
