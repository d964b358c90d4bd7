"""What the display knows of a run, from its events alone."""

from __future__ import annotations

import time

import pytest
from display_runs import finished, progressed, rows_read, sent, settled, started

from toloka_upload.display.progress import Progress, Speed
from toloka_upload.errors import ExitStatus
from toloka_upload.report import observer as ev


def told(*events: ev.Event, at: float = 0.0) -> Progress:
    """Return what is known after these events."""
    progress = Progress(0.0)
    for event in events:
        progress.note(event, at)
    return progress


def test_rows_in_the_pool_are_those_created_and_those_that_were_there() -> None:
    """Rows known from earlier runs and rows found at settling count beside the created ones."""
    progress = told(
        rows_read(1000, of=1000, already=400, rejected=10, finished=True),
        sent(1, 590),
        settled(1, created=500, already=60, rejected=20, unknown=10),
    )
    assert (progress.in_pool, progress.created, progress.already_uploaded) == (960, 500, 460)
    assert (progress.rejected, progress.unknown) == (30, 10)
    assert progress.share == pytest.approx(0.96)


def test_totals_of_reading_are_totals_and_not_increments() -> None:
    """Reading tells totals since the start; they are never added up."""
    progress = told(
        *(rows_read(n, of=3000, already=n // 2, rejected=n // 10) for n in (1000, 2000))
    )
    assert (progress.read, progress.already_uploaded, progress.rejected) == (2000, 1000, 200)


def test_the_total_is_estimated_from_bytes_until_reading_ends() -> None:
    """Half of the bytes held 500 rows, so all hold about 1,000; then they are counted."""
    assert told(rows_read(500, of=1000)).total == 1000
    assert told(rows_read(500)).total is None
    assert told(rows_read(998, of=1000, finished=True)).total == 998


def test_while_nothing_is_sent_the_share_is_that_of_reading() -> None:
    """A check before sending has a bar of its own; a dry run has no other."""
    assert told(rows_read(250, of=1000)).share == 0.25
    assert told(rows_read(1000, of=1000, finished=True)).share == 0.0
    assert told(started(dry_run=True), rows_read(1000, of=1000, finished=True)).share == 1.0
    assert told(rows_read(250)).share is None


def test_an_empty_input_is_all_there() -> None:
    """Nothing to upload is 100 %, not a division by zero."""
    assert told(rows_read(0, of=0, finished=True)).share == 1.0


def test_a_chunk_is_in_flight_until_it_is_settled_or_returned() -> None:
    """Sent again it is the same flight, as old as before."""
    progress = told(sent(1), sent(2), sent(3))
    progress.note(progressed(2, "RUNNING", 40), 5.0)
    progress.note(sent(1, attempt=2), 7.0)
    assert [(f.chunk, f.status, f.percent) for f in progress.flights.values()] == [
        (2, "RUNNING", 40),
        (3, "sent", None),
        (1, "sent", None),
    ]
    assert (progress.flights[1].since, progress.flights[1].attempt) == (0.0, 2)
    progress.note(settled(2), 8.0)
    progress.note(ev.ChunkReturned(3, "21", "too large"), 8.0)
    assert list(progress.flights) == [1]


def test_an_operation_of_an_earlier_run_is_shown_too() -> None:
    """Recovery asks about chunks this run never sent."""
    assert told(progressed(4, "PENDING")).flights[4].status == "PENDING"


def test_speed_is_that_of_the_last_half_minute() -> None:
    """Old samples do not count, and a standstill slows it down."""
    speed = Speed()
    assert speed.rate(0.0) is None
    speed.note(0.0, 0)
    assert speed.rate(5.0) is None
    for second in range(10, 101, 10):
        speed.note(float(second), second * 100 if second <= 50 else 5000 + (second - 50) * 500)
    assert speed.rate(100.0) == pytest.approx(500, rel=0.01)
    assert speed.rate(160.0) == pytest.approx(200, rel=0.3)


def test_time_left_follows_from_speed_and_rows_without_outcome() -> None:
    """Rejected rows need no more time; rows that were there already do not make the run fast."""
    progress = told(rows_read(1000, of=1000, already=500, rejected=50, finished=True), sent(1))
    assert progress.seconds_left(5.0) is None
    progress.note(settled(1, created=90, rejected=10), 10.0)
    assert progress.rate(10.0) == pytest.approx(10.0)
    assert progress.seconds_left(10.0) == pytest.approx(35.0)


def test_a_run_that_stops_has_no_time_left_to_tell() -> None:
    """What is left will not be sent."""
    progress = told(rows_read(1000, of=1000, finished=True), sent(1))
    progress.note(settled(1), 1.0)
    progress.note(ev.Stopping("interrupted"), 1.0)
    assert progress.seconds_left(2.0) is None


def test_a_wait_counts_down_and_ends_by_itself() -> None:
    """What is left of it is told."""
    progress = told(ev.Waiting("rate_limit", "limit of --rate 9/min", 23.0))
    words = [progress.waits(now)[0].words(now) for now in (0.5, 20.0)]
    assert words == ["limit of --rate 9/min, again in 23 s", "limit of --rate 9/min, again in 3 s"]
    assert progress.waits(23.0) == []


def test_a_wait_whose_end_nobody_can_tell_is_told_without_one() -> None:
    """Another run may end at any moment."""
    progress = told(ev.Waiting("lock", "another run may hold the pool", 5.0))
    assert progress.waits(2.0)[0].words(2.0) == "another run may hold the pool"


def test_a_wait_says_for_what_since_when_and_until_when_at_the_latest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Local time, with its zone where it is kept for later; with the date where it is another one."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    began = 1_764_091_200.0  # 18:20 in Berlin
    wait = ev.Waiting("server_busy", "cannot resolve api.example", 8.0, None, 3, began, began + 900)
    words = "cannot resolve api.example (3rd try since 18:20), again in 8 s, giving up at 18:35"
    assert wait.words(8.0) == words
    assert wait.words(8.0, zone=True) == f"{words} CET"
    first = wait._replace(attempt=1, gives_up=began + 86_400)
    assert first.words(1.2, zone=True) == (
        "cannot resolve api.example (1st try), again in 2 s, giving up at 2025-11-26 18:20 CET"
    )
    monkeypatch.undo()
    time.tzset()


def test_a_chunk_whose_request_was_refused_says_so_instead_of_being_sent() -> None:
    """Until it goes again."""
    progress = told(sent(1), sent(2))
    progress.note(ev.Waiting("rate_limit", "HTTP 429, the server's limit", 26.0, chunk=2), 1.0)
    assert [bool(flight.refused) for flight in progress.flights.values()] == [False, True]
    progress.note(sent(2, attempt=2), 27.0)
    assert not progress.flights[2].refused


def test_the_time_left_knows_a_limit_before_it_has_been_felt() -> None:
    """1,000 rows at 100 a minute: the first 100 went in a second, the others will not."""
    progress = told(rows_read(1000, of=1000, finished=True), sent(1))
    progress.note(settled(1, created=100), 1.0)
    progress.note(ev.Waiting("rate_limit", "limit of --rate 100/min", 59.0, pace=100 / 60), 1.0)
    assert progress.seconds_left(1.0) == pytest.approx(540.0)
    progress.note(sent(2)._replace(rows=100, items=10), 2.0)  # suites of ten rows
    assert progress.seconds_left(2.0) == pytest.approx(58.0 + 9.0 * 2, abs=15.0)


def test_zero_seconds_end_the_waits_of_that_reason() -> None:
    """For one pool if it is named, else for all; other reasons go on."""
    progress = told(
        ev.Waiting("pool_locked", "a", 9.0, "21"),
        ev.Waiting("pool_locked", "b", 8.0, "22"),
        ev.Waiting("rate_limit", "c", 7.0),
    )
    progress.note(ev.Waiting("pool_locked", "", 0, "21"), 1.0)
    assert [wait.event.message for wait in progress.waits(1.0)] == ["c", "b"]
    progress.note(ev.Waiting("pool_locked", "", 0), 1.0)
    assert [wait.event.message for wait in progress.waits(1.0)] == ["c"]


def test_the_report_has_the_last_word() -> None:
    """At the end the display shows the summary's counts and the speed of the whole run."""
    progress = told(rows_read(50, of=100), sent(1), finished(created=90, rejected=10))
    assert (progress.read, progress.created, progress.rejected) == (100, 90, 10)
    assert progress.share == pytest.approx(0.9)
    assert progress.flights == {}
    assert progress.rate(99.0) == pytest.approx(90 / 12.34)
    assert told(finished(ExitStatus.OK, already_uploaded=5)).rate(9.0) is None


def test_the_time_left_knows_the_wait_it_is_in() -> None:
    """900 rows at 100 a second, and 600 seconds in which nothing may be sent."""
    progress = told(rows_read(1000, of=1000, finished=True), sent(1))
    progress.note(settled(1, created=100), 1.0)
    assert progress.seconds_left(1.0) == pytest.approx(9.0)
    progress.note(ev.Waiting("rate_limit", "day limit: 10 min", 600.0), 1.0)
    assert progress.seconds_left(1.0) == pytest.approx(609.0)
    assert progress.seconds_left(301.0) >= 300.0 + 9.0


def test_the_time_left_of_a_paced_run_counts_the_waits_to_come() -> None:
    """100 rows a minute, sent in a second: it has been waiting for most of the time, and will be."""
    progress = told(rows_read(1000, of=1000, finished=True), sent(1))
    for minute in range(5):
        progress.note(settled(minute + 1, created=100), minute * 60 + 1.0)
        progress.note(ev.Waiting("rate_limit", "minute limit: 59 s", 59.0), minute * 60 + 1.0)
        progress.note(ev.Waiting("rate_limit", "", 0.0), minute * 60 + 60.0)
    assert progress.seconds_left(300.0) == pytest.approx(300.0, rel=0.05)


def test_chunks_and_retries_are_counted() -> None:
    """Of all that are sent; a wait after a failed request is followed by another try."""
    progress = told(ev.AllPlanned(3), sent(1), sent(2), settled(1))
    assert (progress.chunks, progress.chunks_done) == (3, 1)
    progress.note(ev.Waiting("server_busy", "server busy", 1.0), 0.0)
    progress.note(ev.Waiting("server_busy", "", 0.0), 1.0)
    assert progress.retries == 1


def test_a_command_that_waited_still_tells_what_is_left() -> None:
    """What it does is not what the API did with rows: the speed so far counts."""
    progress = Progress(0.0)
    progress.note(ev.AccountStarted("verify", None, ("21",), "local", "local"), 0.0)
    progress.note(ev.Waiting("rate_limit", "minute limit: 5 s", 5.0), 1.0)
    progress.note(ev.AccountProgress("tasks read", 10, 40), 10.0)
    assert progress.seconds_left(10.0) == pytest.approx(30.0)
