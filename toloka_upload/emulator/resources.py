"""What the API lists and shows: for each kind of thing its table, its filters, and how a row becomes JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from toloka_upload.check.faults import required
from toloka_upload.emulator import batch, forms, operations
from toloka_upload.emulator.context import Call, owner_of
from toloka_upload.emulator.ids import operation_names, parse_item_id
from toloka_upload.emulator.listing import (
    Column,
    member,
    moment_of,
    one_of,
    select,
)
from toloka_upload.emulator.messages import (
    Refusal,
    Response,
    dumps,
    invalid,
    json_response,
    raw_json_response,
)
from toloka_upload.emulator.pools import pool_number, shown
from toloka_upload.emulator.store import ItemRow, Kind, OperationRow
from toloka_upload.emulator.values import read_integer, read_moment

Columns = Mapping[str, Column]

_MOST_AT_ALL = 100_000


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of thing.

    Attributes:
        table: Where its rows are, and which of them.
        columns: What it can be filtered and sorted by, at a request.
        show: A row as JSON text.
        limit: The usual page size.
        most: The highest; 0: that of the switch `list_limit`.
        key: The values of `where`, given the id in a path; None: it cannot be one.
        where: Finds one.
        needs: Parameters of which a listing must have one.
        delayed: Whether listings show a row only after the switch `listing_delay`.
        absent: The code of the refusal where there is none.
    """

    table: str
    columns: Callable[[Call], Columns]
    show: Callable[[Call, Any], str]
    limit: int = 50
    most: int = 0
    key: Callable[[str], tuple[Any, ...] | None] = lambda text: (text,)
    where: str = "id = ?"
    needs: tuple[str, ...] = ()
    delayed: bool = False
    absent: Callable[[Call, str], str] = lambda *_: "DOES_NOT_EXIST"


def listed(resource: Resource, call: Call) -> Response:
    """A page: `{"items": [...], "has_more": ...}`."""
    if resource.needs and not any(call.request.query.get(name) for name in resource.needs):
        raise invalid([required(resource.needs[0])])
    most = resource.most or call.context.switches.list_limit or _MOST_AT_ALL
    chosen = select(
        call.request.query, resource.columns(call), limit=min(resource.limit, most), most=most
    )
    shown_until = int((call.now - call.context.switches.listing_delay) * 1000)
    visible = f"created <= {shown_until}" if resource.delayed else "1"
    query = (
        f"SELECT * FROM {resource.table} AND {visible} AND {chosen.where} "  # noqa: S608
        f"ORDER BY {chosen.order} LIMIT ?"
    )
    rows = call.context.store.rows(query, (*chosen.values, chosen.limit + 1))
    items = ",".join(resource.show(call, row) for row in rows[: chosen.limit])
    more = "true" if len(rows) > chosen.limit else "false"
    return raw_json_response(200, f'{{"items":[{items}],"has_more":{more}}}')


def one(resource: Resource, call: Call, name: str) -> Response:
    """One of them, by its id.

    Raises:
        Refusal: 404; there is none.
    """
    row = found(resource, call, name)
    return raw_json_response(200, resource.show(call, row))


def found(resource: Resource, call: Call, name: str) -> Any:
    """The row of an id.

    Raises:
        Refusal: 404; there is none.
    """
    key = resource.key(name)
    query = f"SELECT * FROM {resource.table} AND {resource.where}"  # noqa: S608
    row = call.context.store.row(query, key) if key is not None else None
    if row is None:
        raise Refusal(resource.absent(call, name))
    return row


def requester(call: Call) -> Response:
    """Who the token belongs to, or the account under which the request acts."""
    account = call.request.headers.get("x-act-under-account-id")
    return json_response(200, {**call.context.requester, **({"id": account} if account else {})})


def _number(text: str) -> tuple[int] | None:
    number = pool_number(text)
    return (number,) if number >= 0 else None


_NUMBER = Column("id", read_integer, ranges=True, sorts=True)

# The documents know the owner of a project as `owner`; the Java SDK asks by these, of pools and tasks as well.
_OWNER: Columns = {
    "owner_id": Column(member("owner.id"), str, equal=True),
    "owner_company_id": Column(member("owner.company_id"), str, equal=True),
}
_PROJECT_COLUMNS: Columns = {
    "id": _NUMBER,
    "created": moment_of("created"),
    "status": one_of(member("status"), *forms.PROJECT_STATUSES),
    "owner": Column(member("owner.id"), str, equal=True),
    **_OWNER,
    "public_name": Column(member("public_name"), str, sorts=True),
    "private_comment": Column(member("private_comment"), str, sorts=True),
}
_POOL_COLUMNS: Columns = {
    "id": _NUMBER,
    "created": moment_of("created"),
    "last_started": moment_of("last_started"),
    "status": one_of("status", *forms.POOL_STATUSES),
    "project_id": Column(f"CAST({member('project_id')} AS INTEGER)", read_integer, equal=True),
    **_OWNER,
}
_TASK_IDS = "(SELECT json_extract(value, '$.id') FROM json_each(body, '$.tasks'))"
_ASSIGNMENT_COLUMNS: Columns = {
    "id": Column("id", str, ranges=True, sorts=True),
    **{name: moment_of(name) for name in forms.ASSIGNMENT_MOMENTS},
    "status": one_of(member("status"), *forms.ASSIGNMENT_STATUSES, several=True),
    "pool_id": Column("pool", read_integer, equal=True),
    "task_suite_id": Column(member("task_suite_id"), str, equal=True),
    "user_id": Column(member("user_id"), str, equal=True),
    "task_id": Column("?", str, equal=True, sign="IN", value=_TASK_IDS),
}


def _item_columns(call: Call) -> Columns:
    """Columns of the items of one pool: an id is compared by its ObjectId, so that the table's key serves."""
    (pool,) = _number(call.request.query.get("pool_id", "")) or (0,)

    def read_id(text: str) -> bytes:
        key = parse_item_id(text)
        if key is None:
            raise ValueError(text)
        other, oid = key
        return oid if other == pool else b"" if other < pool else b"\xff" * 13

    return {
        "id": Column("oid", read_id, ranges=True, sorts=True),
        "pool_id": Column("pool", read_integer, equal=True),
        "created": Column("created", read_moment, ranges=True, sorts=True),
        "overlap": Column("overlap", read_integer, equal=True, ranges=True),
    }


def _task_columns(call: Call) -> Columns:
    """All tasks are the requester's."""
    owner = owner_of(call.context)
    return {
        **_item_columns(call),
        "owner_id": Column("1", lambda text: text == owner["id"], equal=True),
        "owner_company_id": Column("1", lambda text: text == owner.get("company_id"), equal=True),
    }


def _suite_columns(call: Call) -> Columns:
    # Suites of smart mixing are not made here, so there is none with a task that has an id.
    return {**_task_columns(call), "task_id": Column("''", str, equal=True)}


def _operation_columns(call: Call) -> Columns:
    """The status of those that have not ended follows from the clock."""
    running = f"CASE WHEN started > {int(call.now * 1000)} THEN 'PENDING' ELSE 'RUNNING' END"
    ended = "CASE WHEN settled IS NOT NULL THEN due END"
    return {
        "id": Column("id", str, ranges=True, sorts=True),
        "type": one_of("type", *operations.KNOWN_TYPES),
        "status": one_of(f"coalesce(settled, {running})", "PENDING", "RUNNING", "SUCCESS", "FAIL"),
        "submitted": Column("submitted", read_moment, ranges=True, sorts=True),
        "finished": Column(ended, read_moment, ranges=True, sorts=True),
    }


def _show_item(kind: Kind) -> Callable[[Call, Any], str]:
    return lambda _, row: batch.item_json(kind, ItemRow(*row))


def _show_pool(_: Call, row: Any) -> str:
    return dumps(shown(row[2], row[3]))


def _show_operation(call: Call, row: Any) -> str:
    return dumps(operations.view(OperationRow(*row), call.context.switches, call.now))


def _always(columns: Columns) -> Callable[[Call], Columns]:
    return lambda _: columns


def _no_pool(call: Call, number: str) -> str:
    """Why there is no pool of an id: a training has it, or nothing."""
    trained = call.context.store.row("SELECT 1 FROM pools WHERE id = ?", _number(number) or (-1,))
    return "POOL_IS_TRAINING" if trained else "DOES_NOT_EXIST"


_numbered = partial(Resource, most=300, key=_number)
_pools = partial(_numbered, columns=_always(_POOL_COLUMNS), show=_show_pool, limit=20)
_items = partial(Resource, key=parse_item_id, where="pool = ? AND oid = ?", delayed=True)

RESOURCES: Mapping[str, Resource] = {
    "/projects": _numbered(
        "projects WHERE 1", _always(_PROJECT_COLUMNS), lambda _, row: str(row[1])
    ),
    "/pools": _pools("pools WHERE training = 0", absent=_no_pool),
    "/trainings": _pools("pools WHERE training = 1"),
    "/tasks": _items("tasks WHERE 1", _task_columns, _show_item("tasks"), needs=("pool_id",)),
    "/task-suites": _items(
        "suites WHERE 1", _suite_columns, _show_item("suites"), needs=("pool_id", "task_id")
    ),
    "/assignments": Resource(
        "assignments WHERE 1",
        _always(_ASSIGNMENT_COLUMNS),
        lambda _, row: str(row[2]),
        needs=("pool_id", "task_suite_id", "task_id"),
    ),
    "/operations": Resource(
        "operations WHERE 1",
        _operation_columns,
        _show_operation,
        most=500,
        key=operation_names,
        where="id IN (?, ?, ?)",
    ),
}
