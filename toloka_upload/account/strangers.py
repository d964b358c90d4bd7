"""What a pool has beyond the items of a run: the same rows once more (doubled), and all else (extra)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toloka_upload.account.comparison import Comparison
from toloka_upload.account.listing import Listing, Span
from toloka_upload.account.reading import Seen, seen_of
from toloka_upload.api.errors import ApiError
from toloka_upload.items.identity import Known, digest
from toloka_upload.journal import RunItem
from toloka_upload.report.observer import AccountProgress
from toloka_upload.session.session import Session


class Strangers:
    """Reads a whole pool for items that a run has not. 27 to 53 bytes an item of the run, about 100 another."""

    def __init__(self, session: Session, pool: str) -> None:
        self._session = session
        self._pool = pool
        self._own = Known()
        self._batches = 0
        self._ids: list[str] = []
        self._contents: list[bytes] = []
        self._read = 0

    def add(self, items: Sequence[RunItem]) -> None:
        """Add items of the run."""
        packed = b"".join([digest(item.id.encode()) for item in items])
        self._own.add(packed, self._batches, range(len(items)))
        self._batches += 1

    async def run(self, kind: str) -> None:
        """Read the pool."""
        listing: Listing[Seen] = Listing(
            self._session, kind, self._pool, seen_of, self._take, self._fail
        )
        await listing.whole()

    def tell(self, comparison: Comparison, items: Iterable[RunItem]) -> None:
        """Say what was found; `items` are those of the run, once more."""
        contents = set(self._contents)
        twins = {item.content: item.id for item in items if item.content in contents}
        for item, content in zip(self._ids, self._contents, strict=True):
            comparison.task(
                "doubled" if content in twins else "extra", item, twins.get(content, "")
            )

    def _take(self, _: Span, seen: Seen) -> None:
        known = self._own.find([digest(item.encode()) for item in seen.ids])
        for item, ours, content in zip(seen.ids, known, seen.contents, strict=True):
            if ours < 0:
                self._ids.append(item)
                self._contents.append(content)
        self._read += len(seen.ids)
        self._session.tell(AccountProgress("items of the pool read", self._read, None))

    def _fail(self, _: Span, error: ApiError) -> None:
        raise error.as_upload_error() from error
