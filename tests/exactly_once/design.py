"""The design of `docs/exactly-once.md` as a small model: chunks, their states, operation ids, looks into the listing.

It is not the program: `test_model.py` runs that one. It is what the program is meant to do, small enough that every
state can be looked at: three rows, two of them equal, in chunks of one or two; requests that are lost, arrive late or
are answered late; operations that fail with a part of their work done, with a log or a silent one; processes that die
at any step, and another one that begins, of the same journal or on another machine with one of its own.

What must hold in every state: no content is in the pool more often than among the rows, and no two rows of a journal
have one item. When a run ends, every row has its item or is known to be unknown. From every state there is a way to
the end where each row has an item of its own. `RULES` are what makes it so; without any of them there is a way that
ends badly (`test_design.py`).
"""

from __future__ import annotations

from collections import Counter

from design_api import Api, Setup, Steps
from design_world import (
    FREE,
    OPEN,
    Flight,
    Item,
    Key,
    Operation,
    Process,
    Record,
    Request,
    World,
    get,
    name_of,
    put,
    with_process,
)

RULES = {
    "journal first": "A chunk is in the journal before its request leaves.",
    "derived ids": "The operation's id is derived from what is sent.",
    "lock": "One process at a time works with a journal.",
    "late": "A request that is not there is asked about again once it cannot arrive any more.",
    "look waits": "A look begins once no other request with an equal row can create or name anything.",
    "looks apart": "A doubtful chunk is cleared up before a look for rows equal to its own.",
    "successes first": "Of equal items, what a look finds is first that of operations that created all of theirs.",
    "named twice": "An id in a log that another chunk has stays that chunk's.",
}


class Model(Api):
    """The steps of a setup."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._rows = range(len(setup.contents))

    def first(self) -> World:
        """Nothing was uploaded yet."""
        setup = self.setup
        return World(
            (Process(),) * len(setup.journals),
            ((),) * len(set(setup.journals)),
            crashes=setup.crashes,
            failures=setup.failures,
        )

    # What must hold.

    def problem(self, world: World) -> str:
        """What must not be."""
        if world.broken:
            return world.broken
        if Counter(map(self.content, world.items)) - Counter(self.setup.contents):
            return "a row was doubled"
        for journal in world.journals:
            ids = [item for record in journal for item in record.ids if item.is_there]
            if len(set(ids)) < len(ids):
                return "two rows have one item"
            for record in journal:
                for row, item in zip(record.key.rows, record.ids, strict=True):
                    if item.is_there and self.content(item) != self.setup.contents[row]:
                        return "a row has another row's item"
        return ""

    def is_end(self, world: World) -> bool:
        """Every process is off and every row has its item."""
        return all(process.mode == "off" for process in world.processes) and all(
            self._is_complete(journal) for journal in world.journals
        )

    def _is_complete(self, journal: tuple[Record, ...]) -> bool:
        return sum(item.is_there for record in journal for item in record.ids) == len(self._rows)

    # Steps.

    def successors(self, world: World) -> Steps:
        """All that may happen next."""
        yield from self.outside(world)
        for number, process in enumerate(world.processes):
            if process.mode == "off":
                yield from self._begin(world, number)
            else:
                yield from self._act(world, number)
                if world.crashes:
                    yield f"process {number} dies", self._crash(world, number)

    def unanswered(self, world: World, request: Request) -> World:
        """The operation is asked about; without one the listing is looked through."""
        return self._fly(
            world, request.sender, request.key, "looking" if self.setup.sync else "asking"
        )

    def answered(self, world: World, request: Request, ids: tuple[Item, ...]) -> World:
        """The operation is followed; without one that is all."""
        if self.setup.sync:
            return self._settle(world, request.sender, request.key, ids)
        return self._accept(world, request.sender, request.key)

    # A process.

    def _begin(self, world: World, number: int) -> Steps:
        journal = self._journal(world, number)
        others = [
            other
            for other, process in enumerate(world.processes)
            if process.mode != "off" and self.setup.journals[other] == self.setup.journals[number]
        ]
        if self._is_complete(journal) or (others and self._has("lock")):
            return
        first = "looking" if self.setup.sync else "asking"
        flights = tuple(
            Flight(record.key, first) for record in journal if record.state != "settled"
        )
        yield (
            f"process {number} begins",
            with_process(world, number, Process("recovering", (), flights)),
        )

    def _crash(self, world: World, number: int) -> World:
        own = [request for request in world.network if request.sender == number]
        others = tuple(request for request in world.network if request.sender != number)
        world = with_process(world, number, Process())._replace(
            network=others, crashes=world.crashes - 1
        )
        for request in own:
            world = self.send(world, Request(request.key, -1))
        written = (record for record in self._journal(world, number) if record.state != "unwritten")
        return self._enter(world, number, tuple(written))

    def _act(self, world: World, number: int) -> Steps:
        process = world.processes[number]
        for flight in process.flights:
            yield from self._fly_on(world, number, flight)
        if process.mode == "recovering":
            yield from self._look_together(world, number)
            if all(flight.step == "doubtful" for flight in process.flights):
                yield from self._plan(world, number)
            return
        room = len(process.flights) < self.setup.concurrency
        if process.queue and room and not self._looks(process):
            yield from self._depart(world, number)
        if not process.queue and not process.flights:
            yield f"the run of process {number} ends", self._end(world, number)

    def _plan(self, world: World, number: int) -> Steps:
        """The rows that nothing is known of, in chunks; what is doubtful leaves once more, as it was."""
        process, journal = world.processes[number], self._journal(world, number)
        known = {
            row
            for record in journal
            for row, item in zip(record.key.rows, record.ids, strict=True)
            if item != FREE
        }
        rows = [row for row in self._rows if row not in known]
        again = tuple(Flight(flight.key, "again") for flight in process.flights)
        for size in self.setup.sizes:
            queue = tuple(tuple(rows[at : at + size]) for at in range(0, len(rows), size))
            yield (
                f"process {number} plans {size} rows a chunk",
                with_process(world, number, Process("sending", queue, again)),
            )

    def _depart(self, world: World, number: int) -> Steps:
        process, journal = world.processes[number], self._journal(world, number)
        rows = process.queue[0]
        used = {record.key.attempt for record in journal if record.key.rows == rows}
        attempt = next(number for number in range(len(used) + 1) if number not in used)
        salt = 0
        if not self._has("derived ids"):
            salt = world.salts + 1
            world = world._replace(salts=salt)
        key = Key(rows, attempt, salt)
        state = "sending" if self._has("journal first") else "unwritten"
        world = with_process(world, number, process._replace(queue=process.queue[1:]))
        world = self._write(world, number, Record(key, state, (OPEN,) * len(rows)))
        yield f"process {number} notes {name_of(key)}", self._fly(world, number, key, "ready")

    def _end(self, world: World, number: int) -> World:
        """The run tells each row's outcome."""
        journal = self._journal(world, number)
        told = Counter(
            row
            for record in journal
            for row, item in zip(record.key.rows, record.ids, strict=True)
            if item.is_there or (item == OPEN and record.state == "unsettled")
        )
        broken = "" if told == Counter(self._rows) else "a row has no outcome, or two"
        return with_process(world, number, Process())._replace(broken=broken)

    # A chunk.

    def _fly_on(self, world: World, number: int, flight: Flight) -> Steps:
        key, name = flight.key, name_of(flight.key)
        process, operation = world.processes[number], get(world.operations, key)
        if flight.step == "ready" and not self._looks(process):
            yield f"{name} leaves", self._leave(world, number, key)
        elif flight.step == "again" and (self._has("look waits") or not self._looks(process)):
            yield f"{name} leaves once more", self._leave(world, number, key)
        elif flight.step == "asking" and operation:
            yield f"{name} is found", self._accept(world, number, key)
        elif flight.step == "asking":
            step = "again" if process.mode == "sending" else "doubtful"
            yield f"{name} is not found", self._fly(world, number, key, step)
        elif flight.step == "following" and operation and operation.state != "running":
            yield f"the log of {name} is read", self._read(world, number, operation)
        elif (
            flight.step == "looking"
            and process.mode == "sending"
            and self._may_look(world, number, key)
        ):
            yield from self._look(world, number, [key])
        elif flight.step == "doubtful" and not (self._has("late") and self._may_arrive(world, key)):
            yield f"{name} is cleared up", self._confirm(world, number, key)

    def _leave(self, world: World, number: int, key: Key) -> World:
        return self._fly(self.send(world, Request(key, number)), number, key, "waiting")

    def _accept(self, world: World, number: int, key: Key) -> World:
        record = get(self._journal(world, number), key)
        if record is None or record.state != "unsettled":
            ids = record.ids if record else (OPEN,) * len(key.rows)
            world = self._write(world, number, Record(key, "accepted", ids))
        return self._fly(world, number, key, "following")

    def _confirm(self, world: World, number: int, key: Key) -> World:
        """Ask once more; what is not there never was."""
        if get(world.operations, key):
            return self._accept(world, number, key)
        journal = (record for record in self._journal(world, number) if record.key != key)
        return self._fly(self._enter(world, number, tuple(journal)), number, key, "")

    def _may_arrive(self, world: World, key: Key) -> bool:
        return any(request.key == key for request in world.network)

    def _read(self, world: World, number: int, operation: Operation) -> World:
        if operation.log == "silent":
            return self._fly(world, number, operation.key, "looking")
        journal = self._journal(world, number)
        owned = {
            item
            for record in journal
            if record.key != operation.key
            for item in record.ids
            if item.is_there
        }
        ids = tuple(
            OPEN if self._has("named twice") and item in owned else FREE if item == OPEN else item
            for item in operation.ids
        )
        if OPEN not in ids:
            return self._settle(world, number, operation.key, ids)
        world = self._write(world, number, Record(operation.key, "accepted", ids))
        return self._fly(world, number, operation.key, "looking")

    def _settle(self, world: World, number: int, key: Key, ids: tuple[Item, ...]) -> World:
        """What became of a chunk's rows is entered; what is free to go goes again."""
        if self.setup.sync and set(ids) == {FREE}:
            journal = (record for record in self._journal(world, number) if record.key != key)
            world = self._enter(world, number, tuple(journal))
        else:
            state = "unsettled" if OPEN in ids else "settled"
            world = self._write(world, number, Record(key, state, ids))
        world = self._fly(world, number, key, "")
        process = world.processes[number]
        rest = tuple(row for row, item in zip(key.rows, ids, strict=True) if item == FREE)
        if rest and process.mode == "sending":
            world = with_process(world, number, process._replace(queue=(rest, *process.queue)))
        return world

    # A look.

    def _looks(self, process: Process) -> bool:
        return any(flight.step == "looking" for flight in process.flights)

    def _equal(self, one: Key, other: Key) -> bool:
        contents = self.setup.contents
        return bool({contents[row] for row in one.rows} & {contents[row] for row in other.rows})

    def _may_look(self, world: World, number: int, key: Key) -> bool:
        flights = world.processes[number].flights
        if self.setup.sync and self._has("late") and self._may_arrive(world, key):
            return False  # the last look, after which what is missing is free, comes later
        if not self._has("look waits"):
            return not any(flight.step in ("waiting", "asking", "following") for flight in flights)
        return not any(
            self._equal(flight.key, key) and self._is_before(world, flight, key)
            for flight in flights
            if flight.key != key
        )

    def _is_before(self, world: World, other: Flight, key: Key) -> bool:
        """Whether a look for a chunk waits for another chunk with an equal row."""
        if other.step != "looking":
            return other.step != "ready"
        succeeded = self._missing(world, other.key) == OPEN
        return self._has("successes first") and succeeded and self._missing(world, key) == FREE

    def _look_together(self, world: World, number: int) -> Steps:
        """One look for all chunks that an earlier run left and no log tells of."""
        flights = world.processes[number].flights
        looking = [flight.key for flight in flights if flight.step == "looking"]
        doubtful = [flight.key for flight in flights if flight.step == "doubtful"]
        late = self.setup.sync and self._has("late")
        if (
            not looking
            or len(looking) + len(doubtful) < len(flights)
            or (late and any(self._may_arrive(world, key) for key in looking))
            or (
                self._has("looks apart")
                and any(self._equal(one, other) for one in looking for other in doubtful)
            )
        ):
            return
        yield from self._look(world, number, looking)

    def _look(self, world: World, number: int, keys: list[Key]) -> Steps:
        """Of the items that no chunk has, each open row takes one of its content: the first one or the last."""
        if self._has("successes first"):
            keys = sorted(keys, key=lambda key: self._missing(world, key), reverse=True)
        name = f"process {number} looks for {' and '.join(map(name_of, keys))}"
        first, last = (
            self._take(world, number, keys, order) for order in (world.items, world.items[::-1])
        )
        yield name, first
        if last != first:
            yield f"{name}, from the end", last

    def _take(self, world: World, number: int, keys: list[Key], items: tuple[Item, ...]) -> World:
        for key in keys:
            journal = self._journal(world, number)
            record = get(journal, key)
            owned = {item for one in journal for item in one.ids}
            ids = list(record.ids if record else (OPEN,) * len(key.rows))
            for at, row in enumerate(key.rows):
                there = (
                    item
                    for item in items
                    if self.content(item) == self.setup.contents[row] and item not in owned
                )
                if ids[at] == OPEN:
                    ids[at] = next(there, self._missing(world, key))
                    owned.add(ids[at])
            world = self._settle(world, number, key, tuple(ids))
        return world

    def _missing(self, world: World, key: Key) -> Item:
        """What is not in the listing was not created, unless the operation is said to have created it."""
        operation = get(world.operations, key)
        proven = operation is None or operation.state == "fail" or operation.log == "full"
        return FREE if proven else OPEN

    # The parts of a world.

    def _has(self, rule: str) -> bool:
        return rule not in self.setup.without

    def _journal(self, world: World, number: int) -> tuple[Record, ...]:
        return world.journals[self.setup.journals[number]]

    def _enter(self, world: World, number: int, journal: tuple[Record, ...]) -> World:
        journals = list(world.journals)
        journals[self.setup.journals[number]] = journal
        return world._replace(journals=tuple(journals))

    def _write(self, world: World, number: int, record: Record) -> World:
        return self._enter(world, number, put(self._journal(world, number), record))

    def _fly(self, world: World, number: int, key: Key, step: str) -> World:
        """Take a chunk to a step; "": the process is done with it."""
        process = world.processes[number]
        others = (flight for flight in process.flights if flight.key != key)
        flights = sorted((*others, Flight(key, step)) if step else others)
        return with_process(world, number, process._replace(flights=tuple(flights)))
