"""What the model in `design.py` is made of: all of it values, so that equal worlds are one state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

Rows = tuple[int, ...]


class Key(NamedTuple):
    """An operation's id. `salt` is 0 where it is derived."""

    rows: Rows
    attempt: int
    salt: int = 0


class Item(NamedTuple):
    """An item in the pool: which request created it, and its number among those."""

    key: Key
    number: int

    @property
    def is_there(self) -> bool:
        """Whether it is an item at all."""
        return bool(self.key.rows)


OPEN, FREE = Item(Key((), 0), -1), Item(Key((), 0), -2)
"""In place of an item: not known yet; proven not to have been created by this request."""


class Record(NamedTuple):
    """A chunk in the journal. `state` is `sending`, `accepted`, `settled`, `unsettled`; `unwritten`: in memory only."""

    key: Key
    state: str
    ids: tuple[Item, ...]


class Operation(NamedTuple):
    """The API's. `log` is `full` (which items, and no others) or `silent`, once it ended."""

    key: Key
    state: str
    log: str = ""
    ids: tuple[Item, ...] = ()


class Request(NamedTuple):
    """On its way. `sender` waits for the answer; -1: nobody does any more."""

    key: Key
    sender: int


class Flight(NamedTuple):
    """A chunk that a process is busy with.

    `step`: `ready` (to leave for the first time), `again` (to leave once more), `waiting` (for the answer), `asking`
    (for the operation), `following` (it), `looking`, `doubtful`.
    """

    key: Key
    step: str


class Process(NamedTuple):
    """`mode` is `off`, `recovering`, `sending`."""

    mode: str = "off"
    queue: tuple[Rows, ...] = ()
    flights: tuple[Flight, ...] = ()


class World(NamedTuple):
    """All there is. `items` are in the pool; journals are by their number."""

    processes: tuple[Process, ...]
    journals: tuple[tuple[Record, ...], ...]
    items: tuple[Item, ...] = ()
    operations: tuple[Operation, ...] = ()
    network: tuple[Request, ...] = ()
    crashes: int = 0
    failures: int = 0
    salts: int = 0
    broken: str = ""


Keyed = TypeVar("Keyed", Record, Operation)


def get(found: Iterable[Keyed], key: Key) -> Keyed | None:
    """The one of a key."""
    return next((one for one in found if one.key == key), None)


def put(found: Iterable[Keyed], new: Keyed) -> tuple[Keyed, ...]:
    """With one more, or another one in place of that of its key."""
    return tuple(sorted((*(one for one in found if one.key != new.key), new)))


def with_process(world: World, number: int, process: Process) -> World:
    """The same world, but for a process."""
    processes = list(world.processes)
    processes[number] = process
    return world._replace(processes=tuple(processes))


def name_of(key: Key) -> str:
    """A chunk as one speaks of it."""
    return f"chunk {'+'.join(map(str, key.rows))}" + f", attempt {key.attempt + 1}" * bool(
        key.attempt
    )
