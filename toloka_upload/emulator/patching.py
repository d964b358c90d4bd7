"""PATCH of tasks and suites: overlap, solutions, hint, priority; and `set-overlap-or-min`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from toloka_upload.check.structure import LARGEST_OVERLAP
from toloka_upload.emulator import admission, batch
from toloka_upload.emulator.items import Item, joined, members
from toloka_upload.emulator.judge import Judge
from toloka_upload.emulator.messages import Refusal
from toloka_upload.emulator.rooms import Rooms
from toloka_upload.emulator.store import ItemRow, Kind
from toloka_upload.rows.model import Fault

_OVERLAP = frozenset({"overlap", "infinite_overlap"})
_TAKES = {
    "tasks": _OVERLAP | {"baseline_solutions", "known_solutions", "message_on_unknown_solution"},
    "suites": _OVERLAP | {"issuing_order_override"},
}


def patch(rooms: Rooms, kind: Kind, row: ItemRow, sent: Item, now: float) -> ItemRow:
    """An item with what a PATCH changes in it. Its overlap is from 1, and not less than was taken.

    Raises:
        Refusal: The pool is archived or locked, or something in the request is not as it should be.
    """
    _check_pool(rooms, row, now)
    least = max(1, row.taken)
    faults = [*_strangers(sent.value, _TAKES[kind]), *_overlap_faults(sent.value, row, least)]
    _check(faults or _content_faults(rooms, kind, row, sent.value))
    return row._replace(body=_body(row, sent), overlap=_overlap(sent.value, row))


def set_overlap_or_min(rooms: Rooms, row: ItemRow, sent: Item, now: float) -> ItemRow:
    """An item with the overlap of the request; if more assignments were taken already, with so many.

    An overlap of 0 so takes from an item what nobody has begun.

    Raises:
        Refusal: As `patch`.
    """
    _check_pool(rooms, row, now)
    _check([*_strangers(sent.value, _OVERLAP), *_overlap_faults(sent.value, row, 0)])
    overlap = _overlap(sent.value, row)
    return row._replace(overlap=None if overlap is None else max(overlap, row.taken))


def _check_pool(rooms: Rooms, row: ItemRow, now: float) -> None:
    pool = rooms.pool(row.pool)
    archived = pool is not None and pool.status == "ARCHIVED"
    if pool and not (archived and rooms.switches.patch_in_archived_pool == "accept"):
        admission.check_status(pool, rooms, now)


def _check(faults: list[Fault]) -> None:
    if faults:
        errors = batch.field_errors(faults)
        raise Refusal(400, "VALIDATION_ERROR", "Validation failed", errors)


def _strangers(value: Mapping[str, Any], takes: frozenset[str]) -> Iterator[Fault]:
    for name in value.keys() - takes:
        yield Fault(name, "VALUE_NOT_ALLOWED", "Unknown field name")


def _overlap_faults(value: Mapping[str, Any], row: ItemRow, least: int) -> Iterator[Fault]:
    overlap, infinite = value.get("overlap"), value.get("infinite_overlap")
    if infinite is not None and not isinstance(infinite, bool):
        yield Fault("infinite_overlap", "BOOLEAN_EXPECTED", "Value must be a boolean")
    elif overlap is None:
        if not infinite and (least == 0 or (infinite is False and row.overlap is None)):
            yield Fault("overlap", "VALUE_REQUIRED", "Value must be present and not equal to null")
    elif infinite:
        yield Fault("overlap", "VALUE_NOT_ALLOWED", "Infinite overlap excludes a number")
    elif type(overlap) is not int:
        yield Fault("overlap", "INTEGER_EXPECTED", "Value must be an integer")
    elif overlap < least:
        yield Fault("overlap", "VALUE_LESS_THAN_MIN", f"Value must be at least {least}")
    elif overlap > LARGEST_OVERLAP:
        yield Fault("overlap", "VALUE_GREATER_THAN_MAX", f"Value must be at most {LARGEST_OVERLAP}")


def _overlap(value: Mapping[str, Any], row: ItemRow) -> int | None:
    if value.get("infinite_overlap"):
        return None
    overlap: int | None = value.get("overlap")
    return row.overlap if overlap is None else overlap


def _body(row: ItemRow, sent: Item) -> str:
    """The item's text with the members of the request in place of its own; a null takes one away."""
    changed = {name: text for name, text in members(sent.text).items() if name not in _OVERLAP}
    if not changed:
        return row.body
    whole = {**members(row.body), **changed}
    return joined({name: text for name, text in whole.items() if text != "null"})


def _content_faults(
    rooms: Rooms, kind: Kind, row: ItemRow, value: Mapping[str, Any]
) -> list[Fault]:
    """What the project has against the item as it would be, of the members that the request changes."""
    changed = value.keys() - _OVERLAP
    if not changed:
        return []
    kept = {name: part for name, part in json.loads(row.body).items() if name not in _OVERLAP}
    whole = {**kept, **{name: value[name] for name in changed}, "overlap": 1}
    judge = Judge(kind, rooms.pool, rooms.switches, allow_defaults=True)
    return [fault for fault in judge(whole).faults if fault.field.partition(".")[0] in changed]
