"""PATCH of tasks and suites: overlap, solutions, hint, priority; and `set-overlap-or-min`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toloka_upload.check.faults import required
from toloka_upload.emulator import admission, batch, forms
from toloka_upload.emulator.context import Call, Context
from toloka_upload.emulator.form_check import faults
from toloka_upload.emulator.items import Item, joined, members
from toloka_upload.emulator.judge import Judge
from toloka_upload.emulator.messages import Response, check_none, raw_json_response
from toloka_upload.emulator.resources import RESOURCES, found
from toloka_upload.emulator.store import ItemRow, Kind
from toloka_upload.rows.model import Fault

PATHS: Mapping[Kind, str] = {"tasks": "/tasks", "suites": "/task-suites"}
_OVERLAP = frozenset({"overlap", "infinite_overlap"})
_CONTENT: Mapping[Kind, Sequence[str]] = {
    "tasks": ("baseline_solutions", "known_solutions", "message_on_unknown_solution"),
    "suites": ("issuing_order_override",),
}


def patch(kind: Kind, call: Call, name: str) -> Response:
    """200 with the item as it is now. Its overlap is from 1, and not less than was taken."""
    sent = call.object()
    with call.context.store.writing():
        row = _row(kind, call, name)
        new = _patched(call.context, kind, row, sent)
        call.context.store.change_item(kind, new)
        if call.flag("open_pool"):
            moment = int(call.now * 1000)
            call.context.pools.open_after([row.pool], call.context.switches, moment)
    return raw_json_response(200, batch.item_json(kind, new))


def set_overlap_or_min(kind: Kind, call: Call, name: str) -> Response:
    """200 with the item, which has the overlap of the request; if more assignments were taken already, so many.

    An overlap of 0 so takes from an item what nobody has begun.
    """
    sent = call.object()
    with call.context.store.writing():
        row = _row(kind, call, name)
        check_none(_faults(sent.value, row, 0))
        overlap = _overlap(sent.value, row)
        taken = row.taken if row.overlap is None else min(row.taken, row.overlap)
        new = row._replace(overlap=None if overlap is None else max(overlap, taken))
        call.context.store.change_item(kind, new)
    return raw_json_response(200, batch.item_json(kind, new))


def _row(kind: Kind, call: Call, name: str) -> ItemRow:
    """The item, if it may be changed.

    Raises:
        Refusal: There is none, or its pool is archived or locked.
    """
    row = ItemRow(*found(RESOURCES[PATHS[kind]], call, name))
    pool = call.context.pool(row.pool)
    archived = pool is not None and pool.status == "ARCHIVED"
    if pool and not (archived and call.context.switches.patch_in_archived_pool == "accept"):
        admission.check_unlocked(pool, call.context, call.now)
    return row


def _patched(context: Context, kind: Kind, row: ItemRow, sent: Item) -> ItemRow:
    problems = list(_faults(sent.value, row, max(1, row.taken), _CONTENT[kind]))
    check_none(problems or _content_faults(context, kind, row, sent.value))
    return row._replace(body=_body(row, sent), overlap=_overlap(sent.value, row))


def _faults(
    value: Mapping[str, Any], row: ItemRow, least: int, content: Sequence[str] = ()
) -> Iterator[Fault]:
    """What is wrong with a request, but for the content of an item, which its project judges."""
    form = {**forms.overlap(least), **{name: {"type": "any"} for name in content}}
    problems = list(faults(form, value))
    yield from problems
    overlap, infinite = value.get("overlap"), value.get("infinite_overlap")
    ends = infinite is False and row.overlap is None
    if overlap is None and not infinite and (least == 0 or ends) and not problems:
        yield required("overlap")
    if overlap is not None and infinite and not problems:
        yield Fault("overlap", "VALUE_NOT_ALLOWED", "Infinite overlap excludes a number")


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
    context: Context, kind: Kind, row: ItemRow, value: Mapping[str, Any]
) -> list[Fault]:
    """What the project has against the item as it would be, of the members that the request changes."""
    changed = value.keys() - _OVERLAP
    if not changed:
        return []
    kept = {name: part for name, part in json.loads(row.body).items() if name not in _OVERLAP}
    whole = {**kept, **{name: value[name] for name in changed}, "overlap": 1}
    judge = Judge(kind, context.pool, context.switches, allow_defaults=True)
    return [fault for fault in judge(whole).faults if fault.field.partition(".")[0] in changed]
