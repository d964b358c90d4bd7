"""Sums of money and percentages, as options give them."""

from __future__ import annotations

import re
from decimal import Decimal

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")


def parse_amount(text: str) -> Decimal:
    """A sum of money: `12`, `0.50`, `1500`. No commas: 1,500 is a thousand times as much for some as for others.

    Raises:
        ValueError: It is none.
    """
    if not _AMOUNT.fullmatch(text.strip()):
        raise ValueError(
            f"{text!r} is no sum of money: write digits and a point, like 1500 or 0.50"
        )
    return Decimal(text.strip())


def parse_percent(text: str) -> Decimal:
    """A percentage: `30%`, `30`.

    Raises:
        ValueError: It is none.
    """
    try:
        return parse_amount(text.strip().removesuffix("%"))
    except ValueError:
        raise ValueError(f"{text!r} is no percentage (30%)") from None


def parse_share(text: str) -> float:
    """A share, as a percentage above 0 and up to 100: `5%` is 0.05.

    Raises:
        ValueError: It is none.
    """
    share = float(parse_percent(text)) / 100
    if not 0 < share <= 1:
        raise ValueError(f"{text!r} is no share: write a percentage above 0 and up to 100, like 5%")
    return share
