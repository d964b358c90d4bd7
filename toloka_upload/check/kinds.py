"""The field types of a project's spec, and the rules that each of them and its constraints amount to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from toloka_upload.check import faults
from toloka_upload.check.patterns import compile_pattern
from toloka_upload.check.rules import Rule

_DEGREES = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_COORDINATES = re.compile(rf"\s*({_DEGREES})\s*,\s*({_DEGREES})\s*", re.ASCII)
_URL_STARTS = ("http://", "https://", "www")
_FIRST_BIG = 2.0**63
_MOST_CHOICES_SHOWN = 10


class Constraints:
    """The constraints of one field. One that makes no sense here is told to `skipped` and left out."""

    def __init__(self, spec: Mapping[str, Any], skipped: Callable[..., None]) -> None:
        self._spec = spec
        self._skipped = skipped
        self._told = False

    def _pattern_not_checked(self) -> None:
        if not self._told:
            self._told = True
            self._skipped(
                "pattern",
                "in bounded time for all values; with google-re2 (pip install google-re2) most patterns are checked",
            )

    def limit(
        self,
        constraint: str,
        sign: str,
        code: str,
        *,
        of: str = "Value",
        measure: Callable[[Any], object] | None = None,
    ) -> Iterator[Rule]:
        """A bound of the value, or of what `measure` makes of it; `sign` is `>=` or `<=`."""
        limit = self._spec.get(constraint)
        if limit is None:
            return
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            self._skipped(constraint)
            return
        side = "least" if sign == ">=" else "most"
        message = f"{of} must be at {side} {faults.shown(limit)}"
        if measure is None:
            yield Rule(f"value {sign} {{limit}}", code, message, {"limit": limit})
        else:
            bound = {"limit": limit, "measure": measure}
            yield Rule(f"{{measure}}(value) {sign} {{limit}}", code, message, bound, measure)

    def allowed(self, *types: type) -> Iterator[Rule]:
        """A closed list of values. An empty one is none: nothing could keep it."""
        allowed = self._spec.get("allowed_values")
        if not allowed:
            return
        if not isinstance(allowed, list) or any(type(value) not in types for value in allowed):
            self._skipped("allowed_values")
            return
        choices = [faults.shown(value) for value in allowed[:_MOST_CHOICES_SHOWN]]
        more = ["…"] if len(allowed) > len(choices) else []
        message = f"Value must be one of {', '.join(choices + more)}"
        bound = {"allowed": frozenset(allowed)}
        yield Rule("value in {allowed}", "VALUE_NOT_ALLOWED", message, bound)

    def pattern(self) -> Iterator[Rule]:
        """A regular expression for the whole value; its character classes are ASCII's, as in Java."""
        pattern = self._spec.get("pattern")
        if not pattern:
            return
        try:
            matches = compile_pattern(pattern, self._pattern_not_checked)
        except ValueError:
            self._skipped("pattern")
            return
        message = f"Value must match the pattern {faults.clipped(pattern)}"
        yield Rule("{matches}(value)", "PATTERN_MISMATCH", message, {"matches": matches})


def _text() -> Rule:
    return Rule("type(value) is str", "STRING_EXPECTED", "Value must be a string", {})


def _string(said: Constraints) -> Iterator[Rule]:
    yield _text()
    length = "Value length"
    yield from said.limit("min_length", ">=", "STRING_LENGTH_LESS_THAN_MIN", of=length, measure=len)
    yield from said.limit(
        "max_length", "<=", "STRING_LENGTH_GREATER_THAN_MAX", of=length, measure=len
    )
    yield from said.allowed(str)
    yield from said.pattern()


def _url(_: Constraints) -> Iterator[Rule]:
    # Comparing is the fastest test of a prefix, by half: "0" is the character after "/".
    secure, plain = "'https://' <= value < 'https:/0'", "'http://' <= value < 'http:/0'"
    expression = f"{secure} or {plain} or {{is_url}}(value)"
    yield _text()
    yield Rule(expression, "INVALID_URL_SYNTAX", faults.URL, {"is_url": _is_url})


def _coordinates(_: Constraints) -> Iterator[Rule]:
    code = "INVALID_COORDINATES_SYNTAX"
    form = 'Value must be in valid coordinates format "latitude,longitude"'
    span = "Latitude must be from -90 to 90 and longitude from -180 to 180"
    yield _text()
    yield Rule("{form}(value)", code, form, {"form": _COORDINATES.fullmatch})
    yield Rule("{on_earth}(value)", code, span, {"on_earth": _on_earth})


def _integer(said: Constraints) -> Iterator[Rule]:
    expression = "type(value) is int or {is_big}(value)"
    bound = {"is_big": _is_big_integer}
    yield Rule(expression, "INTEGER_EXPECTED", "Value must be an integer", bound, _no_integer)
    yield from _bounds(said)
    yield from said.allowed(int)


def _float(said: Constraints) -> Iterator[Rule]:
    expression = "type(value) is float or type(value) is int"
    yield Rule(expression, "FLOAT_EXPECTED", "Value must be a number", {})
    yield from _bounds(said)
    yield from said.allowed(int, float)


def _bounds(said: Constraints) -> Iterator[Rule]:
    yield from said.limit("min_value", ">=", "VALUE_LESS_THAN_MIN")
    yield from said.limit("max_value", "<=", "VALUE_GREATER_THAN_MAX")


def _boolean(said: Constraints) -> Iterator[Rule]:
    yield Rule("type(value) is bool", "BOOLEAN_EXPECTED", "Value must be true or false", {})
    yield from said.allowed(bool)


def _json(_: Constraints) -> Iterator[Rule]:
    yield Rule("type(value) is dict", "JSON_EXPECTED", "Value must be a JSON object", {})


def _file(_: Constraints) -> Iterator[Rule]:
    return iter(())  # what stands for a file is not documented


def array_rules(said: Constraints) -> Iterator[Rule]:
    """Rules of an array as a whole."""
    yield Rule("type(value) is list", "ARRAY_EXPECTED", "Value must be an array", {})
    size = "Array size"
    yield from said.limit("min_size", ">=", "ARRAY_SIZE_LESS_THAN_MIN", of=size, measure=len)
    yield from said.limit("max_size", "<=", "ARRAY_SIZE_GREATER_THAN_MAX", of=size, measure=len)


SCALARS: dict[str, Callable[[Constraints], Iterator[Rule]]] = {
    "string": _string,
    "url": _url,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "coordinates": _coordinates,
    "json": _json,
    "file": _file,
}
"""Rules of a value, or of an array's element, by type name."""


def _is_url(value: str) -> bool:
    return value[:8].lower().startswith(_URL_STARTS)


def _is_big_integer(value: object) -> bool:
    # The JSON parser makes floats of integers past 64 bits, and every float that large is integral.
    return type(value) is float and abs(value) >= _FIRST_BIG


def _no_integer(value: object) -> str:
    """What a value is instead of an integer; whole numbers with a point are what pandas makes of a column with gaps."""
    if type(value) is float and value.is_integer():
        return f"{value}: write {value:.0f} (pandas: frame.convert_dtypes() before to_json)"
    return faults.shown(value)


def _on_earth(value: str) -> bool:
    match = _COORDINATES.fullmatch(value)
    return match is not None and abs(float(match[1])) <= 90 and abs(float(match[2])) <= 180
