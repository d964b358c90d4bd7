"""The check of a value against one of the `forms`: of requests, worlds, plans and the control endpoint alike.

Types are those of a project's spec, and besides: `any`, `object`, `list`, `moment`, `enum`, `number` (an id: digits, as
text or not), `decimal` (an amount, as text or not), `price`, `pattern` (a regular expression), `fields` (of a spec),
`type` (of a field), `tasks` (of an assignment) and `places` (numbers from 1).
"""

from __future__ import annotations

import contextlib
import json
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from toloka_upload.check.faults import required, shown, unknown
from toloka_upload.check.fields import Field
from toloka_upload.check.kinds import SCALARS
from toloka_upload.emulator.forms import Form
from toloka_upload.emulator.values import read_integer, read_moment
from toloka_upload.rows.model import Fault

_strict_json = partial(json.dumps, allow_nan=False)

Spec = Mapping[str, Any]
"""What a form says of a value."""

_MOST_AMOUNT = 10**18
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_FIELD_ID = re.compile("[A-Za-z0-9_-]+")
_LETTERS = "Fields are named with Latin letters, digits, - and _"
_CHEAPEST = "Value must be 0 or at least 0.005"
_DATE_TIME = "Value must be in valid date-time format"
_BROKEN_ANYWHERE = ("missing )", "unbalanced parenthesis", "nothing to repeat", "unterminated char")
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
    whole = as_object(value)
    try:
        plain: dict[str, Any] = json.loads(_strict_json(whole))
    except TypeError as problem:
        raise ValueError(f"JSON cannot say it; put quotes round a date ({problem})") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError:
        raise ValueError("a number in it is infinite or none, which JSON cannot say") from None
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
        for name in value.keys() - form.keys() - set(ignored):
            yield unknown("", name, form)
    for path, spec in form.items():
        for where, found in _at(value, path.split(".")):
            if found is not None:
                yield from _checked(path, spec, found, where)
            elif needed and spec.get("required"):
                yield required(where)


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


def _checked(path: str, spec: Spec, value: Any, where: str) -> Iterator[Fault]:
    if spec["type"] in SCALARS or spec["type"] == "array_json":
        yield from _field(path, *spec.items()).faults(value, where)
        return
    for kind, holds, code, message in _RULES:
        if kind == spec["type"] and not holds(value, spec):
            yield Fault(where, code, f"{message.format(**spec)}, not {shown(value)}")
            return


@cache
def _field(path: str, *spec: tuple[str, Any]) -> Field:
    return Field.compile(path, dict(spec), lambda _: None)


def _can(read: Callable[..., object], *arguments: Any) -> bool:
    try:
        read(*arguments)
    except ValueError:
        return False
    return True


def _is_id(value: Any, spec: Spec) -> bool:
    simple = isinstance(value, int | str) and not isinstance(value, bool)
    return simple and _can(read_integer, str(value), spec["min_value"], spec["max_value"])


def _is_number(value: Any, _: Spec) -> bool:
    return type(value) in (int, float) and -_MOST_AMOUNT < value < _MOST_AMOUNT


def _is_amount(value: Any, spec: Spec) -> bool:
    text = isinstance(value, str) and _DECIMAL.fullmatch(value)
    return bool(text) or _is_number(value, spec)


def _is_pattern(value: str, _: Spec) -> bool:
    """Whether it may be a regular expression; what only Python cannot read is the API's to judge."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(value)
    except re.error as problem:
        return not problem.msg.startswith(_BROKEN_ANYWHERE)
    except (OverflowError, RecursionError):
        pass
    return True


def _is_type(value: Any, _: Spec) -> bool:
    return isinstance(value, str) and value.lower().removeprefix("array_") in SCALARS


def _are_tasks(value: Any, _: Spec) -> bool:
    return isinstance(value, list) and all(isinstance(part, str | Mapping) for part in value)


def _are_places(value: Any, _: Spec) -> bool:
    places = value if isinstance(value, list) else [value]
    return all(type(place) is int and place > 0 for place in places)


def _is_object(value: Any, _: Spec) -> bool:
    return isinstance(value, Mapping)


_RULES: Sequence[tuple[str, Callable[[Any, Spec], bool], str, str]] = (
    ("object", _is_object, "OBJECT_EXPECTED", "Value must be an object"),
    ("object", lambda value, _: _can(_strict_json, value), "JSON_EXPECTED", "Value must be a json object"),
    ("fields", _is_object, "OBJECT_EXPECTED", "Value must be an object"),
    ("fields", lambda value, _: all(map(_FIELD_ID.fullmatch, value)), "CHARACTER_NOT_ALLOWED", _LETTERS),
    ("list", lambda value, _: isinstance(value, list), "ARRAY_EXPECTED", "Value must be an array"),
    ("enum", lambda value, spec: value in spec["values"], "UNKNOWN_ENUM_VALUE", "Value must be one of {names}"),
    ("moment", lambda value, _: _can(read_moment, str(value)), "INVALID_DATE_TIME_SYNTAX", _DATE_TIME),
    ("number", _is_id, "INTEGER_EXPECTED", "Value must be an integer from {min_value} to {max_value}"),
    ("decimal", _is_amount, "FLOAT_EXPECTED", "Value must be a number"),
    ("price", _is_number, "FLOAT_EXPECTED", "Value must be a number"),
    ("price", lambda value, _: value == 0 or value >= 0.005, "VALUE_LESS_THAN_MIN", _CHEAPEST),
    ("price", lambda value, _: value <= 10**9, "VALUE_GREATER_THAN_MAX", "Value must be at most 1000000000"),
    ("pattern", lambda value, _: isinstance(value, str), "STRING_EXPECTED", "Value must be a string"),
    ("pattern", _is_pattern, "INVALID_REGEX_SYNTAX", "Value must be a regular expression"),
    ("type", _is_type, "UNKNOWN_ENUM_VALUE", f"Value must be one of {', '.join(SCALARS)}, or array_ and one"),
    ("tasks", _are_tasks, "ARRAY_EXPECTED", "Value must be an array of ids or of tasks"),
    ("places", _are_places, "INTEGER_EXPECTED", "Value counts from 1: a number or a list"),
)  # fmt: skip
"""By type, what must be true of a value; else code and message. The first that does not hold is told."""
