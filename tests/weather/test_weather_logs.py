"""Operations whose end or log is late, silent, gappy, gone or strange; every switch of the emulator."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from outing import MakeWeather, flat, together

from toloka_upload.emulator import operations
from toloka_upload.emulator.switches import about
from toloka_upload.errors import ExitStatus
from toloka_upload.report.observer import OperationProgress

POST = {"method": "POST", "path": "/tasks"}
_OTHERWHERE = {"require_token", "lock_pool", "oversize", "quota_answer", "tasks_without_mixer"}
"""Switches that other tests are about."""


FATES: list[dict[str, Any]] = [
    {"action": "late-log", "seconds": 0.5},
    {"action": "empty-log"},
    {"action": "archive-log"},
    {"action": "gappy-log", "part": 0.5},
    {"action": "stick-operation", "seconds": 0.7},
    {"action": "fail-operation", "part": 0.0},
    {"action": "fail-operation", "part": 0.5},
    {"action": "fail-operation", "part": 1.0},
    {"action": "fail-operation", "part": 0.5, "log": "empty"},
    {"action": "fail-operation", "part": 0.5, "log": "all"},
]


@pytest.mark.parametrize("details", ["full", "absent"])
def test_whatever_becomes_of_an_operation_each_row_is_there_once(
    weather: MakeWeather, details: str
) -> None:
    """Late, silent, gappy and archived logs, failures half-way: the listing tells what the log does not."""
    places = [weather({**fate, **POST}, details=details) for fate in FATES]
    runs = together(
        *(partial(here.upload, flat(90), chunk_size=30, settle_pause=0.1) for here in places)
    )
    for fate, here, run in zip(FATES, places, runs, strict=True):
        assert here.happened == {fate["action"]: 1}
        assert run.has_each_row_once(), fate


def test_every_reading_of_the_documents_will_do(weather: MakeWeather) -> None:
    """Each switch of the emulator, each way: each row is there once, and told."""
    readings = [
        (name, value)
        for name, (_, values) in about().items()
        for value in values
        if name not in _OTHERWHERE
    ]
    assert len(readings) > 40
    places = [weather(**{name: value}) for name, value in readings]
    runs = together(
        *(partial(here.upload, flat(40), chunk_size=20, settle_pause=0.1) for here in places)
    )
    for reading, run in zip(readings, runs, strict=True):
        assert run.has_each_row_once(), reading


def test_an_operation_that_fails_for_ever_is_given_up(weather: MakeWeather) -> None:
    """Three times, then 75: nothing doubled, the rest unsent, and the reason told."""
    here = weather({"action": "fail-operation", "part": 0.0, "log": "all", **POST, "times": 0})
    run = here.upload(flat(60), chunk_size=30)
    assert run.status is ExitStatus.TRY_AGAIN
    assert "OPERATION_EXECUTION_ERROR" in run.error
    assert run.created_is_told()
    assert run.posts <= 6


def test_an_unknown_status_is_no_end(weather: MakeWeather, monkeypatch: pytest.MonkeyPatch) -> None:
    """A status that no document knows is waited through."""
    view = operations.view

    def strange(*arguments: Any) -> dict[str, Any]:
        shown = view(*arguments)
        return {**shown, "status": shown["status"].replace("RUNNING", "ON_ITS_WAY")}

    monkeypatch.setattr(operations, "view", strange)
    run = weather(operation_seconds=0.3).upload(flat(20))
    assert "ON_ITS_WAY" in [e.status for e in run.events if isinstance(e, OperationProgress)]
    assert run.has_each_row_once()


def test_a_listing_that_lags_doubles_nothing(weather: MakeWeather) -> None:
    """The log is empty and the listing late: the second look finds what the first did not."""
    here = weather({"action": "empty-log", **POST}, listing_delay=0.8)
    run = here.upload(flat(60), chunk_size=30, settle_pause=1.0)
    assert run.has_each_row_once()
