"""The names of columns: the web interface's `INPUT:x`, `GOLDEN:x` and so on, or bare names of input fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Any, NamedTuple

from toloka_upload.rows.cells import Converter, latitude, longitude, overlap

MAX_COLUMNS = 10_000
"""Most columns of a table."""

_MOST_TOLD = 5


class Place(Enum):
    """Where a column's cells go in the task."""

    INPUT = "input_values."
    GOLDEN = "known_solutions.0.output_values."
    HINT = "message_on_unknown_solution"
    OVERLAP = "overlap"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"


OUTSIDE: Mapping[Place, Converter] = {
    Place.OVERLAP: overlap,
    Place.LATITUDE: latitude,
    Place.LONGITUDE: longitude,
}
"""What cells become that stand outside the task's own text."""


class Column(NamedTuple):
    """One column: its name as in the header, where its cells go, and for which field of the project."""

    name: str
    place: Place
    field: str = ""

    @property
    def path(self) -> str:
        """The API's name for it, as in `known_solutions.0.output_values.result`."""
        return self.place.value + self.field


_WHOLE_NAMES = {
    "HINT:text": Place.HINT,
    "TASK:overlap": Place.OVERLAP,
    "Al:latitude": Place.LATITUDE,
    "Al:longitude": Place.LONGITUDE,
}
_PREFIXES = {"INPUT:": Place.INPUT, "GOLDEN:": Place.GOLDEN}
_KNOWN = "INPUT:<field>, GOLDEN:<field>, HINT:text, TASK:overlap, Al:latitude, Al:longitude"


def web_column(name: str) -> Column | None:
    """Return what a name of the web interface stands for, or None if it is none."""
    if place := _WHOLE_NAMES.get(name):
        return Column(name, place)
    prefix, colon, field = name.partition(":")
    place = _PREFIXES.get(prefix + colon)
    return Column(name, place, field) if place and field else None


def read_header(
    names: Sequence[str], called: Callable[[int], str] = "column {}".format
) -> tuple[list[Column], list[str]]:
    """Return the columns of a header, and what is wrong with it, a sentence a fault.

    Either all names are the web interface's, or all are bare names of input fields. The columns are only
    complete if nothing is wrong; of what is wrong, the first five are told.

    Args:
        names: The names.
        called: What to call a column, by its number from 1.
    """
    if len(names) > MAX_COLUMNS:
        return [], [f"the header has {len(names)} columns; at most {MAX_COLUMNS} are read"]
    web = [web_column(name) for name in names]
    prefixed = any(web)
    columns: list[Column] = []
    problems: list[str] = []
    first: dict[str, int] = {}
    for number, (name, column) in enumerate(zip(names, web, strict=True), 1):
        problem = _problem(name, column, prefixed=prefixed)
        if not problem and name in first:
            problem = f"{called(first[name])} has the same name: rename or remove one of them"
        first.setdefault(name, number)
        if problem:
            shown = f" {name[:100]!r}:" if name else ""
            problems.append(f"{called(number)}{shown} {problem}")
            if len(problems) == _MOST_TOLD:
                break
        else:
            columns.append(column or Column(name, Place.INPUT, name))
    return columns, problems


def _problem(name: str, column: Column | None, *, prefixed: bool) -> str:
    if not name:
        return "has no name; name it or remove it (pandas: to_csv(..., index=False))"
    if column:
        return ""
    if "://" in name:
        return "is an address and no name: is there no header? Put the columns' names in the first line"
    if prefixed and ":" not in name:
        return f"the other columns have prefixes: is it {'INPUT:' + name!r}?"
    if prefixed or ":" in name:
        field = name.rpartition(":")[2]
        known = {
            web.lower(): web for web in [*_WHOLE_NAMES, *(prefix + field for prefix in _PREFIXES)]
        }
        near = [known[found] for found in get_close_matches(name.lower(), known, 1, 0.6)]
        what = "unknown column" if prefixed else "unknown prefix"
        return f"{what}{_did_you_mean(near) or f'; known are {_KNOWN}'}"
    return ""


def _did_you_mean(near: Sequence[str]) -> str:
    return f", did you mean {near[0]!r}?" if near else ""


def spec_warnings(
    columns: Sequence[Column],
    task_spec: Mapping[str, Any],
    named: Callable[[Column], str] = lambda column: f"column {column.name!r}",
) -> list[str]:
    """Say which columns the project's spec does not know, and which required input fields have no column.

    Args:
        columns: The columns.
        task_spec: The spec.
        named: What to call a column.
    """
    warnings: list[str] = []
    for place, part in ((Place.INPUT, "input_spec"), (Place.GOLDEN, "output_spec")):
        spec = task_spec.get(part) or {}
        unknown = [
            column for column in columns if column.place is place and column.field not in spec
        ]
        for column in unknown[:_MOST_TOLD]:
            near = get_close_matches(column.field, spec, 1, 0.6)
            what = part.replace("_", " ")
            warnings.append(f"{named(column)} is not in the project's {what}{_did_you_mean(near)}")
        if len(unknown) > _MOST_TOLD:
            warnings.append(f"{len(unknown) - _MOST_TOLD} more columns are not in it")
    have = {column.field for column in columns if column.place is Place.INPUT}
    return warnings + [
        f"the project requires the input field {field!r}, and no column has it"
        for field, rules in (task_spec.get("input_spec") or {}).items()
        if isinstance(rules, Mapping) and rules.get("required") is True and field not in have
    ]
