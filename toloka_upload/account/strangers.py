"""What a pool has beyond the items of a run: the same rows once more (doubled), and all else (extra)."""

from __future__ import annotations

from toloka_upload.account.comparison import Comparison
from toloka_upload.account.listing import Listing, Span
from toloka_upload.account.reading import Seen, seen_of
from toloka_upload.api.errors import ApiError
from toloka_upload.items.identity import Known, digest
from toloka_upload.journal import RunItem
from toloka_upload.report.observer import AccountProgress
from toloka_upload.session.session import Session


class Strangers:
    """Reads a whole pool for items that a run has not. 54 to 106 bytes an item of the run."""

    def __init__(self, session: Session, comparison: Comparison, pool: str) -> None:
        self._session = session
        self._comparison = comparison
        self._pool = pool
        self._ids, self._contents = Known(), Known()
        self._batches = 0
        self._read = 0

    def add(self, items: list[RunItem]) -> None:
        """Add items of the run."""
        packed = b"".join([digest(item.id.encode()) for item in items])
        self._ids.add(packed, self._batches, range(len(items)))
        new = {item.content for item in items}
        fresh = [content for content in new if self._contents.find([content])[0] < 0]
        self._contents.add(b"".join(fresh), self._batches, range(len(fresh)))
        self._batches += 1

    async def run(self, kind: str) -> None:
        """Read the pool."""
        listing: Listing[Seen] = Listing(
            self._session, kind, self._pool, seen_of, self._take, self._fail
        )
        await listing.whole()

    def _take(self, _: Span, seen: Seen) -> None:
        known = self._ids.find([digest(item.encode()) for item in seen.ids])
        equal = self._contents.find(seen.contents)
        for item, ours, content in zip(seen.ids, known, equal, strict=True):
            if ours < 0:
                self._comparison.task(
                    "extra" if content < 0 else "doubled", item, "a row of the run"
                )
        self._read += len(seen.ids)
        self._session.tell(AccountProgress("items of the pool read", self._read, None))

    def _fail(self, _: Span, error: ApiError) -> None:
        raise error.as_upload_error() from error
