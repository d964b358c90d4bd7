r"""Regular expressions of a project, matched in bounded time.

Python's engine tries one way after the other. For most patterns that is quick; for `(\w+\s?)*` it takes longer than
anybody lives. So it is estimated from the pattern how many steps a value may take:

- few enough: `re` matches it, as long as all such matches of the field together take no more than `MOST_SECONDS`;
- too many: google-re2 matches it in linear time, if that extra is installed and knows the pattern (it knows no
  look-around and no back-references);
- what is left is not checked: the API decides, and the user is told.

Measured: `re` takes 0.13 µs a value, google-re2 2.9 µs, so `re` goes first. google-re2 imports in 5 ms, takes
1.6 MB, and has wheels for Linux with glibc, macOS and Windows, but none for musl: so it is an extra.
"""

from __future__ import annotations

import importlib
import re
import time
import warnings
from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

MOST_STEPS = 1e8
"""Steps that one match by `re` may take: about a second."""
MOST_SECONDS = 5.0
"""Seconds that all the longer matches of one field may take together."""

_LONG = 1e4
"""A match of more steps than this is timed."""
_FEW = 8
"""A repeat with no more turns than this is written out when steps are counted; another has no end."""
_BRANCHES = 4.0
"""Ways that each character adds where one repeat stands within another."""
_HOPELESS = 100
"""Characters from which on an exponential match is no longer told from one that is worse."""
_TOKEN = re.compile(
    r"(?P<quantifier>(?:[*+?]|\{(?P<least>[0-9]*)(?P<comma>,?)(?P<most>[0-9]*)\})[?+]?)"
    r"|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\??|.",
    re.DOTALL,
)

Matches = Callable[[str], object]


class Cost(NamedTuple):
    """The most steps that matching n characters takes: `ways` * n ** `degree`; `degree` is infinite if `ways` ** n."""

    degree: float = 0
    ways: float = 1

    def bounded(self) -> Cost:
        """The same, or still far too much, in numbers that can be multiplied and raised further."""
        if self.degree == inf:
            return Cost(inf, min(self.ways, 1e3))
        return Cost(min(self.degree, 30), min(self.ways, 1e30))

    def then(self, other: Cost) -> Cost:
        """One after the other."""
        return Cost(self.degree + other.degree, self.ways * other.ways).bounded()

    def either(self, other: Cost) -> Cost:
        """One or the other."""
        return Cost(max(self.degree, other.degree), self.ways + other.ways).bounded()

    def repeated(self, least: int, most: float) -> Cost:
        """Between `least` and `most` times."""
        if most == 0:
            return ONE
        if most <= _FEW:
            return Cost(self.degree * most, self.ways**most * (most - least + 1)).bounded()
        return Cost(1, 1) if self == ONE else Cost(inf, max(self.ways, _BRANCHES)).bounded()

    def steps(self, length: float) -> float:
        """The most steps for a value of this length."""
        if self.degree == inf:
            return float(self.ways ** min(length, _HOPELESS))
        return float(self.ways * max(length, 2) ** self.degree)


ONE = Cost()
_NONE = Cost(0, 0)


def cost(pattern: str) -> Cost:
    """Estimate what a pattern costs, from above. One that does not compile may get any answer."""
    outer: list[tuple[Cost, Cost]] = []
    others, before, last = _NONE, ONE, ONE  # alternatives, what precedes the last item, that item
    for token in _TOKEN.finditer(pattern):
        mark = token[0][0]
        if token["quantifier"]:
            last = last.repeated(*_turns(token))
        elif mark == "(":
            outer.append((others, before.then(last)))
            others, before, last = _NONE, ONE, ONE
        elif mark == "|":
            others, before, last = others.either(before.then(last)), ONE, ONE
        elif mark == ")" and outer:
            group = others.either(before.then(last))
            (others, before), last = outer.pop(), group
        else:
            before, last = before.then(last), ONE
    return others.either(before.then(last))


def _turns(token: re.Match[str]) -> tuple[int, float]:
    if token["least"] is None:
        return {"?": (0, 1), "*": (0, inf), "+": (1, inf)}[token[0][0]]
    least = int(token["least"] or 0)
    return least, float(token["most"] or (inf if token["comma"] else least))


def compile_pattern(
    pattern: str,
    not_checked: Callable[[], None],
    clock: Callable[[], float] = time.perf_counter,
) -> Matches:
    """Return a function that tells whether a whole value matches; its character classes are ASCII's, as in Java.

    Args:
        pattern: The project's own.
        not_checked: Called for each value that cannot be matched in bounded time; it passes.
        clock: Seconds from anywhere.

    Raises:
        ValueError: Python does not understand the pattern; perhaps Java does.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "possible set difference": Java reads it as one
            quick = re.compile(pattern, re.ASCII).fullmatch
    except (re.error, Warning, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(pattern) from error
    price = cost(pattern)
    if price.degree <= 1 and price.steps(_LONG_VALUE) <= MOST_STEPS:
        return quick
    linear = _linear(pattern)
    left = MOST_SECONDS

    def matches(value: str) -> object:
        nonlocal left
        steps = price.steps(len(value))
        if steps <= _LONG:
            return quick(value)
        if linear:
            return linear(value)
        if steps > MOST_STEPS or left <= 0:
            not_checked()
            return True
        started = clock()
        found = quick(value)
        left -= clock() - started
        return found

    return matches


_LONG_VALUE = 1 << 20
"""Characters of the longest value: what one request may carry."""


def _linear(pattern: str) -> Matches | None:
    """The pattern in google-re2; None if it is not installed, or does not know the pattern."""
    try:
        re2: Any = importlib.import_module("re2")
    except ImportError:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        matches: Matches = re2.compile(pattern, options).fullmatch
    except re2.error:
        return None
    return matches
