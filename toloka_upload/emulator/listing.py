"""Listings: filters, sorting and paging as all of the API's lists have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toloka_upload.emulator.messages import bad_parameter
from toloka_upload.emulator.values import read_integer, read_moment, timestamp

_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Column:
    """Something a list is filtered and sorted by.

    Attributes:
        sql: The expression.
        read: Takes a parameter's text; raises ValueError if it cannot be one.
        equal: Whether the list can be filtered by the value itself (`overlap=3`).
        ranges: Whether it can be filtered from and to (`overlap_gte=3`).
        sorts: Whether it can be sorted by it.
        value: Stands for the value in SQL.
        sign: Of the filter by the value itself.
        code: Of the refusal of what cannot be read.
    """

    sql: str
    read: Callable[[str], Any]
    equal: bool = False
    ranges: bool = False
    sorts: bool = False
    value: str = "?"
    sign: str = "="
    code: str = "INVALID_VALUE"


@dataclass(frozen=True, slots=True)
class Selection:
    """A listing's question as SQL. `limit` is the page's size; ask for one more to know whether there is more."""

    where: str
    values: tuple[Any, ...]
    order: str
    limit: int


def select(
    query: Mapping[str, str], columns: Mapping[str, Column], *, limit: int, most: int
) -> Selection:
    """Read a listing's parameters.

    Args:
        query: The request's parameters.
        columns: What can be asked for, under the parameter's name; the first that sorts is the usual order.
        limit: The usual page size.
        most: The highest page size.

    Raises:
        Refusal: 400; a parameter is unknown or cannot be understood.
    """
    conditions: list[str] = ["1"]
    values: list[Any] = []
    for parameter, text in query.items():
        if parameter not in ("limit", "sort"):
            column, sign = _asked(parameter, columns)
            try:
                values.append(column.read(text))
            except ValueError:
                message = f"{text[:100]!r} is no value of it"
                raise bad_parameter(parameter, column.code, message) from None
            conditions.append(f"{column.sql} {sign} {column.value}")
    order = _order(query.get("sort"), columns)
    return Selection(" AND ".join(conditions), tuple(values), order, _limit(query, limit, most))


def _asked(parameter: str, columns: Mapping[str, Column]) -> tuple[Column, str]:
    """The column that a parameter filters by, and how."""
    column = columns.get(parameter)
    if column and column.equal:
        return column, column.sign
    name, _, comparison = parameter.rpartition("_")
    column = columns.get(name)
    if column and column.ranges and comparison in _COMPARISONS:
        return column, _COMPARISONS[comparison]
    raise bad_parameter(parameter, "VALUE_NOT_ALLOWED", "Unknown parameter")


def _order(text: str | None, columns: Mapping[str, Column]) -> str:
    sortable = {name: column.sql for name, column in columns.items() if column.sorts}
    terms: dict[str, str] = {}
    for term in (text or next(iter(sortable))).split(","):
        # Of each column once: so a list has an end, and no term is without meaning.
        sql = sortable.pop(term.removeprefix("-"), None)
        if sql is None:
            message = f"it takes, once each: {', '.join([*terms, *sortable])}"
            raise bad_parameter("sort", "UNKNOWN_ENUM_VALUE", message)
        terms[term.removeprefix("-")] = f"{sql} DESC" if term.startswith("-") else sql
    return ", ".join(terms.values())


def _limit(query: Mapping[str, str], usual: int, most: int) -> int:
    try:
        number = read_integer(query.get("limit", str(usual)), 1)
    except ValueError:
        message = "Value must be an integer from 1"
        raise bad_parameter("limit", "INTEGER_EXPECTED", message) from None
    if number > most:
        raise bad_parameter("limit", "VALUE_GREATER_THAN_MAX", f"Value must be at most {most}")
    return number


def member(name: str) -> str:
    """The SQL of a member of a row's body."""
    return f"json_extract(body, '$.{name}')"


def moment_of(name: str) -> Column:
    """A moment that stands in a row's body."""
    sql = f"julianday({member(name)})"
    return Column(
        sql,
        lambda text: timestamp(read_moment(text)),
        ranges=True,
        sorts=True,
        value="julianday(?)",
    )


def one_of(sql: str, *names: str, several: bool = False) -> Column:
    """One of some names; `several`: also more than one, with commas between them."""

    def read(text: str) -> str:
        asked = text.split(",") if several else [text]
        if not set(asked) <= set(names):
            raise ValueError(text)
        return json.dumps(asked)

    value, sign = "(SELECT value FROM json_each(?))", "IN"
    return Column(sql, read, equal=True, value=value, sign=sign, code="UNKNOWN_ENUM_VALUE")
