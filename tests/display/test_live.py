"""The live form, on a terminal of paper: calm, right when resized and interrupted, no debris."""

from __future__ import annotations

import errno
import os
import pty
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from display_runs import (
    Clock,
    finished,
    hostile_events,
    progressed,
    rejected,
    rows_read,
    sent,
    settled,
    started,
)
from paper_terminal import Screen

from toloka_upload.display.live import Live
from toloka_upload.display.narrate import Level, Narrator
from toloka_upload.errors import ExitStatus
from toloka_upload.report import observer as ev

NOON = time.mktime((2026, 11, 25, 12, 0, 0, 0, 0, -1))


def live(
    screen: Screen,
    clock: Clock,
    level: Level = Level.NOTE,
    no_color: str | None = None,
    *,
    summary_follows: bool = False,
) -> Live:
    """Return a live display without a thread."""
    environ = {} if no_color is None else {"NO_COLOR": no_color}
    return Live(
        *(screen, clock, Narrator(say_error=False), level, environ, screen.size),
        pulse=None,
        wall=lambda: NOON,
        summary_follows=summary_follows,
    )


def tell(display: Live, *events: ev.Event) -> None:
    """Hand events over, then paint."""
    for event in events:
        display(event)
    display.tick()


MIDDLE: list[ev.Event] = [
    started(),
    ev.PoolChecked("21", "Cats", "CLOSED", "7", 0),
    rows_read(25_000, of=25_000, rejected=5, finished=True),
    ev.AllPlanned(3),
    sent(1, 10_000),
    sent(2, 10_000),
    sent(3, 4_995),
    settled(1, created=9_990, rejected=10),
    progressed(2, "RUNNING", 43),
]


@contextmanager
def middle_of_a_run(screen: Screen, clock: Clock) -> Iterator[Live]:
    """A run of 25,000 rows after ten seconds, one chunk settled and two in flight."""
    with live(screen, clock) as display:
        for event in MIDDLE[:-2]:
            display(event)
        clock.now += 10.0
        tell(display, *MIDDLE[-2:])
        yield display


def test_the_picture_at_80_columns() -> None:
    """Bar, share and rows; speed, time left, rejects; a line for each operation; what it waits for."""
    clock, screen = Clock(), Screen(80)
    with middle_of_a_run(screen, clock) as display:
        tell(display, ev.Waiting("rate_limit", "HTTP 429, a limit", 23.0, chunk=3))
        clock.now += 2.0
        display.tick()
        assert screen.shown() == [
            " PRODUCTION   tasks.jsonl → pool 21 (Cats) · 25,000 rows",
            "Uploading  ━━━━━━━━━━╍╍╍╍✗───────────   39 %   9,990 of 25,000 rows in the pool",
            "           833 rows/s · after 12 s · 36 s left, until 12:00:36",
            "           1 of 3 chunks done · 15 rejected",
            "  #2  10,000 rows  00000002  RUNNING                  43 %  12 s",
            "  #3   4,995 rows  00000003  HTTP 429, again in 21 s",
            "  HTTP 429, a limit, again in 21 s",
        ]


def test_the_picture_at_40_columns() -> None:
    """A narrow window keeps the figures and gives up label, ids and words."""
    clock, screen = Clock(), Screen(40)
    with middle_of_a_run(screen, clock):
        assert screen.shown() == [
            " PRODUCTION   tasks.jsonl → pool 21 · …",
            "━━━━━╸╍╍✗─────   39 %   9,990 of 25,000",
            "1,000 rows/s · after 10 s",
            "15 s left, until 12:00:15",
            "1 of 3 chunks done · 15 rejected",
            "  #2  10,000  RUNNING  43 %  10 s",
            "  #3   4,995  sent           10 s",
        ]


@pytest.mark.parametrize("columns", [1, 2, 10, 20, 40, 59, 60, 61, 80, 200, 500])
@pytest.mark.parametrize("rows", [1, 3, 6, 24])
def test_no_line_wraps_and_the_picture_fits_whatever_the_size(columns: int, rows: int) -> None:
    """Every line leaves the last column free; together they leave a row free, where there are two."""
    clock, screen = Clock(), Screen(columns, rows)
    with middle_of_a_run(screen, clock) as display:
        waits = [ev.Waiting("lock", "another run holds the pool", 9.0)]
        tell(display, *(sent(chunk) for chunk in range(4, 20)), *waits)
        assert all(len(line) < max(2, columns) for line in screen.shown())
        assert len(screen.shown()) <= max(1, rows - 1)


def test_on_a_low_terminal_operations_give_way_first() -> None:
    """What the run waits for stays in sight."""
    clock, screen = Clock(), Screen(80, rows=6)
    with middle_of_a_run(screen, clock) as display:
        tell(display, *(sent(chunk) for chunk in range(4, 9)), ev.Waiting("lock", "locked", 9.0))
        assert [line.split()[0] for line in screen.shown()] == [
            "PRODUCTION",
            "Uploading",
            "1,000",
            "1",
            "locked",
        ]


def test_what_is_typed_is_painted_over() -> None:
    """The terminal echoes keys where the cursor is; the next picture starts at the line's begin."""
    clock, screen = Clock(), Screen(80)
    with middle_of_a_run(screen, clock) as display:
        before = screen.shown()
        screen.write("^Zls")
        display.tick()
        assert screen.shown() == before


def test_many_operations_are_summed_up_after_eight_lines() -> None:
    """Seven of them, and how many more."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        tell(display, rows_read(5000, finished=True), *(sent(chunk) for chunk in range(1, 14)))
        operations = screen.shown()[2:]
        assert len(operations) == 8
        assert operations[0] == "  #1  100 rows  00000001  sent  0 s"
        assert operations[-1] == "  + 6 more"


def test_before_the_first_chunk_the_bar_is_that_of_checking() -> None:
    """Bytes read of all bytes; without a size there is a count only."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        assert screen.shown()[0].startswith("Starting")
        tell(display, rows_read(500, of=1000))
        assert screen.shown()[0] == (
            "Checking   ━━━━━━━━━━━━━━━━━━━━━━━───────────────────────   50 %  500 rows read"
        )
        tell(display, rows_read(600))
        assert screen.shown()[0].endswith("────  600 rows read")


def test_painting_over_leaves_nothing_of_the_picture_before() -> None:
    """A shorter picture wipes out a longer one."""
    clock, screen = Clock(), Screen(80)
    with middle_of_a_run(screen, clock) as display:
        tell(display, ev.Waiting("lock", "another run holds the pool", 9.0))
        assert len(screen.shown()) == 7
        tell(display, ev.Waiting("lock", "", 0.0), settled(2, 10_000), settled(3, 4_995))
        assert len(screen.shown()) == 4


def test_resizing_leaves_no_debris() -> None:
    """The terminal rewraps the picture; the next one still starts where it began."""
    clock, screen = Clock(), Screen(80)
    screen.write("$ toloka-upload\n")
    with middle_of_a_run(screen, clock) as display:
        for columns in (40, 23, 200, 30, 80):
            screen.resize(columns)
            display.tick()
            assert "\n".join(screen.shown()).count("39 %") == 1
            assert "\n".join(screen.shown()).count("PRODUCTION") == 1
    assert screen.shown()[0] == "$ toloka-upload"
    assert len(screen.shown()) == 3


def test_faults_and_warnings_stay_above_the_bar() -> None:
    """The first fault of each cause is printed for good, whole, however long."""
    clock, screen = Clock(), Screen(40)
    with live(screen, clock) as display:
        tell(display, rows_read(100, of=100, finished=True), sent(1))
        causes = [rejected(line)._replace(code=f"CODE_{line}") for line in range(1, 13)]
        tell(display, *causes, *causes)
        tell(display, ev.Warned("the pool is open"))
        shown = "\n".join(screen.shown())
        assert "warning: the pool is open\n" in shown
        assert "there are more kinds of faults; the\n    summary has them\n" in shown
    joined = " ".join(line.strip() for line in screen.shown())
    for line in range(1, 11):
        text = f"tasks.jsonl:{line}: input_values.image: CODE_{line}: Value must be present"
        assert joined.count(text) == 1
    assert "tasks.jsonl:12" not in joined


def test_a_printed_line_as_wide_as_the_terminal_loses_nothing() -> None:
    """Erasing after the last column would eat the last character."""
    clock, screen = Clock(), Screen(20)
    with live(screen, clock) as display:
        tell(display, ev.Warned("exactly 20!"))
        assert screen.shown()[0] == "warning: exactly 20!"


def test_the_end_leaves_one_bar_and_its_figures() -> None:
    """No operations, no waits; the cursor is back, on a line of its own."""
    clock, screen = Clock(), Screen(80)
    with middle_of_a_run(screen, clock) as display:
        assert not screen.cursor_shown
        tell(display, finished(created=24_985, rejected=15))
    assert screen.shown() == [
        "Uploaded   ━━━━━━━━━━━━━━━━━━━━━━━━━╸   99 %  24,985 of 25,000 rows in the pool",
        "           2,025 rows/s · 15 rejected · in 12.3 s",
    ]
    assert screen.cursor_shown
    assert (screen.line, screen.column) == (2, 0)


def interrupt(screen: Screen) -> None:
    """Press Ctrl-C: the terminal echoes it where the cursor is."""
    screen.write("^C")
    raise KeyboardInterrupt


def test_an_exception_leaves_the_terminal_as_it_was() -> None:
    """Interrupted in the middle: the bar as far as it came, and the cursor."""
    clock, screen = Clock(), Screen(80)
    with pytest.raises(KeyboardInterrupt), middle_of_a_run(screen, clock):
        interrupt(screen)
    assert screen.shown() == [
        "Stopped    ━━━━━━━━━━╍╍╍╍✗───────────   39 %   9,990 of 25,000 rows in the pool",
        "           1,000 rows/s · 1 of 3 chunks done · 15 rejected · in 10.0 s",
    ]
    assert screen.cursor_shown


@pytest.mark.parametrize(
    ("status", "label"),
    [
        (ExitStatus.OK, "Uploaded"),
        (ExitStatus.REJECTED, "Uploaded"),
        (ExitStatus.TRY_AGAIN, "Stopped"),
        (ExitStatus.INTERRUPTED, "Stopped"),
    ],
)
def test_the_last_label_says_whether_it_got_through(status: ExitStatus, label: str) -> None:
    """What stopped half-way is not called uploaded."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        tell(display, finished(status, created=5, unsent=5))
    assert screen.shown()[0].startswith(label)


def test_hostile_texts_are_shown_and_not_obeyed() -> None:
    """The paper terminal refuses any sequence that is not ours; no style comes from a text."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock, Level.DETAIL) as display:
        for event in hostile_events():
            tell(display, event)
    assert "[bold red]" in "".join(screen.shown())
    assert not set(screen.raw) & set("\x07\x9b\u202e\udc80")


def test_no_color_means_no_colour() -> None:
    """`NO_COLOR` leaves cursor movements and takes away every style."""
    for no_color, coloured in (("1", False), ("", True), (None, True)):
        clock, screen = Clock(), Screen(80)
        with live(screen, clock, no_color=no_color) as display:
            tell(display, *MIDDLE)
        assert ("m" in {part[-1:] for part in _commands(screen.raw)}) is coloured


def _commands(raw: str) -> list[str]:
    return re.findall(r"\x1b\[[?\d;]*[A-Za-z]", raw)


def test_a_stream_without_unicode_gets_a_bar_of_ascii() -> None:
    """Latin-1 terminals exist."""
    clock, screen = Clock(), Screen(80)
    screen.encoding = "latin-1"
    with live(screen, clock) as display:
        tell(display, *MIDDLE)
        assert screen.shown()[0].endswith("tasks.jsonl -> pool 21 (Cats), 25,000 rows")
        assert screen.shown()[1].startswith("Uploading  ##########====x-----")
    assert screen.raw.isascii()


def test_the_terminal_is_written_by_the_pulse_and_never_by_an_event() -> None:
    """A terminal that is halted (Ctrl-S) halts the picture, not the upload."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        before = screen.raw
        for event in MIDDLE:
            display(event)
        assert screen.raw == before
        display.tick()
        assert screen.raw != before


DRIVER = textwrap.dedent("""
    import os, sys, time
    from toloka_upload.display import display_for
    from toloka_upload.report.observer import RowsRead
    display = display_for(sys.stderr, quiet=False, verbose=False, json_output=False,
        stdout_is_terminal=True, environ=os.environ, clock=time.monotonic)
    with display:
        display(RowsRead(10, 0, 0, 100, 1000, False))
        time.sleep(30)
""")


def test_on_a_real_terminal_an_interrupt_gives_the_cursor_back() -> None:
    """A process on a pty, SIGINT in the middle: the last thing it does there is to show the cursor."""
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER], stdin=slave, stdout=slave, stderr=slave, env=environ
    )
    os.close(slave)
    seen = _read_until(master, b"10 rows read")
    process.send_signal(signal.SIGINT)
    seen += _read_until(master, b"\x1b[?25h")
    process.wait(timeout=20)
    os.close(master)
    assert b"\x1b[?25l" in seen
    assert b"10 rows read" in seen
    assert b"\x1b[?25h" in seen


def _read_until(master: int, wanted: bytes) -> bytes:
    seen, deadline = b"", time.monotonic() + 20
    while wanted not in seen and time.monotonic() < deadline:
        seen += os.read(master, 4096)
    return seen


def test_closing_twice_writes_once() -> None:
    """The core may close the display before it leaves in a hurry."""
    clock, screen = Clock(), Screen(80)
    display = live(screen, clock).__enter__()
    display.close()
    written = screen.raw
    display.close()
    assert screen.raw == written


def test_a_terminal_that_goes_away_does_not_harm_the_run() -> None:
    """The window was closed: writing fails, the upload goes on."""
    clock, screen = Clock(), ClosedWindow(80)
    with live(screen, clock) as display:
        screen.gone = True
        tell(display, *MIDDLE)
        screen.gone = False
        tell(display, settled(2))
    assert "Uploading" not in screen.raw
    assert "Stopped" not in screen.raw


class ClosedWindow(Screen):
    """A terminal that can go away."""

    gone = False

    def write(self, text: str) -> int:
        """Fail as the kernel does when the terminal's master is closed."""
        if self.gone:
            raise OSError(errno.EIO, "Input/output error")
        return super().write(text)


def test_production_stands_out_and_nothing_else_does() -> None:
    """In reverse on any background, in capitals without colour; other environments by their names."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        tell(display, started())
    assert re.search(r"\x1b\[1;7m PRODUCTION ", screen.raw)
    for no_color in (None, "1"):
        screen = Screen(80)
        with live(screen, clock, no_color=no_color) as display:
            url = "https://sandbox.toloka.dev/api/v1"
            tell(display, started()._replace(env="sandbox", url=url))
            assert screen.shown()[0] == "sandbox  tasks.jsonl → pool 21"
        assert "\x1b[1;7m" not in screen.raw


def test_a_run_that_did_nothing_shows_no_full_bar() -> None:
    """Everything was there: a line in words, and not even that where the summary says it."""
    nothing = [rows_read(50, of=50, already=50, finished=True), finished(already_uploaded=50)]
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        tell(display, started(), *nothing)
    assert screen.shown() == ["No change  50 already uploaded · in 12.3 s"]
    screen = Screen(80)
    with live(screen, clock, summary_follows=True) as display:
        tell(display, started(), *nothing)
    assert screen.shown() == []
    assert screen.cursor_shown


def test_the_summary_need_not_be_told_twice() -> None:
    """Where it follows on the same screen, the bar is all that stays."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock, summary_follows=True) as display:
        tell(display, *MIDDLE, finished(created=24_985, rejected=15))
    assert len(screen.shown()) == 1
    assert screen.shown()[0].startswith("Uploaded ")


def test_rows_in_flight_when_it_stops_are_on_their_way() -> None:
    """Nothing is wrong with them, and nobody calls them unknown."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        tell(display, *MIDDLE, ev.Stopping("SIGINT"))
        ended = finished(ExitStatus.INTERRUPTED, created=9_990, unknown=14_995, rejected=15)
        tell(display, ended)
    shown = " ".join(screen.shown())
    assert "14,995 on their way: the next run settles them" in shown
    assert "unknown" not in shown


def test_what_is_looked_up_is_shown_when_it_goes_on() -> None:
    """A run after a kill first asks what became of what was sent; one can read what it asks."""
    clock, screen = Clock(), Screen(80)
    with live(screen, clock) as display:
        what = "settling what an earlier run left: 1 of 8"
        tell(display, started(), ev.Waiting("settling", what, 0.1))
        clock.now += 1.0
        display.tick()
        assert screen.shown()[1].startswith("Looking up")
        assert screen.shown()[-1].strip() == what
        tell(display, ev.Waiting("settling", "", 0.0))
        assert "settling" not in "".join(screen.shown())


def test_a_wide_terminal_has_a_long_bar() -> None:
    """The width that there is, is used."""
    for columns in (60, 80, 120, 200):
        clock, screen = Clock(), Screen(columns)
        with middle_of_a_run(screen, clock):
            assert len(screen.shown()[1]) == columns - 1
