"""What a requester should know before anything is sent: how long it takes, what stands against it, what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from toloka_upload.errors import Stopped
from toloka_upload.planning.cost import CURRENCY, Cost, Tally
from toloka_upload.policies.rate import Window
from toloka_upload.report.text import cost_words
from toloka_upload.session.pool import PoolState
from toloka_upload.settings import Budget

_POOL_FULL = 1_000_000
"""Most tasks in a pool (requester guide)."""


def least_seconds(items: int, windows: Sequence[Window]) -> float:
    """How long the limits alone make it take: a window lets its number through at once, then again after its time."""
    return max(
        (((items - 1) // window.items) * window.seconds for window in windows if items), default=0.0
    )


def warnings(
    pools: Sequence[tuple[PoolState, Tally]],
    cost: Cost,
    windows: Sequence[Window],
    now: datetime,
) -> list[str]:
    """What may go wrong with an upload that is about to begin, one sentence each."""
    items = sum(tally.items for _, tally in pools)
    end = now + timedelta(seconds=least_seconds(items, windows))
    found = [text for pool, tally in pools for text in _of_pool(pool, tally, now, end)]
    day = next((window for window in windows if window.name == "day"), None)
    if day and items > day.items:
        found.append(
            f"{items:,} items are more than the day's limit of {day.items:,}: the upload stops there, and the same "
            "command goes on a day later (--wait-quota waits instead)"
        )
    if cost.balance is not None and cost.total.least > cost.balance:
        found.append(
            f"the balance of {cost.balance:,.2f} {CURRENCY} does not pay for these tasks: they cost at least "
            f"{cost.total.least:,.2f}"
        )
    return found


def _of_pool(pool: PoolState, tally: Tally, now: datetime, end: datetime) -> Iterator[str]:
    info, details = pool.info, pool.info.details
    expires = _time(details.get("will_expire"))
    if expires is not None and expires < now:
        yield f"pool {info.id} expired on {expires:%Y-%m-%d} UTC: it cannot be opened until that is changed"
    elif expires is not None and expires < end:
        yield f"pool {info.id} expires on {expires:%Y-%m-%d %H:%M} UTC, before the upload can end"
    general = tally.kinds["general"]
    if details.get("reward_per_assignment") == 0 and general:
        yield (
            f"pool {info.id} pays nothing, and takes control and training tasks only: "
            f"{general} of these rows are general tasks"
        )
    after = tally.items + pool.known.count
    if after > 0.95 * _POOL_FULL:
        yield (
            f"pool {info.id} would have {after:,} tasks from here; a pool holds at most {_POOL_FULL:,}"
        )


def closed(pool: PoolState) -> str | None:
    """What to know of a pool that is not open."""
    if pool.info.status != "CLOSED":
        return None
    return f"pool {pool.info.id} is closed: workers see the tasks once it is opened (--open-pool)"


def refusal(cost: Cost, budget: Budget) -> Stopped | None:
    """Why the cost forbids the upload, if it does: more than `max_cost`, or nobody can tell."""
    most = (
        cost.total.least if budget.ignore_unknown and cost.total.most is None else cost.total.most
    )
    if budget.max_cost is None:
        return None
    if most is None:
        return Stopped(
            f"What these rows cost at most is not known ({', '.join(cost.unbounded)}), and --max-cost "
            f"{budget.max_cost} was asked for; nothing was sent. --max-cost-ignore-unknown compares the least cost.",
            code="COST_UNKNOWN",
        )
    if most <= budget.max_cost:
        return None
    return Stopped(
        f"These rows may cost {most:,.2f} {CURRENCY}, more than --max-cost {budget.max_cost}; nothing was sent.",
        code="MAX_COST",
    )


def to_confirm(cost: Cost, budget: Budget) -> str | None:
    """The question to ask before such an upload, if it is to be asked."""
    most = cost.total.most
    if budget.confirm_over is None or (most is not None and most <= budget.confirm_over):
        return None
    return f"This upload costs {cost_words(cost.as_json())}. Go on?"


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
