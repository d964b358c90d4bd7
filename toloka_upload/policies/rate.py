"""How many items may leave in a stretch of time, counted over all processes of one account.

A sliding log: one row for each request, with its items and the latest instant at which the server may have
counted it. Unlike a token bucket it never lets more than a window's items through in any stretch of the
window's length, and the wait until there is room falls out of it exactly.
"""

from __future__ import annotations

import math
import os
import re
import sqlite3
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toloka_upload.errors import CannotWrite
from toloka_upload.policies.durations import UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_KEPT = 7 * 86_400
"""Seconds after which an entry is of no use to any process: longer than any window a user is likely to set."""
_BUSY = 10.0
"""Seconds to wait for another process's transaction, which takes a millisecond unless the disk is ailing."""
_LONGEST_REQUEST = 900.0
"""Seconds for which another process's request may be in flight: no request gets longer, so its process is another one
that has got the same number."""
_SOON = 0.001
"""The shortest wait: clocks in floating point cannot tell shorter ones from none."""
RENEW = 30.0
"""Seconds after which whoever waits should ask again, however long the wait: it shows that it still waits."""
_GONE = 10.0
"""Seconds by which a process that waits may be late before its place is given away."""
_LATE = 0.1
"""Seconds after which to ask again while it is late."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `items` items in any stretch of `seconds`. `name` stands before "limit" in messages: "minute", "4 s"."""

    items: int
    seconds: float
    name: str

    def __post_init__(self) -> None:
        if self.items < 1 or self.seconds <= 0:
            raise ValueError(f"{self.name} limit: at least 1 item in more than 0 seconds is needed")


@dataclass(frozen=True, slots=True)
class Taken:
    """The items may leave now. `ticket` must be confirmed or given back when the request has ended."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing was taken; ask again in `seconds`. `window` is full, or None: the server asked for a pause.

    Infinite seconds: until `RateLimit.trying` is over.
    """

    seconds: float
    window: Window | None


class RateLimit:
    """Says whether a request with so many items may leave now, and if not, when.

    The log is a small SQLite file that several processes write; `key` (endpoint and a hash of the account) keeps
    the accounts in it apart. Of a process that was killed, what it took stays counted.

    A request in flight has not begun to age: the server may count it as late as it answers. So entries that are
    neither confirmed nor given back stand at "now", while the process lives that made them; this is what avoids every
    429 when the limit here equals the server's.

    Who waits keeps its place: a process that asks later is granted only what is left besides. So one whose requests
    need a whole window is not starved by others with small ones.

    Args:
        path: The file; its folder must exist. None: in memory, for this object alone.
        key: Whose items these are.
        windows: All of them hold at once.
        clock: Wall-clock seconds, as other processes see them too. If it jumps back, entries from the future count
            as made now: the limit then holds, at the price of up to one window's wait.

    To be used on the thread that made it.

    Raises:
        CannotWrite: The file cannot be created, read or written, or is locked for 10 s. From every method.
    """

    def __init__(
        self,
        path: Path | None,
        key: str,
        windows: Sequence[Window],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._key = key
        self._windows = tuple(windows)
        self._clock = clock
        self._in_flight: set[int] = set()
        self._pause: tuple[float, float] | None = None
        self._probe: int | None = None
        self._probing = False
        self._place: int | None = None  # in the line of those who wait for room
        with self._explained():
            self._log = _open(path)
        longest = max((window.seconds for window in self._windows), default=0.0)
        self._write("DELETE FROM sent WHERE at <= ?", (clock() - max(longest, _KEPT),))

    @property
    def trying(self) -> bool:
        """Whether a single request is on its way to find out whether the server takes items again."""
        return self._probe in self._in_flight

    def take(self, items: int) -> Taken | Wait:
        """Take room for `items`, or tell the exact time until there can be.

        After a pause (see `pause`) one request goes alone, and the others only when it was confirmed. A request with
        more than a window holds, which an earlier run with other limits left, leaves once the window is empty.

        Raises:
            ValueError: `items` is less than 1.
        """
        if items < 1:
            raise ValueError(f"{items} items are no request")
        now = self._clock()
        if (paused := self._paused(now)) > 0:
            return Wait(paused, None)
        if self.trying:
            return Wait(math.inf, None)
        with self._transaction():
            self._bring_up_to(now)
            ahead, back_in = self._ahead(now)
            waits = [self._wait_for(window, items, ahead, now) for window in self._windows]
            longest = max(waits, key=lambda wait: wait.seconds, default=Wait(0.0, None))
            if longest.seconds > 0:
                seconds = max(longest.seconds, back_in)
                self._line_up(items, now + min(seconds, RENEW))
                return Wait(seconds, longest.window)
            self._leave_line()
            ticket = self._log.execute(
                "INSERT INTO sent (key, at, items) VALUES (?, ?, ?)", (self._key, now, items)
            ).lastrowid
            assert ticket is not None  # noqa: S101  (an INSERT always has one)
            self._log.execute(
                "INSERT OR REPLACE INTO in_flight (id, key, process, since) VALUES (?, ?, ?, ?)",
                (ticket, self._key, os.getpid(), now),
            )
        self._in_flight.add(ticket)
        self._probe = ticket if self._probing else None
        return Taken(ticket)

    def confirm(self, ticket: int) -> None:
        """The request was answered, or nobody knows what became of it: its items count, from now on they age."""
        if ticket == self._probe:
            self._probing = False
        self._landed(ticket, "UPDATE sent SET at = ?2 WHERE id = ?1", self._clock())

    def give_back(self, ticket: int) -> None:
        """The request certainly created nothing (it never left, or was refused before work): its items are free."""
        self._landed(ticket, "DELETE FROM sent WHERE id = ?1")

    def _landed(self, ticket: int, statement: str, *values: float) -> None:
        """A request has ended."""
        self._in_flight.discard(ticket)
        with self._transaction():
            self._log.execute(statement, (ticket, *values))
            self._log.execute("DELETE FROM in_flight WHERE id = ?", (ticket,))

    def pause(self, seconds: float) -> None:
        """The server refused for its rate although there was room here: nobody takes anything for `seconds`.

        Its limit may be lower than ours, or others may use the account. Which of the two, and how much room there
        will be, cannot be known, so nothing is concluded for later: the pause is kept, one request then tries
        alone, and a new refusal costs one more pause. Several refusals of one moment make one pause: the latest end
        holds. Other processes learn it from a refusal of their own.
        """
        now = self._clock()
        if seconds > self._paused(now):
            self._pause = (now, seconds)
        self._probe, self._probing = None, True

    def used(self, window: Window) -> int:
        """Items that count in `window` now."""
        now = self._clock()
        with self._transaction():
            self._bring_up_to(now)
            return self._count(now - window.seconds)

    def close(self) -> None:
        """Close the file. What was taken stays counted."""
        with suppress(sqlite3.Error):  # else it loses its place in time
            self._leave_line()
            tickets = [(ticket,) for ticket in self._in_flight]
            self._log.executemany("DELETE FROM in_flight WHERE id = ?", tickets)
        self._log.close()

    def _paused(self, now: float) -> float:
        """Seconds of the pause that are left; a clock that jumps back does not make it longer than it was."""
        if self._pause is None:
            return 0.0
        since, seconds = self._pause
        if now < since:
            self._pause = (now, seconds)
            return seconds
        return max(0.0, since + seconds - now)

    def _bring_up_to(self, now: float) -> None:
        """Let requests in flight, and entries from the future, stand at now."""
        self._log.execute("UPDATE sent SET at = ?1 WHERE key = ?2 AND at > ?1", (now, self._key))
        tickets = self._in_flight | self._in_flight_elsewhere(now)
        self._log.executemany(
            "UPDATE sent SET at = ? WHERE id = ?", [(now, ticket) for ticket in tickets]
        )

    def _in_flight_elsewhere(self, now: float) -> set[int]:
        """The tickets of others' requests in flight; those of processes that are gone age from their last moment."""
        found = self._log.execute(
            "SELECT id, process, since FROM in_flight WHERE key = ?", (self._key,)
        ).fetchall()
        return {
            ticket
            for ticket, process, since in found
            if abs(now - since) < _LONGEST_REQUEST and _lives(process)
        }

    def _wait_for(self, window: Window, items: int, ahead: int, now: float) -> Wait:
        """The wait until enough entries have left `window` for `items` to fit, and what others wait for besides."""
        needed = min(items, window.items) + ahead
        excess = self._count(now - window.seconds) + needed - window.items
        if excess <= 0:
            return Wait(0.0, window)
        wait = 0.0
        for at, leaving in self._log.execute(
            "SELECT at, items FROM sent WHERE key = ? AND at > ? ORDER BY at",
            (self._key, now - window.seconds),
        ):
            wait = at + window.seconds - now
            excess -= leaving
            if excess <= 0:
                break
        return Wait(max(wait, _SOON), window)

    def _ahead(self, now: float) -> tuple[int, float]:
        """The items for which others wait who asked before us, and the seconds until the first of them asks again."""
        self._log.execute(
            "DELETE FROM waiting WHERE key = ? AND (asks < ? OR asks > ?)",
            (self._key, now - _GONE, now + RENEW + _GONE),
        )
        items, asks = self._log.execute(
            "SELECT COALESCE(SUM(items), 0), MIN(asks) FROM waiting WHERE key = ?1 AND (?2 IS NULL OR id < ?2)",
            (self._key, self._place),
        ).fetchone()
        return int(items), 0.0 if asks is None else max(asks - now, _LATE)

    def _line_up(self, items: int, asks: float) -> None:
        """Keep our place in the line of those who wait, or take the last one."""
        self._place = self._log.execute(
            "INSERT OR REPLACE INTO waiting (id, key, items, asks) VALUES (?, ?, ?, ?)",
            (self._place, self._key, items, asks),
        ).lastrowid

    def _leave_line(self) -> None:
        if self._place is not None:
            self._log.execute("DELETE FROM waiting WHERE id = ?", (self._place,))
            self._place = None

    def _count(self, after: float) -> int:
        (items,) = self._log.execute(
            "SELECT COALESCE(SUM(items), 0) FROM sent WHERE key = ? AND at > ?", (self._key, after)
        ).fetchone()
        return int(items)

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        with self._explained():
            self._log.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._log.execute("BEGIN IMMEDIATE")
            with self._log:  # commits, or rolls back if anything was raised
                yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise CannotWrite(
                f"{self._path}: the log of what was sent lately cannot be used: {error}; make its folder"
                " writable, or remove the file if it is damaged (it only serves to keep the rate limits)"
            ) from error


def _lives(process: int) -> bool:
    """Whether there is such a process on this machine (of another container: no)."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _open(path: Path | None) -> sqlite3.Connection:
    """Open the log in rollback mode, which several writing processes may share, and make it private."""
    if path is not None:
        path.touch(mode=0o600)
    log = sqlite3.connect(path or ":memory:", timeout=_BUSY, isolation_level=None)
    try:
        # Less would save a millisecond a chunk, and a power cut could leave a file that cannot be read.
        log.execute("PRAGMA synchronous = FULL")
        log.execute(
            "CREATE TABLE IF NOT EXISTS sent"
            " (id INTEGER PRIMARY KEY, key TEXT NOT NULL, at REAL NOT NULL, items INTEGER NOT NULL)"
        )
        log.execute("CREATE INDEX IF NOT EXISTS sent_by_time ON sent (key, at, items)")
        log.execute(
            "CREATE TABLE IF NOT EXISTS in_flight"
            " (id INTEGER PRIMARY KEY, key TEXT NOT NULL, process INTEGER NOT NULL, since REAL NOT NULL)"
        )
        log.execute(
            "CREATE TABLE IF NOT EXISTS waiting"
            " (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, items INTEGER NOT NULL, asks REAL NOT NULL)"
        )
    except sqlite3.Error:
        log.close()
        raise
    return log


_RATE = re.compile(
    r"(?P<items>\d+)(?:\s*/\s*(?P<times>\d+(?:\.\d+)?)?\s*(?P<unit>[a-z]+))?", re.ASCII
)
_NAMES: dict[float, str] = {1: "second", 60: "minute", 3_600: "hour", 86_400: "day"}


def parse_rate(text: str) -> Window:
    """Read `100000/min`, `250/s`, `1000/4s` or `5000/h` as a window; a plain number is per minute.

    Digits may be grouped: `100_000/min`.

    Raises:
        ValueError: It is none of these, or zero. The text says what would be.
    """
    match = _RATE.fullmatch(text.strip().lower().replace("_", ""))
    unit = match and (match["unit"] or "min")
    if match is None or unit not in UNITS:
        raise ValueError(
            f"{text!r} is not a rate: write items per time, like 100000/min, 250/s, 1000/4s or 5000/h"
        )
    seconds = float(match["times"] or 1) * UNITS[unit]
    if int(match["items"]) == 0 or seconds == 0:
        raise ValueError(f"{text!r} is not a rate: nothing would ever be sent")
    return Window(int(match["items"]), seconds, _NAMES.get(seconds, f"{seconds:g} s"))
