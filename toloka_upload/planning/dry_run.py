"""What a run would do, worked out without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toloka_upload.items.chunks import Chunk
from toloka_upload.outcomes import Block, Status
from toloka_upload.planning.cost import KINDS, Tally
from toloka_upload.planning.forecast import least_seconds
from toloka_upload.policies.rate import Window
from toloka_upload.report.recorder import Recorder
from toloka_upload.session.pool import PoolState

_SHOWN = 2000


class DryRun:
    """Collects the chunks that would be sent, and sums them up.

    Args:
        recorder: Where every planned row is entered, as unsent.
        marked: Whether items would carry their markers (asynchronous mode).
    """

    def __init__(self, recorder: Recorder, *, marked: bool) -> None:
        self._recorder = recorder
        self._marked = marked
        self._chunks = self._items = self._bytes = 0
        self._first: dict[str, Any] | None = None
        self._last: dict[str, Any] | None = None

    def take(self, pool: PoolState, chunk: Chunk) -> None:
        """Take note of a chunk in place of queueing it."""
        self._chunks += 1
        self._items += chunk.items
        self._bytes += len(chunk.body(marked=self._marked))
        self._first = self._first or _sample(chunk, 0)
        self._last = _sample(chunk, chunk.items - 1)
        unsent = bytes([Status.UNSENT]) * chunk.rows
        self._recorder.enter(Block(chunk.places, unsent, pool.info.id, chunk.kind))

    def plan(
        self, pools: Sequence[tuple[PoolState, Tally]], windows: Sequence[Window]
    ) -> dict[str, Any]:
        """The plan, for the report: its `rows` are tasks by kind, its `bytes` those of all requests together."""
        return {
            "rows": {name: sum(tally.kinds[name] for _, tally in pools) for name in KINDS},
            "suites": sum(tally.suites.total() for _, tally in pools),
            "chunks": self._chunks,
            "requests": self._chunks,
            "items": self._items,
            "bytes": self._bytes,
            "seconds": least_seconds(self._items, windows),
            "first": self._first,
            "last": self._last,
        }


def _sample(chunk: Chunk, item: int) -> dict[str, Any]:
    """One item as it would be sent, and where its first row stands."""
    file, line = chunk.places.at(next(chunk.rows_of(range(item, item + 1))))
    sent = (chunk.texts[item] + b"}").decode("utf-8", "replace")
    return {
        "file": file,
        "line": line,
        "sent": sent if len(sent) <= _SHOWN else sent[:_SHOWN] + "…",
    }
