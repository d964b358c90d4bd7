"""Rows into chunks: each row is checked, recognised or planned. Read `Planner.plan`, then `PoolPlan.take`.

Planning sends nothing. It needs a pool for each pool it meets (for the spec and for what is known), someone who takes
the chunks, and the recorder for rows that end here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from operator import itemgetter

from toloka_upload.check.row import RowCheck
from toloka_upload.errors import Refused, UsageProblem
from toloka_upload.items.chunks import Chunk, Chunker, Limits
from toloka_upload.items.suites import Suites
from toloka_upload.outcomes import Block, Places, Status
from toloka_upload.planning.cost import Tally
from toloka_upload.planning.pool_plan import PoolPlan
from toloka_upload.planning.unplanned import Passed
from toloka_upload.report.observer import RowsRead
from toloka_upload.report.recorder import Recorder
from toloka_upload.rows.model import Batch, Fault, Kind, Row, RowFile
from toloka_upload.sending.recovery import Doubtful
from toloka_upload.session.loop import sleep
from toloka_upload.session.outside import call_outside
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session
from toloka_upload.text import counted

_TURN = 1000
"""After so many rows everything else gets its turn."""
_TELLING = (8_000, 100_000)
"""After so many rows of a file it is told, roughly and then well, how many it has."""
MOST_HELD_BYTES = 32 * 1024 * 1024
"""Bytes of rows that wait for their chunks to fill, over all pools; beyond that the fullest chunk goes as it is."""


OpenPool = Callable[[str], Awaitable[tuple[PoolState, list[Doubtful]]]]


class Planner:
    """Plans a run's inputs, one after the other.

    Args:
        open_pool: Opens a pool at first sight; gives the chunks of earlier runs that may or may not have arrived.
        add: Takes each planned chunk.
    """

    def __init__(
        self,
        session: Session,
        recorder: Recorder,
        open_pool: OpenPool,
        add: Callable[[PoolState, Chunk], None],
        run_id: str,
    ) -> None:
        self._session = session
        self._recorder = recorder
        self._open_pool = open_pool
        self._add = add
        self._run = run_id
        self._file = ""
        self._pools: dict[str, PoolPlan] = {}
        self._requests = session.settings.requests
        grouped = session.settings.travel_kind is not None
        self._check = RowCheck(session.settings.pool, grouped=grouped)
        self.limits: Limits = session.settings.limits

    # Inputs.

    async def plan(self, file: RowFile, before: int = 0, total: int | None = None) -> None:
        """
        Plan one input to its end.

        Args:
            before: Bytes of the inputs before this one.
            total: Bytes of all inputs, or None where that is unknown.
        """
        self._file, batches = file.name, file.batches()
        counts = self._recorder.report.counts
        first = told = counts.read
        while not self._session.stopping:
            batch = await self._next(file, batches)
            if batch is None:
                break
            await self._rows(file, batch)
            if self._requests.skip_invalid_items:  # else one bad row keeps all back
                self._session.check_errors()
            if counts.read >= told + _TURN:
                if file.size and any(told < first + rows <= counts.read for rows in _TELLING):
                    self._expect(int(1.1 * (counts.read - first) * file.size / file.position))
                told = counts.read
                self._keep_memory()
                self._tell(before + file.position, total, finished=False)
                await sleep(0)
        for pool in self._pools.values():
            self._close_suite(file.name, pool)

    async def _next(self, file: RowFile, batches: Iterator[Batch]) -> Batch | None:
        """The next batch. A pipe may keep us waiting; a file is read on this thread, where its rows are used."""
        if file.size is None:
            return await call_outside(self._session, next, batches, None)
        return next(batches, None)

    def _expect(self, rows: int) -> None:
        """Make room for the rows of a large input at once, if they all go to one pool."""
        if self._session.settings.pool in self._pools:
            self._pools[self._session.settings.pool].pool.seen.expect(rows)

    def _keep_memory(self) -> None:
        """Close the fullest chunk if rows for many pools wait for theirs to fill."""
        if sum(pool.chunker.held_bytes for pool in self._pools.values()) > MOST_HELD_BYTES:
            max(self._pools.values(), key=lambda pool: pool.chunker.held_bytes).chunker.flush()

    async def finish(self) -> None:
        """Close all chunks."""
        self.abandon()
        if self._session.stopping:
            raise self._session.stopping
        if self._requests.skip_invalid_items:
            self._session.check_errors()
        self._tell(0, None, finished=True)
        self._notice_repeats()
        for pool in self._pools.values():
            pool.pool.seen.forget()

    def _notice_repeats(self) -> None:
        """Equal rows are equal tasks, which is seldom what someone wants."""
        read = self._recorder.report.counts.read
        repeated = sum(pool.pool.seen.repeated for pool in self._pools.values())
        if not read:
            self._recorder.warn("There are no rows in the input.")
        elif repeated and repeated == read - 1:
            self._recorder.warn(
                f"All {read:,} rows are equal: is this the right file? Each becomes a task of its own."
            )
        elif repeated:
            self._recorder.warn(
                f"{counted(repeated, 'row')} equal to an earlier row of the input: each becomes a task of its own."
            )

    def abandon(self) -> None:
        """Let go of what is held, however far planning has come: nothing that was read stays without an outcome."""
        attempt = self._session.attempt
        for pool in self._pools.values():
            attempt(self._close_suite, self._file, pool)
            attempt(pool.chunker.flush)
            for status in pool.passed.statuses():
                attempt(pool.passed.flush, status)

    def tallies(self) -> list[tuple[PoolState, Tally]]:
        """What would be created, by pool."""
        return [(plan.pool, plan.tally) for plan in self._pools.values()]

    def doubtful(self) -> Iterator[tuple[PoolPlan, Doubtful]]:
        """The doubtful chunks of all pools, with the rows that this input has of them."""
        for pool in self._pools.values():
            for doubtful in pool.doubtful:
                yield pool, doubtful

    async def pool(self, pool_id: str) -> PoolPlan:
        """The plan of a pool; its pool is opened at first sight."""
        if pool_id not in self._pools:
            pool, doubtful = await self._open_pool(pool_id)

            def add(chunk: Chunk) -> None:
                self._add(pool, chunk)

            requests, kind = self._requests, self._session.settings.travel_kind
            self._pools[pool_id] = PoolPlan(
                pool,
                Chunker(pool_id, kind or "tasks", self.limits, add),
                Passed(self._recorder, pool, self._run),
                self._check,
                self.limits,
                Suites(pool_id, requests.suite_size, requests.overlap, self.limits)
                if kind
                else None,
                requests.overlap,
                self._session.settings.resend_unknown,
                doubtful,
            )
        return self._pools[pool_id]

    def _tell(self, position: int, total: int | None, *, finished: bool) -> None:
        counts = self._recorder.report.counts
        self._session.tell(
            RowsRead(
                counts.read,
                counts.already_uploaded + self._waiting(Status.ALREADY_UPLOADED),
                counts.rejected + self._waiting(Status.REJECTED),
                position,
                total,
                finished,
            )
        )

    def _waiting(self, status: Status) -> int:
        return sum(pool.passed.count(status) for pool in self._pools.values())

    # Rows.

    async def _rows(self, file: RowFile, batch: Batch) -> None:
        """Plan a batch: all of it, or the rows before one that names a new pool, then that pool and those after it."""
        counts, pool_id = self._recorder.report.counts, self._session.settings.pool
        if pool_id is not None:
            plan = await self.pool(pool_id)
            self._fits(plan, file)
            counts.read += batch.size
            self._take(file, [(plan, range(batch.size), batch)])
            return
        names = self._pools_of(file, batch)
        start = 0
        while start < len(names):
            if (name := names[start]) is not None:
                self._fits(await self.pool(name), file)
            known = {None, *self._pools}
            stop = next(
                (at for at in range(start, len(names)) if names[at] not in known), len(names)
            )
            counts.read += stop - start
            parts: dict[str | None, list[int]] = {}
            for at in range(start, stop):
                parts.setdefault(names[at], []).append(at)
            self._take(
                file,
                [
                    (self._pools[name] if name is not None else None, some, batch.pick(some))
                    for name, some in parts.items()
                ],
            )
            start = stop

    def _pools_of(self, file: RowFile, batch: Batch) -> list[str | None]:
        """The pool that each row names, good or bad; None where it names none that could be."""
        if not batch.size:
            return []
        if file.kind is Kind.FLAT or file.format in ("csv", "tsv", "xlsx", "parquet"):
            raise UsageProblem(
                f"The rows of {file.name} name no pool: add --pool ID.", code="NO_POOL"
            )
        if batch.values and not self._pools and not any(["pool_id" in v for v in batch.values]):
            line = batch.lines[0]
            raise UsageProblem(
                f"{file.name}:{line}: the rows name no pool: add --pool ID, or a pool_id to each row.",
                code="NO_POOL",
            )
        values = list(batch.values)
        for position, row in batch.bad:
            values.insert(position, row.value)
        named = [value.get("pool_id") for value in values]
        return [str(name) if str(name).isdigit() else None for name in named]

    def _take(
        self, file: RowFile, parts: Sequence[tuple[PoolPlan | None, Sequence[int], Batch]]
    ) -> None:
        """Plan parts of a batch, each of one pool, and tell of the rows that are rejected in their order."""
        rejected: list[tuple[int, PoolPlan | None, Row, Sequence[Fault]]] = []
        for plan, positions, part in parts:
            if plan is None:
                rejected += [
                    (at, None, row, self._check.faults(row, file.kind, None))
                    for at, row in zip(positions, part.rows(), strict=True)
                ]
            else:
                self._fits(plan, file)
                rejected += [
                    (positions[found.position], plan, found.row, found.faults)
                    for found in plan.take(part, file.kind, file.name)
                ]
        for _, whose, row, faults in sorted(rejected, key=itemgetter(0)):
            self._reject(whose, file.name, row, faults)

    def _fits(self, plan: PoolPlan, file: RowFile) -> None:
        """Refuse what the pool does not take, before anything is sent."""
        travel = self._session.settings.travel_kind
        if file.kind is Kind.SUITE and travel:
            raise UsageProblem(
                f"The rows of {file.name} are suites already: leave --suite-size out."
            )
        travel = travel or ("task-suites" if file.kind is Kind.SUITE else "tasks")
        self._recorder.report.kind = travel
        known = plan.pool.info
        if known.kind not in (None, travel):
            wants = (
                f"Pool {known.id} has no smart mixing and takes task suites, and these rows are tasks: "
                "add --suite-size N to group them, or enable smart mixing in the pool."
                if travel == "tasks"
                else f"Pool {known.id} has smart mixing and takes tasks, and these rows are task suites: "
                "upload the tasks themselves (without --suite-size), or use a pool without smart mixing."
            )
            raise Refused(wants, code="POOL_TASK_TYPE_CONFLICT")
        plan.chunker.kind = travel

    def _close_suite(self, name: str, plan: PoolPlan) -> None:
        for found in plan.close_suite(name):
            self._reject(plan, name, found.row, found.faults)

    def _reject(self, plan: PoolPlan | None, name: str, row: Row, faults: Sequence[Fault]) -> None:
        if plan is not None:
            plan.passed.reject(name, row, faults)
            return
        places = Places()
        places.add(name, row.line)
        self._recorder.enter(
            Block(places, bytes([Status.REJECTED]), "", "", faults={0: list(faults)})
        )
        self._recorder.reject(name, row.line, row.raw, faults)
