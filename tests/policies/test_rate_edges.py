"""Limits that are none, edges of pauses, and what is left when a limit is closed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from toloka_upload.policies.rate import RateLimit, Taken, Wait, Window


@pytest.mark.parametrize(("items", "seconds"), [(0, 1.0), (-1, 1.0), (1, 0.0), (1, -1.0), (0, 0.0)])
def test_a_window_through_which_nothing_passes_is_refused(items: int, seconds: float) -> None:
    """It would hold up a run for ever. One item in any time at all is a limit."""
    with pytest.raises(ValueError, match="day limit: at least 1 item"):
        Window(items, seconds, "day")
    Window(1, 0.001, "day")


def test_what_is_in_flight_counts_in_what_is_used() -> None:
    """However long ago it left: the server may count it as late as it answers."""
    now = [0.0]
    window = Window(10, 5.0, "limit")
    with closing(RateLimit(None, "api", [window], lambda: now[0])) as limit:
        taken = limit.take(3)
        assert isinstance(taken, Taken)
        now[0] = 60.0
        assert limit.used(window) == 3
        limit.confirm(taken.ticket)
        now[0] = 64.0
        assert limit.used(window) == 3
        now[0] = 65.0
        assert limit.used(window) == 0


def test_of_two_pauses_the_one_that_ends_later_holds() -> None:
    """A shorter one that is asked for later does not cut it short."""
    now = [0.0]
    with closing(RateLimit(None, "api", [], lambda: now[0])) as limit:
        limit.pause(10.0)
        now[0] = 1.0
        limit.pause(2.0)
        assert limit.take(1) == Wait(9.0, None)
        limit.pause(20.0)
        assert limit.take(1) == Wait(20.0, None)
        now[0] = 21.0
        assert isinstance(limit.take(1), Taken)


def test_one_that_is_closed_lets_go_of_its_file(tmp_path: Path) -> None:
    """And does nothing more."""
    limit = RateLimit(tmp_path / "rate.db", "api", [Window(10, 5.0, "limit")])
    limit.close()
    with pytest.raises(sqlite3.ProgrammingError):
        limit._log.execute("SELECT 1")
