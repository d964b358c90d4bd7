"""Recorder: counts add up, errors are grouped, and everyone who must know is told."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.outcomes import Block, Places, Status
from toloka_upload.report.observer import Event, RowRejected, Warned
from toloka_upload.report.recorder import Recorder
from toloka_upload.report.results import NoResults
from toloka_upload.report.summary import Report
from toloka_upload.rows.model import Fault

FAULT = Fault("input_values.image", "VALUE_REQUIRED", "May not be null")


class Kept:
    """Rejects in a list."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, bytes, list[Fault]]] = []
        self.closed = False

    def write(self, file: str, line: int, raw: bytes, faults: Iterable[Fault]) -> None:
        """Keep a row."""
        self.rows.append((file, line, raw, list(faults)))

    def close(self) -> None:
        """Take note."""
        self.closed = True


def new_books(events: list[Event] | None = None) -> tuple[Recorder, Report, Kept]:
    """Recorder with a report and rejects to look into."""
    report, rejects = Report(), Kept()

    def tell(event: Event) -> None:
        if events is not None:
            events.append(event)

    return Recorder(report, NoResults(), rejects, tell), report, rejects


@given(st.lists(st.lists(st.sampled_from(Status), max_size=8), max_size=8))
def test_every_row_is_counted_once_by_its_outcome(blocks: list[list[Status]]) -> None:
    """`read` is the sum of the others once every row that was read was entered."""
    recorder, report, _ = new_books()
    for statuses in blocks:
        report.counts.read += len(statuses)
        places = Places()
        for line, _ in enumerate(statuses):
            places.add("a", line)
        recorder.enter(Block(places, bytes(statuses), "21", "tasks"))
    counts = report.counts
    every = [status for statuses in blocks for status in statuses]
    for status in Status:
        assert getattr(counts, status.word) == every.count(status)
    assert counts.read == sum(getattr(counts, status.word) for status in Status)


def test_a_rejected_row_is_kept_told_and_grouped() -> None:
    """The row as it came, an event for each fault; its outcome is entered with its block."""
    events: list[Event] = []
    recorder, report, rejects = new_books(events)
    recorder.reject("a", 7, b"raw\n", [FAULT])
    assert rejects.rows == [("a", 7, b"raw\n", [FAULT])]
    assert events == [RowRejected("a", 7, *FAULT)]
    assert report.counts.rejected == 0
    recorder.close()
    assert rejects.closed


def test_errors_are_grouped_by_code_and_field() -> None:
    """The most frequent first, each with the place and message of its first row."""
    recorder, _, _ = new_books()
    other = FAULT._replace(code="INVALID_URL_SYNTAX", message="no url")
    recorder.reject("a", 1, b"", [other])
    recorder.reject("a", 2, b"", [FAULT._replace(message="first")])
    recorder.reject("b", 3, b"", [FAULT._replace(message="second")])
    first, second = recorder.groups
    assert (first.code, first.count, first.file, first.line, first.message) == (
        "VALUE_REQUIRED",
        2,
        "a",
        2,
        "first",
    )
    assert (second.code, second.count) == ("INVALID_URL_SYNTAX", 1)


def test_groups_are_bounded() -> None:
    """A file in which every row has a fault of its own must not fill the memory, nor the summary."""
    recorder, _, rejects = new_books()
    for number in range(3000):
        recorder.reject("a", number, b"", [FAULT._replace(field=f"input_values.f{number}")])
    recorder.close()
    assert len(recorder.groups) == 1000
    assert len(rejects.rows) == 3000


def test_a_warning_reaches_the_summary_and_the_display() -> None:
    """Programs and people alike."""
    events: list[Event] = []
    recorder, report, _ = new_books(events)
    recorder.warn("careful")
    assert report.warnings == ["careful"]
    assert events == [Warned("careful")]
