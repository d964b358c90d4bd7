"""Uploading from Python: the same upload, its report as a value, what goes wrong told and not raised."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from command_line import GOOD, good_rows

import toloka_upload
from toloka_upload import ExitStatus, Requests, configure, upload, verify
from toloka_upload.errors import UsageProblem
from toloka_upload.report.observer import Event, RunFinished
from toloka_upload.run.history import past_runs


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


def images(*numbers: int) -> list[dict[str, str]]:
    """Rows that the local emulator takes."""
    return [{"image": f"https://example.com/{number}.jpg"} for number in numbers]


def test_rows_may_come_from_python(here: Path) -> None:
    """Any iterable of dicts, flat or as the API has them; equal rows of a file are the same rows."""
    del here
    report = upload(
        (row for row in images(1, 2)), [{"input_values": images(3)[0]}], pool=21, env="local"
    )
    assert report.counts.created == 3
    good_rows("tasks.jsonl", 4)
    assert upload("tasks.jsonl", pool=21, env="local").counts.already_uploaded == 3


class Polars:
    """What is used of a polars data frame."""

    def iter_rows(self, *, named: bool) -> Iterator[dict[str, object]]:
        """Rows as dicts."""
        assert named
        yield {"image": "https://example.com/7.jpg", "number": None}


class Pandas:
    """What is used of a pandas data frame."""

    columns = ("image", "number")

    def itertuples(self, *, index: bool, name: None) -> Iterator[tuple[object, ...]]:
        """Rows as tuples."""
        assert not index
        assert name is None
        yield "https://example.com/8.jpg", float("nan")


def test_data_frames_are_taken(here: Path) -> None:
    """An empty cell leaves its field out, as in a table."""
    del here
    report = upload(Polars(), Pandas(), pool=21, env="local")
    assert (report.exit_status, report.counts.created) == (ExitStatus.OK, 2)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((3,), "int cannot be uploaded: give a path"),
        ((None,), "NoneType cannot be uploaded"),
        ((b"tasks.jsonl",), "bytes cannot be uploaded"),
        (({"image": "x"},), "dict cannot be uploaded"),
        ((["tasks.jsonl"],), "Row 1 is of type str"),
        (([{"image": object()}],), "object has no form in JSON"),
        (([{"image": float("inf")}],), "Row 1 cannot be written"),
    ],
)
def test_a_wrong_type_is_told(here: Path, files: tuple[object, ...], said: str) -> None:
    """With what is taken instead; nothing was sent."""
    del here
    with pytest.raises(TypeError, match=said):
        upload(*files, pool=21, env="local")
    with pytest.raises(TypeError, match="pool is a number or a text, not list"):
        upload("tasks.jsonl", pool=[21], env="local")  # type: ignore[arg-type]  # that is the point


def test_outcomes_can_be_iterated(here: Path) -> None:
    """As often as wanted; a row that was rejected says why."""
    del here
    report = upload(
        [*images(1, 2), {"image": "no address"}],
        pool=21,
        env="local",
        requests=Requests(skip_invalid_items=True),
        rejects=Path("r"),
    )
    for _ in range(2):
        found = {row["line"]: row for row in report.outcomes}
        assert [found[line]["status"] for line in (1, 2, 3)] == ["created", "created", "rejected"]
        assert found[1]["task_id"]
        assert found[3]["errors"][0]["code"] == "INVALID_URL_SYNTAX"
    assert list(upload(images(1), pool=21, env="local", dry_run=True).outcomes) == []


def test_the_package_lists_what_it_has() -> None:
    """`dir()` and completion in a notebook."""
    assert set(toloka_upload.__all__) <= set(dir(toloka_upload))


def test_progress_is_shown_on_standard_error(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no notebook, as on the command line."""
    del here
    upload(images(1), pool=21, env="local", progress=True)
    assert "finished: 1 row read, 1 created" in capsys.readouterr().err


def test_progress_in_a_notebook_is_painted_in_its_place(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One output, updated: rich's texts know how a notebook shows them."""
    del here
    shown: list[object] = []

    class Handle:
        def update(self, text: object) -> None:
            shown.append(text)

    def display(text: object, *, display_id: bool) -> Handle:
        assert display_id
        shown.append(text)
        return Handle()

    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    fake = ModuleType("IPython.display")
    fake.display = display  # type: ignore[attr-defined]  # a module made for this test
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    upload(images(1), pool=21, env="local", progress=True)
    assert "\nUploaded " in str(shown[-1])
    assert "text/html" in shown[-1]._repr_mimebundle_((), ())  # type: ignore[attr-defined]  # rich's


def test_a_run_that_came_to_no_pool_is_not_the_last_upload(here: Path) -> None:
    """There is nothing of it to verify; the upload before it is meant."""
    good_rows("tasks.jsonl")
    done = upload("tasks.jsonl", pool=21, env="local")
    assert upload(here / "none.jsonl", pool=21, env="local").exit_status is ExitStatus.NO_INPUT
    lost, kept = past_runs(configure.state_dir(None))
    assert (lost.parts, lost.command, lost.destination.pool) == ([], "upload", "21")
    assert verify(env="local").run_id == kept.id == done.run_id
