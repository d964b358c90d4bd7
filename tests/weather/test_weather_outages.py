"""A service that fails now and then, for a while, or for good."""

from __future__ import annotations

import json
import socket
from functools import partial
from typing import Any

import pytest
from outing import MakeWeather, Outing, Weather, flat, statuses, together

from toloka_upload.emulator import Request
from toloka_upload.emulator.messages import Response
from toloka_upload.errors import ExitStatus
from toloka_upload.report.observer import Waiting

POST = {"method": "POST", "path": "/tasks"}
POLL = {"method": "GET", "path": "/operations/*"}
ALL = {"times": 0}
MODES = ("async", "sync")


def test_three_answers_in_ten_are_lost(weather: MakeWeather) -> None:
    """30 % of all answers are a proxy's 502 page, questions and listings included: each row once, in both modes."""
    fault = {"action": "refuse", "status": 502, "probability": 0.3}
    places = [weather(fault, seed=3), weather(fault, seed=3)]
    runs = together(
        *(
            partial(here.upload, flat(1000), chunk_size=200, mode=mode, settle_pause=0.2)
            for here, mode in zip(places, MODES, strict=True)
        )
    )
    for here, run in zip(places, runs, strict=True):
        assert here.happened["refuse"] >= 3
        assert run.has_each_row_once()
        assert run.report.retries >= 3


def test_answers_are_lost_after_the_work(weather: MakeWeather) -> None:
    """The work is done and its answer lost, in every manner there is, one after the other."""
    lost = ["reset-after", "refuse-after", "cut", "truncate", "empty", "html"]
    places = [weather(*({"action": name, **POST, "nth": 1} for name in lost)) for _ in MODES]
    runs = together(
        *(
            partial(here.upload, flat(600), chunk_size=50, mode=mode, settle_pause=0.1)
            for here, mode in zip(places, MODES, strict=True)
        )
    )
    for here, run in zip(places, runs, strict=True):
        assert here.happened == dict.fromkeys(lost, 1)
        assert run.has_each_row_once()


LOSSES: list[dict[str, Any]] = [
    {"action": "reset", **POST},
    {"action": "reset", **POLL},
    {"action": "reset", "path": "/pools/21"},
    {"action": "refuse", "status": 408, "body": "empty", **POST},
    {"action": "refuse", "status": 500, "body": "json", **POST},
    {"action": "refuse", "status": 503, **POLL},
    {"action": "refuse", "status": 504, "path": "/operations/*/log"},
    {"action": "truncate", "path": "/operations/*/log"},
    {"action": "cut", "path": "/operations/*/log"},
    {"action": "html", "path": "/operations/*"},
    {"action": "empty", "path": "/operations/*"},
    {"action": "empty", "path": "/operations/*/log"},
    {"action": "html", "path": "/projects/1"},
    {"action": "truncate", "path": "/pools/21"},
    {"action": "hang-after", **POST},
    {"action": "hang", **POST},
    {"action": "hang", "path": "/operations/*/log"},
]


def test_one_lost_answer_changes_nothing(weather: MakeWeather) -> None:
    """Whatever is lost, wherever: it is asked again, and each row is there once."""
    places = [weather(loss) for loss in LOSSES]
    runs = together(
        *(partial(here.upload, flat(60), chunk_size=30, timeout=0.8) for here in places)
    )
    for loss, here, run in zip(LOSSES, places, runs, strict=True):
        assert here.happened == {loss["action"]: 1}
        assert run.has_each_row_once(), loss
        assert run.report.retries >= (loss["action"] != "hang-after"), "that one was found"


@pytest.mark.parametrize("status", [302, 400, 404, 409, 418])
def test_a_page_that_is_not_the_apis_own_says_nothing_about_the_work(
    weather: MakeWeather, status: int
) -> None:
    """The work was done behind a proxy's page: the request is looked for, and no row goes twice."""
    page = {"action": "refuse-after", "status": status, "body": "html", **POST, "nth": 1}
    places = [weather(page) for _ in MODES]
    runs = together(
        *(
            partial(here.upload, flat(60), chunk_size=30, mode=mode, settle_pause=0.1)
            for here, mode in zip(places, MODES, strict=True)
        )
    )
    for here, run in zip(places, runs, strict=True):
        assert here.happened == {"refuse-after": 1}
        assert run.has_each_row_once()


def test_the_first_polls_hang(weather: MakeWeather) -> None:
    """Time-outs of questions are no more than time lost."""
    here = weather({"action": "hang", **POLL, "nth": [1, 2]})
    run = here.upload(flat(300), chunk_size=100, timeout=0.5)
    assert here.server.faults.counts == {"hang": 2}
    assert run.has_each_row_once()
    assert run.report.seconds < 5


def _nobody() -> str:
    """An address on this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_service_that_is_down_is_given_up_in_time(weather: MakeWeather) -> None:
    """75 after about `--retry-for`: connection refused, hanging, 503s; nothing was sent, nothing is unknown."""
    gone, hanging, failing = (
        weather(),
        weather({"action": "hang", **ALL}),
        weather({"action": "refuse", **ALL}),
    )
    runs = together(
        lambda: gone.upload(flat(100), retry_for=2.0, url=_nobody()),
        lambda: hanging.upload(flat(100), retry_for=2.0, timeout=0.5),
        lambda: failing.upload(flat(100), retry_for=2.0),
    )
    for run in runs:
        assert run.status is ExitStatus.TRY_AGAIN
        assert 1.9 < run.report.seconds < 3.5
        assert run.report.counts.unknown == 0
        assert "Run the same command again" in run.error
        assert run.report.waited.server <= run.report.seconds
    assert (
        runs[2].waits[0].startswith("server busy, HTTP 503 (1st try), again in 1 s, giving up at ")
    )
    assert any("(3rd try since " in wait for wait in runs[2].waits)
    assert "refuses connections" in runs[0].waits[0]
    for event in runs[2].events:
        if isinstance(event, Waiting) and event.seconds:
            assert event.since is not None
            assert event.gives_up is not None
            assert 0 <= event.gives_up - event.since <= 2.1
    assert all(run.posts == 0 for run in runs)
    assert runs[2].report.bottleneck is not None
    assert runs[2].report.bottleneck["name"] == "failing service"


def test_creating_fails_though_every_question_is_answered(weather: MakeWeather) -> None:
    """Answers to questions do not hide that nothing can be created: 75 in time, and not a hail of requests."""
    places = [weather({"action": "refuse", **POST, **ALL}) for _ in MODES]

    def trial(here: Weather, mode: str) -> Outing:
        run = here.upload(flat(100), retry_for=2.0, mode=mode, settle_pause=0.1)
        assert run.status is ExitStatus.TRY_AGAIN
        assert 1.5 < run.report.seconds < 4
        assert run.posts <= 8
        here.server.faults.clear()
        return here.upload(flat(100), settle_pause=0.1, mode=mode)

    for run in together(*map(partial(partial, trial), places, MODES)):
        assert run.has_each_row_once()


def test_one_log_fails_though_all_else_is_answered(weather: MakeWeather) -> None:
    """The operations are known, so nothing is lost: 75, and the next run reads what they did."""
    here = weather({"action": "refuse", "path": "/operations/*/log", **ALL})
    run = here.upload(flat(200), chunk_size=50, retry_for=1.0)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.seconds < 4
    run.adds_up()
    here.server.faults.clear()
    posts = run.posts
    again = here.upload(flat(200), chunk_size=50)
    assert again.has_each_row_once()
    assert again.posts == posts + again.report.counts.created // 50


def test_a_failing_service_is_met_gently(weather: MakeWeather) -> None:
    """While it fails one request at a time asks, ever more seldom; and the time lost teaches nothing wrong."""
    here = weather({"action": "refuse", "path": "/operations/*", "times": 3}, operation_seconds=0.2)
    run = here.upload(flat(800), chunk_size=50, concurrency=8)
    assert run.has_each_row_once()
    seen = here.server.emulator.ledger.requests
    failed = [index for index, request in enumerate(seen) if request.status == 503]
    assert failed == list(range(failed[0], failed[0] + 3)), "nothing else is asked meanwhile"
    gaps = [seen[index + 1].time - seen[index].time for index in failed]
    assert all(gap > 0.12 * 2**n for n, gap in enumerate(gaps))
    assert run.report.seconds < 12


def test_no_retry_is_no_retry(weather: MakeWeather) -> None:
    """`--retry-for 0`: the first failure ends the run, with 75."""
    here = weather({"action": "refuse", "path": "/pools/21"})
    run = here.upload(flat(10), retry_for=0.0)
    assert run.status is ExitStatus.TRY_AGAIN
    assert run.report.requests == 1
    assert run.report.retries == 0


def test_a_web_page_is_not_shown_whole(weather: MakeWeather) -> None:
    """A proxy's page is named by its title, and the address that gave it."""
    here = weather({"action": "refuse", "status": 502, **ALL})
    run = here.upload(flat(10), retry_for=0.0)
    assert "GET /pools/21: HTTP 502: a web page, '502 Bad Gateway'" in run.error
    assert "<" not in run.error


def test_wrong_answers_with_the_right_status(weather: MakeWeather) -> None:
    """Pages with status 200, as hotel networks give them, are failures and no answers."""
    here = weather({"action": "html", **ALL})
    run = here.upload(flat(10), retry_for=0.5)
    assert run.status is ExitStatus.TRY_AGAIN
    assert set(statuses(here.server)) == {"200"}


def test_an_answer_that_leaves_items_out_is_completed(
    weather: MakeWeather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Synchronous: what an answer does not tell of is looked for in the pool, not guessed and not sent again."""
    here = weather()
    handle = here.server.emulator.handle

    def forgetful(request: Request) -> Response:
        response = handle(request)
        if request.method == "POST":
            body = json.loads(response.body)
            body["items"].pop("3")
            response = response._replace(body=json.dumps(body).encode())
        return response

    monkeypatch.setattr(here.server.emulator, "handle", forgetful)
    run = here.upload(flat(40), chunk_size=20, mode="sync", settle_pause=0.1)
    assert run.posts == 2
    assert run.has_each_row_once()


def test_a_service_that_asks_for_an_hour_is_given_up_in_time(
    weather: MakeWeather, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with `Retry-After: 3600` while the other request succeeds: 75 after `--retry-for`, not in an hour."""
    here = weather({"action": "delay", **POST, "seconds": 0.5, "nth": 1})
    handle, seen = here.server.emulator.handle, []

    def handle_once(request: Request) -> Response:
        if request.method == "POST":
            seen.append(request)
            if len(seen) == 2:
                return Response(503, {"Retry-After": "3600"}, b"")
        return handle(request)

    monkeypatch.setattr(here.server.emulator, "handle", handle_once)
    run = here.upload(flat(100), chunk_size=10, concurrency=2, retry_for=1.5)
    assert run.status is ExitStatus.TRY_AGAIN
    assert len(seen) == 2
    assert 1.4 < run.report.seconds < 4
    run.adds_up()
    monkeypatch.undo()
    assert here.upload(flat(100), chunk_size=10).has_each_row_once()
