"""What may still arrive in a pool, and who looks for it, so that no look takes one request's items for another's.

A listing does not say which request created an item. So a look claims only what no other request can have made: it
waits until every request with an equal row has ended (its log or its answer names its items), or is itself looked for:
which of two that look gets which of two equal items makes no difference. But those that are certain to have created
something come first: who cannot know how many of its items there are takes what the others leave.

A look that waits holds nothing: requests that left before go again if they must. New ones wait until it is over, and
while it is on nothing leaves at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from toloka_upload.items.identity import WIDTH


@dataclass(eq=False, slots=True)
class Arrival:
    """A request that may create something, or may have created what nobody has named yet.

    Attributes:
        contents: Digests of its items as a listing shows them, packed.
        left_at: When the last of it left at the latest, by the loop's clock.
        look: The look for it that is on, or waits to begin.
        given_up: What it creates is not found out in this run.
        over: What it created is known.
    """

    contents: bytes
    left_at: float
    look: Look | None = None
    given_up: bool = False
    over: bool = False

    def has(self, wanted: set[bytes]) -> bool:
        """Whether one of its items is equal to one that is wanted."""
        return not wanted.isdisjoint(split(self.contents))


@dataclass(eq=False, slots=True)
class Look:
    """A look into the listing, asked for.

    Attributes:
        certain: Some of what it looks for must be there.
        begun: It is on: nothing may leave.
        unclear: Contents that requests have which this run gave up: nobody knows whose those items are.
    """

    _others: Sequence[Arrival]
    certain: bool
    begun: bool = False
    unclear: set[bytes] = field(default_factory=set)

    def may_begin(self) -> bool:
        """Whether no other request can make, or will name, what is looked for."""
        return not any(map(self._must_wait_for, self._others))

    def _must_wait_for(self, other: Arrival) -> bool:
        if other.over or other.given_up:
            return False
        return other.look is None or (other.look.certain and not self.certain)

    def begin(self) -> None:
        """From now on nothing leaves."""
        self.begun = True
        for one in self._others:
            if one.given_up and not one.over:
                self.unclear.update(split(one.contents))


class Arrivals:
    """The requests of a pool that may still arrive, by their number in the journal, and the looks for them."""

    def __init__(self) -> None:
        self._open: dict[int, Arrival] = {}
        self._looks: list[Look] = []

    def __contains__(self, number: int) -> bool:
        return number in self._open

    @property
    def asked(self) -> bool:
        """Whether a look is on or waits to begin: no new request may leave."""
        return bool(self._looks)

    @property
    def looking(self) -> bool:
        """Whether a look is on: no request may leave."""
        return any(look.begun for look in self._looks)

    def expect(self, number: int, contents: bytes, left_at: float) -> None:
        """A request leaves for the first time or again, or its answer was lost."""
        arrival = self._open.setdefault(number, Arrival(contents, left_at))
        arrival.left_at = left_at

    def rename(self, number: int, new: int) -> None:
        """The same request has another record now."""
        if arrival := self._open.pop(number, None):
            self._open[new] = arrival

    def over(self, number: int) -> None:
        """What the request created is known, or that it had no effect."""
        if arrival := self._open.pop(number, None):
            arrival.over = True

    def give_up(self, number: int) -> None:
        """What the request creates is not found out in this run."""
        if arrival := self._open.get(number):
            arrival.given_up = True

    def left_at(self, number: int) -> float | None:
        """When the last of a request left at the latest, by the loop's clock."""
        arrival = self._open.get(number)
        return arrival.left_at if arrival else None

    @contextmanager
    def look(
        self, numbers: set[int], wanted: set[bytes], *, certain: bool = False
    ) -> Iterator[Look]:
        """Ask for a look for the items of these requests that are `wanted`, by content."""
        own = [arrival for number, arrival in self._open.items() if number in numbers]
        others = [
            arrival
            for number, arrival in self._open.items()
            if number not in numbers and arrival.has(wanted)
        ]
        look = Look(others, certain)
        self._looks.append(look)
        for arrival in own:
            arrival.look = look
        try:
            yield look
        finally:
            self._looks.remove(look)
            for arrival in own:
                arrival.look = None


def split(packed: bytes) -> Iterator[bytes]:
    """Packed digests, one by one."""
    return (packed[at : at + WIDTH] for at in range(0, len(packed), WIDTH))
