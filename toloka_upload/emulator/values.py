"""What stands as text in a query, a path or a setting: integers and moments, read in one strict way."""

from __future__ import annotations

import re
from datetime import UTC, datetime

LARGEST = 2**63 - 1
"""The largest integer that the database holds."""

LARGEST_ID = 10**12
"""The largest number of a project or pool: so that ten hex digits, as in the ids of tasks, hold those to come, too."""

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def read_integer(text: str, least: int = -LARGEST - 1, most: int = LARGEST) -> int:
    """An integer in digits alone, as JSON and the API write it.

    Raises:
        ValueError: It is something else, or not from `least` to `most`.
    """
    if not _INTEGER.fullmatch(text) or not least <= (number := int(text)) <= most:
        raise ValueError(f"{text[:100]!r} is not an integer from {least} to {most}")
    return number


def read_moment(text: str) -> int:
    """Milliseconds of Unix time of a moment as the API writes it; one without zone is UTC.

    Raises:
        ValueError: It is none, or before the year 1 in UTC, or after 9999.
    """
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text[:100]!r} is no moment such as 2026-01-15T09:00:00.000")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    milliseconds = round(moment.timestamp() * 1000)
    timestamp(milliseconds)
    return milliseconds


def timestamp(milliseconds: int) -> str:
    """A moment as the API writes it: UTC, without zone."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
