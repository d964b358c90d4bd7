"""Listings: filters, sorting and paging as all of the API's lists have them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from toloka_upload.emulator.ids import parse_item_id
from toloka_upload.emulator.messages import Refusal, bad_parameter

_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Column:
    """Something a list is filtered and sorted by.

    Attributes:
        sql: The expression.
        read: Takes a filter's text; raises ValueError if it cannot be one.
        equal: Whether the list can be filtered by the value itself (`overlap=3`).
        ranges: Whether it can be filtered from and to (`overlap_gte=3`).
    """

    sql: str
    read: Callable[[str], Any]
    equal: bool = False
    ranges: bool = True


@dataclass(frozen=True, slots=True)
class Selection:
    """A listing's question as SQL. `limit` is the page's size; ask for one more to know `has_more`."""

    where: str
    values: tuple[Any, ...]
    order: str
    limit: int


def select(
    query: Mapping[str, str],
    columns: Mapping[str, Column],
    sortable: Sequence[str],
    *,
    limit: int,
    most: int,
    others: Sequence[str] = (),
) -> Selection:
    """Read a listing's parameters.

    Args:
        query: The request's parameters.
        columns: What can be filtered by, under the parameter's name.
        sortable: Names of columns that may be sorted by; the first is the usual order.
        limit: The usual page size.
        most: The highest page size.
        others: Parameters that somebody else reads.

    Raises:
        Refusal: 400; a parameter is unknown or cannot be understood.
    """
    conditions: list[str] = ["1"]
    values: list[Any] = []
    for parameter, text in query.items():
        if parameter in ("limit", "sort", *others):
            continue
        name, _, comparison = parameter.rpartition("_")
        if parameter in columns and columns[parameter].equal:
            column, sign = columns[parameter], "="
        elif name in columns and columns[name].ranges and comparison in _COMPARISONS:
            column, sign = columns[name], _COMPARISONS[comparison]
        else:
            raise bad_parameter(parameter, "VALUE_NOT_ALLOWED", "Unknown parameter")
        try:
            read = column.read(text)
        except (ValueError, OverflowError):
            raise bad_parameter(parameter, "INVALID_VALUE", f"{text!r} is no value of it") from None
        conditions.append(f"{column.sql} {sign} ?")
        values.append(read)
    order = _order(query.get("sort", sortable[0]), columns, sortable)
    return Selection(" AND ".join(conditions), tuple(values), order, _limit(query, limit, most))


def _order(text: str, columns: Mapping[str, Column], sortable: Sequence[str]) -> str:
    terms = []
    for term in text.split(","):
        name = term.removeprefix("-")
        if name not in sortable:
            raise bad_parameter("sort", "UNKNOWN_ENUM_VALUE", f"it is one of {', '.join(sortable)}")
        way = " DESC" if term.startswith("-") else ""
        terms.append(columns[name].sql + way)
    return ", ".join(terms)


def _limit(query: Mapping[str, str], usual: int, most: int) -> int:
    text = query.get("limit", str(usual))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if not number:
        raise bad_parameter("limit", "INTEGER_EXPECTED", "it is a number from 1")
    if number > most:
        payload = {"limit": {"code": "VALUE_GREATER_THAN_MAX", "message": f"at most {most}"}}
        raise Refusal(400, "VALIDATION_ERROR", f"limit is at most {most}", payload)
    return number


def read_moment(text: str) -> int:
    """Milliseconds of a moment as the API writes it; one without zone is UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def read_integer(text: str) -> int:
    """An integer."""
    return int(text)


def read_text(text: str) -> str:
    """Anything."""
    return text


def item_columns(pool: int) -> dict[str, Column]:
    """Columns of the items of one pool: an id is compared by its ObjectId, so that the table's key serves."""

    def read_id(text: str) -> bytes:
        found = parse_item_id(text)
        if found is None:
            raise ValueError(text)
        other, oid = found
        return oid if other == pool else b"" if other < pool else b"\xff" * 13

    return {
        "pool_id": Column("pool", read_integer, equal=True, ranges=False),
        "id": Column("oid", read_id),
        "created": Column("created", read_moment),
        "overlap": Column("overlap", read_integer, equal=True),
    }


POOL_COLUMNS = {
    "id": Column("id", read_integer),
    "status": Column("status", read_text, equal=True, ranges=False),
    "project_id": Column(
        "CAST(json_extract(body, '$.project_id') AS INTEGER)",
        read_integer,
        equal=True,
        ranges=False,
    ),
    "created": Column("json_extract(body, '$.created')", read_text),
}


def operation_columns(now: float) -> dict[str, Column]:
    """Columns of operations at a moment: the status of those that have not ended follows from the clock."""
    running = f"CASE WHEN started > {int(now * 1000)} THEN 'PENDING' ELSE 'RUNNING' END"
    return {
        "type": Column("type", read_text, equal=True, ranges=False),
        "status": Column(f"coalesce(settled, {running})", read_text, equal=True, ranges=False),
        "id": Column("id", read_text),
        "submitted": Column("submitted", read_moment),
        "finished": Column("CASE WHEN settled IS NOT NULL THEN due END", read_moment),
    }
