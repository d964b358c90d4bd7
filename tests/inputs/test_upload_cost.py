"""What an upload costs: told in plans and summaries, and held back where it is too much."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from input_runs import Answer, Run, Service, upload, world

from toloka_upload.planning.cost import DEFAULT, Tally, cost_of
from toloka_upload.policies.amounts import parse_amount, parse_percent
from toloka_upload.policies.rate import Window
from toloka_upload.report.observer import ChunkSent, CostKnown
from toloka_upload.settings import Budget, Pacing

URL = "https://example.com/"


def general(number: int, **more: Any) -> dict[str, Any]:
    """A general task."""
    return {"input_values": {"image": f"{URL}{number}"}, **more}


GOLDEN = {**general(-1), "known_solutions": [{"output_values": {"result": "OK"}}]}


def run(service: Service, tmp_path: Path, rows: list[Any], **options: Any) -> Run:
    """Upload API tasks, or plan to."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return upload(service, tmp_path / "state", path, **options)


def cost(run: Run) -> dict[str, Any]:
    """The cost in a run's plan."""
    assert run.report.plan is not None
    found = run.report.plan["cost"]
    assert isinstance(found, dict)
    return found


def test_a_plan_tells_what_the_rows_cost(service: Service, tmp_path: Path) -> None:
    """Pool 21: eight general tasks a suite at 0.02, overlap 3; control tasks cost nothing by themselves."""
    rows = [*(general(number) for number in range(16)), GOLDEN]
    told = cost(run(service, tmp_path, rows, dry_run=True, budget=Budget(fee=Decimal(50))))
    # 48 overlaps: 6 full suites at best; at most 3 short ones and 45 / 8 full ones.
    assert told["assignments"] == {"min": 6, "max": 8}
    assert told["reward"] == {"min": 0.12, "max": 0.16}
    assert told["total"] == {"min": 0.18, "max": 0.24}
    assert (told["fee_percent"], told["currency"], told["unbounded"]) == (50.0, "USD", [])


def test_the_fast_way_and_the_slow_way_count_alike(service: Service, tmp_path: Path) -> None:
    """Rows that are `input_values` and nothing else are counted by the column, others one by one."""
    plain = [general(number) for number in range(20)]
    named = [general(number, overlap=4) for number in range(20)]
    assert cost(run(service, tmp_path, plain, dry_run=True, overlap=4)) == cost(
        run(service, tmp_path, named, dry_run=True)
    )


def test_rows_that_the_pool_has_cost_nothing_more(service: Service, tmp_path: Path) -> None:
    """The cost is of what would be created; that of an upload stands in its summary."""
    rows = [general(number) for number in range(8)]
    first = run(service, tmp_path, rows)
    assert cost(first)["assignments"]["min"] == 3
    assert any(isinstance(event, CostKnown) for event in first.told)
    again = cost(run(service, tmp_path, [*rows, general(8)], dry_run=True))
    assert again["assignments"]["min"] == 3  # one new task of overlap 3
    nothing = cost(run(service, tmp_path, rows))
    assert nothing["total"] == {"min": 0.0, "max": 0.0}
    assert nothing["assignments"] == {"min": 0, "max": 0}


def test_suites_cost_the_sum_of_their_overlaps(service: Service, tmp_path: Path) -> None:
    """Rows in suites of two: three suites of overlap 3."""
    rows = [general(number) for number in range(6)]
    told = cost(run(service, tmp_path, rows, pool="22", suite_size=2, dry_run=True))
    assert told["assignments"] == {"min": 9, "max": 9}
    suites = [{"tasks": [general(1)], "overlap": 5}, {"tasks": [general(2)]}]
    told = cost(run(service, tmp_path, suites, pool="22", dry_run=True))
    assert told["assignments"] == {"min": 8, "max": 8}


def test_more_than_max_cost_sends_nothing(service: Service, tmp_path: Path) -> None:
    """Exit 4, code MAX_COST, also where good rows would go while others are read; enough is enough."""
    rows = [general(number) for number in range(16)]
    for skip in (False, True):
        budget = Budget(max_cost=Decimal("0.15"))
        held = run(service, tmp_path, rows, budget=budget, skip_invalid_items=skip)
        assert (held.exit, held.report.error and held.report.error.code) == (4, "MAX_COST")
        assert held.counts == {"read": 16, "unsent": 16}
    assert service.bodies == []
    planned = run(service, tmp_path, rows, budget=Budget(max_cost=Decimal("0.15")), dry_run=True)
    assert (planned.exit, cost(planned)["total"]["max"]) == (4, 0.16)
    assert run(service, tmp_path, rows, budget=Budget(max_cost=Decimal("0.16"))).exit == 0


def test_a_cost_without_a_bound_is_refused_or_compared_by_the_least(
    service: Service, tmp_path: Path
) -> None:
    """Exit 4, code COST_UNKNOWN; with `ignore_unknown` the least cost counts."""
    rows = [general(0, infinite_overlap=True), general(1)]
    held = run(service, tmp_path, rows, budget=Budget(max_cost=Decimal(9)))
    assert (held.exit, held.report.error and held.report.error.code) == (4, "COST_UNKNOWN")
    ignore = Budget(max_cost=Decimal(9), ignore_unknown=True)
    assert run(service, tmp_path, rows, budget=ignore).exit == 0


@pytest.mark.parametrize(("answer", "status"), [(True, 0), (False, 4)])
def test_it_asks_before_it_costs_more(
    service: Service, tmp_path: Path, *, answer: bool, status: int
) -> None:
    """`confirm_over`: the question names the cost, and only a yes sends anything."""
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    rows = [general(number) for number in range(8)]
    cheap = Budget(confirm_over=Decimal("0.08"), confirm=confirm)
    assert run(service, tmp_path, [general(99)], budget=cheap).exit == 0
    assert asked == []
    dear = Budget(confirm_over=Decimal("0.05"), confirm=confirm)
    found = run(service, tmp_path, rows, budget=dear)
    assert found.exit == status
    assert asked == ["This upload costs 0.06 to 0.10 USD for 3 to 5 assignments. Go on?"]


def test_nobody_to_ask_is_a_no(service: Service, tmp_path: Path) -> None:
    """Off a terminal nothing is sent above `confirm_over`."""
    held = run(service, tmp_path, [general(0)], budget=Budget(confirm_over=Decimal(0)))
    assert (held.exit, held.report.error and held.report.error.code) == (4, "NOT_CONFIRMED")


def test_it_warns_before_anything_is_sent(make_service, tmp_path: Path) -> None:
    """Expiry before the upload could end, no reward for general tasks, the day's limit, too little balance."""
    slow = Pacing(rate=Window(4, 3600.0, "hour"), daily_limit=10)
    rows = [general(number) for number in range(12)]
    service = make_service(world(will_expire="2999-01-01T00:00:00", reward_per_assignment=0))
    warned = run(service, tmp_path, rows, dry_run=True, pacing=slow).report.plan
    assert warned is not None
    found = "\n".join(warned["warnings"])
    assert "pays nothing" in found
    assert "more than the day's limit of 10" in found
    dear = make_service(world(reward_per_assignment=1_000_000))
    first = run(dear, tmp_path, rows)
    spoken = [type(event) for event in first.told]
    assert any("the balance of" in text for text in first.warnings)
    assert spoken.index(CostKnown) < spoken.index(ChunkSent)


def test_amounts_and_percentages_are_read_as_people_write_them() -> None:
    """A percentage may have its sign. A comma is a decimal point for some: a guard for money does not guess."""
    assert parse_amount("1500.50") == Decimal("1500.50")
    assert parse_percent("30%") == parse_percent("30") == Decimal(30)
    for bad in ("much", "-1", "nan", "", "1,50", "1,500", "1_0", "1e3", "+1", "\u0661"):
        with pytest.raises(ValueError, match="is no"):
            parse_amount(bad)
        with pytest.raises(ValueError, match="is no percentage"):
            parse_percent(bad)


@pytest.mark.parametrize(
    ("pool", "why"),
    [
        ({"reward_per_assignment": None}, "the pool names no price"),
        ({"reward_per_assignment": "dear"}, "the pool names no price"),
        ({"reward_per_assignment": -1}, "the pool names no price"),
        ({"mixer_config": {}}, "how many general tasks"),
        ({"mixer_config": {"real_tasks_count": None}}, "how many general tasks"),
    ],
)
def test_what_the_pool_does_not_tell_is_not_taken_for_nothing(
    pool: dict[str, Any], why: str
) -> None:
    """A price or a suite's size that is not there has no upper bound: `--max-cost` lets nothing through."""
    usual = {
        "reward_per_assignment": 0.02,
        "mixer_config": {"real_tasks_count": 8},
        "defaults": {"default_overlap_for_new_tasks": 3},
    }
    tally = Tally(general=Counter({DEFAULT: 16}))
    found = cost_of([({**usual, **pool}, tally)])
    assert found.total.most is None
    assert why in found.unbounded[0]
    assert cost_of([({**usual, **pool}, Tally())]).total.most == 0


@pytest.mark.parametrize(
    "answer", [(500, b""), (200, b"[]"), (429, b"{}"), (403, b"{}"), (200, b"<html>")]
)
def test_no_upload_waits_for_the_balance(
    service: Service, tmp_path: Path, answer: tuple[int, bytes]
) -> None:
    """It is an ornament: where it cannot be read, it is not told, and everything else goes on."""

    def api(method: str, path: str, query: Mapping[str, str], *rest: Any) -> Answer:
        if path.endswith("/requester"):
            return answer[0], {}, answer[1]
        return service(method, path, query, *rest)

    found = run(api, tmp_path, [general(1)])
    assert (found.report.exit_status, found.report.retries) == (0, 0)
    assert cost(found)["balance"] is None
