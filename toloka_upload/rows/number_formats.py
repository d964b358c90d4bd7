"""What a spreadsheet shows of a number, for those number formats of which it is certain everywhere.

A format is its code, as in `0.00`. Those that every program knows have a number (ECMA-376, part 1, 18.8.30).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

_DATE = "yyyy-mm-dd"
_KNOWN = {
    "0": "General",
    "1": "0",
    "2": "0.00",
    "3": "#,##0",
    "4": "#,##0.00",
    "9": "0%",
    "10": "0.00%",
    "11": "0.00E+00",
    "12": "# ?/?",
    "13": "# ??/??",
    **dict.fromkeys(
        map(str, (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))), _DATE
    ),
    **dict.fromkeys(map(str, range(37, 45)), "#,##0.00_);(#,##0.00)"),
    "48": "##0.0E+0",
    "49": "@",
}
_PLAIN = frozenset({"", "general", "@"})
_SIMPLE = re.compile(r"(?P<groups>#,##)?(?P<whole>0+)(?:\.(?P<places>0+))?(?P<percent>%)?")
_COLOUR_OR_SPACE = re.compile(
    r"\[(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color ?\d+)\]|_.", re.IGNORECASE
)
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|general', re.IGNORECASE)
_DATE_LETTER = re.compile(r"[dmyhs]", re.IGNORECASE)
_GROUPED_FROM = 1000
_INEXACT = 1e15
_SECONDS = 86_400


def known(number: str) -> str:
    """The code of a format that every program knows, or something that stands for it."""
    return _KNOWN.get(number, "General")


@cache
def is_date(code: str) -> bool:
    """Whether a format shows numbers as dates or times."""
    return bool(_DATE_LETTER.search(_NOT_CODE.sub("", code)))


@cache
def is_plain(code: str) -> bool:
    """Whether a format shows a number's digits and nothing else."""
    return code.lower() in _PLAIN


def shown(number: float, code: str) -> str | None:
    """What is shown of a number; None where that is not certain, or where digits of it are not shown."""
    section = _COLOUR_OR_SPACE.sub("", code.split(";")[0]).strip()
    form = _SIMPLE.fullmatch(section)
    if form is None or abs(number) >= _INEXACT or (number < 0 and ";" in code):
        return None
    exact = Decimal(format(number, ".15g")) * (100 if form["percent"] else 1)
    places = len(form["places"] or "")
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    if rounded != exact or (form["groups"] and abs(exact) >= _GROUPED_FROM):
        return None
    width = len(form["whole"]) + (places + 1 if places else 0) + (number < 0)
    return format(rounded, f"0{width}f") + (form["percent"] or "")


def moment(number: float, *, since_1904: bool) -> str:
    """The date, time or both that a number stands for, as ISO 8601 has it; its digits if it stands for none."""
    try:
        time = timedelta(seconds=round(number * _SECONDS))
        if number < 1:
            return str(timedelta(seconds=time.total_seconds()))
        start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
        found = start + time
    except (OverflowError, ValueError):
        return repr(number)
    return (
        found.isoformat(" ") if found.hour or found.minute or found.second else f"{found:%Y-%m-%d}"
    )
