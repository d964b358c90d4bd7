"""The lanes of a run: opened when a pool is first met, closed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from toloka_upload.api.errors import NotFound, RequestRefused
from toloka_upload.api.listing import newest
from toloka_upload.check import Spec
from toloka_upload.items.identity import Seen
from toloka_upload.policies.concurrency import Concurrency
from toloka_upload.report.observer import PoolChecked
from toloka_upload.sending.reconcile import earlier
from toloka_upload.sending.recovery import Doubtful, recover
from toloka_upload.session.loop import Steps
from toloka_upload.session.pool import Lane, Pool, hold, journal_path, read_pool
from toloka_upload.session.session import Session

_MOST_FILES = 1 << 20
"""Length of the table of rows seen if all rows go to one pool: 8 MiB, for 629,000 rows, and only then does it double.
Those of many pools grow step by step."""


class Lanes:
    """Opens lanes.

    Args:
        opened: Called with each new lane once it is ready to send.
    """

    def __init__(self, session: Session, run_id: str, opened: Callable[[Lane], None]) -> None:
        self._session = session
        self._run = run_id
        self._opened = opened
        self._lanes: dict[str, Lane] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def open(self, pool_id: str) -> Steps[tuple[Lane, list[Doubtful]]]:
        """
        Ask about the pool, lock it, and settle what earlier runs left in it.

        Returns:
            The lane, and the chunks of earlier runs that may or may not have arrived.
        """
        session = self._session
        settings = session.settings
        pool = (yield from read_pool(session, pool_id)) if settings.needs_api else Pool(pool_id)
        spec = Spec.compile(pool.task_spec) if settings.check and pool.task_spec else None
        concurrency = Concurrency(settings.pacing.concurrency, clock=session.loop.clock)
        lane = Lane(pool, spec, concurrency, Seen(_MOST_FILES) if settings.pool else Seen())
        self._lanes[pool_id] = lane
        if pool_id not in session.books.report.pools:
            session.books.report.pools.append(pool_id)
        doubtful: list[Doubtful] = []
        if settings.dry_run:
            _remember(session, lane)
        else:
            yield from hold(session, lane, self._run, session.wall())
            doubtful = yield from self._prepare(lane)
        for note in spec.notes if spec else ():
            session.books.warn(f"pool {pool_id}: {note}")
        session.tell(PoolChecked(pool_id, pool.name, pool.status, pool.project, lane.known.count))
        self._opened(lane)
        return lane, doubtful

    def _prepare(self, lane: Lane) -> Steps[list[Doubtful]]:
        session = self._session
        settings = session.settings
        lane.generation = _generation(session, lane)
        lane.book.begin_run(self._run, session.wall(), lane.generation, _described(session))
        doubtful = yield from recover(session, lane)
        lane.known, lane.unknown = lane.book.known(lane.generation if settings.again else None)
        if settings.requests.mode == "sync":
            kind = settings.travel_kind or lane.pool.kind or "tasks"
            lane.since = yield from self._since(lane, kind)
        return doubtful

    def _since(self, lane: Lane, kind: str) -> Steps[str | None]:
        """The time after which the listing shows what this run creates; None: who knows, from the beginning.

        What others created before, even if it is equal, must not be taken for ours. Where the newest item is our own,
        there is room for clocks of the API that do not agree.
        """
        session = self._session
        try:
            found = yield from session.ask(newest, session.client, kind, lane.pool.id)
        except (NotFound, RequestRefused):
            return None
        if found is None:
            return None
        item, created = found
        return earlier(created) if lane.book.owned({item}) else created

    def idle(self) -> bool:
        """Whether nothing is in the air, nor waits to be sent (after a stop: whether nothing is in the air)."""
        stopping = self._session.stopping is not None
        return all(not lane.in_flight and (stopping or not lane.queue) for lane in self)

    def close(self) -> None:
        """Write the report into every journal, and let the next run in: into each pool, whatever fails at another."""
        with ExitStack() as stack:
            for lane in self:
                stack.callback(lane.close)
                stack.callback(self._finish, lane)

    def _finish(self, lane: Lane) -> None:
        if lane.journal:
            report = self._session.books.report
            lane.journal.finish_run(self._run, self._session.wall(), report.as_json())


def _remember(session: Session, lane: Lane) -> None:
    """What the journal knows, for a run that must not touch it."""
    from toloka_upload.journal import peek

    settings = session.settings
    found = peek(journal_path(settings.state_dir, lane.destination(settings)))
    if found is not None and not settings.again:
        lane.known, lane.unknown = found


def _generation(session: Session, lane: Lane) -> int:
    """The newest generation; with `--again` a new one, unless such a run of the same files is unfinished."""
    newest_generation, last = lane.book.generations()
    if not session.settings.again:
        return newest_generation
    same = last is not None and last.settings.get("files") == list(session.settings.files)
    if same and last is not None and last.settings.get("again") and not _complete(last.report):
        return newest_generation
    return newest_generation + 1


def _described(session: Session) -> dict[str, Any]:
    settings = session.settings
    return {
        "files": list(settings.files),
        "mode": settings.requests.mode,
        "skip_invalid_items": settings.requests.skip_invalid_items,
        "again": settings.again,
    }


def _complete(report: dict[str, Any] | None) -> bool:
    counts = (report or {}).get("counts", {"unsent": 1})
    return not counts.get("unsent") and not counts.get("unknown")
