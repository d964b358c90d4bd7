"""What a run would do, worked out without doing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from toloka_upload.chunks import Chunk, Item
from toloka_upload.lane import Lane
from toloka_upload.policies.rate import Window
from toloka_upload.rows.model import Kind, Row

_POOL_FULL = 1_000_000
"""Most tasks in a pool (requester guide)."""
_SHOWN = 2000


class DryRun:
    """Collects what planning tells, and sums it up.

    Attributes:
        chunks: What would have been sent: (items, rows, bytes).
    """

    def __init__(self) -> None:
        self.chunks: list[tuple[int, int, int]] = []
        self._kinds = {"general": 0, "control": 0, "training": 0}
        self._general_pools: set[str] = set()
        self._first: bytes | None = None
        self._last: bytes | None = None

    def take(self, lane: Lane, chunk: Chunk) -> None:
        """Take note of a chunk in place of queueing it."""
        body = chunk.body(marked=False)
        self.chunks.append((chunk.items, chunk.rows, len(body)))
        del lane

    def watch(self, row: Row, kind: Kind, item: Item) -> None:
        """Take note of an item."""
        self._first = self._first or item.text
        self._last = item.text
        value = row.value if kind is Kind.TASK else {}
        if not value.get("known_solutions"):
            self._kinds["general"] += 1
        elif value.get("message_on_unknown_solution"):
            self._kinds["training"] += 1
        else:
            self._kinds["control"] += 1

    def plan(
        self, windows: Sequence[Window], lanes: Iterable[Lane], now: datetime
    ) -> dict[str, Any]:
        """The plan, for the report."""
        items = sum(chunk[0] for chunk in self.chunks)
        return {
            "rows": dict(self._kinds),
            "chunks": len(self.chunks),
            "requests": len(self.chunks),
            "items": items,
            "bytes": sum(chunk[2] for chunk in self.chunks),
            "seconds": _seconds(items, windows),
            "first": _shown(self._first),
            "last": _shown(self._last),
            "warnings": [
                warning
                for lane in lanes
                for warning in pool_warnings(lane, self._kinds["general"], items, now)
            ],
        }


def pool_warnings(lane: Lane, general: int, items: int, now: datetime) -> list[str]:
    """What a requester should know about a pool before sending anything to it."""
    pool, details = lane.pool, lane.pool.details
    found = []
    if pool.status == "CLOSED":
        found.append(
            f"pool {pool.id} is closed: workers see the tasks once it is opened (--open-pool)"
        )
    expires = _time(details.get("will_expire"))
    if expires is not None and expires < now:
        found.append(
            f"pool {pool.id} expired on {expires:%Y-%m-%d}: it cannot be opened until that is changed"
        )
    if details.get("reward_per_assignment") == 0 and general:
        found.append(
            f"pool {pool.id} pays nothing, and takes control and training tasks only: "
            f"{general} of these rows are general tasks"
        )
    if items + lane.known.count > 0.95 * _POOL_FULL:
        found.append(
            f"pool {pool.id} would have {items + lane.known.count:,} tasks from here; a pool holds at most "
            f"{_POOL_FULL:,}"
        )
    return found


def _seconds(items: int, windows: Sequence[Window]) -> float:
    """How long the limits alone make it take: a window lets its number through at once, then again after its time."""
    return max(
        (((items - 1) // window.items) * window.seconds for window in windows if items), default=0.0
    )


def _shown(text: bytes | None) -> str | None:
    if text is None:
        return None
    whole = (text + b"}").decode("utf-8", "replace")
    return whole if len(whole) <= _SHOWN else whole[:_SHOWN] + "…"


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
