"""Items of an operation that ran before this journal knew of it, and that were taken back since.

The same request, sent after the journal was lost, meets its old operation, whose log says what was created then. What
an `undo` took back since is not in the pool any more: its rows go again.
"""

from __future__ import annotations

from functools import partial

from toloka_upload.api.errors import ApiError
from toloka_upload.items.contents import taken_back
from toloka_upload.journal import SentChunk
from toloka_upload.sending.reconciliation import Reconciliation
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session


async def release_taken_back(
    session: Session, pool: PoolState, sent: SentChunk, reconciliation: Reconciliation
) -> None:
    """
    Free the items that the pool's listing shows as taken back.

    An API that cannot list by overlap keeps nothing from being recognised: then they count as there.
    """
    ids = {item: index for index, item in enumerate(reconciliation.reading.ids) if item}
    if not ids:
        return
    filters = {"overlap": "0", "sort": "id", "id_gte": min(ids), "id_lte": max(ids)}
    more = True
    while more:
        try:
            found, more = await session.ask(
                partial(session.client.items, sent.kind, pool.info.id, **filters)
            )
        except ApiError:
            return
        gone = {ids[item["id"]] for item in found if item["id"] in ids and taken_back(item)}
        for index in gone:
            reconciliation.reading.ids[index] = ""
        reconciliation.free |= gone
        reconciliation.taken_back |= gone
        filters.pop("id_gte", None)
        filters["id_gt"] = found[-1]["id"] if found else ""
        more = more and bool(found)
