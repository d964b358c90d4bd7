"""A chunk's way from the queue to its outcomes. Read `Sender.feed`, then `_carry`, then what it calls, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from toloka_upload.api.answers import SIZE_CODES, faults_by_item, faults_of
from toloka_upload.api.client import Operation
from toloka_upload.api.errors import (
    ApiError,
    InvalidItems,
    TooLarge,
)
from toloka_upload.errors import Refused, TryAgain, UploadError
from toloka_upload.items.chunks import Chunk
from toloka_upload.items.spool import Planned, Spool
from toloka_upload.journal import ChunkState, SentChunk
from toloka_upload.outcomes import Block, Outcome, Places, Status
from toloka_upload.report.observer import ChunkReturned, ChunkSent, ChunkSettled
from toloka_upload.rows.model import Fault
from toloka_upload.sending.listing_look import ListingQuery, settle_by_listing
from toloka_upload.sending.operation import finish
from toloka_upload.sending.operation_log import FINAL_CODES, LogReading
from toloka_upload.sending.poster import InFlightChunk, Poster
from toloka_upload.sending.reconcile import settle_operation
from toloka_upload.sending.reconciliation import Reconciliation, nothing_known
from toloka_upload.sending.request import describe, same_id, same_request
from toloka_upload.sending.taken_back import release_taken_back
from toloka_upload.session.loop import until
from toloka_upload.session.pool import PoolState
from toloka_upload.session.retry_state import RetryState
from toloka_upload.session.session import Session
from toloka_upload.session.timesheet import Cause

MOST_FAILURES = 3
"""How often an operation with the same items may fail for no reason of theirs before the run gives up."""
SOON = 1.0
"""Seconds by which a request may leave later than the journal says."""


class Sender:
    """Sends the chunks of a run's pools and brings back an outcome for each of their rows."""

    def __init__(self, session: Session, spool: Spool, run_id: str) -> None:
        self._session = session
        self._spool = spool
        self._run = run_id
        self._failures: dict[bytes, RetryState] = {}
        self._poster = Poster(session, self._depart)
        self.air: dict[int, InFlightChunk] = {}

    # The queue.

    async def feed(self, pool: PoolState) -> None:
        """Send a pool's chunks, as many at a time as its concurrency allows, until all have their outcome."""
        session = self._session
        while True:
            await until(lambda: self._is_fed(pool) or self._next(pool) is not None)
            if self._is_fed(pool):
                break
            if planned := self._next(pool):
                pool.queue.remove(planned)
                pool.in_flight += 1
                session.loop.spawn(self._carry(pool, planned))
        await until(lambda: not pool.in_flight)

    def _is_fed(self, pool: PoolState) -> bool:
        """Whether nothing more is to be sent: all have their outcome, or the run stops."""
        done = pool.planned and not pool.queue and not pool.in_flight
        return done or self._session.stopping is not None

    def _next(self, pool: PoolState) -> Planned | None:
        """
        The chunk to send now, if there is one.

        While a look into the listing is on or waits, only what left in an earlier run: it may wait for just that one.
        """
        if pool.arrivals.asked:
            return next((planned for planned in pool.queue if planned.again), None)
        if pool.queue and pool.in_flight < pool.concurrency.level:
            return pool.queue[0]
        return None

    def add(self, pool: PoolState, chunk: Chunk) -> None:
        """Queue a chunk behind the others."""
        pool.queue.append(self._spool.add(chunk))

    def queued(self, pool: PoolState) -> Iterator[Chunk]:
        """The chunks that wait to be sent, read again one by one, without their rows as they came."""
        for planned in pool.queue:
            yield self._spool.load(planned, raws=False)

    @property
    def chunks(self) -> int:
        """How many chunks were queued so far, those included that were cut up since."""
        return self._spool.chunks

    def _again(self, pool: PoolState, chunks: Iterable[Chunk]) -> None:
        """Queue pieces of a chunk before the others, in their order."""
        pool.queue.extendleft(reversed([self._spool.add(chunk) for chunk in chunks]))

    # One chunk.

    async def _carry(self, pool: PoolState, planned: Planned) -> None:
        try:
            if pool.is_refused_size(planned) and not planned.again:
                # What may have arrived as it is must stay as it is.
                self._again(pool, self._spool.load(planned).halves())
            else:
                await self._send(pool, planned)
        except UploadError as error:
            self._session.stop(error)
        finally:
            pool.in_flight -= 1

    async def _send(self, pool: PoolState, planned: Planned) -> None:
        flight = InFlightChunk(pool, planned, self._session.new_retry_state(planned.number))
        try:
            reconciliation = await self._await_outcome(flight)
        except (TooLarge, InvalidItems) as error:
            await self._refused(flight, error)
        except ApiError as error:
            self._give_up(flight, str(error))
            raise error.as_upload_error() from error
        except UploadError as error:
            self._give_up(flight, str(error))
            raise
        else:
            if reconciliation is not None:
                await self._conclude(flight, reconciliation)

    async def _await_outcome(self, flight: InFlightChunk) -> Reconciliation | None:
        """Have the request taken and find out what became of its items; None: that stays open."""
        session, report = self._session, self._session.recorder.report
        answer = await self._poster.post(flight)
        report.operations.submitted += 1
        if isinstance(answer, Reconciliation):
            reconciliation: Reconciliation | None = await self._at_once(flight, answer)
        else:
            reconciliation = await self._operation(flight, answer)
        # Failures take part of the time.
        if reconciliation is not None and report.retries == flight.retries:
            seconds = session.loop.clock() - flight.left_at
            flight.pool.concurrency.finished(seconds, flight.planned.items, flight.beside)
        return reconciliation

    def _give_up(self, flight: InFlightChunk, reason: str) -> None:
        """Put a chunk back that certainly had no effect; of another one the fate is open."""
        if flight.record is None:
            flight.pool.queue.appendleft(flight.planned)
        elif not flight.maybe:
            self._return(flight, reason)

    def _depart(self, flight: InFlightChunk) -> bytes:
        """Put the request together, and on record before anything of it leaves; return its bytes.

        From then on counts how long it may take.
        """
        session, pool = self._session, flight.pool
        chunk = self._spool.load(flight.planned, raws=False)
        body = chunk.body(marked=session.settings.requests.mode == "async")
        if flight.record is None:
            sent = describe(session, pool, chunk, body, self._run)
            sent.id = pool.book.sending(sent, replaces=chunk.replaces)
            flight.record = sent
            if chunk.replaces is not None:
                pool.arrivals.rename(chunk.replaces, sent.id)
            flight.left_at, flight.beside = session.loop.clock(), pool.in_flight
            flight.retries = session.recorder.report.retries
            self.air[flight.planned.number] = flight
            self._tell_sent(flight, len(body))
        elif abs(session.wall() - flight.sent.sent_at) > SOON:
            flight.sent.sent_at = session.wall()
            pool.book.sent_again(flight.sent.id, flight.sent.sent_at)
        return body

    def same_request(self, pool: PoolState, chunk: Chunk, sent: SentChunk) -> bool:
        """Whether a chunk would travel as the very request that the journal has."""
        return same_request(self._session, pool, chunk, sent)

    def _tell_sent(self, flight: InFlightChunk, size: int) -> None:
        sent = flight.sent
        self._session.tell(
            ChunkSent(
                flight.planned.number,
                flight.pool.info.id,
                sent.rows,
                sent.items,
                size,
                sent.operation_id,
                sent.attempt + 1,
            )
        )

    # The answer.

    async def _at_once(
        self, flight: InFlightChunk, reconciliation: Reconciliation
    ) -> Reconciliation:
        """The outcomes of a synchronous request; items that it does not tell of are looked for."""
        session, sent = self._session, flight.sent
        session.recorder.report.operations.succeeded += 1
        if reconciliation.open():
            case = ListingQuery(sent, reconciliation, sent.since, absent_is_free=False)
            await settle_by_listing(session, flight.pool, [case])
        return reconciliation

    async def _operation(
        self, flight: InFlightChunk, operation: Operation
    ) -> Reconciliation | None:
        """Follow an operation to its end. None: the run does not wait, or it did not end in time."""
        session, pool, sent = self._session, flight.pool, flight.sent
        if not same_id(operation.id, sent.operation_id):
            sent.operation_id = operation.id
        pool.book.move(sent.id, ChunkState.ACCEPTED, operation_id=sent.operation_id)
        pool.locks = 0
        if not session.settings.wait:
            pool.arrivals.give_up(sent.id)
            return None
        finished = await finish(session, pool, operation, flight.planned.number, sent)
        if finished is None:
            pool.arrivals.give_up(sent.id)
            return None
        counts = session.recorder.report.operations
        if finished.status == "SUCCESS":
            counts.succeeded += 1
        else:
            counts.failed += 1
        older = flight.found or flight.planned.again
        found = await settle_operation(session, pool, sent, finished, older=older)
        if flight.found:
            await release_taken_back(session, pool, sent, found)
        return found

    async def _refused(self, flight: InFlightChunk, error: TooLarge | InvalidItems) -> None:
        """The API refused the request as a whole: find the items it is about, or cut it in two."""
        reconciliation, items = nothing_known(flight.sent), flight.sent.items
        if isinstance(error, InvalidItems):
            if flight.sent.operation_id is None:
                self._session.recorder.report.operations.submitted += 1
                self._session.recorder.report.operations.failed += 1
            reconciliation.reading.faults = faults_by_item(error.payload, items)
        else:
            flight.pool.refused.append((items, flight.planned.size.total))
        if not reconciliation.reading.faults and items == 1:
            faults = faults_of(error.payload) or [Fault("", error.code, error.message)]
            reconciliation.reading.faults = {0: faults}
        if reconciliation.reading.faults:
            reconciliation.free.update(reconciliation.open())
            await self._conclude(flight, reconciliation)
        else:
            self._return(flight, str(error), requeue=False)
            self._again(flight.pool, self._spool.load(flight.planned).halves())

    def _return(self, flight: InFlightChunk, reason: str, *, requeue: bool = True) -> None:
        """The chunk certainly had no effect: its rows are free, and it goes back to the queue."""
        flight.pool.book.move(flight.sent.id, ChunkState.RETURNED)
        flight.over()
        self.air.pop(flight.planned.number, None)
        self._session.tell(ChunkReturned(flight.planned.number, flight.pool.info.id, reason))
        if requeue:
            flight.pool.queue.appendleft(flight.planned)

    async def _conclude(self, flight: InFlightChunk, reconciliation: Reconciliation) -> None:
        """Enter the outcome of every row; send again what is free to go."""
        pool, sent = flight.pool, flight.sent
        chunk = None
        if reconciliation.free or reconciliation.reading.faults or reconciliation.reading.general:
            chunk = self._spool.load(flight.planned)
            self._blame(reconciliation)
        outcome = reconciliation.outcome(sent)
        if flight.found:
            outcome.statuses = outcome.statuses.replace(_CREATED, _ALREADY_UPLOADED)
        pool.book.settle(sent.id, outcome)
        flight.over()
        del self.air[flight.planned.number]
        self._enter(flight, outcome)
        if chunk is None:
            return
        for row, faults in sorted(outcome.faults.items()):
            self._session.recorder.reject(*sent.places.at(row), chunk.raws[row], faults)
        if reconciliation.free:
            rest = chunk.select(sorted(reconciliation.free))
            if reconciliation.free == reconciliation.taken_back:
                self._again(pool, [rest])
            else:
                await self._go_again(flight, rest, reconciliation.reading)
        self._session.judge(sent.rows, outcome)

    def _blame(self, reconciliation: Reconciliation) -> None:
        """A size that was refused in the log is the fault of an item that travelled alone."""
        size = reconciliation.reading.says(SIZE_CODES)
        if size and len(reconciliation.reading.ids) == 1 and reconciliation.free:
            reconciliation.free.clear()
            reconciliation.reading.faults = {0: [size]}

    def _enter(self, flight: InFlightChunk, outcome: Outcome) -> None:
        sent, pool = flight.sent, flight.pool.info.id
        statuses = outcome.statuses
        block = Block(
            sent.places, statuses, pool, sent.kind, sent.operation_id, None, outcome.faults
        )
        block.ids = outcome.row_ids(sent.per_item)
        self._session.recorder.enter(block.without(Status.UNSENT))
        self._session.tell(
            ChunkSettled(
                flight.planned.number,
                pool,
                sent.operation_id,
                statuses.count(Status.CREATED),
                statuses.count(Status.ALREADY_UPLOADED),
                statuses.count(Status.REJECTED),
                statuses.count(Status.UNKNOWN),
            )
        )

    async def _go_again(self, flight: InFlightChunk, rest: Chunk, reading: LogReading) -> None:
        """Send items again that were not created, for a reason that was not theirs."""
        session, pool = self._session, flight.pool
        reason = (
            f"operation {flight.sent.operation_id}" if flight.sent.operation_id else "the request"
        )
        session.tell(
            ChunkReturned(flight.planned.number, pool.info.id, f"{rest.rows} rows go again")
        )
        final = reading.says(FINAL_CODES)
        if final:
            self._again(pool, [rest])
            raise _refusal(reason, final)
        if reading.says(SIZE_CODES):
            pool.refused.append((flight.sent.items, flight.planned.size.total))
            self._again(pool, rest.halves())
            return
        self._again(pool, [rest])
        if not reading.faults:
            await self._after_failure(pool, rest, reason, reading)

    async def _after_failure(
        self, pool: PoolState, rest: Chunk, reason: str, reading: LogReading
    ) -> None:
        """Wait before an operation's items go again; give up if they came to nothing too often, or for too long."""
        session = self._session
        fault = next(iter(reading.general), Fault("", "OPERATION_FAILED", "no reason was given"))
        key = hashlib.sha256(rest.identities).digest()
        retry_state = self._failures.setdefault(key, session.new_retry_state())
        retry_state.count += 1
        retry_state.budget.failed()
        locked = "LOCKED" in fault.code or fault.code == "CONFLICT_STATE"
        throttled = fault.code == "TOO_MANY_REQUESTS"
        passing = locked or throttled
        if retry_state.budget.exhausted or (retry_state.count >= MOST_FAILURES and not passing):
            raise TryAgain(
                f"Pool {pool.info.id}: {reason} failed ({retry_state.count} times so far): "
                f"{fault.code}: {fault.message}. "
                "Nothing of it was lost or doubled. Run the same command again later.",
                code=fault.code,
            )
        seconds = min(session.backoff(retry_state.count), retry_state.budget.remaining)
        if locked:
            pool.concurrency.locked()
        elif throttled:
            pool.concurrency.throttled()
            session.rate.pause(seconds)
            what = "HTTP 429, the server's rate limit"
            waiting = session.trouble("rate_limit", what, seconds, retry_state.count, retry_state)
            await session.wait_for_rate(waiting)
            return
        words = "pool locked by another operation" if locked else f"operation failed, {fault.code}"
        kind = "pool_locked" if locked else "server_busy"
        waiting = session.trouble(kind, words, seconds, retry_state.count, retry_state)
        session.tell(waiting._replace(pool=pool.info.id))
        await session.pause(seconds, Cause.LOCK if locked else Cause.SERVICE)

    # The end.

    def left(self, flight: InFlightChunk) -> None:
        """Enter the rows of a chunk that is still in the air: unknown, unless no request of it can have arrived."""
        sent, pool = flight.sent, flight.pool
        del self.air[flight.planned.number]
        status = Status.UNKNOWN if flight.maybe else Status.UNSENT
        operation = sent.operation_id if flight.maybe else None
        block = self._enter_all(sent.places, status, pool, sent.kind, operation)
        if not flight.maybe:
            pool.book.move(sent.id, ChunkState.RETURNED)
            pool.book.passed(self._run, block)

    def unsent(self, pool: PoolState, planned: Planned) -> None:
        """Enter the rows of a chunk that never left the queue."""
        chunk = self._spool.load(planned)
        if chunk.replaces:
            refs = [chunk.replaces << 20 | row for row in range(chunk.rows)]
            self.enter_known(pool, Status.UNKNOWN, chunk.places, refs)
            return
        block = self._enter_all(chunk.places, Status.UNSENT, pool, chunk.kind, None)
        if pool.journal:
            pool.journal.passed(self._run, block)

    def enter_known(self, pool: PoolState, status: Status, places: Places, refs: list[int]) -> None:
        """Enter rows of which an earlier run's chunks tell; `refs` are their places in the journal."""
        if not refs:
            return
        statuses = bytes([status]) * len(refs)
        for block in pool.book.look_up(places, statuses, refs):
            self._session.recorder.enter(block)
        pool.book.passed(self._run, Block(places, statuses, pool.info.id, ""), places=refs)

    def _enter_all(
        self, places: Places, status: Status, pool: PoolState, kind: str, operation: str | None
    ) -> Block:
        block = Block(places, bytes([status]) * len(places), pool.info.id, kind, operation)
        self._session.recorder.enter(block)
        return block


_CREATED, _ALREADY_UPLOADED = bytes([Status.CREATED]), bytes([Status.ALREADY_UPLOADED])


def _refusal(reason: str, fault: Fault) -> Refused:
    error = ApiError(fault.code, fault.message, request=reason).as_upload_error()
    return Refused(str(error), code=fault.code)
