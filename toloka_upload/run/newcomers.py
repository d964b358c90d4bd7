"""Noticing that a pool has tasks like those of this run, of which the journal knows nothing.

Another machine, the web interface or a script put them there, or the journal is an old one that was restored. Nobody
but the user can tell whether they stand for the same rows, so this only warns, and only looks at the newest items.
"""

from __future__ import annotations

from collections.abc import Iterable

from toloka_upload.api.client import Client
from toloka_upload.api.listing import item_content
from toloka_upload.items.contents import taken_back
from toloka_upload.items.identity import WIDTH
from toloka_upload.session.ask_once import ask_once
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session
from toloka_upload.text import counted

_NEWEST = "100"
"""Items that are looked at."""


async def warn_of_newcomers(
    session: Session, pool: PoolState, kind: str, planned: Iterable[bytes]
) -> None:
    """
    Warn if the newest items of a pool are like some that are about to be created, and the journal knows them not.

    One request, made once: an API that does not answer it soon keeps nothing from being uploaded.

    Args:
        planned: The contents of what is about to be created, packed.
    """
    listed = await ask_once(session, _newest, session.client, kind, pool.info.id) or {}
    owned = pool.book.owned(set(listed))
    foreign = {content for item, content in listed.items() if item not in owned}
    if not foreign:
        return
    alike: set[bytes] = set()
    for packed in planned:
        contents = (packed[at : at + WIDTH] for at in range(0, len(packed), WIDTH))
        alike.update(foreign.intersection(contents))
    if alike:
        found = sum(content in alike for content in listed.values())
        session.recorder.warn(
            f"Pool {pool.info.id}: {counted(found, 'item')} of the newest {len(listed)} in the pool equal rows that "
            "are about to be created, and this state directory knows nothing of them: another program created them, "
            "or the state directory is an old copy. If they stand for the same rows, stop now and run "
            f"`toloka-upload adopt --pool {pool.info.id}` first; otherwise they will be there twice."
        )


def _newest(client: Client, kind: str, pool: str) -> dict[str, bytes]:
    items, _ = client.items(kind, pool, sort="-created", limit=_NEWEST)
    return {item["id"]: item_content(item) for item in items if not taken_back(item)}
