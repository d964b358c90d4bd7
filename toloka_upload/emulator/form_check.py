"""The check of a value against one of the `forms`: of requests, worlds, plans and the control endpoint alike.

Types are those of a project's spec, and besides: `object`, `list`, `moment`, `enum`, `number` (an id: digits, as text
or not), `decimal` (an amount, as text or not), `price`, `pattern` (a regular expression), `fields` (of a spec), `type`
(of a field), `tasks` (of an assignment) and `places` (numbers from 1).
"""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from toloka_upload.check.faults import shown
from toloka_upload.check.fields import Field
from toloka_upload.check.kinds import SCALARS
from toloka_upload.emulator.codes import REQUIRED, UNKNOWN
from toloka_upload.emulator.forms import Form
from toloka_upload.emulator.values import read_integer, read_moment
from toloka_upload.rows.model import Fault

_LEAST_PRICE = 0.005
_MOST_PRICE = 1e9
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_FIELD_ID = re.compile("[A-Za-z0-9_-]+")
_BROKEN_ANYWHERE = (
    "missing )",
    "unbalanced parenthesis",
    "nothing to repeat",
    "unterminated character set",
)
"""What Python says of patterns that no other language could read either."""


@contextlib.contextmanager
def named(where: str) -> Iterator[None]:
    """Put a name before whatever is wrong in a `with` block; none if it is empty."""
    try:
        yield
    except ValueError as problem:
        raise ValueError(f"{where}: {problem}" if where else str(problem)) from None


def check(
    form: Form,
    value: Any,
    *,
    strangers: bool = False,
    needed: bool = True,
    matters: Callable[[Fault], bool] = lambda _: True,
) -> None:
    """Refuse what somebody says outside of the API.

    Args:
        matters: Whether a fault counts; the others are let pass.

    Raises:
        ValueError: With the first fault.
    """
    for fault in faults(form, as_object(value), strangers=strangers, needed=needed):
        if matters(fault):
            raise ValueError(f"{fault.field}: {fault.code}: {fault.message}")


def as_object(value: Any) -> Mapping[str, Any]:
    """What should be an object.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"an object is expected, not {shown(value)}")
    return value


def as_json(value: Any) -> dict[str, Any]:
    """What should be an object, as JSON has it.

    Raises:
        ValueError: It is something else, or JSON cannot say it: a date, a number that is none.
    """
    try:
        plain: dict[str, Any] = json.loads(json.dumps(as_object(value), allow_nan=False))
    except TypeError as problem:
        raise ValueError(f"JSON cannot say it; put quotes round a date ({problem})") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return plain


def faults(
    form: Form,
    value: Mapping[str, Any],
    *,
    ignored: Collection[str] = (),
    strangers: bool = False,
    needed: bool = True,
) -> Iterator[Fault]:
    """What is wrong with an object.

    Args:
        ignored: Members that are not looked at.
        strangers: Whether members that the form does not know are let in.
        needed: Whether those that it requires must be there.
    """
    if not strangers:
        known = [name for name in form if "." not in name]
        for name in value.keys() - form.keys() - set(ignored):
            yield Fault(name, "VALUE_NOT_ALLOWED", f"{UNKNOWN}; there are: {', '.join(known)}")
    for path, spec in form.items():
        for where, found in _at(value, path.split(".")):
            if found is not None:
                yield from _checked(path, spec, found, where)
            elif needed and spec.get("required"):
                yield Fault(where, "VALUE_REQUIRED", REQUIRED)


def _at(value: Any, path: list[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values at a path, None for one that is missing; nothing where what should hold it is missing."""
    name, rest = path[0], path[1:]
    inside: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    if name == "*" and isinstance(value, list):
        inside = {str(index): part for index, part in enumerate(value)}
    for key in inside if name == "*" else [name] if isinstance(value, Mapping) else []:
        if rest:
            yield from _at(inside.get(key), rest, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inside.get(key)


def _checked(path: str, spec: Mapping[str, Any], value: Any, where: str) -> Iterator[Fault]:
    own = _OWN.get(spec["type"])
    if own is None:
        yield from _field(path, spec["type"], *spec.items()).faults(value, where)
        return
    complaint = own(spec, value)
    if complaint:
        yield Fault(where, complaint[0], f"{complaint[1]}, not {shown(value)}")


@cache
def _field(path: str, _: str, *spec: tuple[str, Any]) -> Field:
    return Field.compile(path, dict(spec), lambda _: None)


Complaint = tuple[str, str] | None
"""Code and message; None: nothing is wrong."""


def _object(_: Mapping[str, Any], value: Any) -> Complaint:
    if not isinstance(value, Mapping):
        return "OBJECT_EXPECTED", "Value must be an object"
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return "JSON_EXPECTED", "Value must be a json object"
    return None


def _fields(_: Mapping[str, Any], value: Any) -> Complaint:
    if not isinstance(value, Mapping):
        return "OBJECT_EXPECTED", "Value must be an object"
    if not all(_FIELD_ID.fullmatch(name) for name in value):
        return "CHARACTER_NOT_ALLOWED", "Fields are named with Latin letters, digits, - and _"
    return None


def _list(_: Mapping[str, Any], value: Any) -> Complaint:
    return None if isinstance(value, list) else ("ARRAY_EXPECTED", "Value must be an array")


def _enumerated(spec: Mapping[str, Any], value: Any) -> Complaint:
    if value in spec["values"]:
        return None
    return "UNKNOWN_ENUM_VALUE", f"Value must be one of {', '.join(spec['values'])}"


def _moment(_: Mapping[str, Any], value: Any) -> Complaint:
    try:
        read_moment(str(value))
    except ValueError:
        return "INVALID_DATE_TIME_SYNTAX", "Value must be in valid date-time format"
    return None


def _number(spec: Mapping[str, Any], value: Any) -> Complaint:
    least, most = spec["min_value"], spec["max_value"]
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError
        read_integer(str(value), least, most)
    except ValueError:
        return "INTEGER_EXPECTED", f"Value must be an integer from {least} to {most}"
    return None


def _decimal(_: Mapping[str, Any], value: Any) -> Complaint:
    if type(value) in (int, float) and abs(value) < 1e18:
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return None
    return "FLOAT_EXPECTED", "Value must be a number"


def _price(_: Mapping[str, Any], value: Any) -> Complaint:
    if type(value) not in (int, float):
        return "FLOAT_EXPECTED", "Value must be a number"
    if value != 0 and not value >= _LEAST_PRICE:
        return "VALUE_LESS_THAN_MIN", f"Value must be 0 or at least {_LEAST_PRICE}"
    if value > _MOST_PRICE:
        return "VALUE_GREATER_THAN_MAX", f"Value must be at most {_MOST_PRICE:.0f}"
    return None


def _pattern(_: Mapping[str, Any], value: Any) -> Complaint:
    if not isinstance(value, str):
        return "STRING_EXPECTED", "Value must be a string"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(value)
    except re.error as problem:  # what only Python cannot read is the API's to judge
        if problem.msg.startswith(_BROKEN_ANYWHERE):
            return "INVALID_REGEX_SYNTAX", f"Value must be a regular expression ({problem})"
    except (OverflowError, RecursionError):
        pass
    return None


def _type(_: Mapping[str, Any], value: Any) -> Complaint:
    if isinstance(value, str) and value.lower().removeprefix("array_") in SCALARS:
        return None
    return "UNKNOWN_ENUM_VALUE", f"Value must be one of {', '.join(SCALARS)}, or array_ and one"


def _tasks(_: Mapping[str, Any], value: Any) -> Complaint:
    if isinstance(value, list) and all(isinstance(part, str | Mapping) for part in value):
        return None
    return "ARRAY_EXPECTED", "Value must be an array of ids or of tasks"


def _places(_: Mapping[str, Any], value: Any) -> Complaint:
    places = value if isinstance(value, list) else [value]
    if all(type(place) is int and place > 0 for place in places):
        return None
    return "INTEGER_EXPECTED", "Value counts from 1: a number or a list"


_OWN: Mapping[str, Callable[[Mapping[str, Any], Any], Complaint]] = {
    "object": _object,
    "fields": _fields,
    "list": _list,
    "enum": _enumerated,
    "moment": _moment,
    "number": _number,
    "decimal": _decimal,
    "price": _price,
    "pattern": _pattern,
    "type": _type,
    "tasks": _tasks,
    "places": _places,
}
