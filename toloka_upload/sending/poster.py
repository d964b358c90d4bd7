"""Getting one request taken: sent again and again while that is safe, and looked for where its answer was lost.

Read `Poster.post`, then `_after`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toloka_upload.api.answers import faults_of, is_index
from toloka_upload.api.client import Operation
from toloka_upload.api.errors import (
    ApiError,
    Busy,
    InvalidItems,
    NotFound,
    OperationExists,
    RateLimited,
    ServerFailed,
    TooLarge,
)
from toloka_upload.items.spool import Planned
from toloka_upload.journal import ChunkState, SentChunk
from toloka_upload.report.observer import Waiting
from toloka_upload.rows.model import Fault
from toloka_upload.sending.gate import Gate
from toloka_upload.sending.listing_look import ListingQuery, late, settle_by_listing
from toloka_upload.sending.operation_log import LogReading
from toloka_upload.sending.reconciliation import Reconciliation, nothing_known
from toloka_upload.session.loop import call
from toloka_upload.session.pool import PoolState
from toloka_upload.session.retry_state import RetryState
from toloka_upload.session.session import Session
from toloka_upload.session.timesheet import Cause

MOST_DENIALS = 3
"""How often the API may say that an operation exists, and then that it does not, before we stop asking."""


@dataclass(slots=True)
class InFlightChunk:
    """A chunk on its way.

    Attributes:
        record: What the journal has of its request, once that is about to leave.
        found: The API had it before this run sent anything: what it created is not this run's.
        denied: How often the API said in one breath that the operation exists and that it does not.
        retry_state: What its request meets, until it is taken.
        left_at: When its request left first, by the loop's clock.
        beside: Chunks of the pool that were in flight then, itself included.
        retries: Requests of the run that had been retries by then.
    """

    pool: PoolState
    planned: Planned
    retry_state: RetryState
    record: SentChunk | None = None
    found: bool = False
    denied: int = 0
    left_at: float = 0.0
    beside: int = 0
    retries: int = 0

    @property
    def sent(self) -> SentChunk:
        """The record of a request that left."""
        if self.record is None:
            raise AssertionError("nothing of it has left")
        return self.record

    @property
    def maybe(self) -> bool:
        """Whether a request of it may have arrived, and nobody knows yet what it created."""
        if self.record is None:
            return self.planned.again
        return self.record.id in self.pool.arrivals

    def over(self) -> None:
        """What it created is known, or that it had no effect."""
        self.pool.arrivals.over(self.sent.id)


class Poster:
    """Sends the requests of chunks, until each is taken or refused.

    Args:
        depart: Puts a chunk's request together, and on record before anything of it leaves; returns its bytes.
    """

    def __init__(self, session: Session, depart: Callable[[InFlightChunk], bytes]) -> None:
        self._session = session
        self._depart = depart
        self._gate = Gate(session)

    async def post(self, flight: InFlightChunk) -> Operation | Reconciliation:
        """
        Send the request, again and again while that is safe.

        Raises:
            TooLarge, InvalidItems: Nothing was created; other pieces may pass.
            ApiError: Nothing was created, and nothing would be.
            UploadError: The service has been failing for too long, or the run stops.
        """
        session, ours = self._session, False
        while True:
            try:
                answer = _read_answer(flight, await self._request(flight))
            except OperationExists:
                session.on_success()
                flight.found = flight.found or not ours
                found = await self._attach(flight)
            except ApiError as error:
                ours = ours or error.effect
                found = await self._after(flight, error)
            else:
                session.on_success()
                session.throttle_over()
                return answer
            if found is not None:
                return found
            session.raise_if_stopping()

    async def _request(self, flight: InFlightChunk) -> Any:
        """One request, as soon as it may leave; its answer."""
        session, pool, items = self._session, flight.pool, flight.planned.items
        state, again = flight.retry_state, flight.maybe
        async with self._gate.leave(pool, items, state, again=again) as departure:
            body = self._depart(flight)
            sent = flight.sent
            pool.arrivals.expect(sent.id, sent.contents, session.loop.clock())
            parameters = dict(sent.parameters)
            if sent.operation_id:
                parameters["operation_id"] = sent.operation_id
            try:
                with session.sheet.during(Cause.NETWORK):
                    return await call(session.client.create, sent.kind, body, parameters)
            except ApiError as error:
                departure.counts = error.effect
                if error.effect:  # the last of it may have left just now
                    pool.arrivals.expect(sent.id, sent.contents, session.loop.clock())
                elif not (again or isinstance(error, OperationExists)):
                    flight.over()
                raise

    async def _after(
        self, flight: InFlightChunk, error: ApiError
    ) -> Operation | Reconciliation | None:
        """What is there of the request after all; None: nothing, and it may be sent again. A refusal is raised."""
        if error.passes:
            await self._back_off(flight, error)
            return await self._look_for(flight, error)
        self._session.on_success()
        found = None
        if flight.maybe and isinstance(error, TooLarge | InvalidItems):
            found = await self._arrived(flight)
        if found is None:
            raise error
        return found

    async def _attach(self, flight: InFlightChunk) -> Operation | Reconciliation | None:
        """The operation that an earlier request with our id began; None if the API denies that there is one.

        An API that keeps on denying it has forgotten it: only the listing can tell what it did.
        """
        session, sent = self._session, flight.sent
        try:
            return await session.ask(session.client.operation, sent.operation_id or "")
        except NotFound:
            flight.denied += 1
            flight.pool.book.move(sent.id, ChunkState.ACCEPTED)
        if flight.denied < MOST_DENIALS:
            await session.pause(session.backoff(flight.denied))
            return None
        reconciliation = nothing_known(sent)
        case = ListingQuery(sent, reconciliation, None, absent_is_free=False)
        await settle_by_listing(session, flight.pool, [case])
        return reconciliation

    async def _back_off(self, flight: InFlightChunk, error: ApiError) -> None:
        """Wait until the request may be tried again."""
        session, pool = self._session, flight.pool
        if isinstance(error, Busy):
            pool.concurrency.locked()
            await self._wait_for_pool(flight, error)
            return
        # A quota of items comes back when it does, however few operations run; two keep the server busy until then.
        unnamed = isinstance(error, RateLimited) and not (error.interval or error.retry_after)
        if unnamed and pool.concurrency.level > 2:
            pool.concurrency.throttled()
        await session.back_off(error, flight.retry_state)

    async def _wait_for_pool(self, flight: InFlightChunk, error: ApiError) -> None:
        """The pool is locked: by one of our operations, which will end, or by someone else's."""
        session, pool, budget = self._session, flight.pool, flight.retry_state.budget
        flight.retry_state.count += 1
        session.on_success()
        if pool.in_flight - pool.waiting_for_lock > 1:
            budget.success()
        else:
            budget.failed()
            if budget.exhausted:
                raise error.as_upload_error()
        pool.locks += 1
        seconds = min(session.backoff(min(pool.locks, 5)), budget.remaining)
        what = "pool locked by another operation"
        waiting = session.trouble("pool_locked", what, seconds, pool.locks, flight.retry_state)
        session.tell(waiting._replace(pool=pool.info.id))
        pool.waiting_for_lock += 1
        try:
            await session.pause(seconds, Cause.LOCK)
        finally:
            pool.waiting_for_lock -= 1
        session.raise_if_stopping()

    async def _look_for(
        self, flight: InFlightChunk, error: ApiError
    ) -> Operation | Reconciliation | None:
        """After an answer was lost: what the API has of the request. None: nothing, send it again."""
        session, sent = self._session, flight.sent
        if not error.effect:
            return None
        if sent.operation_id is None:
            reconciliation = nothing_known(sent)
            lost = not _is_answered(error)
            case = ListingQuery(sent, reconciliation, sent.since, absent_is_free=True, lost=lost)
            await settle_by_listing(session, flight.pool, [case])
            session.raise_if_stopping()
            if reconciliation.reading.created or len(reconciliation.free) < sent.items:
                return reconciliation
            flight.over()
            return None
        try:
            return await session.ask(session.client.operation, sent.operation_id)
        except NotFound:
            return None  # our id makes sending it again safe, even if the first request should still arrive

    async def _arrived(self, flight: InFlightChunk) -> Operation | None:
        """Wait until an earlier request with our id cannot arrive any more; return its operation, if there is one."""
        session, sent = self._session, flight.sent
        wait = late(session, flight.pool, sent)
        session.tell(Waiting("settling", "making sure that a lost request does not arrive", wait))
        await session.pause(wait)
        session.raise_if_stopping()
        try:
            return await session.ask(session.client.operation, sent.operation_id or "")
        except NotFound:
            flight.over()
            return None


def _is_answered(error: ApiError) -> bool:
    """Whether it was the API that says it failed: then it does not work any more."""
    own = isinstance(error, ServerFailed) and error.code != f"HTTP_{error.status}"
    return own and error.status not in (408, 504)


def _read_answer(flight: InFlightChunk, value: Any) -> Operation | Reconciliation:
    """An operation, or the outcomes at once: told by the answer's shape, whatever was asked for."""
    if isinstance(value, dict) and isinstance(value.get("items"), dict):
        return _read_batch(value, flight.sent.items)
    return Operation.of(value, f"POST /{flight.sent.kind}")


def _read_batch(value: dict[str, Any], items: int) -> Reconciliation:
    """The outcomes of a synchronous request: two maps from the item's index."""
    reading = LogReading([""] * items)
    for key, item in value["items"].items():
        if (
            is_index(key)
            and int(key) < items
            and isinstance(item, dict)
            and isinstance(item.get("id"), str)
        ):
            reading.ids[int(key)] = item["id"]
    errors = value.get("validation_errors")
    for key, error in (errors if isinstance(errors, dict) else {}).items():
        if is_index(key) and int(key) < items and not reading.ids[int(key)]:
            faults = faults_of(error) or [Fault("", "VALIDATION_ERROR", "the API refused the item")]
            reading.faults[int(key)] = faults
    return Reconciliation(reading)
