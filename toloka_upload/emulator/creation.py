"""POST /tasks and POST /task-suites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from toloka_upload.emulator import admission, batch, operations
from toloka_upload.emulator.codes import field_errors
from toloka_upload.emulator.context import Call
from toloka_upload.emulator.ids import canonical_uuid, operation_id
from toloka_upload.emulator.items import Body, Item, parse_body
from toloka_upload.emulator.judge import Judge, Verdict
from toloka_upload.emulator.messages import (
    Refusal,
    Response,
    bad_parameter,
    dumps,
    json_response,
    raw_json_response,
)
from toloka_upload.emulator.pools import pool_number
from toloka_upload.emulator.store import NOUN, Kind
from toloka_upload.emulator.switches import Switches

_FLAGS = ("async_mode", "skip_invalid_items", "allow_defaults", "open_pool")
_DAY_MS = 86_400_000


def create(kind: Kind, call: Call) -> Response:
    """Refuse a request of items whole, create them, or make an operation that will.

    Raises:
        Refusal: The request is refused as a whole.
    """
    context, request, now = call.context, call.request, call.now
    unknown = request.query.keys() - {*_FLAGS, "operation_id"}
    if unknown:
        raise bad_parameter(sorted(unknown)[0], "VALUE_NOT_ALLOWED", "Unknown parameter")
    flags = {name: call.flag(name) for name in _FLAGS}
    asynchronous = flags.pop("async_mode")
    chosen = _chosen_id(call, asynchronous=asynchronous)
    with context.store.writing():
        _check_unused(chosen, call)
        body = parse_body(request.body)
        context.ledger.items(call.path, len(body.items))
        refused = _refused(kind, body.items, call, asynchronous=asynchronous)
        new = operations.Submission(
            chosen or operation_id(context.switches.own_operation_ids, context.ids, now),
            f"{NOUN[kind]}.BATCH_CREATE",
            _first_pool(body.items),
            flags,
            request.body,
            len(body.items),
        )
        if not asynchronous:
            return _at_once(kind, body, new, call, reserve=bool(chosen))
        fate = call.fate()
        new = replace(new, fate=refused.as_fate(fate) if refused else fate)
        row = context.operations.submit(new, context.switches, now)
    fresh = row._replace(started=row.submitted + 1)  # the first answer is PENDING
    return json_response(202, operations.view(fresh, context.switches, now))


def _chosen_id(call: Call, *, asynchronous: bool) -> str:
    """The operation's id that the client chose; empty if it chose none, or none is meant."""
    text = call.request.query.get("operation_id", "")
    meant = asynchronous or call.context.switches.sync_operation_id == "reserved"
    if not text or not meant:
        return ""
    chosen = canonical_uuid(text)
    if chosen is None:
        raise bad_parameter("operation_id", "UUID_EXPECTED", "Value must be a UUID")
    return chosen


def _check_unused(chosen: str, call: Call) -> None:
    context = call.context
    row = context.store.operation(chosen) if chosen else None
    if row is None:
        return
    days = context.switches.operation_id_days
    if days and row.settled and row.submitted + days * _DAY_MS < call.now * 1000:
        context.operations.forget(row.id)
        return
    other = not operations.same_body(row, call.request.body)
    if other and context.switches.same_id_other_body == "400":
        raise bad_parameter("operation_id", "INVALID_VALUE", "It was used for another request")
    raise Refusal("OPERATION_ALREADY_EXISTS")


def _refused(
    kind: Kind, items: Sequence[Item], call: Call, *, asynchronous: bool
) -> admission.InLog | None:
    """What the operation will find, if the request is not refused as a whole."""
    switches = call.context.switches
    most = switches.async_items if asynchronous else switches.sync_items
    if most and len(items) > most:
        raise Refusal("ENTITY_TOO_LARGE", message=f"{len(items)} items; at most {most}")
    try:
        admission.check_size(kind, items, call.context)
        admission.check_pools(kind, items, call.context, call.now)
        admission.check_quota(kind, len(items), call.context, call.now)
    except admission.InLog as refusal:
        if not asynchronous:
            raise
        return refusal
    return None


def _first_pool(items: Sequence[Item]) -> int | None:
    numbers = (pool_number(item.value.get("pool_id")) for item in items)
    return next((number for number in numbers if number >= 0), None)


def _at_once(
    kind: Kind, body: Body, new: operations.Submission, call: Call, *, reserve: bool
) -> Response:
    """Create the items of a synchronous request and answer with them."""
    context, switches, flags = call.context, call.context.switches, new.parameters
    judge = Judge(kind, context.pool, switches, allow_defaults=flags["allow_defaults"])
    verdicts = [judge(item.value) for item in body.items]
    _check_verdicts(verdicts, body, switches, skip=flags["skip_invalid_items"])
    made = batch.create(
        *(context.store, kind, body.items, verdicts, context.ids, call.now),
        taken=switches.assignments_taken,
    )
    if flags["open_pool"]:
        pools = {verdict.pool for verdict in verdicts} - {0}
        context.pools.open_after(sorted(pools), switches, int(call.now * 1000))
    if reserve:
        context.operations.reserve(new, len(made), switches, call.now)
    texts = {one.place: batch.item_json(kind, one.row) for one in made}
    if body.single:
        return raw_json_response(201, texts[0])
    items = ",".join(f'"{index}":{texts[index]}' for index in sorted(texts))
    errors = _errors_member(verdicts, switches)
    return raw_json_response(201, f'{{"items":{{{items}}}{errors}}}')


def _check_verdicts(
    verdicts: Sequence[Verdict], body: Body, switches: Switches, *, skip: bool
) -> None:
    """Refuse a synchronous request for its items, unless the invalid ones may be skipped."""
    errors = _errors(verdicts)
    accepted = len(errors) < len(verdicts) or (
        not body.single and switches.sync_skip_all_invalid == "201"
    )
    if not errors or (skip and accepted):
        return
    payload: Mapping[str, Any] = errors
    if body.single or switches.sync_payload == "unindexed":
        payload = next(iter(errors.values()))
    elif switches.sync_payload == "flat":
        payload = {
            f"{index}.{field}": problem
            for index, fields in errors.items()
            for field, problem in fields.items()
        }
    raise Refusal("VALIDATION_ERROR", payload)


def _errors(verdicts: Sequence[Verdict]) -> dict[str, dict[str, dict[str, str]]]:
    """The errors of each invalid item, by its place."""
    return {
        str(index): field_errors(verdict.faults)
        for index, verdict in enumerate(verdicts)
        if verdict.faults
    }


def _errors_member(verdicts: Sequence[Verdict], switches: Switches) -> str:
    errors = _errors(verdicts)
    if errors:
        return f',"validation_errors":{dumps(errors)}'
    return {
        "absent": "",
        "null": ',"validation_errors":null',
        "empty": ',"validation_errors":{}',
    }[switches.no_validation_errors]
