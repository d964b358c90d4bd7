"""One field of a spec, compiled: what a value must be, as tests that are Python expressions.

Each rule is written once, as an expression over `value`. The slow path evaluates the expressions one by one to name
the fault; the fast path (`toloka_upload.check.fields`) joins them into one generated function. Text from a spec is
never part of an expression: it takes part only as a constant, bound by name.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toloka_upload.check import faults
from toloka_upload.rows.model import Fault

Note = Callable[[str], None]

_DEGREES = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_COORDINATES = re.compile(rf"\s*({_DEGREES})\s*,\s*({_DEGREES})\s*", re.ASCII)
_URL_STARTS = ("http://", "https://", "www")
_FIRST_BIG = 2.0**63


@dataclass(frozen=True, slots=True)
class Test:
    """One rule.

    Attributes:
        expression: True where `value` keeps the rule; `{bound}` stands for the constant of that name.
        code: The API's code for a value that breaks it.
        message: What a value must be.
        bound: Constants that the expression uses.
        actual: Tells what the value is instead; None: nothing is added to the message.
    """

    expression: str
    code: str
    message: str
    bound: Mapping[str, Any]
    actual: Callable[[Any], object] | None = faults.shown

    def complaint(self, value: Any) -> tuple[str, str]:
        """Code and message for a value that breaks the rule."""
        return (
            self.code,
            f"{self.message}, not {self.actual(value)}" if self.actual else self.message,
        )

    def compiled(self) -> Callable[[Any], bool]:
        """The rule as a function."""
        text = self.expression.format_map({name: name for name in self.bound})
        test: Callable[[Any], bool] = eval(f"lambda value: {text}", dict(self.bound))  # noqa: S307
        return test


class Element:
    """The rules of one scalar value: its JSON type first, then its limits; the first broken one is told."""

    def __init__(self, tests: tuple[Test, ...], *, simple: bool) -> None:
        self.tests = tests
        self._simple = simple
        self._compiled = [(test.compiled(), test) for test in tests]

    def complaint(self, value: Any) -> tuple[str, str] | None:
        """Code and message of the first rule that `value` breaks."""
        for holds, test in self._compiled:
            if not holds(value):
                if self._simple and isinstance(value, list | dict):
                    return "SIMPLE_VALUE_EXPECTED", faults.SIMPLE
                return test.complaint(value)
        return None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a spec.

    Attributes:
        required: Missing and null are faults. Only what the spec states counts: documents disagree about the
            default of `required`, and the check must not refuse what the API takes.
        element: Rules of the value, or of each element of an array; None: any value will do.
        sizes: Rules of the array itself; None: the field is no array.
    """

    name: str
    required: bool
    element: Element | None
    sizes: Element | None = None

    def faults(self, value: Any, path: str) -> Iterator[Fault]:
        """Name what is wrong with a value that is not null."""
        whole = self.sizes or self.element
        complaint = whole.complaint(value) if whole else None
        if complaint:
            yield Fault(path, *complaint)
        for index, item in enumerate(value if self.sizes and isinstance(value, list) else ()):
            found = self.element.complaint(item) if self.element else None
            if item is None:
                yield faults.required(f"{path}.{index}")
            elif found:
                yield Fault(f"{path}.{index}", *found)


def compile_field(name: str, spec: object, note: Note) -> Field:
    """Compile one field's spec.

    What the check cannot use (an unknown type, a pattern that only Java understands, a limit that is no number) is
    left out and told to `note`: the API decides there.
    """
    if not isinstance(spec, dict):
        note(f"field {faults.quoted(name)}: its spec is no object; its values are not checked")
        return Field(name, required=False, element=None)
    required = spec.get("required") is True
    kind = str(spec.get("type")).lower()
    scalar = kind.removeprefix("array_")
    if scalar not in _KINDS:
        note(
            f"field {faults.quoted(name)}: type {faults.quoted(kind)} is unknown here; not checked"
        )
        return Field(name, required, element=None)
    said = _Constraints(name, spec, note)
    tests = _KINDS[scalar](said)
    element = Element(tests, simple=scalar != "json") if tests else None
    sizes = Element(_array(said), simple=False) if kind != scalar else None
    return Field(name, required, element, sizes)


class _Constraints:
    """The constraints of one field, each taken only if it makes sense."""

    def __init__(self, name: str, spec: dict[str, Any], note: Note) -> None:
        self._name = name
        self._spec = spec
        self._note = note

    def skip(self, constraint: str) -> None:
        self._note(
            f"field {faults.quoted(self._name)}: {constraint} "
            f"{faults.shown(self._spec.get(constraint))} cannot be used here; not checked"
        )

    def limit(
        self,
        constraint: str,
        expression: str,
        code: str,
        message: str,
        actual: Callable[[Any], object] = faults.shown,
    ) -> Iterator[Test]:
        """A number that bounds the value, its length or its size."""
        limit = self._spec.get(constraint)
        if limit is None:
            return
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            self.skip(constraint)
            return
        yield Test(expression, code, f"{message} {limit}, not {{value}}", {"limit": limit})

    def allowed(self, *kinds: type) -> Iterator[Test]:
        """A closed list of values. An empty one is none: nothing could keep it."""
        allowed = self._spec.get("allowed_values")
        if not allowed:
            return
        if not isinstance(allowed, list) or any(type(value) not in kinds for value in allowed):
            self.skip("allowed_values")
            return
        choices = ", ".join(faults.shown(value) for value in allowed[:10])
        message = (
            f"Value must be one of {choices}{', …' if len(allowed) > 10 else ''}, not {{value}}"
        )
        bound = {"allowed": frozenset(allowed)}
        yield Test("value in {allowed}", "VALUE_NOT_ALLOWED", message, bound)

    def pattern(self) -> Iterator[Test]:
        """A regular expression for the whole value; character classes are those of ASCII, as in Java."""
        pattern = self._spec.get("pattern")
        if not pattern:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "error"
                )  # "possible set difference": Java means something else
                whole = re.compile(pattern, re.ASCII).fullmatch
        except (re.error, Warning, OverflowError, RecursionError, TypeError):
            self.skip("pattern")
            return
        message = f"Value must match the pattern {faults.clipped(pattern)}, not {{value}}"
        yield Test("{whole}(value)", "PATTERN_MISMATCH", message, {"whole": whole})


def _test(expression: str, code: str, message: str, **bound: Any) -> Test:
    return Test(expression, code, message, bound)


def _string(said: _Constraints) -> tuple[Test, ...]:
    return (
        _test("type(value) is str", "STRING_EXPECTED", "Value must be a string"),
        *said.limit(
            "min_length",
            "len(value) >= {limit}",
            "STRING_LENGTH_LESS_THAN_MIN",
            "Value length must be at least",
            len,
        ),
        *said.limit(
            "max_length",
            "len(value) <= {limit}",
            "STRING_LENGTH_GREATER_THAN_MAX",
            "Value length must be at most",
            len,
        ),
        *said.allowed(str),
        *said.pattern(),
    )


def _url(_: _Constraints) -> tuple[Test, ...]:
    # Slices first: they take half the time of startswith().
    expression = "value[:8] == 'https://' or value[:7] == 'http://' or {is_url}(value)"
    return (
        _test("type(value) is str", "STRING_EXPECTED", "Value must be a string"),
        Test(expression, "INVALID_URL_SYNTAX", faults.URL, {"is_url": _is_url}, actual=None),
    )


def _coordinates(_: _Constraints) -> tuple[Test, ...]:
    code = "INVALID_COORDINATES_SYNTAX"
    form = 'Value must be in valid coordinates format "latitude,longitude"'
    span = "Latitude must be from -90 to 90 and longitude from -180 to 180"
    return (
        _test("type(value) is str", "STRING_EXPECTED", "Value must be a string"),
        _test("{form}(value)", code, form, form=_COORDINATES.fullmatch),
        _test("{on_earth}(value)", code, span, on_earth=_on_earth),
    )


def _integer(said: _Constraints) -> tuple[Test, ...]:
    expression = "type(value) is int or {is_big}(value)"
    message = "Value must be an integer"
    whole = _test(expression, "INTEGER_EXPECTED", message, is_big=_is_big_integer)
    return (whole, *_bounds(said), *said.allowed(int))


def _float(said: _Constraints) -> tuple[Test, ...]:
    expression = "type(value) is float or type(value) is int"
    number = _test(expression, "FLOAT_EXPECTED", "Value must be a number")
    return (number, *_bounds(said), *said.allowed(int, float))


def _boolean(said: _Constraints) -> tuple[Test, ...]:
    message = "Value must be true or false"
    return (_test("type(value) is bool", "BOOLEAN_EXPECTED", message), *said.allowed(bool))


def _json(_: _Constraints) -> tuple[Test, ...]:
    message = "Value must be a JSON object"
    return (_test("type(value) is dict", "JSON_EXPECTED", message),)


def _file(_: _Constraints) -> tuple[Test, ...]:
    return ()  # what stands for a file is not documented


def _bounds(said: _Constraints) -> Iterator[Test]:
    yield from said.limit(
        "min_value", "value >= {limit}", "VALUE_LESS_THAN_MIN", "Value must be at least"
    )
    yield from said.limit(
        "max_value", "value <= {limit}", "VALUE_GREATER_THAN_MAX", "Value must be at most"
    )


def _array(said: _Constraints) -> tuple[Test, ...]:
    return (
        _test("type(value) is list", "ARRAY_EXPECTED", "Value must be an array"),
        *said.limit(
            "min_size",
            "len(value) >= {limit}",
            "ARRAY_SIZE_LESS_THAN_MIN",
            "Array size must be at least",
            len,
        ),
        *said.limit(
            "max_size",
            "len(value) <= {limit}",
            "ARRAY_SIZE_GREATER_THAN_MAX",
            "Array size must be at most",
            len,
        ),
    )


_KINDS: dict[str, Callable[[_Constraints], tuple[Test, ...]]] = {
    "string": _string,
    "url": _url,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "coordinates": _coordinates,
    "json": _json,
    "file": _file,
}


def _is_url(value: str) -> bool:
    return value[:8].lower().startswith(_URL_STARTS)


def _is_big_integer(value: object) -> bool:
    # The JSON parser makes floats of integers past 64 bits, and every float that large is integral.
    return type(value) is float and abs(value) >= _FIRST_BIG


def _on_earth(value: str) -> bool:
    match = _COORDINATES.fullmatch(value)
    return match is not None and abs(float(match[1])) <= 90 and abs(float(match[2])) <= 180
