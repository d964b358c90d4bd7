"""What planning keeps for one pool, and the way of a batch through it: checked, shaped, recognised, put into chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import orjson

from toloka_upload.check.row import RowCheck
from toloka_upload.items.chunks import Chunker, Items, Limits, Size, size_fault
from toloka_upload.items.contents import whole_contents
from toloka_upload.items.suites import Suites
from toloka_upload.items.task_json import items, suite_tasks
from toloka_upload.outcomes import Status
from toloka_upload.planning.cost import Tally
from toloka_upload.planning.unplanned import Passed
from toloka_upload.rows.model import Batch, Fault, Kind, Row
from toloka_upload.sending.recovery import Doubtful
from toloka_upload.session.pool import PoolState

_TOO_DEEP = Fault("", "INVALID_JSON", "arrays and objects are nested deeper than 254 levels")


class Rejected(NamedTuple):
    """A row that is not sent, where it stands in its batch, and why."""

    position: int
    row: Row
    faults: Sequence[Fault]


class _Part(NamedTuple):
    """
    Rows ready to be numbered.

    Attributes:
        rows: Which of the batch they are.
        outers: What of them belongs to suites.
        faults: By row of the batch, of those that are rejected unless the pool has them: what it has was right once,
            whatever the project's spec says by now.
    """

    rows: Sequence[int]
    items: Items
    outers: Sequence[Mapping[str, bytes]]
    faults: Mapping[int, Sequence[Fault]]


@dataclass(slots=True)
class PoolPlan:
    """What planning keeps for each pool.

    Attributes:
        suites: Where rows are grouped into suites; None: each row travels on its own.
        overlap: `--overlap`.
        resend_unknown: Send rows again whose fate could not be settled.
        tally: What would be created, counted by its overlaps.
    """

    pool: PoolState
    chunker: Chunker
    passed: Passed
    check: RowCheck
    limits: Limits
    suites: Suites | None
    overlap: int | None
    resend_unknown: bool
    doubtful: list[Doubtful] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def take(self, batch: Batch, kind: Kind, name: str) -> list[Rejected]:
        """Plan a batch of the file `name`; return the rows that are rejected, in no order."""
        rejected = [
            Rejected(position, row, self.check.faults(row, kind, self.pool.spec))
            for position, row in batch.bad
        ]
        positions = batch.positions()
        parts: list[_Part] = []
        for rows, alike in batch.alike():
            bad = self._shape(rows, alike, kind, parts)
            rejected += [
                Rejected(positions[row], batch.row(row), faults) for row, faults in bad.items()
            ]
        if parts:
            part = _in_order(parts)
            places = [positions[row] for row in part.rows]
            groups = [batch.groups[row] for row in part.rows] if batch.groups else None
            rejected += self._add(part, places, groups, name)
        return rejected

    def _shape(
        self, rows: Sequence[int], batch: Batch, kind: Kind, parts: list[_Part]
    ) -> dict[int, Sequence[Fault]]:
        """Add those of rows with one signature to `parts` that are good or may be known; return the others' faults."""
        columns = {} if kind is Kind.FLAT else batch.columns()
        bad = self.check.bad_rows(batch, columns, kind, self.pool.spec)
        doubted = self._perhaps_known(batch, kind, bad)
        bad = {at: faults for at, faults in bad.items() if at not in doubted}
        if not bad:
            faults = {rows[at]: faults for at, faults in doubted.items()}
            try:
                if self.suites is None:
                    found = items(
                        batch, columns, kind, overlap=self.overlap, pool=self.pool.info.id
                    )
                    parts.append(_Part(rows, found, batch.outers, faults))
                else:
                    parts.append(_Part(rows, *suite_tasks(batch, columns, kind), faults))
                return {}
            except TypeError:  # what the JSON writer raises
                bad = {at: [_TOO_DEEP] for at, value in enumerate(batch.values) if _too_deep(value)}
                if not bad:
                    raise
        found_bad = {rows[at]: faults for at, faults in bad.items()}
        good = [at for at in range(len(rows)) if at not in bad]
        if good:
            found_bad |= self._shape([rows[at] for at in good], batch.select(good), kind, parts)
        return found_bad

    def _perhaps_known(
        self, batch: Batch, kind: Kind, bad: Mapping[int, Sequence[Fault]]
    ) -> dict[int, Sequence[Fault]]:
        """The bad rows that the pool may have all the same: those with which nothing but the spec finds fault."""
        if not bad or not self._knows_any:
            return {}
        return {
            at: faults
            for at, faults in bad.items()
            if not self.check.faults(batch.row(at), kind, None)
        }

    @property
    def _knows_any(self) -> bool:
        """Whether there are rows that need not be sent."""
        pool = self.pool
        return bool(pool.known.count or pool.unknown or self.doubtful or pool.adopted.count)

    def _add(
        self, part: _Part, positions: list[int], groups: list[int] | None, name: str
    ) -> list[Rejected]:
        """Number rows, leave out those that need not be sent, and add the rest to chunks; return the rejected."""
        rejected: list[Rejected] = []
        found, outers, rows = part.items, part.outers, part.rows
        if self.suites is None:
            fitting = self._fitting(found, positions, rejected)
            if len(fitting) < len(positions):
                found = found.select(fitting)
                rows, positions = [rows[at] for at in fitting], [positions[at] for at in fitting]
        found = found._replace(identities=self.pool.seen.identify(found.identities))
        if self._knows_any:
            new = self._new(found, name)
            if part.faults:
                rejected += [
                    Rejected(positions[at], _read(found, at), part.faults[rows[at]])
                    for at in new
                    if rows[at] in part.faults
                ]
                new = [at for at in new if rows[at] not in part.faults]
            found = found.select(new)
            outers = [outers[row] for row in new]
            groups = [groups[row] for row in new] if groups else None
            positions = [positions[row] for row in new]
        if self.suites is None:
            self.tally.add(found.texts, self.overlap)
            self.chunker.add(found, name)
        else:
            self.suites.add(found, outers, groups)
            rejected += self.take_suites(name, positions)
        return rejected

    def _fitting(
        self, found: Items, positions: list[int], rejected: list[Rejected]
    ) -> Sequence[int]:
        """The rows that a request can carry."""
        limits = self.limits
        if max(found.inputs) <= limits.input_bytes and max(found.outputs) <= limits.output_bytes:
            return range(len(positions))
        fitting = []
        for row, size in enumerate(map(Size, found.inputs, found.outputs)):
            fault = size_fault(size, limits)
            if fault is None:
                fitting.append(row)
            else:
                rejected.append(Rejected(positions[row], _read(found, row), [fault]))
        return fitting

    def _new(self, found: Items, name: str) -> list[int]:
        """The rows that are to be sent: those neither known, nor of open fate, nor part of a doubtful chunk."""
        places = self.pool.known.find(found.identities)
        if self.pool.adopted.count:
            self._find_adopted(found, places)
        self._pass(
            Status.ALREADY_UPLOADED,
            found,
            name,
            {row: place for row, place in enumerate(places) if place >= 0},
        )
        unknown: dict[int, int] = {}
        if self.pool.unknown and not self.resend_unknown:
            unknown = {
                row: self.pool.unknown[identity]
                for row, identity in enumerate(found.identities)
                if places[row] < 0 and identity in self.pool.unknown
            }
            self._pass(Status.UNKNOWN, found, name, unknown)
        return [
            row
            for row, place in enumerate(places)
            if place < 0 and row not in unknown and not self._taken(found, row, name)
        ]

    def _find_adopted(self, found: Items, places: list[int]) -> None:
        """Enter the places of rows that the pool has from elsewhere, each of them once."""
        whole = self.suites is None and self.chunker.kind == "task-suites"
        adopted = self.pool.adopted_suites if whole else self.pool.adopted
        unknown = [row for row, place in enumerate(places) if place < 0]
        texts, contents = (
            [found.texts[row] for row in unknown],
            [found.contents[row] for row in unknown],
        )
        taken = adopted.take(whole_contents(texts, contents))
        for row, place in zip(unknown, taken, strict=True):
            places[row] = place

    def _pass(self, status: Status, found: Items, name: str, places: Mapping[int, int]) -> None:
        if places:
            lines = [found.lines[row] for row in places]
            self.passed.know(status, name, lines, list(places.values()))

    def _taken(self, found: Items, row: int, name: str) -> bool:
        """Whether a row is part of a doubtful chunk."""
        return any(
            doubtful.take(
                found.identities[row], found.texts[row], found.raws[row], name, found.lines[row]
            )
            for doubtful in self.doubtful
        )

    # Suites from rows.

    def close_suite(self, name: str) -> list[Rejected]:
        """End the suite at hand: the file `name` is at its end."""
        if self.suites is None:
            return []
        self.suites.close()
        return self.take_suites(name, [0])

    def take_suites(self, name: str, positions: Sequence[int]) -> list[Rejected]:
        """Add the suites that are full to chunks; return the rows that are in none."""
        if self.suites is None:
            return []
        full, refused = self.suites.take()
        self.tally.add(full.texts, self.overlap)
        self.chunker.add(full, name)
        return [
            Rejected(positions[row.at], Row(row.line, row.raw, b"", {}), [row.fault])
            for row in refused
        ]


def _in_order(parts: Sequence[_Part]) -> _Part:
    """Several parts as one, in the order of the rows."""
    if len(parts) == 1:
        return parts[0]
    rows = [row for part in parts for row in part.rows]
    order = sorted(range(len(rows)), key=rows.__getitem__)
    columns = zip(*(part.items[:7] for part in parts), strict=True)
    joined: Any = [list(chain.from_iterable(column)) for column in columns]
    outers = [outer for part in parts for outer in part.outers]
    return _Part(
        [rows[row] for row in order],
        Items(*joined).select(order),
        [outers[row] for row in order],
        {row: faults for part in parts for row, faults in part.faults.items()},
    )


def _read(found: Items, at: int) -> Row:
    """The row of an item, as far as the rejects need it."""
    return Row(found.lines[at], found.raws[at], b"", {})


def _too_deep(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False
