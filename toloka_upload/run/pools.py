"""The pools of a run: opened when a pool is first met, closed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from toloka_upload.api.errors import NotFound, RequestRefused
from toloka_upload.api.listing import newest
from toloka_upload.check import Spec
from toloka_upload.policies.concurrency import Concurrency
from toloka_upload.report.observer import PoolChecked
from toloka_upload.run.unfinished_undo import settle_unfinished_undo
from toloka_upload.sending.listing_look import earlier
from toloka_upload.sending.recovery import Doubtful, recover
from toloka_upload.session.pool import (
    Pool,
    PoolState,
    hold,
    journal_path,
    look_at_pool,
    read_pool,
)
from toloka_upload.session.session import Session


class Pools:
    """Opens pools.

    Args:
        opened: Called with each new pool once it is ready to send.
        repair: Begin a new journal where one is damaged, which is kept aside.
    """

    def __init__(
        self,
        session: Session,
        run_id: str,
        opened: Callable[[PoolState], None],
        *,
        repair: bool = False,
    ) -> None:
        self._repair = repair
        self._session = session
        self._run = run_id
        self._opened = opened
        self._pools: dict[str, PoolState] = {}

    def __iter__(self) -> Iterator[PoolState]:
        return iter(self._pools.values())

    async def open(self, pool_id: str) -> tuple[PoolState, list[Doubtful]]:
        """
        Ask about the pool, lock it, and settle what earlier runs left in it.

        Returns:
            The pool, and the chunks of earlier runs that may or may not have arrived.
        """
        session = self._session
        settings = session.settings
        info = Pool(pool_id)
        if settings.needs_api:  # what creates nothing may look at a pool that takes nothing
            read = read_pool if settings.command == "upload" else look_at_pool
            info = await read(session, pool_id)
        spec = None
        if settings.check and info.task_spec:
            spec = Spec.compile(
                info.task_spec, lambda note: session.recorder.warn(f"pool {pool_id}: {note}")
            )
        concurrency = Concurrency(settings.pacing.concurrency, clock=session.loop.clock)
        pool = PoolState(info, spec, concurrency)
        self._pools[pool_id] = pool
        if pool_id not in session.recorder.report.pools:
            session.recorder.report.pools.append(pool_id)
        doubtful: list[Doubtful] = []
        if settings.dry_run:
            _remember(session, pool)
        else:
            await hold(session, pool, self._run, session.wall(), repair=self._repair)
            doubtful = await self._prepare(pool)
        known = pool.known.count + pool.adopted.count
        session.tell(PoolChecked(pool_id, info.name, info.status, info.project, known))
        self._opened(pool)
        return pool, doubtful

    async def _prepare(self, pool: PoolState) -> list[Doubtful]:
        session = self._session
        settings = session.settings
        pool.generation = pool.book.next_generation() if settings.again else 0
        pool.book.begin_run(self._run, session.wall(), pool.generation, _described(session))
        doubtful = await recover(session, pool)
        if settings.command != "undo":  # which asks as it goes
            await settle_unfinished_undo(session, pool)
        generation = pool.generation if settings.again else None
        pool.known, pool.unknown = pool.book.known(generation)
        pool.adopted, pool.adopted_suites = pool.book.adopted(generation)
        if settings.requests.mode == "sync":
            kind = settings.travel_kind or pool.info.kind or "tasks"
            pool.since = await self._since(pool, kind)
        return doubtful

    async def _since(self, pool: PoolState, kind: str) -> str | None:
        """The time after which the listing shows what this run creates; None: who knows, from the beginning.

        What others created before, even if it is equal, must not be taken for ours. Where the newest item is our own,
        there is room for clocks of the API that do not agree.
        """
        session = self._session
        try:
            found = await session.ask(newest, session.client, kind, pool.info.id)
        except (NotFound, RequestRefused):
            return None
        if found is None:
            return None
        item, created = found
        return earlier(created) if pool.book.owned({item}) else created

    def idle(self) -> bool:
        """Whether nothing is in the air, nor waits to be sent (after a stop: whether nothing is in the air)."""
        stopping = self._session.stopping is not None
        return all(not pool.in_flight and (stopping or not pool.queue) for pool in self)

    def close(self, *, ended: bool = True) -> None:
        """Write the report into every journal, and let the next run in: into each pool, whatever fails at another.

        Args:
            ended: The run came to its end. What has no end on record did not end.
        """
        with ExitStack() as stack:
            for pool in self:
                stack.callback(pool.close)
                if ended:
                    stack.callback(self._finish, pool)

    def _finish(self, pool: PoolState) -> None:
        if pool.journal:
            report = self._session.recorder.report
            pool.journal.finish_run(self._run, self._session.wall(), report.as_json())


def _remember(session: Session, pool: PoolState) -> None:
    """What the journal knows, for a run that must not touch it."""
    from toloka_upload.journal import peek

    settings = session.settings
    found = peek(journal_path(settings.state_dir, pool.destination(settings)))
    if found is not None and not settings.again:
        pool.known, pool.unknown, (pool.adopted, pool.adopted_suites) = found


def _described(session: Session) -> dict[str, Any]:
    settings = session.settings
    return {
        "command": settings.command,
        "of": settings.of_run,
        "files": list(settings.files),
        "mode": settings.requests.mode,
        "skip_invalid_items": settings.requests.skip_invalid_items,
        "again": settings.again,
    }
