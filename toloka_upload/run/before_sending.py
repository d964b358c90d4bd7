"""What is worked out once all rows are planned, and may keep them from being sent: cost and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from toloka_upload.api.errors import ApiError
from toloka_upload.errors import Stopped
from toloka_upload.planning import forecast
from toloka_upload.planning.cost import Cost, Tally, amount, cost_of
from toloka_upload.planning.dry_run import DryRun
from toloka_upload.report.observer import CostKnown
from toloka_upload.session.loop import call, until
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session

_PATIENCE = 5.0
"""Seconds that an upload waits for the balance."""


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
    found: dict[str, Any] = {}

    async def look() -> None:
        with suppress(ApiError):
            found.update(await call(session.client.requester))

    looking = session.loop.spawn(look())
    await until(lambda: looking.done or session.stopping is not None, _PATIENCE)
    return amount(found.get("balance"))
