"""What a run would do, worked out without doing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from toloka_upload.items.chunks import Chunk
from toloka_upload.outcomes import Block, Status
from toloka_upload.policies.rate import Window
from toloka_upload.report.recorder import Recorder
from toloka_upload.session.pool import PoolState

_POOL_FULL = 1_000_000
"""Most tasks in a pool (requester guide)."""
_SHOWN = 2000


class DryRun:
    """Collects the chunks that would be sent, and sums them up.

    Args:
        recorder: Where every planned row is entered, as unsent.
        marked: Whether items would carry their markers (asynchronous mode).
    """

    def __init__(self, recorder: Recorder, *, marked: bool) -> None:
        self._books = recorder
        self._marked = marked
        self._chunks = self._items = self._suites = self._bytes = 0
        self._kinds = {"general": 0, "control": 0, "training": 0}
        self._first: dict[str, Any] | None = None
        self._last: dict[str, Any] | None = None

    def take(self, pool: PoolState, chunk: Chunk) -> None:
        """Take note of a chunk in place of queueing it."""
        self._chunks += 1
        self._items += chunk.items
        self._bytes += len(chunk.body(marked=self._marked))
        for text in chunk.texts:
            self._note(orjson.loads(text + b"}"))
        self._first = self._first or _sample(chunk, 0)
        self._last = _sample(chunk, chunk.items - 1)
        unsent = bytes([Status.UNSENT]) * chunk.rows
        self._books.enter(Block(chunk.places, unsent, pool.info.id, chunk.kind))

    def _note(self, item: dict[str, Any]) -> None:
        tasks = item.get("tasks")
        if tasks is not None:
            self._suites += 1
        for task in [item] if tasks is None else tasks:
            if not task.get("known_solutions"):
                self._kinds["general"] += 1
            elif task.get("message_on_unknown_solution"):
                self._kinds["training"] += 1
            else:
                self._kinds["control"] += 1

    def plan(
        self, windows: Sequence[Window], pools: Iterable[PoolState], now: datetime
    ) -> dict[str, Any]:
        """The plan, for the report: its `rows` are tasks by kind, its `bytes` those of all requests together."""
        return {
            "rows": dict(self._kinds),
            "suites": self._suites,
            "chunks": self._chunks,
            "requests": self._chunks,
            "items": self._items,
            "bytes": self._bytes,
            "seconds": _seconds(self._items, windows),
            "first": self._first,
            "last": self._last,
            "warnings": [
                warning
                for pool in pools
                for warning in pool_warnings(pool, self._kinds["general"], self._items, now)
            ],
        }


def pool_warnings(pool: PoolState, general: int, items: int, now: datetime) -> list[str]:
    """What a requester should know about a pool before sending anything to it."""
    info, details = pool.info, pool.info.details
    found = []
    if info.status == "CLOSED":
        found.append(
            f"pool {info.id} is closed: workers see the tasks once it is opened (--open-pool)"
        )
    expires = _time(details.get("will_expire"))
    if expires is not None and expires < now:
        found.append(
            f"pool {info.id} expired on {expires:%Y-%m-%d}: it cannot be opened until that is changed"
        )
    if details.get("reward_per_assignment") == 0 and general:
        found.append(
            f"pool {info.id} pays nothing, and takes control and training tasks only: "
            f"{general} of these rows are general tasks"
        )
    if items + pool.known.count > 0.95 * _POOL_FULL:
        found.append(
            f"pool {info.id} would have {items + pool.known.count:,} tasks from here; a pool holds at most "
            f"{_POOL_FULL:,}"
        )
    return found


def _seconds(items: int, windows: Sequence[Window]) -> float:
    """How long the limits alone make it take: a window lets its number through at once, then again after its time."""
    return max(
        (((items - 1) // window.items) * window.seconds for window in windows if items), default=0.0
    )


def _sample(chunk: Chunk, item: int) -> dict[str, Any]:
    """One item as it would be sent, and where its first row stands."""
    file, line = chunk.places.at(next(chunk.rows_of(range(item, item + 1))))
    sent = (chunk.texts[item] + b"}").decode("utf-8", "replace")
    return {
        "file": file,
        "line": line,
        "sent": sent if len(sent) <= _SHOWN else sent[:_SHOWN] + "…",
    }


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
