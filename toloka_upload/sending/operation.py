"""Waiting for operations to end."""

from __future__ import annotations

from toloka_upload.api.client import Operation
from toloka_upload.api.errors import NotFound
from toloka_upload.journal import SentChunk
from toloka_upload.report.observer import OperationProgress
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session
from toloka_upload.session.timesheet import Cause
from toloka_upload.text import counted


async def finish(
    session: Session,
    pool: PoolState,
    operation: Operation,
    chunk: int | None,
    sent: SentChunk | None = None,
) -> Operation | None:
    """
    Ask for an operation until it ends.

    Args:
        chunk: The chunk's number in this run, for those who watch; None: it is none of this run's.
        sent: What the operation creates: how long it may take depends on that.

    Returns:
        The finished operation; None if it did not end within `operation_timeout` of its request, or the API knows
        it no more.
    """
    clock, pace = session.loop.clock, pool.pace
    started, items = clock(), sent.items if sent else 1
    before = max(0.0, session.wall() - sent.sent_at) if sent else 0.0
    limit = session.settings.pacing.operation_timeout
    retries = session.recorder.report.retries
    while not operation.finished:
        elapsed = clock() - started
        if limit is not None and before + elapsed >= limit:
            _warn_of_no_end(session, pool, operation, sent)
            return None
        wait = pace.next_wait(elapsed, operation.progress, max(1, pool.in_flight), items)
        with session.sheet.during(Cause.OPERATIONS):
            await session.nap(wait if limit is None else min(wait, limit - elapsed - before))
        try:
            operation = await session.ask(session.client.operation, operation.id)
        except NotFound:
            _warn_of_no_end(session, pool, operation, sent)
            return None
        if chunk is not None:
            session.tell(
                OperationProgress(
                    chunk, pool.info.id, operation.id, operation.status, operation.progress
                )
            )
    if (
        session.recorder.report.retries == retries
    ):  # else it may have ended long before we could see it
        pace.finished(clock() - started, items)
    return operation


def _warn_of_no_end(
    session: Session, pool: PoolState, operation: Operation, sent: SentChunk | None
) -> None:
    if sent:
        session.recorder.warn(
            f"Operation {operation.id} did not end (pool {pool.info.id}, {counted(sent.rows, 'row')}): it is left as "
            "unknown, and other rows go on. Run the same command again later to settle it."
        )
