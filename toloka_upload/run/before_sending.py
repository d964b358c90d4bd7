"""What is worked out once all rows are planned, and may keep them from being sent: cost and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from toloka_upload.errors import Stopped
from toloka_upload.planning import forecast
from toloka_upload.planning.cost import Cost, Tally, amount, cost_of
from toloka_upload.planning.dry_run import DryRun
from toloka_upload.report.observer import CostKnown
from toloka_upload.session.ask_once import ask_once
from toloka_upload.session.loop import call
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session


async def foresee(
    session: Session, tallies: Sequence[tuple[PoolState, Tally]], dry: DryRun | None
) -> Cost:
    """What there is to know before anything is sent: for a dry run the whole plan, else cost and warnings."""
    settings, report = session.settings, session.recorder.report
    windows = settings.pacing.windows
    parts = [(pool.info.details, tally) for pool, tally in tallies]
    cost = cost_of(parts, fee=settings.budget.fee)
    if cost.total.most != 0 and settings.needs_api:
        cost = replace(cost, balance=await _balance(session))
    now = datetime.fromtimestamp(session.wall(), UTC)
    found = forecast.warnings(tallies, cost, windows, now)
    if dry:
        found = [*filter(None, (forecast.closed(pool) for pool, _ in tallies)), *found]
    plan = dry.plan(tallies, windows) if dry else {}
    report.plan = {**plan, "cost": cost.as_json(), "warnings": found}
    if not dry:
        for text in found:
            session.recorder.warn(text)
        if cost.assignments.most != 0:
            session.tell(CostKnown(cost.as_json()))
    return cost


async def refuse_cost(session: Session, cost: Cost) -> None:
    """Stop a run that costs more than was allowed, or that nobody agreed to."""
    budget = session.settings.budget
    if session.stopping:
        return
    if error := forecast.refusal(cost, budget):
        session.stop(error)
    elif not session.settings.dry_run and (question := forecast.to_confirm(cost, budget)):
        agreed = await call(budget.confirm, question) if budget.confirm else False
        if not agreed:
            session.stop(
                Stopped(f"{question} Nobody said yes; nothing was sent.", code="NOT_CONFIRMED")
            )


async def _balance(session: Session) -> Decimal | None:
    """The requester's, where it may be read, and soon: no upload waits for it."""
    requester = await ask_once(session, session.client.requester)
    return amount(requester.get("balance")) if requester else None
