"""Lengths of time and rates, as people write them on the command line."""

from __future__ import annotations

import pytest

from toloka_upload.policies.durations import parse_duration
from toloka_upload.policies.rate import parse_rate


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("15min", 900),
        ("2h", 7200),
        ("1d", 86_400),
        ("45", 45),
        ("0", 0),
        ("1.5h", 5400),
    ],
)
def test_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    """A number and one of s, m, h, d; a plain number is seconds."""
    assert parse_duration(text) == seconds
    assert parse_duration(f" {text.upper()} ") == seconds, "case and space around do not matter"


@pytest.mark.parametrize(
    "text", ["", "s", "-5s", "5 weeks", "1h30m", "nan", "inf", "1e3", "٣s", "9" * 400]
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    """A length of time is never guessed at."""
    with pytest.raises(ValueError, match=r"like 90s, 15m, 2h or 1d|too long"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "items", "seconds", "name"),
    [
        ("100000/min", 100_000, 60, "minute"),
        ("100000", 100_000, 60, "minute"),
        ("100_000/min", 100_000, 60, "minute"),
        ("250/s", 250, 1, "second"),
        ("1000/4s", 1000, 4, "4 s"),
        ("1000/1.5s", 1000, 1.5, "1.5 s"),
        ("5000 / h", 5000, 3600, "hour"),
        ("2000000/day", 2_000_000, 86_400, "day"),
        ("10/60s", 10, 60, "minute"),
    ],
)
def test_rate_is_items_per_time(text: str, items: int, seconds: float, name: str) -> None:
    """Items, a slash, a unit that may have a multiple; a plain number is per minute."""
    window = parse_rate(text)
    assert (window.items, window.seconds, window.name) == (items, seconds, name)


@pytest.mark.parametrize(
    "text", ["", "fast", "/min", "10/", "10/week", "-1/s", "1.5/s", "10/s/s", "٣/s"]
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    """A rate is never guessed at."""
    with pytest.raises(ValueError, match="like 100000/min"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["0", "0/s", "10/0s"])
def test_a_rate_of_nothing_is_refused(text: str) -> None:
    """Zero items, or zero time, would never send a row."""
    with pytest.raises(ValueError, match="nothing would ever be sent"):
        parse_rate(text)
