"""Servers that take less in one request than the documents say."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from outing import MakeWeather, Outing, flat, statuses, together

from toloka_upload.errors import ExitStatus

POST = {"method": "POST", "path": "/tasks"}


TOLD = ("413", "413-html", "400", "log")


def test_a_byte_limit_is_found(weather: MakeWeather) -> None:
    """15,000 bytes, however it is told: halved until it fits, learnt for the rest, each row once."""
    runs = together(
        *(
            partial(
                weather(input_bytes=15_000, oversize=oversize).upload, flat(2000), chunk_size=1000
            )
            for oversize in TOLD
        )
    )
    for run in runs:
        assert run.has_each_row_once()
        assert run.report.counts.rejected == 0
        assert run.posts <= 2 * 2000 * 36 / 15_000 + 8


@pytest.mark.parametrize(
    ("mode", "switches", "oversize"),
    [("async", {"async_items": 300}, "413"), ("sync", {"sync_items": 300}, "413")],
)
def test_an_item_limit_is_found(
    weather: MakeWeather, mode: str, switches: dict[str, Any], oversize: str
) -> None:
    """300 items a request: most requests are of a size that passes."""
    here = weather(**switches)
    run = here.upload(flat(2400), chunk_size=600, mode=mode)
    assert run.has_each_row_once()
    assert statuses(here.server)[oversize] <= 3


def test_a_limit_that_shrinks_meanwhile_is_found_anew(weather: MakeWeather) -> None:
    """In the middle of a run, twice."""
    here = weather(
        {"action": "switch", "switches": {"async_items": 80}, **POST, "nth": 3},
        {"action": "switch", "switches": {"input_bytes": 1500}, **POST, "nth": 9},
    )
    run = here.upload(flat(800), chunk_size=100)
    assert here.server.faults.counts == {"switch": 2}
    assert run.has_each_row_once()


def test_one_refusal_for_size_is_not_held_against_the_rest(weather: MakeWeather) -> None:
    """A proxy's single 413 halves like-sized chunks; all arrive."""
    here = weather({"action": "too-large", "body": "html", **POST})
    run = here.upload(flat(300), chunk_size=100)
    assert run.has_each_row_once()


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_the_one_row_that_is_too_large_is_rejected(weather: MakeWeather, mode: str) -> None:
    """It is found by halving and rejected; all others are in."""
    big = b'{"image":"https://e.com/big.jpg","text":"%s"}' % (b"x" * 2100)
    rows = [*flat(10), big, *flat(9, start=10)]
    runs = together(
        *(
            partial(weather(input_bytes=2000, oversize=oversize).upload, rows, mode=mode)
            for oversize in TOLD
        )
    )
    for run in runs:
        assert run.status is ExitStatus.REJECTED
        assert run.created_is_told()
        assert run.report.counts.created == 19
        assert _rejected(run) == [11]


def test_a_row_over_the_documented_limit_is_rejected_before_anything_is_sent(
    weather: MakeWeather,
) -> None:
    """1,048,576 bytes: told with the limit and its size; without `--skip-invalid-items` nothing is sent (65)."""
    big = b'{"image":"https://e.com/big.jpg","text":"%s"}' % (b"x" * 1_048_576)
    here = weather()
    run = here.upload([*flat(5), big], check=False)
    assert run.status is ExitStatus.BAD_INPUT
    assert run.posts == 0
    assert "1,048,576" in run.report.errors[0].message
    run = here.upload([*flat(5), big], check=False, skip_invalid_items=True)
    assert run.status is ExitStatus.REJECTED
    assert run.report.counts.created == 5


def _rejected(run: Outing) -> list[int]:
    return [row["line"] for row in run.results if row["status"] == "rejected"]
