"""Telling when the check and the pool seem to live by different versions of a project.

A pool keeps the version that it was created under, and the API shows the newest only (requester guide). So a field that
was added, removed or renamed since looks like a fault of every row.
"""

from __future__ import annotations

from collections.abc import Iterable

from toloka_upload.report.summary import ErrorGroup
from toloka_upload.text import count

VALUES = ("input_values.", "known_solutions.", "baseline_solutions.", "tasks.")
"""How the fields begin that a project's spec speaks of."""

_CODES = frozenset({"VALUE_REQUIRED", "VALUE_NOT_ALLOWED"})
"""What an added, removed or renamed field, or a changed list of values, looks like."""
_SHARE = 0.5
"""Share of the rows that must have one fault, before the spec is blamed rather than the rows."""


def check_may_be_newer(groups: Iterable[ErrorGroup], read: int) -> str:
    """Say so, and what to do, if more than half of the rows failed the check for one reason; else nothing.

    Args:
        groups: The faults found, by code and field.
        read: Rows read.
    """
    for group in groups:
        about_fields = group.code in _CODES and group.field.startswith(VALUES)
        if about_fields and group.count > _SHARE * read:
            return (
                f"{count(group.count)} of {count(read)} rows have {group.code} in {group.field}: if the project was "
                "changed since the pool was made, the pool may still take them: add --no-check to let the API decide."
            )
    return ""


def pool_may_be_older(pools: Iterable[str]) -> str:
    """Say what it may mean that the API refused values which pass the check."""
    return (
        f"The API refused values that pass the check. Pool {', '.join(pools)} may live by an older version of its "
        "project: a clone of the pool gets the newest one, or make the rows fit the older."
    )
