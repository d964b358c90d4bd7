"""An `undo` that was cut short: rows must not be taken for rows in the pool whose items may have been taken back.

The journal knows for which items the request may have left. They are asked for, one by one, before an upload or an
`adopt` looks at what the pool has. What cannot be told stays open, and its rows are unknown.
"""

from __future__ import annotations

from itertools import takewhile

from toloka_upload.api.errors import AccessDenied, ApiError
from toloka_upload.items.contents import given_out, taken_back
from toloka_upload.journal import Created, Undo
from toloka_upload.report.observer import Waiting
from toloka_upload.sending.listing_look import LATE
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session
from toloka_upload.session.side_by_side import side_by_side
from toloka_upload.text import counted

_SIDE_BY_SIDE = 16
"""Requests in flight."""


async def settle_unfinished_undo(session: Session, pool: PoolState) -> None:
    """
    Ask how the items stand that an `undo` may have asked to be taken back.

    An item that is still there is asked for twice: a lost request may arrive late.
    """
    created = pool.book.asked_to_take_back()
    if not created:
        return
    open_ = _open(created)
    what = f"an undo was cut short: asking how {counted(len(open_), 'item')} of it stand"
    session.tell(Waiting("settling", what, 0.1))
    still_there = await _ask(session, open_)
    if still_there and not session.stopping:
        seconds = LATE * session.settings.pacing.settle_pause
        what = f"making sure that a lost request of an undo does not arrive: {seconds:.0f} s"
        session.tell(Waiting("settling", what, seconds))
        await session.pause(seconds)
        if not session.stopping:
            for one, item in await _ask(session, still_there):
                one.states[item] = Undo.KEPT
    pool.book.undo({one.chunk.id: one.states for one in created})
    session.tell(Waiting("settling", "", 0.0))
    session.raise_if_stopping()
    if unclear := len(_open(created)):
        session.recorder.warn(
            f"Whether {counted(unclear, 'item')} of pool {pool.info.id} were taken back is not known; the rows are "
            f"left as unknown. Run `toloka-upload undo {created[0].chunk.run}` again."
        )


def _open(created: list[Created]) -> list[tuple[Created, int]]:
    return [(one, item) for one in created for item in one.items if one.states[item] == Undo.ASKED]


async def _ask(session: Session, items: list[tuple[Created, int]]) -> list[tuple[Created, int]]:
    """Note how items stand; return those that somebody may still get."""
    there: list[tuple[Created, int]] = []

    async def ask(one: Created, item: int) -> None:
        try:
            found = await session.ask(session.client.item, one.chunk.kind, one.ids[item])
        except AccessDenied:
            raise
        except ApiError:
            return
        if given_out(found) or taken_back(found):
            one.states[item] = Undo.UNDONE if taken_back(found) else Undo.PARTLY
        else:
            there.append((one, item))

    open_ = takewhile(lambda _: session.stopping is None, items)
    await side_by_side(session.loop, _SIDE_BY_SIDE, (ask(one, item) for one, item in open_))
    return there
