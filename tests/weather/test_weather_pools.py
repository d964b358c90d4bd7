"""Pools that are locked, full, missing or of another kind; operations side by side; opening."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import pytest
from outing import MakeWeather, flat, statuses, together

from toloka_upload.errors import ExitStatus
from toloka_upload.report.observer import PoolOpened

POST = {"method": "POST", "path": "/tasks"}


def test_operations_go_side_by_side_where_they_may(module_weather: MakeWeather) -> None:
    """12 operations of half a second each: well under 6 s; where one locks the pool, few requests are wasted."""
    free = module_weather(operation_seconds=0.5)
    refusing = module_weather(operation_seconds=0.3, lock_pool="refuse")
    failing = module_weather(operation_seconds=0.3, lock_pool="fail")
    queueing = module_weather(operation_seconds=0.3, lock_pool="queue")
    runs = together(
        *(
            partial(here.upload, flat(240), chunk_size=20)
            for here in (free, refusing, failing, queueing)
        )
    )
    for run in runs:
        assert run.has_each_row_once()
        assert run.report.bottleneck is not None
        assert run.report.bottleneck["name"] == "operations at the server"
    assert runs[0].report.seconds < 4.5
    for run in runs[1:3]:
        assert run.posts <= 12 + 4
        assert run.report.seconds < 1.7 * 12 * 0.3
    assert runs[3].posts == 12
    assert runs[1].waits[0].startswith("pool locked by another operation (1st try)")


def test_someone_elses_lock_is_waited_for(weather: MakeWeather) -> None:
    """409 at the POST for a second: told, waited for, nothing doubled."""
    here = weather({"action": "lock-pool", "seconds": 1.0, **POST, "nth": 2})
    run = here.upload(flat(200), chunk_size=50)
    assert statuses(here.server)["409"] >= 1
    assert run.waits[0].startswith("pool locked by another operation (1st try)")
    assert 0.3 < run.report.waited.server <= run.report.seconds
    assert run.has_each_row_once()


def test_a_lock_that_stays_ends_the_run(weather: MakeWeather) -> None:
    """Someone else's, for longer than `--retry-for`: 75, everything unsent."""
    here = weather({"action": "lock-pool", "seconds": 60.0, **POST})
    run = here.upload(flat(100), chunk_size=50, retry_for=1.0)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.seconds < 3
    assert run.report.counts.unsent == 100
    assert "POOL_LOCKED_BY_ANOTHER_OPERATION" in run.error


def test_a_pool_that_is_locked_from_the_start_is_waited_for_and_left(weather: MakeWeather) -> None:
    """Status LOCKED before anything is sent: 75 after `--retry-for`, however often the API answers."""
    here = weather()
    here.server.emulator._context.store.execute("UPDATE pools SET status = 'LOCKED' WHERE id = 21")
    run = here.upload(flat(10), retry_for=1.0)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.seconds < 3
    assert run.posts == 0


@pytest.mark.parametrize(
    ("pool", "settings", "words"),
    [
        ("23", {}, "archived"),
        ("99", {}, "There is no pool 99"),
        ("22", {}, "--suite-size"),
        ("21", {"suite_size": 5}, "without --suite-size"),
    ],
)
def test_a_pool_that_takes_nothing_is_refused_before_anything_is_sent(
    weather: MakeWeather, pool: str, settings: dict[str, Any], words: str
) -> None:
    """Archived, missing, of the other kind (both ways): 69, what to do, and no POST."""
    here = weather()
    run = here.upload(flat(10), pool=pool, **settings)
    assert run.status is ExitStatus.REFUSED
    assert words in run.error
    assert all(seen.method == "GET" for seen in here.server.emulator.ledger.requests)


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_wrong_token_is_denied_before_anything_is_sent(weather: MakeWeather, status: str) -> None:
    """77, by one cheap GET."""
    here = weather(require_token="another", auth_status=status)
    run = here.upload(flat(10))
    assert run.status is ExitStatus.DENIED
    assert run.report.requests == 1
    assert "TOLOKA_TOKEN" in run.error


def test_a_token_that_expires_meanwhile_is_denied_and_what_was_created_is_kept(
    weather: MakeWeather,
) -> None:
    """77 in the middle; the next run, with a good token, goes on."""
    here = weather({"action": "switch", "switches": {"require_token": "new"}, **POST, "nth": 3})
    run = here.upload(flat(400), chunk_size=100, concurrency=1)
    assert run.status is ExitStatus.DENIED
    assert run.created_is_told()
    assert run.report.counts.created == 200
    assert here.upload(flat(400), chunk_size=100).has_each_row_once()


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_pool_fills_up(weather: MakeWeather, mode: str) -> None:
    """69; what was created is kept and told in counts and results, the rest is unsent."""
    here = weather(pool_tasks=250)
    run = here.upload(flat(500), chunk_size=100, mode=mode)
    assert run.status is ExitStatus.REFUSED
    assert "full" in run.error
    assert run.created_is_told()
    assert (run.report.counts.created, run.report.counts.unsent) == (200, 300)
    assert run.posts <= 4


def test_a_pool_fills_up_inside_an_operation(weather: MakeWeather) -> None:
    """Told in the log of a FAILed operation: 69 as well."""
    here = weather(pool_tasks=250, operation_seconds=0.3)
    run = here.upload(flat(500), chunk_size=100, concurrency=5)
    assert run.status is ExitStatus.REFUSED
    assert run.created_is_told()
    assert run.report.counts.created == 200


def test_the_pool_is_opened_once_and_last(weather: MakeWeather) -> None:
    """`--open-pool`: after every row is in, by one request, and not by the creating ones."""
    here = weather(operation_seconds=0.1)
    run = here.upload(flat(200), chunk_size=50, open_pool=True)
    assert run.has_each_row_once()
    assert run.report.pool_opened
    requests = here.server.emulator.ledger.requests
    opening = [index for index, seen in enumerate(requests) if seen.path == "/pools/21/open"]
    last = max(index for index, seen in enumerate(requests) if seen.path == "/tasks")
    assert len(opening) == 1
    assert (
        opening[0]
        > [i for i, s in enumerate(requests) if s.method == "POST" and s.path == "/tasks"][-1]
    )
    assert last > 0
    assert [e.already for e in run.events if isinstance(e, PoolOpened)] == [False]


def test_an_open_pool_stays_open(weather: MakeWeather) -> None:
    """204: it was open already, which is as good."""
    here = weather()
    run = here.upload(flat(20), pool="24", open_pool=True)
    assert run.has_each_row_once(pool="24")
    assert run.report.pool_opened
    assert [e.already for e in run.events if isinstance(e, PoolOpened)] == [True]


@pytest.mark.parametrize("action", ["reset-after", "empty", "truncate", "html", "refuse-after"])
def test_a_lost_answer_to_the_opening_is_asked_again(weather: MakeWeather, action: str) -> None:
    """Opening twice does no harm."""
    here = weather({"action": action, "path": "/pools/21/open"}, operation_seconds=0.1)
    run = here.upload(flat(20), open_pool=True)
    assert here.server.faults.counts == {action: 1}
    assert run.has_each_row_once()
    assert run.report.pool_opened


@pytest.mark.parametrize("code", ["EMPTY_POOL", "NOT_ENOUGH_BALANCE", "BILLING_NOT_SYNCHRONIZED"])
def test_an_opening_that_is_refused_is_told(weather: MakeWeather, code: str) -> None:
    """409: 69 with the code; the rows are in the pool, and told to be."""
    refusal = {"action": "refuse", "status": 409, "body": "json", "code": code, "message": "No."}
    here = weather({**refusal, "path": "/pools/21/open"})
    run = here.upload(flat(20), open_pool=True)
    assert run.status is ExitStatus.REFUSED
    assert code in run.error
    assert "rows are in the pool" in run.error
    assert run.report.counts.created == 20
    assert not run.report.pool_opened


def test_a_pool_is_not_opened_with_rows_missing(weather: MakeWeather) -> None:
    """Rejected rows: the pool stays closed, with a warning."""
    here = weather()
    rows = [*flat(5), b'{"text":"no image"}']
    run = here.upload(rows, open_pool=True, check=False, skip_invalid_items=True)
    assert run.status is ExitStatus.REJECTED
    assert not run.report.pool_opened
    assert any("not opened" in warning for warning in run.report.warnings)


def test_an_operation_that_does_not_end_is_left(weather: MakeWeather) -> None:
    """`--operation-timeout`: 3, its rows are unknown, the others are in; when it has ended, the next run settles it."""
    here = weather({"action": "stick-operation", "seconds": 2.0, **POST, "nth": 2})
    run = here.upload(flat(300), chunk_size=100, operation_timeout=0.5)
    assert run.status is ExitStatus.UNKNOWN
    assert run.report.seconds < 2
    assert (run.report.counts.created, run.report.counts.unknown) == (200, 100)
    assert any("did not end" in warning for warning in run.report.warnings)
    time.sleep(max(0.0, 2.2 - run.report.seconds))
    assert here.upload(flat(300), chunk_size=100).has_each_row_once()


def test_nobody_waits_with_no_wait(weather: MakeWeather) -> None:
    """`--no-wait` leaves after the last POST; the next run of the same command settles the operations."""
    here = weather(operation_seconds=0.6)
    run = here.upload(flat(200), chunk_size=50, wait=False)
    assert run.report.seconds < 0.6
    assert run.posts == 4
    run.adds_up()
    again = here.upload(flat(200), chunk_size=50)
    assert again.has_each_row_once()
    assert again.posts == 4


def test_two_pools_are_filled_side_by_side(weather: MakeWeather) -> None:
    """Rows that name their pools: one that is locked holds up only itself."""
    here = weather()
    rows = [
        b'{"input_values":{"image":"https://e.com/%d.jpg"},"pool_id":"%d"}'
        % (n, 21 if n % 2 else 24)
        for n in range(100)
    ]
    locks = here.server.emulator._context.locked
    locks[24] = time.time() + 1.0
    released = threading.Timer(1.0, locks.clear)
    released.start()
    run = here.upload(rows, pool=None, chunk_size=10)
    released.join()
    assert run.status is ExitStatus.OK
    assert run.report.counts.created == 100
