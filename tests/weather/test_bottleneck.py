"""Where the time goes: the timesheet by a clock that the test winds, and the summary's words in real runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outing import MakeWeather, flat

from toloka_upload.session.timesheet import Cause, Timesheet


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The moment."""
        return self.now


def test_time_that_nothing_explains_is_readings() -> None:
    """Reading, checking, planning are what is left."""
    clock = Clock()
    sheet = Timesheet(clock)
    assert sheet.bottleneck() is None, "no time has passed"
    clock.now += 3
    with sheet.during(Cause.RATE):
        clock.now += 1
    assert (sheet.bottleneck() or {})["share"] == 0.75
    assert (sheet.bottleneck() or {})["name"] == "reading"


def test_a_moment_is_shared_by_those_who_wait() -> None:
    """Three chunks at the server and one under way: three quarters and one quarter of the moment."""
    clock = Clock()
    sheet = Timesheet(clock)
    with (
        sheet.during(Cause.OPERATIONS),
        sheet.during(Cause.OPERATIONS),
        sheet.during(Cause.OPERATIONS),
        sheet.during(Cause.NETWORK),
    ):
        clock.now += 4
    assert (sheet.bottleneck() or {})["share"] == 0.75
    assert (sheet.bottleneck() or {})["name"] == "operations at the server"
    assert sum((sheet.bottleneck() or {})["shares"].values()) == pytest.approx(1.0)
    assert sheet.waited(Cause.NETWORK) == 4, "but it was waited for all the time"


def test_waits_side_by_side_are_one_wait() -> None:
    """What was waited is a time on the wall, for any set of causes."""
    clock = Clock()
    sheet = Timesheet(clock)
    with sheet.during(Cause.SERVICE), sheet.during(Cause.SERVICE), sheet.during(Cause.LOCK):
        clock.now += 2
    with sheet.during(Cause.LOCK):
        clock.now += 1
    assert sheet.waited(Cause.SERVICE) == 2
    assert sheet.waited(Cause.SERVICE, Cause.LOCK) == 3
    assert sheet.waited(Cause.RATE) == 0


_STEPS = st.lists(
    st.tuples(st.sampled_from(list(Cause)), st.booleans(), st.floats(0, 10)), max_size=30
)


@given(_STEPS)
def test_shares_and_waits_never_exceed_the_time(steps: list[tuple[Cause, bool, float]]) -> None:
    """However waits begin and end, the share is from 0 to 1 and no wait is longer than the run."""
    clock = Clock()
    sheet = Timesheet(clock)
    waiting = []
    for cause, begins, seconds in steps:
        if begins:
            waiting.append(sheet.during(cause))
            waiting[-1].__enter__()
        elif waiting:
            waiting.pop(0).__exit__(None, None, None)
        clock.now += seconds
    found = sheet.bottleneck()
    total = clock.now - 100
    assert found is None or 0 < found["share"] <= 1
    assert all(sheet.waited(cause) <= total + 1e-6 for cause in Cause)


@pytest.mark.parametrize(
    ("faults", "switches", "name"),
    [
        ([], {"operation_seconds": 0.5}, "operations at the server"),
        ([{"action": "delay", "seconds": 0.5, "path": "/tasks", "times": 0}], {}, "network"),
        (
            [{"action": "refuse", "path": "/operations/*", "times": 3}],
            {},
            "failing service",
        ),
        (
            [{"action": "lock-pool", "seconds": 1.0, "path": "/tasks", "method": "POST"}],
            {},
            "locked pool",
        ),
    ],
)
def test_the_summary_names_what_held_the_run_back(
    weather: MakeWeather, faults: list[dict[str, object]], switches: dict[str, float], name: str
) -> None:
    """`bottleneck` has a name, and a share of the time that it really had."""
    run = weather(*faults, **switches).upload(flat(40), chunk_size=20)
    assert run.has_each_row_once()
    assert run.report.bottleneck is not None
    assert run.report.bottleneck["name"] == name
    assert 0.4 < run.report.bottleneck["share"] <= 1


def test_a_run_that_sends_nothing_has_no_bottleneck(weather: MakeWeather) -> None:
    """A dry run has none."""
    assert weather().upload(flat(40), dry_run=True, results=None).report.bottleneck is None
