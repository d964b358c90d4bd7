"""Limits that are none, edges of pauses, and what is left when a limit is closed."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from toloka_upload.errors import CannotWrite
from toloka_upload.policies import rate
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


def test_a_power_cut_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    """Each commit is synced; SQLite's `FULL` is 2."""
    with closing(RateLimit(tmp_path / "rate.db", "api", [])) as limit:
        assert limit._log.execute("PRAGMA synchronous").fetchone() == (2,)


def test_one_that_is_closed_lets_go_of_its_file(tmp_path: Path) -> None:
    """And does nothing more."""
    limit = RateLimit(tmp_path / "rate.db", "api", [Window(10, 5.0, "limit")])
    limit.close()
    with pytest.raises(sqlite3.ProgrammingError):
        limit._log.execute("SELECT 1")


def test_a_pause_of_less_than_a_second_is_kept() -> None:
    """To its end, and no longer."""
    now = [0.0]
    with closing(RateLimit(None, "api", [], lambda: now[0])) as limit:
        limit.pause(0.5)
        now[0] = 0.25
        assert limit.take(1) == Wait(0.25, None)
        now[0] = 0.5
        assert isinstance(limit.take(1), Taken)


def test_one_that_must_wait_for_long_keeps_its_place_meanwhile(tmp_path: Path) -> None:
    """It asks again every 30 seconds, and until then, and for 10 seconds more, nobody takes what it waits for."""
    now = [0.0]
    windows = [Window(10, 3600.0, "hour")]
    first, second = (RateLimit(tmp_path / "rate.db", "api", windows, lambda: now[0]) for _ in "12")
    with closing(first), closing(second):
        taken = second.take(2)
        assert isinstance(taken, Taken)
        second.confirm(taken.ticket)
        assert first.take(10) == Wait(3600.0, windows[0])
        for moment in (0.0, 29.0, 39.0):
            now[0] = moment
            assert isinstance(second.take(1), Wait)
        now[0] = 41.0
        assert isinstance(second.take(1), Taken)


def test_nobody_counts_while_another_process_takes(tmp_path: Path) -> None:
    """Between counting and taking nobody else may do either: both would see the same room."""
    first, second = (
        RateLimit(tmp_path / "rate.db", "api", [Window(10, 60.0, "minute")]) for _ in "12"
    )
    with closing(first), closing(second):
        second._log.execute("PRAGMA busy_timeout = 1")
        count = first._count

        def interleaved(after: float) -> int:
            found = count(after)
            with pytest.raises(CannotWrite, match="locked"):
                second.take(10)
            return found

        first._count = interleaved  # type: ignore[method-assign]
        assert isinstance(first.take(10), Taken)
        first._count = count  # type: ignore[method-assign]
        assert isinstance(second.take(1), Wait)


@pytest.mark.parametrize(
    ("error", "lives"), [(None, True), (PermissionError(), True), (ProcessLookupError(), False)]
)
def test_a_process_lives_unless_there_is_none(
    monkeypatch: pytest.MonkeyPatch, error: OSError | None, *, lives: bool
) -> None:
    """Somebody else's, too: it may not be signalled, and is there."""

    def kill(process: int, signal: int) -> None:
        assert (process, signal) == (7, 0)
        if error is not None:
            raise error

    monkeypatch.setattr(os, "kill", kill)
    assert rate._lives(7) is lives


def test_what_was_in_flight_at_the_end_ages_from_then_on(tmp_path: Path) -> None:
    """Nobody waits any more for the answer to a request of a limit that is closed."""
    now = [0.0]
    window = Window(10, 5.0, "limit")
    first, second = (RateLimit(tmp_path / "rate.db", "api", [window], lambda: now[0]) for _ in "12")
    with closing(second):
        assert isinstance(first.take(10), Taken)
        now[0] = 4.0
        assert second.used(window) == 10
        first.close()
        now[0] = 9.5
        assert second.used(window) == 0


def test_a_file_that_is_none_of_ours_is_told_as_what_it_is(tmp_path: Path) -> None:
    """With what is wrong with it, and what to do."""
    path = tmp_path / "rate.db"
    path.write_bytes(b"somebody's notes " * 100)
    with pytest.raises(CannotWrite, match="file is not a database; make its folder"):
        RateLimit(path, "api", [])
