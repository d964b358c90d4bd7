"""The API and the network of the model in `design.py`: what may happen to requests and operations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from design_world import OPEN, Item, Key, Operation, Request, World, get, name_of, put

Steps = Iterator[tuple[str, World]]


@dataclass(frozen=True, slots=True)
class Setup:
    """What there is to explore.

    Attributes:
        contents: The content of each row, a letter each.
        sizes: How many rows a chunk may have; a run chooses one.
        concurrency: How many chunks a process is busy with at once, but for those that an earlier one left.
        journals: The journal of each process: two of one, or of two machines.
        crashes: How many processes may die.
        failures: How many operations may fail.
        logs: What the logs of operations may be like.
        sync: Requests have no ids, and create at once.
        without: Rules that are left out.
    """

    contents: str = "xxy"
    sizes: tuple[int, ...] = (1, 2)
    journals: tuple[int, ...] = (0,)
    concurrency: int = 3
    crashes: int = 2
    failures: int = 1
    logs: tuple[str, ...] = ("full", "silent")
    sync: bool = False
    without: tuple[str, ...] = ()


class Api(ABC):
    """The steps that are not a process's own."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    @abstractmethod
    def answered(self, world: World, request: Request, ids: tuple[Item, ...]) -> World:
        """The sender has the answer; `ids` are what a synchronous request created."""

    @abstractmethod
    def unanswered(self, world: World, request: Request) -> World:
        """The sender waits no longer."""

    def outside(self, world: World) -> Steps:
        """All that may happen outside of the processes."""
        yield from self._server(world)
        yield from self._network(world)

    def _server(self, world: World) -> Steps:
        """Operations end."""
        for operation in world.operations:
            if operation.state != "running":
                continue
            size = len(operation.key.rows)
            ends = [("success", size)]
            if world.failures:
                ends += [("fail", count) for count in range(size)]
            for state, count in ends:
                made, ids = self.create(world, operation.key, count)
                for log in self.setup.logs:
                    ended = Operation(operation.key, state, log, ids)
                    name = f"{name_of(operation.key)} ends: {state}, {count} items, log {log}"
                    yield (
                        name,
                        made._replace(
                            operations=put(world.operations, ended),
                            failures=world.failures - (state == "fail"),
                        ),
                    )

    def create(self, world: World, key: Key, count: int) -> tuple[World, tuple[Item, ...]]:
        """Create the first items of a request; return what became of each."""
        start = sum(item.key == key for item in world.items)
        made = tuple(Item(key, start + number) for number in range(count))
        items = tuple(sorted((*world.items, *made)))
        return world._replace(items=items), made + (OPEN,) * (len(key.rows) - count)

    def content(self, item: Item) -> str:
        """What a listing shows of an item."""
        rows = item.key.rows
        return self.setup.contents[rows[item.number % len(rows)]]

    def _network(self, world: World) -> Steps:
        """Requests arrive, or not, in any order."""
        for number, request in enumerate(world.network):
            gone = world._replace(network=world.network[:number] + world.network[number + 1 :])
            name = f"the request {name_of(request.key)}"
            arrived, ids = self._arrive(gone, request)
            if request.sender >= 0:
                late = self.send(self.unanswered(gone, request), Request(request.key, -1))
                yield f"{name} is given up, and is still on its way", late
                yield f"{name} arrives, and is answered", self.answered(arrived, request, ids)
            else:
                yield f"{name} arrives late", arrived
                yield f"{name} never arrives", gone

    def _arrive(self, world: World, request: Request) -> tuple[World, tuple[Item, ...]]:
        if self.setup.sync:
            return self.create(world, request.key, len(request.key.rows))
        if get(world.operations, request.key) is None:
            operation = Operation(request.key, "running")
            late = Request(request.key, -1)
            world = world._replace(
                operations=put(world.operations, operation),
                network=tuple(one for one in world.network if one != late),
            )
        return world, ()

    def send(self, world: World, request: Request) -> World:
        """Put a request on its way. That it is there twice, or after its operation began, changes nothing."""
        found = (*world.network, request)
        if not self.setup.sync:
            found = tuple(
                one for one in set(found) if one.sender >= 0 or not get(world.operations, one.key)
            )
        return world._replace(network=tuple(sorted(found)))
