"""Creating the items of one request, and reporting it: as tasks, as a log, as error maps."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from toloka_upload.emulator.codes import field_errors
from toloka_upload.emulator.ids import ObjectIds, item_id
from toloka_upload.emulator.items import Item, joined, members
from toloka_upload.emulator.judge import WRITABLE, Verdict
from toloka_upload.emulator.messages import Refusal, dumps
from toloka_upload.emulator.store import NOUN, ItemRow, Kind, Store
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.values import timestamp


class Created(NamedTuple):
    """An item that was created: its place in the request, and what was stored."""

    place: int
    row: ItemRow


def create(
    store: Store,
    kind: Kind,
    items: Sequence[Item],
    verdicts: Sequence[Verdict],
    ids: ObjectIds,
    now: float,
    *,
    most: int | None = None,
    taken: int = 0,
) -> list[Created]:
    """Store the items that are valid, or the first `most` of them, in order of their new ids.

    Args:
        taken: Assignments of each that somebody takes at once, as far as its overlap goes.
    """
    good = [index for index, verdict in enumerate(verdicts) if not verdict.faults][:most]
    moment = int(now * 1000)
    created = []
    for index, oid in zip(good, ids.batch(len(good), now), strict=True):
        verdict = verdicts[index]
        begun = taken if verdict.overlap is None else min(taken, verdict.overlap)
        row = ItemRow(verdict.pool, oid, moment, verdict.overlap, items[index].text, begun)
        created.append(Created(index, row))
    created.sort(key=lambda made: made.row.oid)
    store.add_items(kind, (made.row for made in created))
    _count(store, kind, items, created)
    return created


def _count(store: Store, kind: Kind, items: Sequence[Item], created: Sequence[Created]) -> None:
    inside: Counter[int] = Counter()
    for index, row in created if kind == "suites" else ():
        inside[row.pool] += len(items[index].value["tasks"])
    for pool, count in Counter(row.pool for _, row in created).items():
        store.count(kind, pool, count, inside[pool])


def item_json(kind: Kind, row: ItemRow) -> str:
    """A task or suite as the API returns it: the values as they were sent, digit for digit."""
    writable = WRITABLE[kind] - {"pool_id", "overlap", "infinite_overlap"}
    sent = {key: text for key, text in members(row.body).items() if key in writable}
    if kind == "suites":
        sent = {"mixed": "false", **sent, "automerged": "false"}
    parts = {
        "id": f'"{item_id(row.pool, row.oid)}"',
        "pool_id": f'"{row.pool}"',
        **sent,
        "overlap": "null" if row.overlap is None else str(row.overlap),
        "infinite_overlap": "true" if row.overlap is None else "false",
    }
    if row.overlap is not None:
        parts["remaining_overlap"] = str(max(row.overlap - row.taken, 0))
    parts["created"] = f'"{timestamp(row.created)}"'
    return joined(parts)


def background_error(refusal: Refusal) -> dict[str, Any]:
    """An error envelope as it stands in a log."""
    return refusal.envelope(f"ao_{uuid.uuid4()}")


class Log:
    """Collects the log of one operation, as JSON texts.

    Failures come first and the created items in order of their ids: in no order that a client knows.
    """

    def __init__(self, kind: Kind, items: Sequence[Item], switches: Switches) -> None:
        self._kind = kind
        self._items = items
        self._switches = switches
        self._entries: list[str] = []

    def text(self, gaps: float, rng: random.Random) -> str:
        """The log without such a part of its entries, which the dice choose: at least one, if there is to be a gap."""
        entries = self._entries
        if gaps and entries:
            gone = set(rng.sample(range(len(entries)), max(1, round(gaps * len(entries)))))
            entries = [entry for place, entry in enumerate(entries) if place not in gone]
        return "[" + ",".join(entries) + "]"

    def failed(self, verdicts: Sequence[Verdict]) -> None:
        """Tell of the items that did not pass."""
        for index, verdict in enumerate(verdicts):
            if verdict.faults:
                output: Mapping[str, Any] = field_errors(verdict.faults)
                if self._switches.log_errors == "envelope":
                    output = background_error(Refusal("VALIDATION_ERROR", output))
                self._add("VALIDATE", index, dumps(output))

    def refused(self, indices: Iterable[int], step: str, refusal: Refusal) -> None:
        """Tell of items that came to nothing for a reason outside of them."""
        for index in indices:
            self._add(step, index, dumps(background_error(refusal)))

    def valid(self, verdicts: Sequence[Verdict]) -> None:
        """Tell of items that passed, of a batch that was not created: if the switch says so."""
        if self._switches.log_valid_items == "validate":
            for index, verdict in enumerate(verdicts):
                if not verdict.faults:
                    self._add("VALIDATE", index, "{}", success=True)

    def created(self, created: Iterable[Created]) -> None:
        """Tell of the created items."""
        key = f"{NOUN[self._kind].lower()}_id"
        for index, row in created:
            output = f'{{"{key}":"{item_id(row.pool, row.oid)}"}}'
            self._add("CREATE", index, output, row, success=True)

    def opening(self, pool: int, problem: Mapping[str, Any] | None) -> None:
        """Tell of the pool's opening, in the form seen: with its number, and no marker."""
        entry = {
            "type": "POOL_OPEN",
            "success": problem is None,
            "input": {"pool_id": pool},
            "output": problem or {},
        }
        self._entries.append(dumps(entry))

    def _add(
        self,
        step: str,
        place: int,
        output: str,
        row: ItemRow | None = None,
        *,
        success: bool = False,
    ) -> None:
        self._entries.append(
            f'{{"type":"{NOUN[self._kind]}_{step}","success":{"true" if success else "false"},'
            f'"input":{self._input(place, row)},"output":{output}}}'
        )

    def _input(self, index: int, row: ItemRow | None) -> str:
        text, value = self._items[index]
        if not self._switches.log_markers:
            sent = members(text).items()
            text = joined({key: part for key, part in sent if not key.startswith("__")})
        if row is None or self._switches.log_input == "raw":
            return text
        extra = "".join(_enrichment(value, row))
        return f"{text[:-1]}{extra}}}" if extra else text


def _enrichment(value: Mapping[str, Any], row: ItemRow) -> Iterator[str]:
    if "overlap" not in value:
        yield f',"overlap":{"null" if row.overlap is None else row.overlap}'
    if "infinite_overlap" not in value:
        yield f',"infinite_overlap":{"true" if row.overlap is None else "false"}'
