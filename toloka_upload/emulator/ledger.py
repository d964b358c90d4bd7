"""What the emulator saw: every request counted, the newest ones kept."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Collection
from typing import Any, NamedTuple

KEPT = 2_000
"""Requests that are kept one by one."""


class Seen(NamedTuple):
    """One request as it was answered.

    Attributes:
        time: Unix time of its arrival.
        path: The path below `/api/v1`.
        status: HTTP status of the answer; None if there was none.
        code: The error's code, if the answer is an error's.
        size: Bytes of its body.
        operation_id: The id it named.
        fault: The scripted fault it met.
    """

    time: float
    method: str
    path: str
    status: int | None
    size: int
    operation_id: str | None
    fault: str | None
    code: str = ""


class Ledger:
    """Counts of requests. Thread-safe; nothing of it outlives the process.

    Args:
        templates: The paths that there are, with `{id}` for ids.
    """

    def __init__(self, templates: Collection[str] = ()) -> None:
        self._templates = templates
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._most_items: Counter[str] = Counter()
        self._items: Counter[str] = Counter()
        self._seen: deque[Seen] = deque(maxlen=KEPT)

    def enter(self, seen: Seen, template: str) -> None:
        """Count a request. `template` is its path with `{id}` for ids."""
        with self._lock:
            self._requests[f"{seen.method} {template}"] += 1
            self._statuses[str(seen.status or "lost")] += 1
            if seen.status is None or not 200 <= seen.status < 300:
                answer = f"{seen.status or 'lost'} {seen.code}".rstrip()
                self._failed[f"{answer}: {seen.method} {template}"] += 1
            self._seen.append(seen)

    def items(self, template: str, count: int) -> None:
        """Count the items of a creating request, whatever becomes of them."""
        with self._lock:
            self._items[template] += count
            self._most_items[template] = max(self._most_items[template], count)

    @property
    def requests(self) -> list[Seen]:
        """The newest requests, the oldest first."""
        with self._lock:
            return list(self._seen)

    def count(self, method: str, template: str) -> int:
        """Requests of a method and path, such as `("POST", "/tasks")`, `("GET", "/operations/{id}")`.

        Raises:
            ValueError: There is no such path.
        """
        if template not in self._templates:
            raise ValueError(f"no path {template!r}; there are: {', '.join(self._templates)}")
        return self._requests[f"{method} {template}"]

    def as_json(self) -> dict[str, Any]:
        """The counts as the control endpoint shows them."""
        with self._lock:
            return {
                "requests": dict(self._requests),
                "statuses": dict(self._statuses),
                "failed": dict(self._failed.most_common()),
                "items": dict(self._items),
                "most_items": dict(self._most_items),
            }
