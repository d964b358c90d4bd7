"""`--events`: NDJSON that programs can follow, and that never harms the run."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from display_runs import hostile_events, report, sent, started
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.errors import CannotWrite, ExitStatus
from toloka_upload.report import observer as ev
from toloka_upload.report.events import NAMES, EventsFile

NOW = 1_795_284_000.123456
"""2026-11-21T18:00:00.123Z."""


class Pipe(io.RawIOBase):
    """A stream that keeps each write apart, and fails from the `last` on."""

    def __init__(self, last: int | None = None) -> None:
        self.writes: list[bytes] = []
        self.last = last

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Keep the bytes of one write, or fail."""
        if self.last is not None and len(self.writes) >= self.last:
            raise BrokenPipeError(32, "Broken pipe")
        self.writes.append(bytes(data))
        return len(data)


def following(stream: io.RawIOBase, warned: list[str] | None = None) -> EventsFile:
    """Return an observer that writes to `stream`."""
    warnings = [] if warned is None else warned
    return EventsFile.open("-", stream, lambda: NOW, warnings.append)  # type: ignore[arg-type]


def test_an_event_is_one_line_of_its_time_its_name_and_its_fields() -> None:
    """UTC with milliseconds; the fields are those of the event's record."""
    stream = io.BytesIO()
    following(stream)(sent(3, 10, attempt=2))  # type: ignore[arg-type]
    line = (
        b'{"time": "2026-11-21T18:00:00.123Z", "event": "chunk_sent", "chunk": 3, "pool": "21",'
        b' "rows": 10, "items": 10, "bytes": 1000,'
        b' "operation_id": "00000003-0000-5000-8000-000000000000", "attempt": 2}\n'
    )
    assert stream.getvalue() == line


def test_the_last_line_holds_the_summary() -> None:
    """`run_finished` has the keys that `--json` prints."""
    stream = io.BytesIO()
    ended = report(ExitStatus.TRY_AGAIN, created=1, unsent=2)
    following(stream)(ev.RunFinished(ended))  # type: ignore[arg-type]
    line = json.loads(stream.getvalue())
    assert line["event"] == "run_finished"
    assert {key: line[key] for key in ended.as_json()} == ended.as_json()


def test_each_event_leaves_at_once() -> None:
    """A reader of the file sees an event when it happens, not when a buffer is full."""
    stream = Pipe()
    observer = following(stream)
    for number in (1, 2, 3):
        observer(sent(number))
        assert len(stream.writes) == number
        assert stream.writes[-1].endswith(b"}\n")


def test_every_kind_of_event_can_be_written_whatever_its_texts() -> None:
    """One line each, valid JSON, ASCII only: nothing for a terminal to obey."""
    stream = io.BytesIO()
    observer = following(stream)  # type: ignore[arg-type]
    events = hostile_events()
    for event in events:
        observer(event)
    lines = stream.getvalue().splitlines()
    assert [json.loads(line)["event"] for line in lines] == [NAMES[type(event)] for event in events]
    assert all(0x20 <= byte < 0x7F for line in lines for byte in line)


@given(st.text(st.characters(exclude_categories=())))
def test_texts_come_back_as_they_were(text: str) -> None:
    """Escaped on the line, equal when parsed; undecodable bytes of paths too."""
    stream = io.BytesIO()
    following(stream)(ev.Warned(text))  # type: ignore[arg-type]
    assert json.loads(stream.getvalue())["message"] == text


def test_a_file_is_written_anew(tmp_path: Path) -> None:
    """The file holds the events of one run."""
    path = tmp_path / "events.ndjson"
    path.write_text("old\n")
    with EventsFile.open(str(path), io.BytesIO(), lambda: NOW, pytest.fail) as observer:
        observer(started())
        assert len(path.read_text().splitlines()) == 1
    observer(started())
    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["missing/events", "", "nul\0byte"])
def test_a_file_that_cannot_be_opened_ends_the_run_before_it_begins(
    tmp_path: Path, name: str
) -> None:
    """Exit 73; the message names the file, the reason and the remedy, harmlessly."""
    target = str(tmp_path / name)
    with pytest.raises(CannotWrite) as caught:
        EventsFile.open(target, io.BytesIO(), lambda: NOW, pytest.fail)
    assert str(tmp_path) in str(caught.value)
    assert "--events" in str(caught.value)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize("owned", [True, False])
def test_a_broken_pipe_is_told_once_and_the_run_goes_on(*, owned: bool) -> None:
    """The reader left after one line: no exception, one warning, no more lines."""
    stream, warned = Pipe(last=1), []  # type: ignore[var-annotated]
    observer = EventsFile(
        stream,  # type: ignore[arg-type]
        name="events",
        now=lambda: NOW,
        warn=warned.append,
        owned=owned,
    )
    for number in range(1, 5):
        observer(sent(number))
    observer.close()
    assert len(stream.writes) == 1
    assert warned == ["events are no longer written to events: Broken pipe; the upload goes on"]


def test_a_reader_that_leaves_a_real_pipe_harms_nothing(tmp_path: Path) -> None:
    """`--events` into a named pipe whose reader leaves: closing does not fail either."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    reader = subprocess.Popen(
        [sys.executable, "-c", f"print(open({str(path)!r}).readline(), end='')"],
        stdout=subprocess.PIPE,
    )
    warned: list[str] = []
    with EventsFile.open(str(path), io.BytesIO(), lambda: NOW, warned.append) as observer:
        observer(sent(1))
        seen, _ = reader.communicate(timeout=20)
        observer(sent(2))
        observer(sent(3))
    assert json.loads(seen)["chunk"] == 1
    assert len(warned) == 1


def test_a_wait_has_its_times_in_the_events() -> None:
    """When it began, ends, and is given up at the latest, as moments in UTC; what nobody can tell is null."""
    stream = io.BytesIO()
    observer = EventsFile(stream, name="x", now=lambda: 100.0, warn=print, owned=False)
    observer(ev.Waiting("server_busy", "HTTP 503", 8.0, attempt=3, since=10.0, gives_up=900.0))
    observer(ev.Waiting("rate_limit", "limit of --rate 9/min", 26.0))
    one, other = map(json.loads, stream.getvalue().splitlines())
    assert (one["message"], one["attempt"], one["seconds"]) == ("HTTP 503", 3, 8.0)
    assert one["since"] == "1970-01-01T00:00:10.000Z"
    assert one["until"] == "1970-01-01T00:01:48.000Z"
    assert one["gives_up"] == "1970-01-01T00:15:00.000Z"
    assert (other["since"], other["gives_up"]) == (None, None)
    assert other["until"] == "1970-01-01T00:02:06.000Z"
