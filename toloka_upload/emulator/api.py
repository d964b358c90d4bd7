"""The API's endpoints: what each answers, given the tables and the switches."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from toloka_upload.emulator import batch, creation, listing, operations, patching
from toloka_upload.emulator.ids import operation_id, parse_item_id
from toloka_upload.emulator.items import Item, parse_body
from toloka_upload.emulator.messages import (
    Refusal,
    Request,
    Response,
    json_response,
    raw_json_response,
)
from toloka_upload.emulator.pools import STATUS_AFTER, Pool, check_openable
from toloka_upload.emulator.rooms import Rooms
from toloka_upload.emulator.store import ItemRow, Kind, OperationRow
from toloka_upload.emulator.work import Fate

BASE = "/api/v1"


class Call(NamedTuple):
    """A request on its way through the rules.

    Attributes:
        path: Below `/api/v1`.
        now: The moment of the request, Unix time.
        fate: What a fault says about the operation that this request makes.
    """

    request: Request
    path: str
    now: float
    fate: Fate


class Api:
    """Routes a call to its endpoint. The caller holds the lock."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._creation = creation.Creation(rooms)
        routes: Mapping[str, Mapping[str, Callable[..., Response]]] = {
            "/requester": {"GET": self._requester},
            "/projects": {"GET": self._projects},
            "/projects/{id}": {"GET": self._project},
            "/pools": {"GET": self._pools},
            "/pools/{id}": {"GET": self._pool},
            "/trainings/{id}": {"GET": self._training},
            "/pools/{id}/{change}": {"POST": self._change_pool},
            "/trainings/{id}/{change}": {"POST": self._change_pool},
            "/tasks": {"GET": self._items, "POST": self._create},
            "/task-suites": {"GET": self._items, "POST": self._create},
            "/tasks/{id}": {"GET": self._item, "PATCH": self._patch},
            "/task-suites/{id}": {"GET": self._item, "PATCH": self._patch},
            "/tasks/{id}/set-overlap-or-min": {"PATCH": self._set_overlap_or_min},
            "/task-suites/{id}/set-overlap-or-min": {"PATCH": self._set_overlap_or_min},
            "/operations": {"GET": self._operations},
            "/operations/{id}": {"GET": self._operation},
            "/operations/{id}/log": {"GET": self._operation_log},
        }
        self._routes = [(template, _pattern(template), ways) for template, ways in routes.items()]

    def template(self, path: str) -> str:
        """The path with `{id}` for its ids, for counting; unknown paths are all one."""
        return next(
            (template for template, pattern, _ in self._routes if pattern(path)), "(unknown)"
        )

    def __call__(self, call: Call) -> Response:
        """Answer.

        Raises:
            Refusal: With the error envelope.
        """
        for _, pattern, ways in self._routes:
            match = pattern(call.path)
            if match is None:
                continue
            endpoint = ways.get(call.request.method)
            if endpoint is None:
                raise Refusal(405, "METHOD_NOT_ALLOWED", "Method not allowed")
            return endpoint(call, *match.groups())
        raise Refusal(404, "NOT_FOUND", f"There is nothing at {call.path}")

    def _create(self, call: Call) -> Response:
        kind: Kind = "tasks" if call.path == "/tasks" else "suites"
        return self._creation(kind, call.request, call.now, call.fate)

    def _requester(self, call: Call) -> Response:
        account = call.request.headers.get("x-act-under-account-id")
        requester = {**self._rooms.requester, **({"id": account} if account else {})}
        return json_response(200, requester)

    def _projects(self, call: Call) -> Response:
        columns = {"id": listing.POOL_COLUMNS["id"]}
        chosen = listing.select(call.request.query, columns, ("id",), limit=20, most=300)
        query = f"SELECT body FROM projects WHERE {chosen.where} ORDER BY {chosen.order} LIMIT ?"  # noqa: S608
        rows = self._rooms.store.rows(query, (*chosen.values, chosen.limit + 1))
        return _page([json.loads(text) for (text,) in rows], chosen.limit)

    def _project(self, _: Call, number: str) -> Response:
        query = "SELECT body FROM projects WHERE id = ?"
        row = self._rooms.store.row(query, (_number(number),))
        if row is None:
            raise _missing("Project", number)
        return raw_json_response(200, row[0])

    def _pools(self, call: Call) -> Response:
        columns = listing.POOL_COLUMNS
        chosen = listing.select(call.request.query, columns, ("id", "created"), limit=20, most=300)
        query = (
            f"SELECT id FROM pools WHERE training = 0 AND {chosen.where} "  # noqa: S608
            f"ORDER BY {chosen.order} LIMIT ?"
        )
        rows = self._rooms.store.rows(query, (*chosen.values, chosen.limit + 1))
        pools = [self._rooms.pool(number) for (number,) in rows]
        return _page([pool.body for pool in pools if pool], chosen.limit)

    def _pool(self, _: Call, number: str) -> Response:
        return json_response(200, self._found("Pool", number).body)

    def _training(self, _: Call, number: str) -> Response:
        return json_response(200, self._found("Training", number).body)

    def _found(self, what: str, number: str) -> Pool:
        pool = self._rooms.pool(_number(number))
        if pool is None or (what == "Training" and not pool.training):
            raise _missing(what, number)
        if what == "Pool" and pool.training:
            raise Refusal(409, "POOL_IS_TRAINING", f"Pool {number} is a training")
        return pool

    def _change_pool(self, call: Call, number: str, change: str) -> Response:
        """Open, close or archive a pool or training: an operation, or nothing if it is so already."""
        kind = "TRAINING" if call.path.startswith("/trainings") else "POOL"
        name = change.upper()
        if name not in STATUS_AFTER:
            raise Refusal(404, "NOT_FOUND", f"There is nothing at {call.path}")
        rooms = self._rooms
        rooms.operations.settle_due(rooms.switches, call.now)
        pool = self._found(kind.capitalize(), number)
        if pool.status == STATUS_AFTER[name]:
            return Response(204, {}, b"")
        if name == "OPEN":
            check_openable(pool)
        elif pool.status == "ARCHIVED":
            raise Refusal(409, "INAPPROPRIATE_STATUS", f"{kind.capitalize()} {number} is ARCHIVED")
        new_id = operation_id(rooms.switches.own_operation_ids, rooms.ids, call.now)
        parameters = {"pool_id" if kind == "POOL" else "training_id": str(pool.id)}
        new = operations.Submission(
            new_id, f"{kind}.{name}", pool.id, parameters, body=b"", fate=call.fate
        )
        with rooms.store.writing():
            row = rooms.operations.submit(new, rooms.switches, call.now)
        return json_response(202, operations.view(row, rooms.switches, call.now))

    def _items(self, call: Call) -> Response:
        kind: Kind = "tasks" if call.path == "/tasks" else "suites"
        query, rooms = call.request.query, self._rooms
        if kind == "suites" and "task_id" in query and "pool_id" not in query:
            return _page([], 1)  # the ids of a suite's tasks exist for mixed suites only
        pool = query.get("pool_id", "")
        if not pool:
            raise Refusal(
                400,
                "VALIDATION_ERROR",
                "pool_id is required",
                {"pool_id": {"code": "VALUE_REQUIRED", "message": "Value must be present"}},
            )
        columns = listing.item_columns(_number(pool))
        most = rooms.switches.list_limit or 100_000
        chosen = listing.select(
            query, columns, ("id", "created"), limit=50, most=most, others=("task_id",)
        )
        rooms.operations.settle_due(rooms.switches, call.now)
        statement = (
            f"SELECT * FROM {kind} WHERE {chosen.where} AND created <= ? "  # noqa: S608
            f"ORDER BY {chosen.order} LIMIT ?"
        )
        shown_until = int((call.now - rooms.switches.listing_delay) * 1000)
        rows = rooms.store.rows(statement, (*chosen.values, shown_until, chosen.limit + 1))
        texts = [batch.item_json(kind, ItemRow(*row)) for row in rows[: chosen.limit]]
        more = "true" if len(rows) > chosen.limit else "false"
        return raw_json_response(200, f'{{"items":[{",".join(texts)}],"has_more":{more}}}')

    def _item(self, call: Call, item_id: str) -> Response:
        kind, row = self._found_item(call, item_id)
        return raw_json_response(200, batch.item_json(kind, row))

    def _patch(self, call: Call, item_id: str) -> Response:
        with self._rooms.store.writing():
            kind, row = self._found_item(call, item_id)
            new = patching.patch(self._rooms, kind, row, _object(call), call.now)
            self._rooms.store.change_item(kind, new)
            if creation.flag(call.request.query, "open_pool"):
                self._creation.open(row.pool, call.now)
        return raw_json_response(200, batch.item_json(kind, new))

    def _set_overlap_or_min(self, call: Call, item_id: str) -> Response:
        with self._rooms.store.writing():
            kind, row = self._found_item(call, item_id)
            new = patching.set_overlap_or_min(self._rooms, row, _object(call), call.now)
            self._rooms.store.change_item(kind, new)
        return raw_json_response(200, batch.item_json(kind, new))

    def _found_item(self, call: Call, item_id: str) -> tuple[Kind, ItemRow]:
        kind: Kind = "tasks" if call.path.startswith("/tasks/") else "suites"
        self._rooms.operations.settle_due(self._rooms.switches, call.now)
        key = parse_item_id(item_id)
        row = self._rooms.store.item(kind, *key) if key else None
        if row is None:
            raise _missing("Task" if kind == "tasks" else "Task suite", item_id)
        return kind, row

    def _operations(self, call: Call) -> Response:
        rooms = self._rooms
        chosen = listing.select(
            call.request.query,
            listing.operation_columns(call.now),
            ("id", "submitted", "finished"),
            limit=50,
            most=500,
        )
        rooms.operations.settle_due(rooms.switches, call.now)
        query = f"SELECT * FROM operations WHERE {chosen.where} ORDER BY {chosen.order} LIMIT ?"  # noqa: S608
        rows = [
            OperationRow(*row)
            for row in rooms.store.rows(query, (*chosen.values, chosen.limit + 1))
        ]
        return _page([operations.view(row, rooms.switches, call.now) for row in rows], chosen.limit)

    def _operation(self, call: Call, number: str) -> Response:
        row = self._found_operation(call, number)
        return json_response(200, operations.view(row, self._rooms.switches, call.now))

    def _operation_log(self, call: Call, number: str) -> Response:
        row = self._found_operation(call, number)
        text = self._rooms.operations.log(row, self._rooms.switches, call.now)
        return raw_json_response(200, text)

    def _found_operation(self, call: Call, number: str) -> OperationRow:
        row = self._rooms.operations.find(number, self._rooms.switches, call.now)
        if row is None:
            raise _missing("Operation", number)
        return row


def _object(call: Call) -> Item:
    body = parse_body(call.request.body)
    if not body.single:
        raise Refusal(400, "VALIDATION_ERROR", "The body is one object")
    return body.items[0]


def _pattern(template: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(re.sub(r"{\w+}", "([^/]+)", template)).fullmatch


def _page(items: Sequence[Any], limit: int) -> Response:
    return json_response(200, {"items": items[:limit], "has_more": len(items) > limit})


def _number(text: str) -> int:
    """A number of a pool or project; -1, which none has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1


def _missing(what: str, number: str) -> Refusal:
    return Refusal(404, "DOES_NOT_EXIST", f"{what} with id {number} does not exist")
