"""Rows into chunks: each row is checked, recognised or planned. Read `Planner.plan`, then `_tasks` or `_row`.

Planning sends nothing. It needs a pool for each pool it meets (for the spec and for what is known), someone who takes
the chunks, and the recorder for rows that end here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from toloka_upload.check.row import RowCheck
from toloka_upload.errors import Refused, UsageProblem
from toloka_upload.items.chunks import (
    Chunk,
    Chunker,
    Item,
    Limits,
    PlainTasks,
    Size,
    suite_content,
    too_large,
)
from toloka_upload.items.contents import item_content
from toloka_upload.items.identity import WIDTH
from toloka_upload.items.task_json import (
    Shaped,
    all_plain,
    disagreement,
    ending,
    joined_outer,
    shape_flat,
    shape_member,
    shape_suite,
    shape_task,
    with_overlap,
)
from toloka_upload.outcomes import Block, Places, Status
from toloka_upload.planning.cost import DEFAULT, Tally, overlap_of, task_kind
from toloka_upload.planning.unplanned import Passed
from toloka_upload.report.observer import RowsRead
from toloka_upload.report.recorder import Recorder
from toloka_upload.rows.model import Columns, Fault, Kind, Row, RowFile
from toloka_upload.sending.recovery import Doubtful
from toloka_upload.session.loop import call, sleep
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session
from toloka_upload.text import counted

_TURN = 1000
"""After so many rows everything else gets its turn."""
MOST_HELD_BYTES = 32 * 1024 * 1024
"""Bytes of rows that wait for their chunks to fill, over all pools; beyond that the fullest chunk goes as it is."""


@dataclass(slots=True)
class _Part:
    """A task that waits for its suite to fill."""

    shaped: Shaped
    identity: bytes
    raw: bytes
    line: int
    kind: str


@dataclass(slots=True)
class PoolPlan:
    """What planning keeps for each pool; `tally` counts what would be created."""

    pool: PoolState
    chunker: Chunker
    passed: Passed
    doubtful: list[Doubtful] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)
    group: int = 0
    tally: Tally = field(default_factory=Tally)


OpenLane = Callable[[str], Awaitable[tuple[PoolState, list[Doubtful]]]]


class Planner:
    """Plans a run's inputs, one after the other.

    Attributes:
        chunks: Chunks planned so far.
        examples: The first and the last item planned, as they would be sent.
        kinds: Rows by what they are: `general`, `control`, `training`.
    """

    def __init__(
        self,
        session: Session,
        recorder: Recorder,
        open_lane: OpenLane,
        add: Callable[[PoolState, Chunk], None],
        run_id: str,
    ) -> None:
        self._session = session
        self._books = recorder
        self._open_pool = open_lane
        self._add = add
        self._run = run_id
        self._file = ""
        self._pools: dict[str, PoolPlan] = {}
        self._requests = session.settings.requests
        self._grouped = session.settings.travel_kind is not None
        self._check = RowCheck(session.settings.pool, grouped=self._grouped)
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
        counts = self._books.report.counts
        told = counts.read
        while not self._session.stopping:
            # A pipe may keep us waiting, and is read on another thread. A file is read where its rows are used.
            batch = (await call(next, batches, None)) if file.size is None else next(batches, None)
            if batch is None:
                break
            await self._rows(file, batch)
            if self._requests.skip_invalid_items:  # else one bad row keeps all back
                self._session.check_errors()
            if counts.read >= told + _TURN:
                told = counts.read
                self._keep_memory()
                self._tell(before + file.position, total, finished=False)
                await sleep(0)
        for pool in self._pools.values():
            self._close_suite(file.name, pool)

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
        read = self._books.report.counts.read
        repeated = sum(pool.pool.seen.repeated for pool in self._pools.values())
        if not read:
            self._books.warn("There are no rows in the input.")
        elif repeated and repeated == read - 1:
            self._books.warn(
                f"All {read:,} rows are equal: is this the right file? Each becomes a task of its own."
            )
        elif repeated:
            self._books.warn(
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

            kind = self._session.settings.travel_kind or "tasks"
            chunker = Chunker(pool_id, kind, self.limits, add)
            passed = Passed(self._books, pool, self._run)
            self._pools[pool_id] = PoolPlan(pool, chunker, passed, doubtful)
        return self._pools[pool_id]

    def _tell(self, position: int, total: int | None, *, finished: bool) -> None:
        counts = self._books.report.counts
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

    async def _rows(self, file: RowFile, batch: list[Row] | Columns) -> None:
        settings = self._session.settings
        if isinstance(batch, Columns):
            if settings.pool is not None and not self._grouped:
                pool = await self._pool_for(file, None, file.kind)
                if pool is not None and self._tasks(pool, file, batch):
                    return
            batch = batch.rows()
        for row in batch:
            pool = await self._pool_for(file, row, file.kind)
            self._books.report.counts.read += 1
            self._row(pool, file.name, row, file.kind)

    def _tasks(self, pool: PoolPlan, file: RowFile, batch: Columns) -> bool:
        """
        The way of most rows, by the column: tasks that are `input_values` and nothing else, all for one pool.

        Returns:
            False, and nothing is done: there is something about one of them, so each takes the way of `_row`.
        """
        state, flat = pool.pool, file.kind is Kind.FLAT
        inputs = batch.values if flat else [value["input_values"] for value in batch.values]
        if not all_plain(inputs) or (state.spec and any(map(state.spec.check_input, inputs))):
            return False
        compact = [orjson.dumps(values, None, orjson.OPT_SORT_KEYS) for values in inputs]
        # Without odd numbers no row's compact form is longer than the row as written.
        frame = 0 if flat else len('{"input_values":}')
        sizes = [len(text) - frame for text in batch.texts]
        if max(sizes) > self.limits.input_bytes:
            return False
        self._books.report.counts.read += len(sizes)
        contents = [
            blake2b(text, digest_size=WIDTH).digest() for text in compact
        ]  # `digest`, without its call
        identities = state.seen.identify(contents)
        end = ending(with_overlap({}, (), self._requests.overlap), state.info.id)
        texts = [
            b'{"input_values":' + text + end if flat else text[:-1] + end for text in batch.texts
        ]
        tasks = PlainTasks(texts, sizes, identities, contents, batch.raws, batch.lines)
        if state.known.count or state.unknown or pool.doubtful or state.adopted.count:
            tasks = tasks.select(self._new(pool, file.name, tasks))
        pool.chunker.add_tasks(tasks, file.name)
        pool.tally.general[self._requests.overlap or DEFAULT] += len(tasks.texts)
        return True

    def _new(self, pool: PoolPlan, name: str, tasks: PlainTasks) -> list[int]:
        """The rows that are to be planned: those neither known nor part of a doubtful chunk."""
        places = pool.pool.known.find(tasks.identities)
        if -1 in places and pool.pool.adopted.count:
            unknown = [row for row, place in enumerate(places) if place < 0]
            taken = pool.pool.adopted.take([tasks.contents[row] for row in unknown])
            for row, place in zip(unknown, taken, strict=True):
                places[row] = place
        if all(place >= 0 for place in places):
            pool.passed.know(Status.ALREADY_UPLOADED, name, tasks.lines, places)
            return []
        return [
            row
            for row in range(len(places))
            if not self._passes(pool, name, tasks, row, places[row])
        ]

    def _passes(self, pool: PoolPlan, name: str, tasks: PlainTasks, row: int, place: int) -> bool:
        identity, line = tasks.identities[row], tasks.lines[row]
        return self._recognised(pool, identity, place, name, line) or _taken(
            pool, identity, tasks.texts[row], tasks.raws[row], name, line
        )

    def _row(self, pool: PoolPlan | None, name: str, row: Row, kind: Kind) -> None:
        faults = self._check.faults(row, kind, pool.pool.spec if pool else None)
        if faults or pool is None:
            self._reject(pool, name, row, faults)
        elif self._grouped:
            self._group(pool, name, row, kind)
        else:
            self._single(pool, name, row, kind)

    async def _pool_for(self, file: RowFile, row: Row | None, kind: Kind) -> PoolPlan | None:
        """The pool that a row goes to; None where it names none that could be."""
        settings = self._session.settings
        named = row.value.get("pool_id") if row is not None and kind is not Kind.FLAT else None
        pool_id = settings.pool
        if pool_id is None and named is not None and str(named).isdigit():
            pool_id = str(named)
        if pool_id is None:
            if kind is Kind.FLAT or file.format in ("csv", "tsv", "xlsx"):
                raise UsageProblem(f"The rows of {file.name} name no pool: add --pool ID.")
            return None
        pool = await self.pool(pool_id)
        travel = settings.travel_kind or ("task-suites" if kind is Kind.SUITE else "tasks")
        if kind is Kind.SUITE and settings.travel_kind:
            raise UsageProblem(
                f"The rows of {file.name} are suites already: leave --suite-size out."
            )
        self._fits(pool, travel)
        return pool

    def _fits(self, pool: PoolPlan, travel: str) -> None:
        """Refuse what the pool does not take, before anything is sent."""
        self._books.report.kind = travel
        known = pool.pool.info
        if known.kind is None:
            pool.chunker.kind = travel
        elif known.kind != travel:
            wants = (
                f"Pool {known.id} has no smart mixing and takes task suites, and these rows are tasks: "
                "add --suite-size N to group them, or enable smart mixing in the pool."
                if travel == "tasks"
                else f"Pool {known.id} has smart mixing and takes tasks, and these rows are task suites: "
                "upload the tasks themselves (without --suite-size), or use a pool without smart mixing."
            )
            raise Refused(wants, code="POOL_TASK_TYPE_CONFLICT")
        else:
            pool.chunker.kind = travel

    def _single(self, pool: PoolPlan, name: str, row: Row, kind: Kind) -> None:
        """Add a row that is an item of its own."""
        overlap = self._requests.overlap
        if kind is Kind.FLAT:
            shaped = shape_flat(row, overlap)
        elif kind is Kind.SUITE:
            shaped = shape_suite(row, overlap)
        else:
            shaped = shape_task(row, overlap)
        if too_large(shaped.size, self.limits):
            self._reject(pool, name, row, [_size_fault(shaped.size, self.limits)])
            return
        identity = pool.pool.seen.identify([shaped.key])[0]
        if self._recognised(pool, identity, _place(pool.pool, identity, row, kind), name, row.line):
            return
        text = shaped.text + ending(shaped.outer, None if shaped.names_pool else pool.pool.info.id)
        if _taken(pool, identity, text, row.raw, name, row.line):
            return
        item = Item(text, shaped.size, shaped.content, identity, [row.raw], [(name, row.line)])
        pool.chunker.add(item)
        named = {} if kind is Kind.FLAT else row.value
        copies = overlap_of(named, shaped.outer)
        if kind is Kind.SUITE:
            pool.tally.add_suite(map(task_kind, row.value["tasks"]), copies)
        else:
            pool.tally.add_task(named, copies)

    # Suites from rows.

    def _group(self, pool: PoolPlan, name: str, row: Row, kind: Kind) -> None:
        """Add a row to the suite that is being filled."""
        if row.group != pool.group:
            self._close_suite(name, pool)
            pool.group = row.group
        shaped = shape_member(row, kind)
        identity = pool.pool.seen.identify([shaped.key])[0]
        if self._recognised(pool, identity, _place(pool.pool, identity, row, kind), name, row.line):
            return
        if fault := disagreement(shaped.outer, [part.shaped.outer for part in pool.parts]):
            self._reject(pool, name, row, [fault])
            return
        if too_large(shaped.size, self.limits):
            self._reject(pool, name, row, [_size_fault(shaped.size, self.limits)])
            return
        task = "general" if kind is Kind.FLAT else task_kind(row.value)
        pool.parts.append(_Part(shaped, identity, row.raw, row.line, task))
        if len(pool.parts) == self._requests.suite_size:
            self._close_suite(name, pool)

    def _close_suite(self, name: str, pool: PoolPlan) -> None:
        parts, pool.parts = pool.parts, []
        if not parts:
            return
        outer = joined_outer([part.shaped.outer for part in parts], self._requests.overlap)
        text = b'{"tasks":[' + b",".join(part.shaped.text + b"}" for part in parts) + b"]"
        item = Item(
            text + ending(outer, pool.pool.info.id),
            Size(
                sum(part.shaped.size.input_bytes for part in parts),
                sum(part.shaped.size.output_bytes for part in parts),
            ),
            suite_content(b"".join(part.shaped.content for part in parts)),
            b"".join(part.identity for part in parts),
            [part.raw for part in parts],
            [(name, part.line) for part in parts],
        )
        if too_large(item.size, self.limits):
            for part in parts:
                row = Row(part.line, part.raw, b"", {})
                self._reject(pool, name, row, [_size_fault(item.size, self.limits, "its suite's ")])
            return
        pool.chunker.add(item)
        pool.tally.add_suite((part.kind for part in parts), overlap_of({}, outer))

    # Rows that end here.

    def _recognised(
        self, pool: PoolPlan, identity: bytes, place: int, name: str, line: int
    ) -> bool:
        """Whether a row need not be sent, because the pool has it or its fate is open."""
        status = Status.ALREADY_UPLOADED
        if place < 0:
            if identity not in pool.pool.unknown or self._session.settings.resend_unknown:
                return False
            place, status = pool.pool.unknown[identity], Status.UNKNOWN
        pool.passed.know(status, name, [line], [place])
        return True

    def _reject(self, pool: PoolPlan | None, name: str, row: Row, faults: Sequence[Fault]) -> None:
        if pool is not None:
            pool.passed.reject(name, row, faults)
            return
        places = Places()
        places.add(name, row.line)
        self._books.enter(Block(places, bytes([Status.REJECTED]), "", "", faults={0: list(faults)}))
        self._books.reject(name, row.line, row.raw, faults)


def _place(pool: PoolState, identity: bytes, row: Row, kind: Kind) -> int:
    """Where the journal has a row, from an upload or adopted; below zero: nowhere."""
    place = pool.known.find([identity])[0]
    adopted = pool.adopted_suites if kind is Kind.SUITE else pool.adopted
    if place >= 0 or not adopted.count:
        return place
    item = {"input_values": row.value} if kind is Kind.FLAT else row.value
    return adopted.take([item_content(item)])[0]


def _taken(pool: PoolPlan, identity: bytes, text: bytes, raw: bytes, name: str, line: int) -> bool:
    """Whether a row is part of a doubtful chunk."""
    return any(doubtful.take(identity, text, raw, name, line) for doubtful in pool.doubtful)


def _size_fault(size: Size, limits: Limits, whose: str = "") -> Fault:
    field = "input_values" if size.input_bytes > limits.input_bytes else "known_solutions"
    return Fault(field, "OBJECT_SIZE_BYTES_GREATER_THAN_MAX", f"{whose}{too_large(size, limits)}")
