"""Rows that end while planning, because they are known or rejected: entered by the block."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from toloka_upload.errors import CannotWrite
from toloka_upload.outcomes import Block, Places, Status
from toloka_upload.report.recorder import Recorder
from toloka_upload.rows.model import Fault, Row
from toloka_upload.session.pool import PoolState

_BLOCK = 1000
"""Rejected rows are entered in blocks of so many."""
_KNOWN_BLOCK = 10_000
"""The same for rows that are known: each block is a durable write."""


@dataclass(slots=True)
class _Waiting:
    """Rows of one status, until there are enough for a block."""

    places: Places = field(default_factory=Places)
    refs: array[int] = field(default_factory=lambda: array("q"))
    faults: dict[int, list[Fault]] = field(default_factory=dict)


class Passed:
    """Those of one pool."""

    def __init__(self, recorder: Recorder, pool: PoolState, run_id: str) -> None:
        self._recorder = recorder
        self._pool = pool
        self._run = run_id
        self._waiting: dict[Status, _Waiting] = {}

    def statuses(self) -> list[Status]:
        """Of which there are rows that wait for their block to fill."""
        return list(self._waiting)

    def count(self, status: Status) -> int:
        """How many such rows wait."""
        return len(self._waiting[status].places) if status in self._waiting else 0

    def know(self, status: Status, name: str, lines: list[int], refs: list[int]) -> None:
        """Take note of rows that need not be sent; `refs` are their places in the journal."""
        waiting = self._waiting.setdefault(status, _Waiting())
        waiting.places.extend(name, lines)
        waiting.refs.extend(refs)
        if len(waiting.refs) >= _KNOWN_BLOCK:
            self.flush(status)

    def reject(self, name: str, row: Row, faults: Sequence[Fault]) -> None:
        """Take note of a row that is not sent for what is wrong with it."""
        waiting = self._waiting.setdefault(Status.REJECTED, _Waiting())
        waiting.faults[len(waiting.places)] = list(faults)
        waiting.places.add(name, row.line)
        self._recorder.reject(name, row.line, row.raw, faults)
        if len(waiting.places) >= _BLOCK:
            self.flush(Status.REJECTED)

    def flush(self, status: Status) -> None:
        """Enter the rows that wait, and note them in the journal of a run that has one.

        Raises:
            CannotWrite: The journal cannot be used. The rows are entered: as unsent, where it alone could tell more.
        """
        rows, pool = self._waiting.pop(status), self._pool
        statuses = bytes([status]) * len(rows.places)
        block = Block(rows.places, statuses, pool.info.id, "", faults=rows.faults)
        blocks = [block]
        try:
            if pool.journal is not None:
                pool.journal.passed(self._run, block, places=rows.refs or None)
                if rows.refs:
                    blocks = list(pool.journal.look_up(rows.places, statuses, rows.refs))
        except CannotWrite:
            if rows.refs:
                block.statuses = bytes([Status.UNSENT]) * len(rows.places)
            raise
        finally:
            for part in blocks:
                self._recorder.enter(part)
