"""Sums of money and percentages, as options give them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation


def parse_amount(text: str) -> Decimal:
    """A sum of money: `12`, `0.50`, `1,500`.

    Raises:
        ValueError: It is none.
    """
    try:
        found = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or found < 0:
        raise ValueError(f"{text!r} is no sum of money (12, 0.50)")
    return found


def parse_percent(text: str) -> Decimal:
    """A percentage: `30%`, `30`.

    Raises:
        ValueError: It is none.
    """
    try:
        return parse_amount(text.strip().removesuffix("%"))
    except ValueError:
        raise ValueError(f"{text!r} is no percentage (30%)") from None
