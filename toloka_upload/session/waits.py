"""What a wait is for, in words."""

from __future__ import annotations

from toloka_upload.api.errors import ApiError
from toloka_upload.policies.rate import Window

_MOST_SAID = 100
"""Characters of a foreign text in the words of a wait."""
_UNITS = {"minute": "min", "hour": "h", "second": "s"}


def whose(window: Window | None) -> str:
    """What to call a limit that is kept on this side; without a window the server asked for a pause."""
    if window is None:
        return "HTTP 429, the server's rate limit"
    if window.name == "day":
        return f"limit of --daily-limit {window.items}"
    return f"limit of --rate {window.items}/{_UNITS.get(window.name, window.name.replace(' ', ''))}"


def what(error: ApiError) -> str:
    """What a fault that passes looks like: no connection, no answer that can be read, a status."""
    if error.status is None or error.code == "BAD_ANSWER":
        return error.message[:_MOST_SAID]
    return f"server busy, HTTP {error.status}"
