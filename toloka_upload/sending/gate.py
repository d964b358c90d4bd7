"""The one gate through which requests that create something leave.

Three things are shared that a request could hold while it waits for another: a place among the few requests under way,
the items that the account's limits allow (and the one try that may go alone after a refusal), and the turn to ask a
service that was failing. They are taken in one step, by whoever is first in line once all of them can be had, and
inside of the gate there is one request and nothing else to wait for. So nobody waits for what a waiter holds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from toloka_upload.policies.rate import Wait
from toloka_upload.session.loop import until
from toloka_upload.session.pool import PoolState
from toloka_upload.session.retry_state import RetryState
from toloka_upload.session.session import Session

MOST_POSTS = 3
"""Requests with a body under way at once, over all pools. Each takes some 5 MB while it is sent, and more of them would
only share the same line."""


@dataclass(eq=False, slots=True)
class Departure:
    """A request that leaves.

    Attributes:
        again: It left before, and may have arrived.
        counts: Whether its items count at the API: off, if it certainly had no effect.
    """

    pool: PoolState
    items: int
    again: bool = False
    counts: bool = True

    @property
    def held(self) -> bool:
        """Whether a look into the pool's listing keeps it from leaving. One that waits may wait for just this one."""
        arrivals = self.pool.arrivals
        return arrivals.looking if self.again else arrivals.asked


class Gate:
    """Lets requests leave, first come, first served."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._line: list[Departure] = []
        self._under_way = 0

    @asynccontextmanager
    async def leave(
        self, pool: PoolState, items: int, retry_state: RetryState, *, again: bool
    ) -> AsyncIterator[Departure]:
        """
        Wait until a request with so many items may leave, and hold what it needs while the block runs.

        Args:
            again: It left before, and may have arrived.

        Raises:
            UploadError: The run stops, the service has been failing for too long, or the day's limit is used up.
        """
        departure = Departure(pool, items, again)
        self._line.append(departure)
        try:
            ticket = await self._take_all(departure)
        finally:
            self._line.remove(departure)
        self._session.departing(retry_state)
        self._under_way += 1
        try:
            yield departure
        finally:
            self._under_way -= 1
            rate = self._session.rate
            (rate.confirm if departure.counts else rate.give_back)(ticket)

    async def _take_all(self, departure: Departure) -> int:
        """Wait, holding nothing, until all can be had in one step; return the rate limit's ticket."""
        session, rate = self._session, self._session.rate
        while True:
            await until(lambda: session.stopping is not None or self._is_next(departure))
            session.raise_if_stopping()
            if await session.serviceable() or not self._is_next(departure):
                continue  # others moved meanwhile
            granted = rate.take(departure.items)
            if not isinstance(granted, Wait):
                return granted.ticket
            await session.wait_for_room(granted)

    def _is_next(self, departure: Departure) -> bool:
        if self._under_way >= MOST_POSTS or self._session.rate.trying:
            return False
        return next((one for one in self._line if not one.held), None) is departure
