"""What one request has met so far."""

from __future__ import annotations

from dataclasses import dataclass

from toloka_upload.policies.retry import RetryBudget


@dataclass(slots=True)
class RetryState:
    """What one request, or the same items, meet again and again, though everything else may succeed meanwhile.

    Attributes:
        budget: How long it may go on.
        count: How often in a row it came to nothing.
        since: When it first came to nothing, seconds since the epoch.
        chunk: The number of the chunk that it is, if it is one.
    """

    budget: RetryBudget
    count: int = 0
    since: float | None = None
    chunk: int | None = None
