"""`undo`: give what a run created to nobody more. The API deletes nothing; an overlap of zero comes closest.

Each request is in the journal before it leaves, some hundred at a time. A process that was killed in between asks how
those items stand before it sends anything again: what arrived is not sent twice, and nothing is forgotten.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

from toloka_upload import journal
from toloka_upload.account.comparison import MOST_DETAILS
from toloka_upload.account.listing import PER_SECOND
from toloka_upload.api.errors import AccessDenied, ApiError
from toloka_upload.errors import ExitStatus, Refused, TryAgain, UploadError
from toloka_upload.items.contents import given_out, taken_back
from toloka_upload.journal import Created, Undo
from toloka_upload.policies.pace import Pace
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import AccountProgress
from toloka_upload.run.history import PastRun, require_upload
from toloka_upload.run.pools import Pools
from toloka_upload.sending.operation import finish
from toloka_upload.sending.recovery import confirm_absent
from toloka_upload.session.loop import sleep
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session
from toloka_upload.session.side_by_side import side_by_side

_BATCH = 200
"""Items between two durable notes. After a kill, each of so many is asked for once."""
_SIDE_BY_SIDE = 16
"""Requests in flight."""


class Standing(NamedTuple):
    """What an undo would find: items by where they stand, their pools, and rows whose fate is open still."""

    counts: Counter[int]
    pools: list[str]
    unsettled: int

    @property
    def items(self) -> int:
        """What the run created."""
        return self.counts.total()

    @property
    def to_do(self) -> int:
        """What is there to take back."""
        return self.items - self.counts[Undo.UNDONE] - self.counts[Undo.PARTLY]


def standing(run: PastRun) -> Standing:
    """Where a run's items stand, by the journal alone."""
    counts: Counter[int] = Counter()
    pools = []
    for path, record in run.parts:
        with journal.open_to_read(path) as (db, _):
            for created in journal.created_by(db, run.id):
                counts.update(created.states[item] for item in created.items)
                pools.append(record.destination.pool)
    return Standing(counts, list(dict.fromkeys(pools)), run.unsettled)


async def undo(
    session: Session,
    report: AccountReport,
    stack: ExitStack,
    *,
    run: PastRun,
    run_id: str,
    close_pool: bool,
) -> None:
    """Take back what `run` created. Counts tasks or suites: `items` = `undone` + `partly` + `failed` + `left`."""
    require_upload(run)
    found = standing(run)
    count(report, found.counts)
    if session.settings.dry_run or not (found.to_do or found.unsettled):
        return
    pools = Pools(session, run_id, lambda _: None)
    stack.push(lambda kind, *_: pools.close(ended=kind is None))
    failure: UploadError | None = None
    for pool_id in run.pools:
        try:
            pool, doubtful = await pools.open(pool_id)
        except Refused as error:  # this pool is gone; the others are not
            failure = error
            continue
        for chunk in doubtful:
            await confirm_absent(session, pool, chunk.sent)
            chunk.gone = True
    count(report, standing(run).counts)  # what was open is settled now
    for pool in pools:
        if pool.journal is None:
            continue
        if close_pool:
            await _close(session, pool)
        await _Undoing(session, report, pool, run.id).run()
    if failure:
        raise failure
    if report.counts["failed"]:
        report.exit_status = ExitStatus.REJECTED


def count(report: AccountReport, states: Mapping[int, int]) -> None:
    """Write the counts."""
    items = sum(states.values())
    undone, partly = states.get(Undo.UNDONE, 0), states.get(Undo.PARTLY, 0)
    report.counts.update(items=items, undone=undone, partly=partly, failed=0)
    report.counts["left"] = items - undone - partly


async def _close(session: Session, pool: PoolState) -> None:
    """Close the pool: work on all of its tasks stops at once."""
    info = pool.info
    operation = await session.ask(session.client.close_pool, info.id, training=info.training)
    if operation is None:
        return
    finished = await finish(session, pool, operation, None)
    if finished is None or finished.status == "FAIL":
        raise TryAgain(
            f"Pool {info.id} was not closed (operation {operation.id}); nothing was taken back. Run the same command "
            "again, or leave --close-pool out.",
            code="POOL_NOT_CLOSED",
        )


class _Undoing:
    """Takes back the items of one pool."""

    def __init__(self, session: Session, report: AccountReport, pool: PoolState, run: str) -> None:
        self._session = session
        self._report = report
        self._pool = pool
        self._run = run
        limited = session.settings.pacing.rate is not None
        self._pace = Pace(PER_SECOND if limited else None, session.loop.clock)

    async def run(self) -> None:
        """Take back what is left, chunk by chunk. What is in the air when the run is stopped is noted still."""
        for created in self._pool.book.created_by(self._run):
            todo = [
                item
                for item in created.items
                if created.states[item] not in (Undo.UNDONE, Undo.PARTLY)
            ]
            for start in range(0, len(todo), _BATCH):
                self._session.raise_if_stopping()
                await self._batch(created, todo[start : start + _BATCH])

    async def _batch(self, created: Created, items: list[int]) -> None:
        """Note that some items are asked for, ask, and note what came of it."""
        unsure = {item for item in items if created.states[item] == Undo.ASKED}
        for item in items:
            created.states[item] = Undo.ASKED
        self._pool.book.undo({created.chunk.id: created.states})
        waiting = deque(items)

        def steps() -> Iterator[Coroutine[Any, Any, None]]:
            while waiting and not self._session.stopping:
                item = waiting.popleft()
                yield self._item(created, item, ask_first=item in unsure)

        failure = None
        try:
            await side_by_side(self._session.loop, _SIDE_BY_SIDE, steps())
        except Exception as error:  # noqa: BLE001  # raised once what was done is on record
            failure = error
        for item in waiting:
            if item not in unsure:
                created.states[item] = Undo.KEPT
        self._pool.book.undo({created.chunk.id: created.states})
        if failure:
            raise failure

    async def _item(self, created: Created, item: int, *, ask_first: bool) -> None:
        session, kind, name = self._session, created.chunk.kind, created.ids[item]
        try:
            if ask_first:
                await sleep(self._pace.wait())
                there = await session.ask(session.client.item, kind, name)
                if given_out(there):
                    self._note(created, item, there)
                    return
            await sleep(self._pace.wait())
            now = await session.ask(session.client.take_back, kind, name)
            if "overlap" not in now or "remaining_overlap" not in now:  # the answer proves nothing
                await sleep(self._pace.wait())
                now = await session.ask(session.client.item, kind, name)
            self._note(created, item, now)
        except AccessDenied:
            raise
        except ApiError as error:
            self._failed(created, item, str(error))

    def _failed(self, created: Created, item: int, why: str) -> None:
        created.states[item] = Undo.FAILED
        self._report.counts["failed"] += 1
        self._report.counts["left"] -= 1
        self._detail(f"failed: {created.ids[item]}: {why}")

    def _note(self, created: Created, item: int, now: Mapping[str, Any]) -> None:
        counts = self._report.counts
        undone = taken_back(now)
        if not undone and now.get("remaining_overlap", 0) != 0:
            self._failed(
                created,
                item,
                f"others may still get it: remaining_overlap is {now['remaining_overlap']}",
            )
            return
        created.states[item] = Undo.UNDONE if undone else Undo.PARTLY
        counts["undone" if undone else "partly"] += 1
        counts["left"] -= 1
        if not undone:
            self._detail(f"partly: {created.ids[item]}: {now.get('overlap')} had it or have it")
        done = counts["items"] - counts["left"]
        self._session.tell(AccountProgress("items taken back", done, counts["items"]))

    def _detail(self, text: str) -> None:
        details = self._report.details
        if len(details) < MOST_DETAILS:
            details.append(text)
