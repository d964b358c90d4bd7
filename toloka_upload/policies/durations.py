"""Lengths of time as people write them."""

from __future__ import annotations

import math
import re

UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3_600,
    "hour": 3_600,
    "hours": 3_600,
    "d": 86_400,
    "day": 86_400,
    "days": 86_400,
}
"""Seconds in each unit that `parse_duration` and `parse_rate` know."""

_DURATION = re.compile(r"(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]*)", re.ASCII)


def parse_duration(text: str) -> float:
    """Read `90s`, `15m`, `2h`, `1d` or `1.5h` as seconds; a plain number is seconds.

    Raises:
        ValueError: It is none of these. The text says what would be.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or (match["unit"] or "s") not in UNITS:
        raise ValueError(
            f"{text!r} is not a duration: write a number and a unit, like 90s, 15m, 2h or 1d"
        )
    seconds = float(match["amount"]) * UNITS[match["unit"] or "s"]
    if not math.isfinite(seconds):
        raise ValueError(f"{text[:20]!r}... is too long a duration")
    return seconds
