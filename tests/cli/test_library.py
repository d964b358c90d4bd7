"""Uploading from Python: the same upload, its report as a value, what goes wrong told and not raised."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import GOOD, good_rows

import toloka_upload
from toloka_upload import ExitStatus, Requests, upload
from toloka_upload.errors import UsageProblem
from toloka_upload.report.observer import Event, RunFinished


def test_an_upload_is_one_call(here: Path) -> None:
    """The report says what the summary does."""
    good_rows("tasks.jsonl")
    report = upload(here / "tasks.jsonl", pool=21, env="local")
    assert report.exit_status is ExitStatus.OK
    assert report.counts.created == 3
    assert upload("tasks.jsonl", pool="21", env="local").counts.already_uploaded == 3


def test_settings_are_values(here: Path) -> None:
    """Grouped by what they are about; further fields by name."""
    del here
    good_rows("tasks.jsonl")
    report = upload(
        "tasks.jsonl",
        pool=22,
        env="local",
        requests=Requests(suite_size=3),
        results=Path("r.jsonl"),
        open_pool=True,
    )
    assert (report.kind, report.pool_opened) == ("task-suites", True)
    assert Path("r.jsonl").exists()


def test_what_goes_wrong_is_a_report(here: Path) -> None:
    """With exit status and error; only contradictory settings are raised."""
    del here
    report = upload("missing.jsonl", pool=21, env="local")
    assert report.exit_status is ExitStatus.NO_INPUT
    assert report.error is not None
    assert "missing.jsonl" in report.error.message
    good_rows("tasks.jsonl")
    assert upload("tasks.jsonl", pool=21, token="").exit_status is ExitStatus.DENIED
    with pytest.raises(UsageProblem):
        upload(pool=21, env="local")


def test_whoever_wants_to_know_is_told(here: Path) -> None:
    """The observer sees every event, the report last."""
    del here
    Path("tasks.jsonl").write_text(GOOD % 1)
    events: list[Event] = []

    def observer(event: Event) -> None:
        events.append(event)

    report = upload("tasks.jsonl", pool=21, env="local", observer=observer)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].report is report


def test_what_is_promised_is_exported() -> None:
    """`__all__` is the public interface, and every name of it is there."""
    for name in toloka_upload.__all__:
        assert getattr(toloka_upload, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        toloka_upload.nothing  # noqa: B018  # asking is the test
