"""`adopt`: learn what a pool has from elsewhere, through its listing alone, so that no row of it is created again.

What earlier runs left is settled first, so that what they sent is known as theirs. Then every item that the journal
does not know is noted in it with its content, some thousands at a time: killed in between, it is simply called again.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from toloka_upload.account.listing import NOT_SORTED, Listing, Pieces, Span
from toloka_upload.api.errors import ApiError
from toloka_upload.api.listing import item_content as listed_content
from toloka_upload.errors import TryAgain
from toloka_upload.items.contents import taken_back, task_content
from toloka_upload.items.identity import WIDTH, Known, digest
from toloka_upload.journal import ADOPTED, ChunkState, SentChunk
from toloka_upload.outcomes import Places
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import AccountProgress
from toloka_upload.run.pools import Pools
from toloka_upload.sending.recovery import confirm_absent
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session

_MOST = 5_000
"""Items that one record of the journal holds at most."""


class Found(NamedTuple):
    """Items of a listing in columns.

    Attributes:
        contents: As chunks have them, packed.
        tasks: What the tasks of each item are known by, packed; the one task where the items are tasks.
        suites: Whether the items are suites.
    """

    ids: list[str]
    contents: list[bytes]
    tasks: list[bytes]
    suites: bool

    def select(self, items: Sequence[int]) -> Found:
        """Some of them."""
        ids, contents = [self.ids[at] for at in items], [self.contents[at] for at in items]
        return Found(ids, contents, [self.tasks[at] for at in items], self.suites)


async def adopt(session: Session, report: AccountReport, stack: ExitStack, *, run_id: str) -> None:
    """Adopt a pool's items. Counts tasks or suites: `listed` = `adopted` + `known`."""
    pools = Pools(session, run_id, lambda _: None, repair=True)
    stack.push(lambda kind, *_: pools.close(ended=kind is None))
    pool, doubtful = await pools.open(session.settings.pool or "")
    for chunk in doubtful:
        await confirm_absent(session, pool, chunk.sent)
        chunk.gone = True
    adoption = _Adoption(session, report, pool, run_id)
    await adoption.run()
    session.recorder.report.counts.already_uploaded = report.counts["listed"]


class _Adoption:
    """Takes items as pages of the listing come in, and notes those that nobody knows."""

    def __init__(
        self, session: Session, report: AccountReport, pool: PoolState, run_id: str
    ) -> None:
        self._session = session
        self._report = report
        self._pool = pool
        self._run = run_id
        self._kind = pool.info.kind or "tasks"
        self._known = Known()
        self._waiting: list[Found] = []
        self._failed: ApiError | None = None

    async def run(self) -> None:
        """Read the whole listing."""
        for number, ids in enumerate(self._pool.book.ids()):
            packed = b"".join([digest(item.encode()) for item in ids])
            self._known.add(packed, number, range(len(ids)))
        listing = Listing(
            self._session, self._kind, self._pool.info.id, _read, self._take, self._fail
        )
        try:
            await listing.whole()
        finally:
            self._note()
        if self._failed and self._failed.code == NOT_SORTED:
            raise self._failed.as_upload_error()
        if self._failed:
            raise TryAgain(
                f"A page of pool {self._pool.info.id} cannot be read ({self._failed}). What was read is known now; run "
                "the same command again for the rest.",
                code=self._failed.code,
                request_id=self._failed.request_id,
            )

    def _take(self, _: Span, found: Found) -> None:
        places = self._known.find([digest(item.encode()) for item in found.ids])
        new = [at for at, place in enumerate(places) if place < 0]
        counts = self._report.counts
        counts["listed"] += len(found.ids)
        counts["known"] += len(found.ids) - len(new)
        self._session.tell(AccountProgress(f"{self._kind} read", counts["listed"], None))
        if new:
            self._waiting.append(found.select(new))
            if sum(len(waiting.ids) for waiting in self._waiting) >= _MOST:
                self._note()

    def _fail(self, _: Span, error: ApiError) -> None:
        self._failed = error

    def _note(self) -> None:
        """Note what waits, durably."""
        waiting, self._waiting = self._waiting, []
        ids = [item for found in waiting for item in found.ids]
        for start in range(0, len(ids), _MOST):
            part = slice(start, start + _MOST)
            self._write(
                ids[part],
                [content for found in waiting for content in found.contents][part],
                [tasks for found in waiting for tasks in found.tasks][part],
                suites=waiting[0].suites,
            )

    def _write(
        self, ids: list[str], contents: list[bytes], tasks: list[bytes], *, suites: bool
    ) -> None:
        identities = b"".join(tasks)
        rows = len(identities) // WIDTH
        pool = self._pool
        first = self._report.counts["adopted"] + 1
        lines = array("q", range(first, first + rows))
        pool.book.adopt(
            SentChunk(
                id=0,
                run=self._run,
                state=ChunkState.SETTLED,
                mode=ADOPTED,
                kind=self._kind,
                generation=pool.generation,
                attempt=0,
                operation_id=None,
                digest=b"",
                parameters={},
                since=None,
                sent_at=self._session.wall(),
                items=len(ids),
                rows=rows,
                identities=identities,
                contents=b"".join(contents),
                per_item=array("q", [len(own) // WIDTH for own in tasks]) if suites else None,
                places=Places(lines, [(f"pool {pool.info.id}", rows)]),
            ),
            ids,
        )
        self._report.counts["adopted"] += len(ids)


def _read(pieces: Pieces) -> Found:
    """What is kept of a page: not those that were taken back."""
    found, suites = Found([], [], [], suites=False), False
    for piece in pieces:
        for item in piece:
            if taken_back(item):
                continue
            inside = item.get("tasks")
            suites = suites or isinstance(inside, list)
            tasks = inside if isinstance(inside, list) else [item]
            known_by = [task_content(task) for task in tasks if isinstance(task, dict)]
            found.ids.append(item["id"])
            found.contents.append(listed_content(item))
            found.tasks.append(b"".join(known_by))
    return found._replace(suites=suites)
