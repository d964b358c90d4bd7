"""The work of an operation that creates items: what it creates, how it ends, and what its log says."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from toloka_upload.emulator import batch
from toloka_upload.emulator.ids import ObjectIds
from toloka_upload.emulator.items import Item, parse_body
from toloka_upload.emulator.judge import Judge, Verdict
from toloka_upload.emulator.messages import Refusal
from toloka_upload.emulator.pools import Pool, Pools, check_room, check_status, weight
from toloka_upload.emulator.store import Kind, OperationRow, Store
from toloka_upload.emulator.switches import Switches


@dataclass(frozen=True, slots=True)
class Fate:
    """What is settled for an operation before its work is done: by a fault, or by a limit it passed.

    Attributes:
        code: The operation FAILs with this code and creates nothing; empty: it does not.
        message: The code's message.
        part: The operation FAILs with this part of its items created; None: it does not.
        log: What the log of such a failure tells of: `created`, `all` or `empty`.
        no_log: The log is empty, whatever became of the operation.
        late: Seconds after the end during which the log is empty.
        archived: The log answers `OPERATION_LOGS_ARCHIVED`.
        gaps: Part of the log's entries that are missing.
        stuck: Seconds by which the operation takes longer; 0: it never ends; None: it does not.
    """

    code: str = ""
    message: str = ""
    part: float | None = None
    log: str = "created"
    no_log: bool = False
    late: float = 0.0
    archived: bool = False
    gaps: float = 0.0
    stuck: float | None = None


FAIR = Fate()
"""No fault and no limit: the operation does what it was asked."""


class Outcome(NamedTuple):
    """How an operation ended.

    Attributes:
        valid: Items that passed the check.
        created: Items that were created.
        log: The log, as JSON text.
    """

    valid: int = 0
    created: int = 0
    failed: bool = False
    log: str = "[]"


class Judged(NamedTuple):
    """The items of an operation, read and judged."""

    kind: Kind
    items: Sequence[Item]
    verdicts: Sequence[Verdict]


def judge_items(
    kind: Kind,
    body: bytes,
    parameters: Mapping[str, Any],
    switches: Switches,
    find: Callable[[int], Pool | None],
) -> Judged:
    """Read the items of a request's body and judge them. `find` looks a pool up by its number."""
    items = parse_body(body).items
    judge = Judge(kind, find, switches, allow_defaults=parameters["allow_defaults"])
    return Judged(kind, items, [judge(item.value) for item in items])


class Worker:
    """Does the work. The caller holds the lock and a transaction."""

    def __init__(self, store: Store, pools: Pools, ids: ObjectIds, rng: random.Random) -> None:
        self._store = store
        self._pools = pools
        self._ids = ids
        self._rng = rng

    def work(self, row: OperationRow, judged: Judged, switches: Switches) -> Outcome:
        """Create the items of an operation, as its parameters and its fate will have it."""
        kind, items, verdicts = judged
        parameters, fate = json.loads(row.parameters), Fate(**json.loads(row.fate))
        log = batch.Log(kind, items, switches)
        refusal = self._refusal(kind, items, verdicts, fate, switches)
        if refusal:
            log.refused(range(len(items)), "VALIDATE", refusal)
            return Outcome(len(items), 0, failed=True, log=log.text(fate.gaps, self._rng))
        most, failed = _extent(verdicts, fate, switches, skip=parameters["skip_invalid_items"])
        ended, taken = (row.due or 0) / 1000, switches.assignments_taken
        created = batch.create(
            self._store, kind, items, verdicts, self._ids, ended, most=most, taken=taken
        )
        _report(log, verdicts, created, fate)
        if parameters["open_pool"] and not failed:
            failed = self._open(row, verdicts, log, switches)
        silent = fate.no_log or (fate.part is not None and fate.log == "empty")
        text = "[]" if silent else log.text(fate.gaps, self._rng)
        return Outcome(_valid(verdicts), len(created), failed, text)

    def _refusal(
        self,
        kind: Kind,
        items: Sequence[Item],
        verdicts: Sequence[Verdict],
        fate: Fate,
        switches: Switches,
    ) -> Refusal | None:
        """Why nothing is created, if it is not the items: settled before, or a pool filled up or archived meanwhile."""
        if fate.code:
            return Refusal(fate.code, message=fate.message)
        amounts: Counter[int] = Counter()
        for item, verdict in zip(items, verdicts, strict=True):
            if not verdict.faults:
                amounts[verdict.pool] += weight(kind, item.value, switches)
        try:
            for number, amount in amounts.items():
                pool = self._pools.find(number, switches)
                if pool:
                    check_status(pool)
                    check_room(kind, pool, amount, switches)
        except Refusal as refusal:
            return refusal
        return None

    def _open(
        self, row: OperationRow, verdicts: Sequence[Verdict], log: batch.Log, switches: Switches
    ) -> bool:
        """Open the pools after creation; whether that fails the operation."""
        pools = {verdict.pool for verdict in verdicts} - {0}
        opened = self._pools.open_after(sorted(pools), switches, row.due or 0)
        for number, refusal in opened.items():
            log.opening(number, batch.background_error(refusal) if refusal else None)
        return switches.failed_opening == "fail" and any(opened.values())


def _valid(verdicts: Sequence[Verdict]) -> int:
    return sum(1 for verdict in verdicts if not verdict.faults)


def _extent(
    verdicts: Sequence[Verdict], fate: Fate, switches: Switches, *, skip: bool
) -> tuple[int, bool]:
    """How many of the valid items are created, and whether the operation FAILs."""
    total, valid = len(verdicts), _valid(verdicts)
    most, failed = valid, False
    if valid < total:
        reading = switches.skip_some_invalid if valid else switches.skip_all_invalid
        most, failed = (valid, reading == "fail") if skip else (0, True)
    if fate.part is not None:
        most, failed = min(most, int(valid * fate.part)), True
    return most, failed


def _report(
    log: batch.Log, verdicts: Sequence[Verdict], created: Sequence[batch.Created], fate: Fate
) -> None:
    """Enter into the log what it says of each item."""
    log.failed(verdicts)
    if fate.part is not None and fate.log == "all":
        made = {item.place for item in created}
        lost = [
            place
            for place, verdict in enumerate(verdicts)
            if place not in made and not verdict.faults
        ]
        log.refused(lost, "CREATE", Refusal("OPERATION_EXECUTION_ERROR"))
    elif not created:
        log.valid(verdicts)
    log.created(created)
