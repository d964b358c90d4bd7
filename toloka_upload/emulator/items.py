"""The body of a creating request, taken apart without losing a digit: each item parsed, with its own text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]
from math import isfinite
from typing import Any, NamedTuple, NoReturn, cast

from toloka_upload.emulator.messages import Refusal


def _matching(pattern: str) -> Callable[..., re.Match[str]]:
    """What reads a mark with the space around it, `_` in the pattern. In JSON's text it is always there."""
    return cast(Callable[..., re.Match[str]], re.compile(pattern.replace("_", r"[ \t\n\r]*")).match)


_space, _opening, _colon, _comma = map(_matching, ("_", "_{_", "_:_", "_,?_"))


class Item(NamedTuple):
    """One task or suite of a request: the JSON text as sent, and what it says."""

    text: str
    value: dict[str, Any]


class Body(NamedTuple):
    """The items of a request, and whether it was one bare object."""

    items: list[Item]
    single: bool


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def parse_json(body: bytes) -> Any:
    """Any JSON; what it says can be written again.

    Raises:
        ValueError: It is not JSON in UTF-8, or a number in it is larger than a float can be.
        RecursionError: It is nested too deep.
    """
    return json.loads(body, parse_constant=_no_constant, parse_float=_finite)


_scan = json.JSONDecoder(parse_constant=_no_constant).scan_once  # type: ignore[attr-defined]


def parse_body(body: bytes) -> Body:
    """Take apart an array of objects, or one object.

    Raises:
        Refusal: 400; not JSON in UTF-8, or something else than objects, or none.
    """
    try:
        text = body.decode()
        start = _end_of_space(text, 0)
        if text[start : start + 1] == "[":
            items, end = _array(text, start)
        else:
            item, end = _object(text, start)
            items = [item]
        if _end_of_space(text, end) != len(text):
            raise ValueError(f"something follows the value at character {end}")
    except StopIteration as stop:
        raise _malformed(f"no JSON value at character {stop.value}") from None
    except (ValueError, RecursionError) as problem:
        raise _malformed(str(problem)) from None
    if not items:
        raise Refusal("VALIDATION_ERROR", message="The request has no items")
    return Body(items, text[start] != "[")


def members(text: str) -> dict[str, str]:
    """The top-level members of a JSON object's text: each name with its value's own text."""
    found: dict[str, str] = {}
    at = _opening(text).end()
    while text[at] != "}":
        name, at = scanstring(text, at + 1)
        at = _colon(text, at).end()
        _, end = _scan(text, at)
        found[name] = text[at:end]
        at = _comma(text, end).end()
    return found


def elements(text: str) -> list[str]:
    """The objects of a JSON array, each with its own text; none if it is anything else."""
    try:
        return [item.text for item in _array(text, 0)[0]] if text.startswith("[") else []
    except ValueError:
        return []


def joined(parts: dict[str, str]) -> str:
    """A JSON object's text of ready members."""
    return "{" + ",".join([f"{_quoted(name)}:{value}" for name, value in parts.items()]) + "}"


@lru_cache(maxsize=1024)
def _quoted(name: str) -> str:
    return json.dumps(name)


def _array(text: str, start: int) -> tuple[list[Item], int]:
    items: list[Item] = []
    at = _end_of_space(text, start + 1)
    if text[at : at + 1] == "]":
        return items, at + 1
    while True:
        item, at = _object(text, at)
        items.append(item)
        at = _end_of_space(text, at)
        mark = text[at : at + 1]
        at = _end_of_space(text, at + 1)
        if mark == "]":
            return items, at
        if mark != ",":
            raise ValueError(f"',' or ']' expected at character {at - 1}")


def _object(text: str, start: int) -> tuple[Item, int]:
    value, end = _scan(text, start)
    if not isinstance(value, dict):
        raise ValueError(f"an object is expected at character {start}")
    return Item(text[start:end], value), end


def _end_of_space(text: str, start: int) -> int:
    return _space(text, start).end()


def _malformed(what: str) -> Refusal:
    return Refusal("MALFORMED_JSON", message=f"Request body cannot be read: {what}")
