from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from assignment_simulator import random_world
from cost_account import Account, judge

from toloka_upload.planning.cost import (
    DEFAULT,
    DYNAMIC_OVERLAP,
    INFINITE,
    INFINITE_OVERLAP,
    NO_GENERAL_TASKS,
    NO_OVERLAP,
    Tally,
    amount,
    cost_of,
)

TEN = {"real_tasks_count": 10, "golden_tasks_count": 1, "training_tasks_count": 0}


def mixing(**settings: Any) -> dict[str, Any]:
    """A pool that makes suites of ten general tasks and pays five cents for each."""
    return {
        "reward_per_assignment": 0.05,
        "mixer_config": TEN,
        "defaults": {"default_overlap_for_new_tasks": 3},
        **settings,
    }


def general(count: int, overlap: int = DEFAULT) -> Tally:
    """General tasks of one overlap."""
    return Tally(general=Counter({overlap: count}))


def assignments(pool: dict[str, Any], tally: Tally) -> tuple[int, int | None]:
    """The bounds of the assignments."""
    found = cost_of([(pool, tally)]).as_json()["assignments"]
    return found["min"], found["max"]


def test_simulated_pools_never_break_a_bound() -> None:
    """Whatever the pool and its tasks, what a platform hands out stays between the bounds."""
    account = Account()
    said = [found for seed in range(400) if (found := judge(seed, account))]
    assert said == []
    assert account.finished > 200


def test_the_simulator_makes_short_suites_of_every_kind() -> None:
    """The judge is worth something: pools come up to the upper bound, and down to the lower one."""
    account = Account()
    for seed in range(400):
        judge(seed, account)
    assert account.most.count(1) > 50
    assert account.least.count(1) > 50
    assert {random_world(random.Random(seed)).by_worker for seed in range(9)} == {True, False}


def test_suites_are_given_out_as_often_as_their_overlaps_say() -> None:
    """Suites cost the sum of their overlaps, the pool's default where they name none."""
    pool = {
        "reward_per_assignment": 0.1,
        "defaults": {"default_overlap_for_new_task_suites": 4},
    }
    tally = Tally(suites=Counter({DEFAULT: 2, 3: 5}))
    cost = cost_of([(pool, tally)]).as_json()
    assert cost["assignments"] == {"min": 23, "max": 23}
    assert cost["reward"] == {"min": 2.3, "max": 2.3}
    assert cost["unbounded"] == []


def test_smart_mixing_fills_suites_at_best() -> None:
    """At least the sum of overlaps over the tasks of a suite, rounded up."""
    assert assignments(mixing(), general(1001))[0] == 301


def test_the_largest_overlap_needs_as_many_workers() -> None:
    """Nobody gets a task twice, so a task of overlap 40 makes 40 suites."""
    tally = Tally(general=Counter({1: 20, 40: 1}))
    assert assignments(mixing(), tally)[0] == 40


def test_short_suites_raise_the_upper_bound() -> None:
    """The fewer general tasks a suite may have, the more suites there may be."""
    tally = general(1000, 1)
    mixers = [{**TEN, "min_real_tasks_count": fewest} for fewest in (10, 5, 1)]
    found = [assignments(mixing(mixer_config=mixer), tally) for mixer in mixers]
    assert found == [(100, 100), (100, 200), (100, 1000)]


def test_without_incomplete_suites_the_last_tasks_may_stay_undone() -> None:
    """`force_last_assignment` off: fewer than the least number of tasks are given to nobody."""
    pool = mixing(mixer_config={**TEN, "force_last_assignment": False})
    assert assignments(pool, general(9)) == (0, 0)
    assert assignments(pool, general(19, 1)) == (1, 1)


def test_control_and_training_tasks_cost_nothing_by_themselves() -> None:
    """They come along in suites of general tasks, however often."""
    tally = Tally(control=Counter({INFINITE: 7}), training=Counter({2: 3}))
    assert cost_of([(mixing(), tally)]).as_json()["total"] == {"min": 0.0, "max": 0.0}


def test_infinite_overlap_of_general_tasks_has_no_bound() -> None:
    """It is named, and the finite tasks beside it still make the lower bound."""
    tally = Tally(general=Counter({INFINITE: 1, 3: 100}))
    cost = cost_of([(mixing(), tally)]).as_json()
    assert cost["assignments"] == {"min": 30, "max": None}
    assert cost["total"] == {"min": 1.5, "max": None}
    assert cost["unbounded"] == [INFINITE_OVERLAP]


@pytest.mark.parametrize(("most", "bound"), [(5, 30 + 200), (2, 30)])
def test_dynamic_overlap_may_add_up_to_its_maximum(most: int, bound: int) -> None:
    """Each overlap that is added may need a suite of its own; an overlap above the maximum stays as it is."""
    pool = mixing(dynamic_overlap_config={"type": "BASIC", "max_overlap": most})
    plain = assignments(mixing(), general(100))
    assert plain[0] == 30
    assert assignments(pool, general(100)) == (30, (plain[1] or 0) + bound - 30)


def test_dynamic_overlap_without_a_maximum_has_no_bound() -> None:
    """It is named."""
    pool = mixing(dynamic_overlap_config={"type": "BASIC"})
    cost = cost_of([(pool, general(10))])
    assert (cost.assignments.most, cost.unbounded) == (None, (DYNAMIC_OVERLAP,))


def test_suites_without_general_tasks_are_counted() -> None:
    """Where a suite needs no general task, control tasks make suites; of infinite overlap, without end."""
    pool = mixing(mixer_config={**TEN, "min_real_tasks_count": 0})
    assert assignments(pool, Tally(control=Counter({2: 3}))) == (0, 6)
    cost = cost_of([(pool, Tally(control=Counter({INFINITE: 1})))])
    assert cost.unbounded == (NO_GENERAL_TASKS,)


def test_rows_without_any_overlap_have_no_bound() -> None:
    """Neither the row nor the pool says how often: it is named rather than guessed."""
    cost = cost_of([(mixing(defaults={}), general(1))])
    assert (cost.assignments.most, cost.unbounded) == (None, (NO_OVERLAP,))


def test_tasks_fall_back_on_the_overlap_of_suites() -> None:
    """A pool with a default for suites alone gives it to tasks too."""
    pool = mixing(defaults={"default_overlap_for_new_task_suites": 2})
    assert assignments(pool, general(100, DEFAULT))[0] == 20


def test_dynamic_pricing_pays_between_its_prices() -> None:
    """The least and the highest price count; a worker outside of all intervals gets the pool's own."""
    intervals = [{"from": 50, "reward_per_assignment": 0.2}, {"reward_per_assignment": "0.07"}]
    pool = mixing(dynamic_pricing_config={"type": "SKILL", "intervals": intervals})
    cost = cost_of([(pool, general(10, 1))]).as_json()
    assert cost["reward"] == {"min": 0.05, "max": 0.2}


def test_a_pool_that_pays_nothing_costs_nothing_however_often() -> None:
    """No upper bound of assignments, and yet one of money: trainings, for one."""
    for pool in (mixing(reward_per_assignment=0), {"mixer_config": None, "training": True}):
        cost = cost_of([(pool, Tally(general=Counter({INFINITE: 3})))]).as_json()
        assert cost["total"] == {"min": 0.0, "max": 0.0}


def test_the_fee_is_a_part_on_top() -> None:
    """30 % of 0.05 a suite, to the cent: money is decimal."""
    cost = cost_of([(mixing(), general(10, 1))], fee=Decimal(30), balance=Decimal("7.10")).as_json()
    assert cost["total"] == {"min": 0.065, "max": 0.065}
    assert (cost["fee_percent"], cost["balance"], cost["currency"]) == (30.0, 7.1, "USD")


def test_pools_add_up() -> None:
    """Rows for several pools cost the sum, each at its pool's price."""
    dear = mixing(reward_per_assignment=1)
    cost = cost_of([(mixing(), general(10, 1)), (dear, general(20, 1))]).as_json()
    assert cost["assignments"]["min"] == 3
    assert cost["reward"]["min"] == 2.05


@pytest.mark.parametrize(
    "hostile",
    [
        {"mixer_config": "yes"},
        {"mixer_config": {"real_tasks_count": "10"}},
        {"defaults": [], "reward_per_assignment": "NaN"},
        {"dynamic_pricing_config": {"intervals": [{"reward_per_assignment": None}, 7]}},
        {"reward_per_assignment": -1},
        {},
    ],
)
def test_odd_answers_are_no_errors(hostile: dict[str, Any]) -> None:
    """What the API says oddly counts as if it were not there."""
    tally = Tally(Counter({DEFAULT: 1, 2: 3}), Counter({1: 1}), Counter(), Counter({1: 2}))
    assert cost_of([({**mixing(), **hostile}, tally)]).reward.least >= 0


def test_sums_of_money_are_read_as_the_api_writes_them() -> None:
    """A number or its text; anything else is no sum."""
    assert amount("120.3000") == Decimal("120.3")
    assert [amount(odd) for odd in (None, "", "much", "-1", "inf", True)] == [None] * 6
