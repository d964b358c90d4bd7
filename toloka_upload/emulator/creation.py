"""POST /tasks and POST /task-suites."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from toloka_upload.emulator import admission, batch, operations
from toloka_upload.emulator.codes import field_errors
from toloka_upload.emulator.ids import operation_id
from toloka_upload.emulator.items import Body, Item, parse_body
from toloka_upload.emulator.judge import Judge, Verdict
from toloka_upload.emulator.messages import (
    Refusal,
    Response,
    bad_parameter,
    json_response,
    raw_json_response,
)
from toloka_upload.emulator.pools import pool_number
from toloka_upload.emulator.rooms import Call, Rooms
from toloka_upload.emulator.store import Kind
from toloka_upload.emulator.work import Fate

_FLAGS = ("async_mode", "skip_invalid_items", "allow_defaults", "open_pool")
_KINDS: Mapping[str, Kind] = {"/tasks": "tasks", "/task-suites": "suites"}
_TYPE = {kind: name for name, kind in operations.TYPES.items()}
_DAY_MS = 86_400_000


class Creation:
    """Takes a request of items: refuses it whole, creates them, or makes an operation that will."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def __call__(self, call: Call) -> Response:
        """Answer one request.

        Raises:
            Refusal: The request is refused as a whole.
        """
        rooms, request, now = call.rooms, call.request, call.now
        kind = _KINDS[call.path]
        unknown = request.query.keys() - {*_FLAGS, "operation_id"}
        if unknown:
            raise bad_parameter(sorted(unknown)[0], "VALUE_NOT_ALLOWED", "Unknown parameter")
        flags = {name: call.flag(name) for name in _FLAGS}
        asynchronous = flags.pop("async_mode")
        chosen = self._chosen_id(request.query, asynchronous=asynchronous)
        with rooms.store.writing():
            self._check_unused(chosen, request.body, now)
            body = parse_body(request.body)
            rooms.ledger.items(call.path, len(body.items))
            fate = self._admit(kind, body.items, now, call.fate, asynchronous=asynchronous)
            new = operations.Submission(
                chosen or operation_id(rooms.switches.own_operation_ids, rooms.ids, now),
                _TYPE[kind],
                self._first_pool(body.items),
                flags,
                request.body,
                len(body.items),
                fate,
            )
            if asynchronous:
                row = rooms.operations.submit(new, rooms.switches, now)
                fresh = row._replace(started=row.submitted + 1)  # the first answer is PENDING
                return json_response(202, operations.view(fresh, rooms.switches, now))
            return self._at_once(kind, body, new, now, reserve=bool(chosen))

    def _chosen_id(self, query: Mapping[str, str], *, asynchronous: bool) -> str:
        text = query.get("operation_id", "")
        if not text or not (asynchronous or self._rooms.switches.sync_operation_id == "reserved"):
            return ""
        try:
            return str(uuid.UUID(text))
        except ValueError:
            raise bad_parameter("operation_id", "UUID_EXPECTED", "it is a UUID") from None

    def _check_unused(self, chosen: str, body: bytes, now: float) -> None:
        rooms = self._rooms
        row = rooms.store.operation(chosen) if chosen else None
        if row is None:
            return
        days = rooms.switches.operation_id_days
        if days and row.settled and row.submitted + days * _DAY_MS < now * 1000:
            rooms.operations.forget(chosen)
            return
        if rooms.switches.same_id_other_body == "400" and not operations.same_body(row, body):
            raise bad_parameter("operation_id", "INVALID_VALUE", "it was used for another request")
        raise Refusal("OPERATION_ALREADY_EXISTS")

    def _admit(
        self,
        kind: Kind,
        items: Sequence[Item],
        now: float,
        fate: Fate,
        *,
        asynchronous: bool,
    ) -> Fate:
        """Refuse the request as a whole, or settle what its operation will find."""
        switches = self._rooms.switches
        most = switches.async_items if asynchronous else switches.sync_items
        if most and len(items) > most:
            raise Refusal("ENTITY_TOO_LARGE", message=f"{len(items)} items; at most {most}")
        try:
            admission.check_size(kind, items, self._rooms)
            admission.check_pools(kind, items, self._rooms, now)
            admission.check_quota(kind, len(items), self._rooms, now)
        except admission.InLog as refusal:
            if not asynchronous:
                raise
            return replace(fate, code=refusal.code, message=str(refusal))
        return fate

    def _first_pool(self, items: Sequence[Item]) -> int | None:
        numbers = (pool_number(item.value.get("pool_id")) for item in items)
        return next((number for number in numbers if number >= 0), None)

    def _at_once(
        self, kind: Kind, body: Body, new: operations.Submission, now: float, *, reserve: bool
    ) -> Response:
        """Create the items of a synchronous request and answer with them."""
        rooms = self._rooms
        judge = Judge(
            kind, rooms.pool, rooms.switches, allow_defaults=new.parameters["allow_defaults"]
        )
        verdicts = [judge(item.value) for item in body.items]
        self._check_verdicts(verdicts, body, skip=new.parameters["skip_invalid_items"])
        taken = rooms.switches.assignments_taken
        created = batch.create(rooms.store, kind, body.items, verdicts, rooms.ids, now, taken=taken)
        if new.parameters["open_pool"]:
            pools = {verdict.pool for verdict in verdicts} - {0}
            rooms.pools.open_after(sorted(pools), rooms.switches, int(now * 1000))
        if reserve:
            rooms.operations.reserve(new, len(created), rooms.switches, now)
        texts = {made.place: batch.item_json(kind, made.row) for made in created}
        if body.single:
            return raw_json_response(201, texts[0])
        items = ",".join(f'"{index}":{texts[index]}' for index in sorted(texts))
        return raw_json_response(201, f'{{"items":{{{items}}}{self._errors_member(verdicts)}}}')

    def _check_verdicts(self, verdicts: Sequence[Verdict], body: Body, *, skip: bool) -> None:
        switches = self._rooms.switches
        invalid = [index for index, verdict in enumerate(verdicts) if verdict.faults]
        all_invalid = len(invalid) == len(verdicts)
        if not invalid or (skip and not all_invalid):
            return
        if skip and not body.single and switches.sync_skip_all_invalid == "201":
            return
        errors = {str(index): field_errors(verdicts[index].faults) for index in invalid}
        payload: dict[str, Any] = dict(errors)
        if body.single or switches.sync_payload == "unindexed":
            payload = dict(errors[str(invalid[0])])
        elif switches.sync_payload == "flat":
            payload = {
                f"{index}.{field}": problem
                for index, fields in errors.items()
                for field, problem in fields.items()
            }
        raise Refusal("VALIDATION_ERROR", payload)

    def _errors_member(self, verdicts: Sequence[Verdict]) -> str:
        errors = {
            str(index): field_errors(verdict.faults)
            for index, verdict in enumerate(verdicts)
            if verdict.faults
        }
        if errors:
            return f',"validation_errors":{batch.dumps(errors)}'
        none = self._rooms.switches.no_validation_errors
        return {
            "absent": "",
            "null": ',"validation_errors":null',
            "empty": ',"validation_errors":{}',
        }[none]
