"""The design itself, every state of it: no history doubles a row, and each can still end well.

Small setups; `explore_design.py` has the large ones.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from design import RULES
from design_api import Setup
from explore_design import explore
from explorer import Explorer

SMALL = {
    "one machine": Setup("xx", crashes=1),
    "one machine, two kinds of rows": Setup("xy", crashes=2, failures=0),
    "one machine, synchronous": Setup("xxy", sync=True),
    "two processes": Setup("xx", sizes=(1,), journals=(0, 0), crashes=1),
    "two machines": Setup("xx", sizes=(1,), journals=(0, 1), concurrency=1, crashes=0),
}
BAD_WITHOUT = {
    "journal first": ("one machine", "a row was doubled"),
    "derived ids": ("two machines", "a row was doubled"),
    "lock": ("two processes", "a row has no outcome, or two"),
    "late": ("one machine", "a row was doubled"),
    "look waits": ("one machine", "no good end can be reached"),
    "looks apart": ("one machine", "no good end can be reached"),
    "successes first": ("one machine", "no good end can be reached"),
    "named twice": ("two machines", "two rows have one item"),
}
"""Of each rule: the setup that shows what it is for, and what happens without it."""


@pytest.mark.parametrize("name", SMALL)
def test_no_history_doubles_a_row_and_each_can_end_well(name: str) -> None:
    """In every state of the model, whatever is lost, late, failed or killed on the way."""
    found = explore(SMALL[name])
    assert (found.problem, found.way) == ("", ())
    assert found.states > 200
    assert found.terminal


@pytest.mark.parametrize("rule", RULES)
def test_without_any_rule_there_is_a_history_that_ends_badly(rule: str) -> None:
    """So the model can find what is wrong, and each rule is needed."""
    setup, problem = BAD_WITHOUT[rule]
    found = explore(replace(SMALL[setup], without=(rule,)))
    assert found.problem == problem
    assert found.way


def test_two_rules_keep_a_row_from_another_ones_item() -> None:
    """Where a look does not wait for equal rows that may still arrive, their log names what it took."""
    found = explore(replace(SMALL["one machine"], without=("look waits", "named twice")))
    assert found.problem == "two rows have one item"


def test_the_explorer_finds_the_shortest_way_and_what_never_ends() -> None:
    """Numbers that grow by one or two: a bad one, and one from which no way leads to an end."""

    def steps(number: int) -> list[tuple[str, int]]:
        return [(f"+{more}", number + more) for more in (1, 2) if number + more <= 7]

    def explored(bad: int, end: int) -> tuple[str, tuple[str, ...]]:
        found = Explorer(
            steps, lambda number: "bad" * (number == bad), lambda number: number == end
        )
        return found.explore(0)[3:]

    assert explored(5, 7) == ("bad", ("+1", "+2", "+2"))
    assert explored(9, 7) == ("", ())
    assert explored(9, 6) == ("no good end can be reached", ("+1", "+2", "+2", "+2"))
