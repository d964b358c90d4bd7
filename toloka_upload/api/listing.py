"""Finding items in a pool by their content: for what neither an answer nor an operation's log can tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toloka_upload.api.client import Client
from toloka_upload.items.identity import digest, loose_or_nothing


def item_content(item: Mapping[str, Any]) -> bytes:
    """The digest of a task or a suite as a listing or a log shows it; numbers count by value."""
    tasks = item.get("tasks")
    if isinstance(tasks, list):
        return digest(b"".join(_values(task) for task in tasks if isinstance(task, dict)))
    return _values(item)


def _values(task: Mapping[str, Any]) -> bytes:
    return digest(loose_or_nothing(task.get("input_values")))


def newest(client: Client, kind: str, pool: str) -> tuple[str, str] | None:
    """The id and the creation time, by the API's clock, of the newest item of a pool; None where there is none."""
    items, _ = client.items(kind, pool, sort="-created", limit="1")
    created = items[0].get("created") if items else None
    return (items[0]["id"], created) if isinstance(created, str) else None


def page(
    client: Client, kind: str, pool: str, since: str | None, after: str | None
) -> tuple[list[tuple[bytes, str]], str | None]:
    """
    One page of a pool's items, by id: (content, id) of each, and the id to go on after, or None: that was all.

    Args:
        since: Only items created after this time, by the API's clock; None: all.
        after: The id that the page before ended with; None: the first page.
    """
    filters = {"sort": "id"}
    if since:
        filters["created_gt"] = since
    if after:
        filters["id_gt"] = after
    items, more = client.items(kind, pool, **filters)
    # An API that gives the same page again would be asked for ever.
    last = items[-1]["id"] if more and items and items[-1]["id"] != after else None
    return [(item_content(item), item["id"]) for item in items], last
