"""`verify FILE...`: the rows of files against a whole pool, whoever uploaded them. It creates and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from toloka_upload import journal
from toloka_upload.account.by_content import ByContent
from toloka_upload.account.by_id import ById
from toloka_upload.account.comparison import Comparison, Place
from toloka_upload.account.verify_run import Verification, explain
from toloka_upload.items.chunks import Chunk
from toloka_upload.items.contents import whole_contents
from toloka_upload.items.identity import WIDTH, Known, Seen
from toloka_upload.journal import RunItem, RunItems
from toloka_upload.outcomes import Block, Status
from toloka_upload.planning.inputs import plan_files
from toloka_upload.planning.planner import Planner
from toloka_upload.policies.concurrency import Concurrency
from toloka_upload.report.account import AccountReport
from toloka_upload.sending.recovery import Doubtful
from toloka_upload.session.pool import Pool, PoolState, journal_path, look_at_pool
from toloka_upload.session.session import Session
from toloka_upload.text import counted

_MOST_ASKED = 100_000
"""Rows without a task that the journal is asked about; where there are more, the file belongs to another pool."""


class RejectedRows:
    """Takes the rows that ended while they were planned: what cannot be read is in no pool."""

    def __init__(self) -> None:
        self.places: list[Place] = []

    def write(self, block: Block) -> None:
        """Take note of those that were rejected."""
        for row, status in enumerate(block.statuses):
            if status == Status.REJECTED:
                self.places.append(block.places.at(row))

    def close(self) -> None:
        """Nothing is open."""


class _Quiet(Seen):
    """Numbers equal rows, and makes no word of them: nothing is created of these."""

    @property
    def repeated(self) -> int:
        """None that anyone should be told of."""
        return 0


class _Unnumbered(_Quiet):
    """Numbers no equal rows: their contents are counted elsewhere."""

    def identify(self, contents: Sequence[bytes]) -> list[bytes]:
        """The contents."""
        return list(contents)


async def verify_files(
    session: Session,
    report: AccountReport,
    _: ExitStack,
    *,
    rejected: RejectedRows,
    how: Verification,
    stdin: BinaryIO | None = None,
) -> None:
    """Compare the rows of files with a whole pool."""
    comparison = Comparison(report, how.combined)
    pool = await look_at_pool(session, session.settings.pool or "")
    by_content = ByContent(session, comparison, pool.id)

    def add(_: PoolState, chunk: Chunk) -> None:
        contents = [chunk.contents[at : at + WIDTH] for at in range(0, len(chunk.contents), WIDTH)]
        by_content.add(whole_contents(chunk.texts, contents), chunk.places, chunk.per_item)

    await _plan(session, pool, _Unnumbered(), add, stdin)
    kind = session.recorder.report.kind
    await by_content.run(kind)
    comparison.rows("missing", rejected.places)
    if groups := session.recorder.groups:
        first = groups[0]
        session.recorder.warn(
            f"{counted(len(rejected.places), 'row')} cannot be in the pool as they are, and count as missing: "
            f"{first.file}:{first.line}: {first.code}: {first.message}"
        )
    if by_content.unread:
        for rows in by_content.left():
            comparison.rows("unread", rows)
    else:
        await _tell_missing(session, comparison, pool, by_content)
    for item in by_content.extras():
        comparison.task("extra", item)
    comparison.end(exact=how.exact)


async def _plan(
    session: Session,
    pool: Pool,
    seen: Seen,
    add: Callable[[PoolState, Chunk], None],
    stdin: BinaryIO | None,
) -> None:
    """Plan the files as an upload would that knows of nothing."""
    state = PoolState(pool, None, Concurrency(None, clock=session.loop.clock), seen)

    async def open_pool(_: str) -> tuple[PoolState, list[Doubtful]]:
        return state, []

    planner = Planner(session, session.recorder, open_pool, add, "")
    await plan_files(session, planner, pool.task_spec, lambda _: None, stdin=stdin)


async def _tell_missing(
    session: Session, comparison: Comparison, pool: Pool, by_content: ByContent
) -> None:
    """Rows that no task has the content of: changed, if the journal knows what they became and that is there still."""
    left = list(by_content.left())
    by_content.release()
    known = await _known_to_journal(session, pool, left) if left else {}
    # Of equal rows the first one found takes a task, be it another one's: that task is no changed one of this row.
    taken = by_content.found(set(known.values())) if known else set()
    items = []
    for rows in left:
        if rows[0] in known and known[rows[0]] not in taken:
            items.append(RunItem(known[rows[0]], b"", None, rows))
        else:
            comparison.rows("missing", rows)
    if items:
        kind = session.recorder.report.kind
        by_id = ById(session, comparison, pool.id, len(items))
        await by_id.run(kind, [RunItems(kind, items, [])])
        by_content.forget(item for _, item, _ in by_id.changed)
        await explain(session, comparison, pool, by_id.changed)


async def _known_to_journal(
    session: Session, pool: Pool, left: Sequence[Sequence[Place]]
) -> dict[Place, str]:
    """The ids of what rows became that the journal knows."""
    settings = session.settings
    destination = journal.Destination(
        settings.target.endpoint, settings.target.account or "", pool.id
    )
    path = journal_path(settings.state_dir, destination)
    found = journal.peek(path)
    if found is None or "-" in settings.files or len(left) > _MOST_ASKED:
        return {}
    wanted = {rows[0] for rows in left}
    places: dict[Place, int] = {}

    def note(_: PoolState, chunk: Chunk) -> None:
        places.update(_places(chunk, wanted, found[0]))

    await _plan(session, pool, _Quiet(), note, None)
    with journal.open_to_read(path) as (db, _):
        ids = journal.ids_at(db, set(places.values()))
    return {row: ids[place] for row, place in places.items() if ids.get(place)}


def _places(chunk: Chunk, wanted: set[Place], known: Known) -> Iterator[tuple[Place, int]]:
    """Where the journal has the wanted rows of a chunk."""
    for row, (file, line) in enumerate(
        zip(chunk.places.file_of_rows(), chunk.places.lines, strict=True)
    ):
        if (file, line) in wanted:
            place = known.find([chunk.identities[row * WIDTH : (row + 1) * WIDTH]])[0]
            if place >= 0:
                yield (file, line), place
