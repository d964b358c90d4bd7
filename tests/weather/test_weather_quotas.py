"""Limits on the number of items: kept, waited for, or told."""

from __future__ import annotations

import time

import pytest
from outing import MakeWeather, Outing, Weather, allow, flat, statuses, together

from toloka_upload.errors import ExitStatus
from toloka_upload.policies.rate import Window

TASKS = {"method": "POST", "path": "/tasks"}


@pytest.fixture(scope="module")
def paced(module_weather: MakeWeather) -> dict[str, Outing]:
    """3,000 rows in 500s to a server that takes 1,000 in 4 s; the least possible is 8 s. By what a 429 says."""

    def start(answer: str, rate: Window | None) -> Outing:
        weather = module_weather()
        allow(weather.server, 1000, 4.0, answer)
        return weather.upload(flat(3000), chunk_size=500, rate=rate)

    known, other = Window(1000, 4.0, "4 s"), Window(100_000, 60.0, "minute")
    runs = together(
        lambda: start("retry-after", other),
        lambda: start("bare", other),
        lambda: start("retry-after", known),
    )
    return dict(zip(("retry-after", "bare", "known"), runs, strict=True))


def _sending(run: Outing) -> float:
    """Seconds from the first creating request to the last: what a limit can make longer."""
    times = [seen.time for seen in run.server.emulator.ledger.requests if seen.status == 202]
    return times[-1] - times[0]


@pytest.mark.parametrize("answer", ["retry-after", "bare"])
def test_a_lower_limit_costs_little_more_than_it_must(
    paced: dict[str, Outing], answer: str
) -> None:
    """All arrive, none doubled, in at most 1.15 times the least possible time, whatever the 429 says."""
    run = paced[answer]
    assert run.has_each_row_once()
    assert _sending(run) <= 8 * 1.15
    assert statuses(run.server)["429"] > 0
    assert run.report.bottleneck is not None
    assert run.report.bottleneck["name"] == "rate limit"
    assert run.report.bottleneck["share"] > 0.7


def test_a_known_limit_is_never_passed(paced: dict[str, Outing]) -> None:
    """With `--rate` equal to the server's: no 429 at all, and at least 0.95 of the possible speed."""
    run = paced["known"]
    assert run.has_each_row_once()
    assert statuses(run.server)["429"] == 0
    assert _sending(run) <= 8 / 0.95
    assert any(
        wait.startswith("limit of --rate ") and "/4s, again in 4 s" in wait for wait in run.waits
    )


def test_waited_seconds_are_of_the_wall(paced: dict[str, Outing]) -> None:
    """Chunks that wait side by side wait one time: what was waited is never more than what passed."""
    for run in paced.values():
        assert 6 < run.report.waited.rate_limit <= run.report.seconds


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "seconds", "seconds": 1.0},
        {"kind": "date", "seconds": 1.0},
        {"kind": "bare"},
    ],
)
def test_every_form_of_429_is_waited_for(weather: MakeWeather, fault: dict[str, object]) -> None:
    """`Retry-After` in seconds and as a date, and nothing at all."""
    here = weather({"action": "throttle", **TASKS, **fault})
    run = here.upload(flat(200), chunk_size=100)
    assert here.server.faults.counts == {"throttle": 1}
    assert run.has_each_row_once()
    assert run.report.seconds < 4
    if "seconds" in fault:
        assert run.report.waited.rate_limit > 0.2


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("MIN", "HTTP 429, the server's minute limit (1st try), again in 1 min"),
        ("HOUR", "HTTP 429, the server's hour limit (1st try), again in 1 h"),
        ("DAY", "HTTP 429, the server's day limit (1st try), again in 1 h"),
    ],
)
def test_an_interval_is_told_and_waited_for(weather: MakeWeather, kind: str, words: str) -> None:
    """MIN, HOUR, and with `--wait-quota` DAY: all of it is waited for, in words; here the wait is cut short."""
    here = weather({"action": "throttle", "kind": kind, **TASKS, "times": 0})
    run = here.upload(flat(200), chunk_size=100, stop_at=words, wait_quota=True)
    assert any(wait.startswith(words) for wait in run.waits)
    assert run.status is ExitStatus.INTERRUPTED
    assert run.report.counts.unsent == 200


def test_reading_too_may_be_refused_for_its_rate(weather: MakeWeather) -> None:
    """A 429 to a question is waited for as well."""
    here = weather({"action": "throttle", "kind": "bare", "method": "GET", "times": 5})
    assert here.upload(flat(200), chunk_size=100).has_each_row_once()


@pytest.mark.parametrize("answer", ["interval", "retry-after", "retry-after-date"])
def test_a_used_up_day_ends_the_run_at_once(weather: MakeWeather, answer: str) -> None:
    """75, saying when there is room again; what was created stays and is told, and nothing is lost."""
    here = weather(tasks_per_day=1000, quota_answer=answer)
    run = here.upload(flat(3000), chunk_size=500)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.seconds < 2
    assert run.created_is_told()
    assert (run.report.counts.created, run.report.counts.unsent) == (1000, 2000)
    tomorrow = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86_400))
    assert tomorrow in run.error
    here.server.emulator.switch(tasks_per_day=0)
    assert here.upload(flat(3000), chunk_size=500).has_each_row_once()


def test_our_own_day_ends_the_run_before_the_server_says_so(weather: MakeWeather) -> None:
    """`--daily-limit`: 75, when, and the next run, with a higher limit, goes on; it is kept over runs."""
    here = weather()
    run = here.upload(flat(300), chunk_size=100, daily_limit=200)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.counts.created == 200
    assert "daily limit of 200" in run.error
    again = here.upload(flat(300), chunk_size=100, daily_limit=200)
    assert again.status is ExitStatus.TRY_AGAIN
    assert again.report.counts.created == 0
    assert statuses(here.server)["429"] == 0
    assert here.upload(flat(300), chunk_size=100).has_each_row_once()


def test_the_accounts_own_quota_refuses(weather: MakeWeather) -> None:
    """400 `TASKS_CREATION_DOES_NOT_FIT_QUOTA`: 69 with whom to ask, and what was created is told."""
    here = weather({"action": "quota", **TASKS, "nth": 3})
    run = here.upload(flat(1000), chunk_size=100)
    assert run.status is ExitStatus.REFUSED
    assert "support" in run.error
    assert run.report.error is not None
    assert run.report.error.code == "TASKS_CREATION_DOES_NOT_FIT_QUOTA"
    assert run.created_is_told()
    assert run.posts <= 4


def test_a_quota_told_in_the_log_is_waited_for(weather: MakeWeather) -> None:
    """An operation that FAILs for the minute's quota: its items go again, for as long as `--retry-for`."""
    here = weather()
    allow(here.server, 400, 1.5, "log")
    assert here.upload(flat(800), chunk_size=200).has_each_row_once()


def test_a_quota_that_stays_used_up_in_the_log_ends_with_75(weather: MakeWeather) -> None:
    """However often an operation is accepted meanwhile."""
    here = weather(tasks_per_day=200, quota_answer="log")
    run = here.upload(flat(400), chunk_size=100, retry_for=1.0)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.seconds < 4
    assert run.created_is_told()


def test_a_server_that_refuses_for_ever_is_left(weather: MakeWeather) -> None:
    """429 again and again: 75 after `--retry-for`, and what to do where a request is more than may be sent at all."""
    here = weather({"action": "throttle", "kind": "bare", **TASKS, "times": 0})
    run = here.upload(flat(100), retry_for=1.5)
    assert run.status is ExitStatus.TRY_AGAIN
    assert 1.4 < run.report.seconds < 4
    assert run.report.counts.unsent == 100
    assert "--chunk-size" in run.error


def test_a_pool_of_suites_has_its_own_count(weather: MakeWeather) -> None:
    """Suites are counted, not the tasks in them."""
    here: Weather = weather(suites_per_minute=30)
    run = here.upload(flat(100), pool="22", suite_size=5, rate=Window(30, 60.0, "minute"))
    assert run.status is ExitStatus.OK
    assert statuses(here.server)["429"] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_small_chunks_that_are_often_refused_all_arrive(weather: MakeWeather, seed: int) -> None:
    """Half of the requests meet a 429, eight at once: those that wait hold nothing that the one try needs."""
    here = weather(
        {"action": "throttle", "kind": "bare", **TASKS, "times": 0, "probability": 0.5}, seed=seed
    )
    run = here.upload(flat(160), chunk_size=10, concurrency=8)
    assert here.happened["throttle"] >= 4
    assert run.has_each_row_once()
