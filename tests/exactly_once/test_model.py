"""A row reaches a pool once: tried at every step, in every weather, and in stories that dice make up.

`History.run` checks after every run, however it ended: no row is there more often than once, what is claimed is there,
counts add up, and results, live and from the journal, name each row once. `History.finish` runs until the upload ends
well, and checks that nothing is missing.

`TOLOKA_UPLOAD_STORIES=20000 pytest --timeout 0 tests/exactly_once/test_model.py` leaves out no step and tells more
stories; a failing one names its seed, and `TOLOKA_UPLOAD_STORY=seed` tells that one alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from simulated_server import FATES, FORMS, LONG, Weather
from simulation import History, Rows
from stories import ASYNC_WIRE, SYNC_WIRE, story, tell

from toloka_upload.errors import ExitStatus
from toloka_upload.journal import ChunkState, Journal, open_to_read
from toloka_upload.outcomes import Outcome, Status
from toloka_upload.sending import reconcile
from toloka_upload.session.arrivals import Look

ONE = os.environ.get("TOLOKA_UPLOAD_STORY")
STORIES = int(os.environ.get("TOLOKA_UPLOAD_STORIES", "120"))
STRIDE = 1 if "TOLOKA_UPLOAD_STORIES" in os.environ else 3
"""Steps from one kill to the next: all of them where there is time."""
PLAIN: Rows = [{"n": 1}, {"n": 2}, {"n": 1}, {"n": 1}, {"n": 3}]
BAD: Rows = [{"n": 1}, {"n": 2, "bad": 1}, {"n": 1}, {"n": 3}, {"n": 4}]
POOLS: Rows = [
    {"pool_id": "21", "input_values": {"n": 1}},
    {"pool_id": "26", "input_values": {"n": 1}},
    {"pool_id": "21", "input_values": {"n": 1}},
    {"pool_id": "26", "input_values": {"n": 2}},
]
CASES: dict[str, tuple[Rows, dict[str, Any], dict[int, str]]] = {
    "async": (PLAIN, {}, {}),
    "sync": (PLAIN, {"mode": "sync"}, {}),
    "no-wait": (PLAIN, {"wait": False}, {}),
    "suites": (PLAIN, {"pool": "22", "suite_size": 2}, {}),
    "two pools": (POOLS, {"pool": None, "chunk_size": 1}, {}),
    "bad rows": (BAD, {"skip": True}, {}),
    "bad rows, sync": (BAD, {"mode": "sync", "skip": True}, {}),
    "a refused request": (BAD, {}, {}),
    "an operation that fails midway": (PLAIN, {}, {1: "fail_part_empty", 2: "fail_part_all"}),
    "an answer that is lost": (PLAIN, {}, {1: "lost_after", 3: "lost_before"}),
    "an answer that is lost, sync": (PLAIN, {"mode": "sync"}, {1: "lost_after", 2: "lost_before"}),
}
"""Rows, options, and faults of the first run by the number of the creating request."""


@pytest.fixture
def fast_path() -> Iterator[Path]:
    """A directory in memory where there is one: a journal waits for the disk at every step."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
    yield path
    shutil.rmtree(path)


def new_history(path: Path, seed: int, script: dict[int, str]) -> History:
    """A history in a directory of its own."""
    directory = path / str(seed)
    directory.mkdir()
    return History(directory, seed, Weather(script=dict(script)))


def journal_of(history: History) -> closing[Journal]:
    """The journal of a history's only pool, to be closed."""
    (path,) = (history.state / "journals").glob("*.db")
    with open_to_read(path) as (_, destination):
        return closing(Journal(path, destination))


def steps_of(path: Path, case: str) -> int:
    """How many steps a run of a case takes."""
    rows, options, script = CASES[case]
    history = new_history(path, 0, script)
    history.run(rows, **options)
    return history.steps


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_is_killed_at_any_step_is_completed_by_the_next(
    case: str, fast_path: Path
) -> None:
    """Before and after each commit and each request: the same command again, and each row is there once."""
    rows, options, script = CASES[case]
    steps = steps_of(fast_path, case)
    assert steps > 20
    for step in range(1, steps + 1, 1 if case in ("async", "sync") else STRIDE):
        history = new_history(fast_path, step, script)
        history.run(rows, crash_at=step, **options)
        history.finish(rows, **{**options, "wait": True})


@pytest.mark.parametrize("case", ["async", "sync", "an answer that is lost", "suites"])
def test_the_run_that_settles_may_be_killed_as_well(case: str, fast_path: Path) -> None:
    """A second kill at any step of the run that follows a kill in the middle."""
    rows, options, script = CASES[case]
    middle = steps_of(fast_path, case) // 2
    for step in range(1, 60, STRIDE):
        history = new_history(fast_path, step, script)
        history.run(rows, crash_at=middle + step % 7, **options)
        history.run(rows, crash_at=step, **options)
        history.finish(rows, **options)


@pytest.mark.parametrize(
    "case", ["async", "sync", "an answer that is lost", "an answer that is lost, sync"]
)
def test_a_run_that_is_interrupted_at_any_step_is_completed_by_the_next(
    case: str, fast_path: Path
) -> None:
    """The interrupted run tells the truth about every row, and the next one goes on."""
    rows, options, script = CASES[case]
    for step in range(1, steps_of(fast_path, case) + 1, STRIDE):
        history = new_history(fast_path, step, script)
        report = history.run(rows, interrupt_at=step, **options)
        assert report is not None
        assert report.exit_status in (ExitStatus.INTERRUPTED, ExitStatus.OK)
        history.finish(rows, **options)


def test_a_pause_that_an_interrupt_cuts_short_proves_nothing(fast_path: Path) -> None:
    """What a slow listing does not show yet may be there all the same: it stays open for the next run."""
    for crash in range(14, 26, 2):
        for step in range(8, 30, STRIDE):
            history = new_history(fast_path, crash * 100 + step, {})
            history.server.weather.listing_delay = 3.0
            history.run(PLAIN, mode="sync", crash_at=crash)
            history.run(PLAIN, mode="sync", interrupt_at=step)
            history.finish(PLAIN, mode="sync")


@pytest.mark.parametrize(
    ("mode", "fault"),
    [("async", fault) for fault in (*ASYNC_WIRE, *FATES)]
    + [("sync", fault) for fault in SYNC_WIRE],
)
def test_every_fault_is_survived(fault: str, mode: str, fast_path: Path) -> None:
    """Each fault of the wire and of an operation, at each of the requests."""
    for number in range(1, 4):
        history = new_history(fast_path, number, {number: fault})
        history.run(PLAIN, mode=mode)
        assert history.server.weather.seen[fault] == 1
        history.finish(PLAIN, mode=mode)


@pytest.mark.parametrize(
    ("mode", "script"),
    [
        ("async", {1: "late", 2: "late"}),
        ("async", {1: "late", 2: "403_after_all"}),
        ("async", {1: "late", 2: "413"}),
        ("async", {1: "502_before", 2: "502_before", 3: "502_before", 4: "502_before", 5: "late"}),
        ("sync", {1: "late", 2: "late"}),
        ("sync", {1: "502_before", 2: "502_before", 3: "late"}),
        ("sync", {**dict.fromkeys(range(1, 6), "409_busy"), 6: "late"}),
    ],
)
def test_a_request_may_arrive_when_nobody_waits_for_it_any_more(
    mode: str, script: dict[int, str], fast_path: Path
) -> None:
    """Up to 15 s late, after the run was killed, while the next one has its rows in other chunks or not at all."""
    for step in range(20, 75, STRIDE):
        history = new_history(fast_path, step, script)
        history.run(PLAIN, crash_at=step, mode=mode, chunk_size=3, concurrency=1)
        history.run(PLAIN[1:], mode=mode, chunk_size=1)
        history.finish(PLAIN, mode=mode)


def test_an_operation_may_arrive_after_any_time(fast_path: Path) -> None:
    """As long as the input has its rows, any run sends the very same request again, under the id that it had."""
    for seed in range(30):
        history = new_history(fast_path, seed, {})
        weather = history.server.weather
        weather.wire, weather.chance, weather.late = ("late",), 0.4, 3_000.0
        for crash in (20 + seed, 40 + seed):
            history.run(PLAIN, crash_at=crash)
        history.finish(PLAIN)


def test_a_request_that_may_have_arrived_goes_again_at_once_and_has_one_record(
    fast_path: Path,
) -> None:
    """The next run waits for nothing, for the id is the same; its record takes the place of the one that was left."""
    history = new_history(fast_path, 0, {1: "lost_before"})
    step = 0
    while not history.server.creating:
        step += 1
        history.run([{"n": 1}], crash_at=step)
    began = history.server.now
    history.finish([{"n": 1}])
    assert history.server.now - began < 10.0 + 60.0  # `finish` lets a minute pass in the end
    with journal_of(history) as book:
        assert book.leftovers() == []


def test_what_was_proven_not_to_be_there_stays_so_when_the_rest_is_asked_about_again(
    fast_path: Path,
) -> None:
    """One row is free, and went again in another chunk; the other one stays unknown, as the API has forgotten."""
    history = new_history(fast_path, 0, {1: "fail_none_empty"})
    rows: Rows = [{"n": 1}, {"n": 2}]
    history.run(rows)
    left = Outcome(bytearray([Status.UNKNOWN, Status.UNSENT]), ["", ""], {})
    with journal_of(history) as book:
        book.settle(1, left)
    history.server.operations.clear()
    history.run(rows)
    with journal_of(history) as book:
        assert book.outcome(1) == left


@pytest.mark.parametrize("fate", ["", "fail_none_empty"])
def test_an_id_that_a_log_names_for_a_second_row_is_not_believed(
    fate: str, fast_path: Path
) -> None:
    """An earlier run gave the item to an equal row: this one's is another, or it goes again."""
    history = new_history(fast_path, 0, {2: fate})
    rows: Rows = [{"n": 1}] * 2
    history.run(rows, chunk_size=1, concurrency=1, wait=False)
    history.server.everything_arrives()
    with journal_of(history) as book:
        mine = Outcome(bytearray([Status.CREATED]), [history.server.items[0]["id"]], {})
        book.settle(book.leftovers()[1].id, mine)
    history.finish(rows, chunk_size=1)
    assert len(history.server.items) == 2


@pytest.mark.parametrize("written", [str, str.upper, lambda name: name.replace("-", "")])
def test_an_operation_id_is_used_up_however_the_api_wrote_it(
    written: Callable[[str], str], fast_path: Path
) -> None:
    """Also in a journal of an earlier version, which kept the API's spelling."""
    history = new_history(fast_path, 0, {})
    history.run([{"n": 1}])
    (name,) = history.server.operations
    with journal_of(history) as book:
        book.move(1, ChunkState.SETTLED, operation_id=written(name))
        assert book.used(name)
        assert not book.used(name[::-1])


def test_what_may_have_arrived_as_it_is_stays_as_it_is(fast_path: Path) -> None:
    """A request of an earlier run that may be on its way is not cut in two because others are too large."""
    for seed in range(40):
        history = new_history(fast_path, seed, {1: "lost_before", 2: "late", 3: "413"})
        history.run(PLAIN[1:], crash_at=16 + seed % 10)
        history.run(PLAIN[1:], concurrency=1)
        history.finish(PLAIN)


def test_a_late_row_is_not_taken_for_its_equal(fast_path: Path) -> None:
    """One of two equal rows was not created, the other one arrives while the first is looked for."""
    for step in range(20, 50):
        history = new_history(fast_path, step, {1: "fail_none_empty", 2: "late"})
        rows: Rows = [{"n": 1}] * 2
        history.run(rows, crash_at=step, chunk_size=1)
        history.finish(rows, chunk_size=1)


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_equal_rows_whose_answers_are_lost_at_once(mode: str, fast_path: Path) -> None:
    """While one chunk looks for its rows in the pool, no other one creates rows that look the same."""
    rows: Rows = [{"n": 1}] * 4
    faults = ["lost_before", "lost_after", "500_after", "502_before"]
    for seed in range(32):
        script = {number: faults[(seed >> number) % 4] for number in range(1, 5)}
        if seed % 4:
            script = dict.fromkeys(range(1, 4), "502_before")
        history = new_history(fast_path, seed, script)
        history.run(rows, mode=mode, chunk_size=1, concurrency=4)
        history.finish(rows, mode=mode)


def test_a_run_that_does_not_wait_for_operations_waits_for_none_before_it_looks(
    fast_path: Path,
) -> None:
    """What an earlier run left is looked for, while an equal row's operation, which nobody follows, is not over."""
    for seed in range(4):
        history = new_history(fast_path, seed, {1: "late"})
        history.server.weather.fates, history.server.weather.chance = ("fail_none_empty",), 1.0
        step = 0
        while not history.server.creating:
            step += 1
            history.run([{"n": 1}, {"n": 2}], crash_at=step)
        rows: Rows = [{"n": 1}] * 2
        report = history.run(rows, wait=False)
        assert report is not None
        assert report.counts.unknown == 2
        history.finish(rows)


@contextmanager
def first_line_alone(*, alone: bool) -> Iterator[None]:
    """Whom a look waits for must suffice: what a log names for a second row is believed."""
    with (
        mock.patch.object(reconcile, "_named_twice", return_value=set()) if alone else nullcontext()
    ):
        yield


def test_two_equal_rows_are_never_told_by_one_id(fast_path: Path) -> None:
    """One request arrives late, the other one's operation fails without a word: the item is claimed once."""
    rows: Rows = [{"n": 1}] * 2
    for seed in range(30):
        script = (
            {1: "late", 2: "fail_none_empty"} if seed % 2 else {2: "late", 1: "fail_none_empty"}
        )
        script |= dict.fromkeys(range(3, 10), "502_before")
        history = new_history(fast_path, seed, script)
        with first_line_alone(alone=seed % 4 < 2):
            history.run(rows, chunk_size=1, crash_at=30 + seed // 2 if seed % 3 else None)
            history.finish(rows, chunk_size=1)


def test_an_id_that_a_look_took_too_early_is_told_once_all_the_same(fast_path: Path) -> None:
    """The second line: should a look not wait for whom it must, the log that names its find is not believed."""
    rows: Rows = [{"n": 1}] * 2
    for seed in range(30):
        script = {1 + seed % 2: "late", 2 - seed % 2: "fail_none_empty"}
        script |= dict.fromkeys(range(3, 10), "502_before")
        history = new_history(fast_path, seed, script)
        with mock.patch.object(Look, "may_begin", return_value=True):
            history.run(rows, chunk_size=1)
            history.finish(rows, chunk_size=1)


def test_what_a_request_may_have_made_that_is_not_waited_for_is_nobodys(fast_path: Path) -> None:
    """Its operation does not end in time, an equal row's failed without a word: that one waits for the next run."""
    rows: Rows = [{"n": 1}, {"n": 2}, {"n": 1}, {"n": 3}]
    for seed in range(6):
        script = (
            {1: "long", 2: "fail_none_empty"} if seed % 2 else {2: "long", 1: "fail_none_empty"}
        )
        history = new_history(fast_path, seed, script)
        report = history.run(rows, operation_timeout=60.0)
        assert report is not None
        assert (report.counts.created, report.counts.unknown) == (1, 3)
        began = history.server.now
        history.server.now += LONG
        report = history.finish(rows)
        assert report.counts.created + report.counts.already_uploaded == len(rows)
        assert history.server.now - began < 2 * LONG


def test_looks_for_equal_rows_share_what_there_is(fast_path: Path) -> None:
    """Who cannot know how many of its rows were created takes what those leave that must have created theirs."""
    rows: Rows = [{"n": 1}] * 8
    for seed in range(24):
        history = new_history(fast_path, seed, {})
        weather = history.server.weather
        weather.fates = ("no_log", "fail_part_empty", "half_log", "fail_half_log", "no_success")
        weather.chance = 0.7
        history.run(rows, chunk_size=3, concurrency=5, crash_at=60 + seed if seed % 2 else None)
        history.finish(rows, chunk_size=3)


def test_a_request_that_an_earlier_run_lost_is_not_taken_for_a_new_one(fast_path: Path) -> None:
    """It arrives while its equal, which the next run added to the file, is looked for."""
    for seed in range(30):
        history = new_history(
            fast_path, seed, {1: "late", 2: "fail_none_empty", 3: "fail_none_empty"}
        )
        history.server.weather.script |= dict.fromkeys(range(4, 9), "502_before")
        with first_line_alone(alone=seed % 4 < 2):
            history.run([{"n": 1}], chunk_size=1, crash_at=18 + seed % 12)
            rows: Rows = [{"n": 1}, {"n": 1}, {"n": 2}]
            history.run(rows, chunk_size=1, skip=bool(seed % 2), concurrency=1 + seed % 3)
            history.finish(rows, chunk_size=1)


@pytest.mark.parametrize("crash", [None, 22])
def test_a_synchronous_request_that_still_works_is_waited_for(
    crash: int | None, fast_path: Path
) -> None:
    """30 seconds of work, a time-out of 3: what is not there yet is about to come, as long as the listing grows."""
    rows: Rows = [{"n": number} for number in range(8)]
    for seed in range(12):
        history = new_history(fast_path, seed, {1: "slow", 2: "slow"})
        report = history.run(rows, mode="sync", chunk_size=4, crash_at=crash)
        if report is not None:
            assert report.counts.created == len(rows)
        history.finish(rows, mode="sync", chunk_size=4)
        assert len(history.server.items) == len(rows)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fate", ["fail_none_empty", "fail_part_empty", "no_log", "no_success"])
def test_forms_of_ids_times_and_counters_settle_all_the_same(
    form: str, fate: str, fast_path: Path
) -> None:
    """An operation's id is the same however it is written, and a time with an offset is the time it says."""
    for number in range(1, 4):
        history = new_history(fast_path, number, {number: fate})
        history.server.weather.forms = (form,)
        history.run(PLAIN)
        report = history.finish(PLAIN)
        assert report.counts.rejected == 0


@pytest.mark.parametrize("fate", ["no_log", "half_log", "refused_missing", "no_list", "gappy"])
def test_what_a_successful_operation_did_not_create_was_refused(fate: str, fast_path: Path) -> None:
    """Its counter says how many it created, the listing shows them, and the rest will not come any more."""
    history = new_history(fast_path, 0, {1: fate})
    rows: Rows = [{"n": 1}, {"n": 2, "bad": 1}, {"n": 3}]
    report = history.run(rows, skip=True, chunk_size=3)
    assert report is not None
    assert (report.exit_status, report.counts.rejected) == (ExitStatus.REJECTED, 1)


def test_a_chunk_that_looks_and_chunks_that_wait_for_the_rate_limit_get_by(fast_path: Path) -> None:
    """One waits until nobody sends, the others until it has looked: neither waits for ever."""
    for seed in range(12):
        history = new_history(fast_path, seed, {1: "429", 2: "lost_after", 3: "429", 4: "late"})
        history.run(PLAIN, mode="sync", chunk_size=1, concurrency=4)
        history.finish(PLAIN, mode="sync")


@pytest.mark.parametrize("fault", ["429", "429_bare"])
def test_a_server_that_often_refuses_for_its_rate_keeps_nobody_for_ever(
    fault: str, fast_path: Path
) -> None:
    """More chunks than may leave at once, half of them refused: whoever tries alone waits for none of the others."""
    rows: Rows = [{"n": number} for number in range(12)]
    for seed in range(20, 40):
        history = new_history(fast_path, seed, {})
        history.server.weather.wire, history.server.weather.chance = (fault,), 0.5
        report = history.run(rows, chunk_size=1, concurrency=5)
        assert report is not None
        assert report.exit_status is ExitStatus.OK


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_what_changed_in_the_file_is_all_that_is_sent(mode: str, fast_path: Path) -> None:
    """Grown, reversed, with other chunks, in pieces: the server is asked to create what is new, and nothing else."""
    history = new_history(fast_path, 0, {})
    history.finish(PLAIN, mode=mode)
    for rows in (PLAIN[::-1], PLAIN[1:3], [*PLAIN, {"n": 1}, {"n": 7}]):
        for chunk_size in (1, 3):
            before = len(history.server.items)
            report = history.finish(rows, mode=mode, chunk_size=chunk_size)
            assert report.counts.created == len(history.server.items) - before
    assert len(history.server.items) == len(PLAIN) + 2


def test_again_uploads_everything_once_more(fast_path: Path) -> None:
    """`--again` is a generation of its own, once, however often its command is needed to complete it."""
    for step in range(1, 80, 4):
        history = new_history(fast_path, step, {})
        history.finish(PLAIN)
        history.generations = 2
        if history.run(PLAIN, again=True, crash_at=step) is None:
            history.finish(PLAIN, again=True)
        history.finish(PLAIN)
        assert len(history.server.items) == 2 * len(PLAIN)


def test_a_lost_state_directory_doubles_nothing(fast_path: Path) -> None:
    """The ids are derived: the API knows every request of the file, and says so."""
    for step in range(1, 80, 6):
        history = new_history(fast_path, step, {})
        history.run(PLAIN, crash_at=step)
        history.lose_state()
        history.finish(PLAIN)
        history.lose_state()
        report = history.finish(PLAIN)
        assert report.counts.already_uploaded == len(PLAIN)
        assert len(history.server.items) == len(PLAIN)


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("jump", [-86_400.0, -5.0, 3_600.0, 400 * 86_400.0])
def test_a_clock_that_jumps_doubles_nothing_and_waits_for_nobody(
    mode: str, jump: float, fast_path: Path
) -> None:
    """Whatever this machine's clock says after a kill, the next run ends, soon, with each row once."""
    for step in range(5, 60, 6):
        history = new_history(fast_path, step, {})
        history.run(PLAIN, crash_at=step, mode=mode)
        history.clock_error = jump
        began = history.server.now
        history.finish(PLAIN[1:], mode=mode)
        assert history.server.now - began < 120.0 + 60.0
        history.finish(PLAIN, mode=mode)


def test_what_cannot_be_found_out_stays_unknown_until_the_user_decides(fast_path: Path) -> None:
    """Log and counters are lost, and an item that is not in the pool may have been refused or may be about to come."""
    history = new_history(fast_path, 0, {1: "no_log"})
    history.server.weather.forms = ("no_details",)
    rows: Rows = [{"n": 1}, {"n": 2, "bad": 1}]
    for _ in range(3):
        report = history.run(rows, skip=True)
        assert report is not None
        assert report.exit_status is ExitStatus.UNKNOWN
        assert report.counts.unknown == 1
        assert len(history.server.operations) == 1
    report = history.run(rows, skip=True, resend_unknown=True)
    assert report is not None
    assert (report.exit_status, report.counts.rejected) == (ExitStatus.REJECTED, 1)


def test_what_others_uploaded_is_not_taken_for_ours(fast_path: Path) -> None:
    """Rows equal to ours that were in the pool before, by other means, stay somebody else's."""
    for mode in ("async", "sync"):
        for step in range(1, 60, 5):
            directory = fast_path / f"{mode}{step}"
            directory.mkdir()
            history = History(directory, step)
            for row in PLAIN:
                history.server.add("21", row)
            history.others = history.server.contents("21")
            history.server.now += 3 * 86_400.0
            history.run(PLAIN, crash_at=step, mode=mode)
            history.finish(PLAIN, mode=mode)
            assert len(history.server.items) == 2 * len(PLAIN)


FAILED_ONCE = (1009525,)
"""Stories that once broke a promise."""


@pytest.mark.parametrize("seed", FAILED_ONCE)
def test_a_story_that_failed_once_ends_well(seed: int, fast_path: Path) -> None:
    """1009525: a synchronous request took 5 s to leave, and arrived 13 s later."""
    tell(story(seed), fast_path)


@pytest.mark.parametrize("block", range(10))
def test_stories(block: int, fast_path: Path) -> None:
    """Inputs that change, options that change, weather, crashes and interrupts, as dice will have it."""
    seeds = [int(ONE)] if ONE else range(block, STORIES, 10)
    for seed in seeds:
        directory = fast_path / str(seed)
        directory.mkdir()
        try:
            tell(story(seed), directory)
        except AssertionError as error:
            raise AssertionError(f"story {seed}: {error}") from error
        shutil.rmtree(directory)
