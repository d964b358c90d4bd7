"""Finding items in a pool by their content: for what neither an answer nor an operation's log can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toloka_upload.api.client import Client
from toloka_upload.identity import digest, loose


def item_content(item: Mapping[str, Any]) -> bytes:
    """The digest of a task or a suite as a listing or a log shows it; numbers count by value."""
    tasks = item.get("tasks")
    if isinstance(tasks, list):
        return digest(b"".join(_values(task) for task in tasks if isinstance(task, dict)))
    return _values(item)


def _values(task: Mapping[str, Any]) -> bytes:
    return digest(loose(task.get("input_values")))


def newest(client: Client, kind: str, pool: str) -> str | None:
    """The creation time of the newest item of a pool, by the API's clock; None where there is none."""
    items, _ = client.items(kind, pool, sort="-created", limit="1")
    created = items[0].get("created") if items else None
    return created if isinstance(created, str) else None


def find(
    client: Client, kind: str, pool: str, contents: set[bytes], since: str | None
) -> dict[bytes, list[str]]:
    """
    The ids of all items of a pool whose content is one of `contents`, by content, oldest id first.

    Args:
        since: Only items created at or after this time, by the API's clock; None: all.
    """
    found: dict[bytes, list[str]] = {}
    for item in _pages(client, kind, pool, since):
        content = item_content(item)
        if content in contents:
            found.setdefault(content, []).append(item["id"])
    return found


def _pages(client: Client, kind: str, pool: str, since: str | None) -> Iterator[dict[str, Any]]:
    filters = {"sort": "id"}
    if since:
        filters["created_gte"] = since
    while True:
        items, more = client.items(kind, pool, **filters)
        yield from items
        if not more or not items:
            return
        filters["id_gt"] = items[-1]["id"]
