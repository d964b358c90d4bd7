"""The likely fix, told from what a value looks like: one table of codes, looks and fixes, for rows of every format."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class _Hint(NamedTuple):
    """Of values refused with one of these codes (none: any code) that look so, what to do."""

    codes: frozenset[str]
    looks: re.Pattern[str]
    fix: str


def _hint(codes: str, looks: str, fix: str) -> _Hint:
    return _Hint(frozenset(codes.split()), re.compile(looks, re.IGNORECASE | re.DOTALL), fix)


_YOURS = "nobody else can open a file of yours"
_NUMBERS = "INTEGER_EXPECTED FLOAT_EXPECTED"
_HINTS = (
    _hint("", r"#(n/a|div/0!|ref!|value!|name\?|null!|num!|spill!)", "a spreadsheet's error: leave it empty instead"),
    _hint(
        f"{_NUMBERS} BOOLEAN_EXPECTED INVALID_URL_SYNTAX INVALID_COORDINATES_SYNTAX",
        r"(n/?a|nan|none|null|nil|-+|\?+)",
        "for no value, leave it empty or out",
    ),
    _hint(
        "BOOLEAN_EXPECTED",
        r"(yes|no|y|n|on|off|1|0|1\.0|0\.0|t|f|да|нет|wahr|falsch|vrai|faux|x|\+)",
        "write true or false",
    ),
    _hint("BOOLEAN_EXPECTED", r"(true|false)", "write it without quotes"),
    _hint("INTEGER_EXPECTED", r"[+-]?[0-9]+", "write it without quotes or a plus sign"),
    _hint(_NUMBERS, r"[+-]?[0-9]{1,3}([ ,'\u00a0\u202f][0-9]{3})+", "write the digits without separators"),
    _hint("FLOAT_EXPECTED", r"[+-]?[0-9]+,[0-9]+", "write a point in place of the comma"),
    _hint("FLOAT_EXPECTED", r"[+-]?[0-9]+(\.[0-9]+)?", "write it without quotes or a plus sign"),
    _hint(_NUMBERS, r"[+-]?[0-9.,]+\s*%", "write the number without the per cent sign"),
    _hint(_NUMBERS, r"([$€£₽]\s*[0-9.,]+|[0-9.,]+\s*[$€£₽])", "write the number without the currency"),
    _hint(_NUMBERS, r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}", "this is a date"),
    _hint("INVALID_URL_SYNTAX", r"([a-z]:[\\/]|[~./]|file:).*", f"{_YOURS}: put it at a web address"),
    _hint("INVALID_URL_SYNTAX", r"[^/]+\.(jpe?g|png|gif|webp|mp[34]|wav|pdf)", f"{_YOURS}: put it at a web address"),
    _hint("INVALID_URL_SYNTAX", r"(ftp|s3|gs)://.*", "performers' browsers cannot open it: give an https:// address"),
    _hint("INVALID_URL_SYNTAX", r"(//)?[\w-]+(\.[\w-]+)+(:[0-9]+)?(/.*)?", "add https:// in front"),
    _hint("INVALID_URL_SYNTAX", r"[\s\"'“”«»\u2018\u2019].*", "remove what stands before the address"),
    _hint("JSON_EXPECTED", r".*[“”].*", "these are curly quotes: write straight ones"),
    _hint("JSON_EXPECTED", r"[{\[].*'.*", "JSON wants double quotes"),
)  # fmt: skip


def fix_of(code: str, value: object) -> str:
    """The likely fix of a value that was refused with a code, with "; " before it; nothing if there is none."""
    if not isinstance(value, str):
        return _fix_of_other(code, value)
    for hint in _HINTS:
        if (not hint.codes or code in hint.codes) and hint.looks.fullmatch(value.strip()[:200]):
            return f"; {hint.fix}"
    return ""


_OTHERS: dict[str, Callable[[object], str]] = {
    "STRING_EXPECTED": lambda value: (
        f'; write it in quotes: "{value}"' if type(value) in (int, float) else ""
    ),
    "BOOLEAN_EXPECTED": lambda value: "; write true or false" if value in (0, 1) else "",
}


def _fix_of_other(code: str, value: object) -> str:
    return _OTHERS[code](value) if code in _OTHERS and not isinstance(value, list | dict) else ""
