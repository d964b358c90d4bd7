"""`verify RUN`: what a past run has in its pools against what is there. It creates and changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TextIO

from toloka_upload import journal
from toloka_upload.account.by_id import ById
from toloka_upload.account.comparison import MOST_DETAILS, Comparison, Place
from toloka_upload.account.differences import content_of, differences, inputs_alone, read_rows
from toloka_upload.account.strangers import Strangers
from toloka_upload.api.errors import ApiError, NotFound
from toloka_upload.journal import SentChunk
from toloka_upload.outcomes import Status
from toloka_upload.report.account import AccountReport
from toloka_upload.run.history import PastRun, require_upload
from toloka_upload.run.run_log import note_verified
from toloka_upload.session.loop import call
from toloka_upload.session.pool import Pool, look_at_pool
from toloka_upload.session.session import Session
from toloka_upload.text import counted

_RECENT = 60.0
"""Seconds after a run during which what is missing is looked for twice: how soon listings show it is not documented."""


@dataclass(frozen=True, slots=True)
class Verification:
    """How to verify.

    Attributes:
        combined: Where each row and task goes as a line.
        sample: Look at this share of a run's rows.
        quick: Compare only the counters of a run's operations.
        exact: Count what is in the pool beyond a run.
    """

    combined: TextIO | None = None
    sample: float = 1.0
    quick: bool = False
    exact: bool = False


async def verify_run(
    session: Session,
    report: AccountReport,
    stack: ExitStack,
    *,
    run: PastRun,
    how: Verification,
) -> None:
    """Compare what a run has in its pools with what is there."""
    require_upload(run)
    comparison = Comparison(report, how.combined)
    recent = run.state == "ok" and session.wall() - (run.finished or 0.0) < _RECENT
    for path, record in run.parts:
        db, destination = stack.enter_context(journal.open_to_read(path))
        if how.quick:
            await _compare_counters(session, comparison, db, run.id)
            continue
        pool = await look_at_pool(session, destination.pool)
        rows = sum(record.rows.values())
        by_id = ById(session, comparison, pool.id, rows, how.sample, recent=recent)
        for kind in ("tasks", "task-suites"):
            await by_id.run(kind, journal.items_of(db, run.id, kind))
            if how.exact and by_id.count:
                await _find_strangers(session, comparison, db, run.id, pool.id, kind)
        if not how.exact:
            _tell_doubled(comparison, db, by_id.strangers)
        await _settle_unsure(session, comparison, pool, by_id)
        await explain(session, comparison, pool, by_id.changed)
    comparison.end(exact=how.exact)
    note_verified(session.settings.state_dir, run.id, session.wall(), report, how.sample)


async def _find_strangers(
    session: Session, comparison: Comparison, db: sqlite3.Connection, run: str, pool: str, kind: str
) -> None:
    strangers = Strangers(session, pool)
    for part in journal.items_of(db, run, kind):
        strangers.add(part.items)
    await strangers.run(kind)
    parts = journal.items_of(db, run, kind)
    strangers.tell(comparison, (item for part in parts for item in part.items))


def _tell_doubled(
    comparison: Comparison, db: sqlite3.Connection, strangers: dict[str, str]
) -> None:
    """Of items beside those of a run that have the same content, those that this journal did not make."""
    owned = journal.owned(db, set(strangers))
    for item, twin in sorted(strangers.items()):
        if item not in owned:
            comparison.task("doubled", item, twin)


async def _compare_counters(
    session: Session, comparison: Comparison, db: sqlite3.Connection, run: str
) -> None:
    """Ask each operation how many items it created: no item is read."""
    for chunk in journal.chunks_of(db, run):
        outcome = journal.read_outcome(db, chunk.id)
        if outcome is None or not outcome.count(Status.CREATED):
            continue
        rows = zip(chunk.places.file_of_rows(), chunk.places.lines, outcome.statuses, strict=True)
        created = [(file, line) for file, line, status in rows if status == Status.CREATED]
        told = await _created_by(session, chunk)
        items = len(set(filter(None, outcome.ids)))
        there = 0 if told is None else len(created) * min(told, items) // items
        comparison.rows("same", created[:there])
        comparison.rows("unread" if told is None else "missing", created[there:])


async def _created_by(session: Session, chunk: SentChunk) -> int | None:
    """How many items a chunk's operation says it created; None: nobody says."""
    if chunk.operation_id is None:
        return None
    try:
        operation = await session.ask(session.client.operation, chunk.operation_id)
    except NotFound:
        return None
    return operation.details.get("success_count")


async def _settle_unsure(session: Session, comparison: Comparison, pool: Pool, by_id: ById) -> None:
    """Compare solutions and hints with those in the run's files, where these can be read again."""
    wanted = [place for ours, _ in by_id.unsure for place in ours.rows]
    rows = await call(read_rows, session.settings.reading, pool.task_spec, wanted) if wanted else {}
    unread = 0
    for ours, whole in by_id.unsure:
        own = [rows[place] for place in ours.rows if place in rows]
        there = (
            len(own) == len(ours.rows) and content_of(list(map(inputs_alone, own))) == ours.content
        )
        unread += not there
        changed = there and content_of(own) != whole
        comparison.rows("changed" if changed else "same", ours.rows, ours.id)
        if changed:
            by_id.changed.append((ours.rows[0], ours.id, ours.content))
    if unread:
        session.recorder.warn(
            f"Solutions and hints of {counted(unread, 'item')} were not compared: the rows do not stand any more where "
            "they stood. What they ask was."
        )


async def explain(
    session: Session,
    comparison: Comparison,
    pool: Pool,
    changed: Sequence[tuple[Place, str, bytes]],
) -> None:
    """Say what is different about the first tasks that are."""
    shown = changed[:MOST_DETAILS]
    if not shown:
        return
    places = [place for place, _, _ in shown]
    rows = await call(read_rows, session.settings.reading, pool.task_spec, places)
    kind = pool.kind or "tasks"
    for (file, line), item, content in shown:
        where = f"{file}:{line}: {item}"
        try:
            theirs = await session.ask(session.client.item, kind, item)
        except ApiError:
            theirs = None
        ours = rows.get((file, line))
        if ours is not None and content and content_of([inputs_alone(ours)]) != content:
            ours = None  # another row stands there now
        if ours is None or theirs is None:
            comparison.detail(f"changed: {where}")
            continue
        for text in differences(ours, theirs) or ["other content"]:
            comparison.detail(f"changed: {where}: {text}")
