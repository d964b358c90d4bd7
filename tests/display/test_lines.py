"""The plain and the quiet form: lines on standard error where there is no live display."""

from __future__ import annotations

import io
import os
import re
import time
from itertools import pairwise

import pytest
from display_runs import (
    HOSTILE,
    Clock,
    finished,
    hostile_events,
    progressed,
    rejected,
    report,
    rows_read,
    sent,
    settled,
    started,
)
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload._version import __version__
from toloka_upload.display.base import Lines
from toloka_upload.display.narrate import Level, Narrator
from toloka_upload.errors import ExitStatus
from toloka_upload.report import observer as ev
from toloka_upload.report.summary import ErrorGroup, RunError
from toloka_upload.text import plain


class Watched:
    """A form without a thread, its clock and what it wrote."""

    def __init__(self, level: Level = Level.STEP, *, say_error: bool = True) -> None:
        self.clock = Clock()
        self.stream = io.StringIO()
        narrator = Narrator(say_error=say_error)
        self.display = Lines(self.stream, self.clock, narrator, level, pulse=None)

    def tell(self, *events: ev.Event, after: float = 0.0) -> list[str]:
        """Hand events over; return the lines they were worth."""
        self.clock.now += after
        before = len(self.stream.getvalue())
        for event in events:
            self.display(event)
        return self.stream.getvalue()[before:].splitlines()

    def tick(self, after: float = 0.0) -> list[str]:
        """Let time pass and the pulse beat; return the lines that brought."""
        self.clock.now += after
        before = len(self.stream.getvalue())
        self.display.tick()
        return self.stream.getvalue()[before:].splitlines()


def test_a_run_is_told_by_a_line_at_its_start_and_one_at_its_end() -> None:
    """The start names what goes where; the end, what became of the rows."""
    watched = Watched()
    assert watched.tell(started("a.jsonl", "b.jsonl")) == [
        f"toloka-upload {__version__}: uploading a.jsonl, b.jsonl for pool 21 at production"
    ]
    elsewhere = started("a.jsonl")._replace(url="http://127.0.0.1:8080/api/v1")
    assert Watched().tell(elsewhere)[0].endswith("for pool 21 at http://127.0.0.1:8080/api/v1")
    quiet_middle = [rows_read(100, of=100, finished=True), sent(1), progressed(1), settled(1)]
    assert watched.tell(*quiet_middle) == []
    assert watched.tell(finished(created=90, already_uploaded=10)) == [
        "finished: 100 rows read, 90 created, 10 already uploaded; 12.3 s"
    ]


def test_the_end_says_exit_status_and_reason() -> None:
    """A log without the exit status at hand still tells how it ended."""
    assert Watched().tell(finished(ExitStatus.TRY_AGAIN, created=1, unsent=2)) == [
        "ended with exit 75 (try again): 3 rows read, 1 created, 2 unsent; 12.3 s"
    ]


def test_a_progress_line_comes_at_least_every_thirty_seconds_without_any_event() -> None:
    """The line is owed to the clock, not to the core."""
    watched = Watched()
    watched.tell(started(), rows_read(500, of=1000), sent(1), settled(1))
    told = [second for second in range(1, 121) if watched.tick(after=1.0)]
    assert told[0] <= 30
    assert all(later - earlier <= 30 for earlier, later in pairwise(told))
    assert len(told) == 4


def test_the_progress_line_says_how_far_how_fast_and_what_it_waits_for() -> None:
    """The same facts as the live display, in one line."""
    watched = Watched()
    watched.tell(rows_read(1000, of=1000, rejected=3, finished=True), sent(1), sent(2))
    watched.tell(settled(1), after=10.0)
    watched.tell(ev.Waiting("rate_limit", "limit of --rate 9/min", 23.0), after=10.0)
    assert watched.tick(after=10.0) == [
        "after 30 s: 100 of 1,000 rows in the pool, 10 %, 3 rows/s, 4 min 30 s left, 3 rejected,"
        " 1 chunk in flight, waiting: limit of --rate 9/min, again in 13 s"
    ]


def test_while_checking_the_progress_line_tells_rows_read() -> None:
    """Before anything is sent there is nothing in the pool to tell."""
    watched = Watched()
    watched.tell(rows_read(250, of=1000))
    assert watched.tick(after=30.0) == ["after 30 s: 250 rows read, 25 %"]


def test_no_progress_line_follows_the_end() -> None:
    """The last line of a log is the end of the run."""
    watched = Watched()
    watched.tell(finished(created=1))
    assert watched.tick(after=100.0) == []


def test_a_wait_is_told_when_it_begins_and_not_each_time_again() -> None:
    """A paced run waits every minute: one line a reason and half a minute is enough."""
    watched = Watched()
    wait = ev.Waiting("server_busy", "server busy, HTTP 503", 8.0, attempt=3)
    assert watched.tell(wait) == ["waiting: server busy, HTTP 503 (3rd try), again in 8 s"]
    assert watched.tell(wait, after=8.0) == []
    assert watched.tell(ev.Waiting("rate_limit", "minute limit: 5 s", 5.0)) != []
    assert watched.tell(wait, after=30.0) != []
    assert watched.tell(ev.Waiting("server_busy", "", 0.0)) == []


def test_a_fault_is_a_line_once_a_cause_in_the_promised_form() -> None:
    """`file:line: field: CODE: message` of the first row that has it; at the end, how many have it."""
    watched = Watched()
    other = rejected(500)._replace(field="input_values.text")
    lines = watched.tell(*(rejected(line) for line in range(418, 440)), other, other)
    assert lines == [
        "tasks.jsonl:418: input_values.image: VALUE_REQUIRED: Value must be present",
        "tasks.jsonl:500: input_values.text: VALUE_REQUIRED: Value must be present",
    ]
    ended = report(ExitStatus.REJECTED, created=1, rejected=23)
    ended.errors = [
        ErrorGroup("VALUE_REQUIRED", "input_values.image", 22, "tasks.jsonl", 418, "told"),
        ErrorGroup("INVALID_JSON", "", 1, "tasks.jsonl", 7, "told"),
    ]
    counted = "22 rows with VALUE_REQUIRED in input_values.image, the first at tasks.jsonl:418"
    assert watched.tell(ev.RunFinished(ended))[0] == counted
    assert counted not in Watched(say_error=False).tell(ev.RunFinished(ended))


def test_more_than_ten_causes_are_left_to_the_summary() -> None:
    """And that is said once."""
    lines = Watched().tell(*(rejected(n)._replace(code=f"CODE_{n}") for n in range(1, 14)))
    assert len(lines) == 11
    assert lines[10] == "there are more kinds of faults; the summary has them"


def test_quiet_says_errors_and_warnings_only() -> None:
    """A cron mail comes when there is something to mend."""
    watched = Watched(Level.TROUBLE)
    good = [started(), rows_read(1, finished=True), sent(1), settled(1), finished(created=1)]
    assert watched.tell(*good, ev.PoolOpened("21", already=False)) == []
    assert watched.tick(after=60.0) == []
    assert watched.tell(ev.Warned("the pool is open")) == ["warning: the pool is open"]
    assert watched.tell(rejected()) != []
    assert watched.tell(ev.Stopping("SIGTERM")) == ["stopping: SIGTERM"]


def test_what_ended_the_run_is_told_on_standard_error() -> None:
    """Unless the summary follows on the same screen and says it."""
    ended = report(ExitStatus.REFUSED, unsent=3)
    ended.error = RunError("ARCHIVED", "pool 21 is archived\nuse another pool", "req-1")
    for say_error, expected in (
        (True, ["error: pool 21 is archived", "  use another pool"]),
        (False, []),
    ):
        watched = Watched(Level.TROUBLE, say_error=say_error)
        assert watched.tell(ev.RunFinished(ended)) == expected


def test_verbose_tells_each_chunk_and_each_retry() -> None:
    """Sent, settled, returned; every wait, and the pool."""
    watched = Watched(Level.DETAIL)
    name = "00000001-0000-5000-8000-000000000000"
    assert watched.tell(sent(1), sent(1, attempt=2)) == [
        f"chunk 1: 100 rows sent, 10,000 bytes, operation {name}",
        f"chunk 1: 100 rows sent, 10,000 bytes, operation {name}, attempt 2",
    ]
    assert watched.tell(settled(1, created=98, rejected=2)) == ["chunk 1: 98 created, 2 rejected"]
    assert watched.tell(ev.ChunkReturned(2, "21", "too large, halved")) == [
        "chunk 2: goes again: too large, halved"
    ]
    wait = ev.Waiting("server_busy", "server busy", 1.0)
    assert watched.tell(wait, wait) == ["waiting: server busy, again in 1 s"] * 2
    assert watched.tell(ev.PoolChecked("21", "Cats", "CLOSED", "1", 7)) == [
        "pool 21 (Cats, CLOSED) of project 1; 7 rows known from earlier uploads"
    ]


@pytest.mark.parametrize("level", list(Level))
def test_hostile_texts_reach_the_stream_as_text(level: Level) -> None:
    """No escape sequence, no forged line: every line is one of ours."""
    watched = Watched(level)
    lines = watched.tell(*hostile_events()) + watched.tick(after=60.0)
    text = watched.stream.getvalue()
    assert lines
    assert not set(text) & set("\x1b\x07\x9b\r\u202e\udc80")
    ours = "  |toloka-upload |pool |warning: |chunk |waiting: |stopping: |error: |ended |after |there are more "
    assert all(re.match(rf"{ours}|{re.escape(plain(HOSTILE))}:\d+: ", line) for line in lines)


@given(st.text(st.characters(exclude_categories=())))
def test_any_message_takes_one_line_without_escapes(text: str) -> None:
    """Whatever a file or a server says."""
    lines = Watched().tell(ev.Warned(text))
    assert len(lines) == 1
    assert lines[0].startswith("warning: ")
    assert "\x1b" not in lines[0]


def test_the_display_has_a_pulse_of_its_own() -> None:
    """Entered, it prints the line that is due although nobody calls it."""
    clock, stream = Clock(), io.StringIO()
    with Lines(stream, clock, Narrator(say_error=True), pulse=0.005) as display:
        display(rows_read(250, of=1000))
        clock.now += 30.0
        deadline = time.monotonic() + 10
        while not stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.005)
    assert stream.getvalue() == "after 30 s: 250 rows read, 25 %\n"


def test_a_broken_stream_never_reaches_the_run() -> None:
    """Standard error was a pipe whose reader left, or is closed: the upload goes on in silence."""
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    display = Lines(stream, Clock(), Narrator(say_error=True), pulse=None)
    display(started())
    display(finished(created=1))
    with pytest.raises(BrokenPipeError):
        stream.close()
    closed = io.StringIO()
    closed.close()
    Lines(closed, Clock(), Narrator(say_error=True), pulse=None)(started())


def test_a_stream_of_little_encoding_gets_escapes() -> None:
    """`LC_ALL=C` on standard error must not end an upload."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    Lines(stream, Clock(), Narrator(say_error=True), pulse=None)(ev.Warned("кот"))
    assert buffer.getvalue() == rb"warning: \u043a\u043e\u0442" + b"\n"
