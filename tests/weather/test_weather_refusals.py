"""Rows that the server refuses, in every form in which it may say so."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from outing import MakeWeather, Outing, flat, listed, together

from toloka_upload.errors import ExitStatus
from toloka_upload.policies.stop import parse_max_errors

BAD = [b'{"text":"no image %d"}' % number for number in range(400)]
MIXED = flat(60) + BAD[:3] + flat(57, start=60)
"""120 rows; lines 61 to 63 lack what the project requires."""


def _is_right(run: Outing) -> None:
    """The three bad rows of `MIXED` are rejected with the API's reason, all others created."""
    assert run.status is ExitStatus.REJECTED, run.error
    assert run.created_is_told()
    rejected = {row["line"]: row["errors"] for row in run.results if row["status"] == "rejected"}
    assert sorted(rejected) == [61, 62, 63]
    for errors in rejected.values():
        assert [(e["field"], e["code"]) for e in errors] == [
            ("input_values.image", "VALUE_REQUIRED")
        ]
    group = run.report.errors[0]
    assert (group.code, group.field, group.count) == ("VALUE_REQUIRED", "input_values.image", 3)
    assert group.line == 61


PAYLOADS: list[dict[str, Any]] = [
    {"sync_payload": payload} for payload in ("nested", "flat", "unindexed")
]
LOGS: list[dict[str, Any]] = [
    {"log_errors": "flat"},
    {"log_errors": "envelope"},
    {"log_valid_items": "validate"},
    {"log_input": "raw"},
    {"log_markers": False},
    {"details": "short"},
    {"details": "items"},
    {"details": "absent"},
    {"skip_some_invalid": "fail"},
]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(("mode", "readings"), [("sync", PAYLOADS), ("async", LOGS)])
def test_a_refusal_is_read_in_all_its_shapes(
    weather: MakeWeather,
    mode: str,
    readings: list[dict[str, Any]],
    skip: bool,  # noqa: FBT001
) -> None:
    """With the item's index or marker or without, flat or enveloped: the bad rows are found, the good ones created."""
    runs = together(
        *(
            partial(
                weather(**reading).upload,
                MIXED,
                mode=mode,
                chunk_size=40,
                skip_invalid_items=skip,
                check=False,
                settle_pause=0.1,
            )
            for reading in readings
        )
    )
    for run in runs:
        _is_right(run)


def test_the_rejects_can_be_mended_and_sent(weather: MakeWeather) -> None:
    """What the server refused is in the rejects file as it came; mended, it goes, and nothing else does."""
    here = weather()
    here.upload(MIXED, chunk_size=40, check=False)
    mended = [
        row if b"no image" not in row else b'{"image":"https://e.com/mended%d.jpg"}' % number
        for number, row in enumerate(MIXED)
    ]
    run = here.upload(mended, chunk_size=40)
    assert run.report.counts.created == 3
    assert run.report.counts.already_uploaded == 117
    assert run.has_each_row_once()


@pytest.mark.parametrize("skip", [False, True])
def test_a_file_that_is_refused_whole_is_stopped_early(
    weather: MakeWeather,
    skip: bool,  # noqa: FBT001
) -> None:
    """Every row of the first chunks refused for one reason: 4, with the reason, and most rows unsent."""
    readings: list[tuple[str, dict[str, Any]]] = [
        ("async", {}),
        ("async", {"skip_all_invalid": "success"}),
        ("sync", {}),
        ("sync", {"sync_skip_all_invalid": "201"}),
    ]
    runs = together(
        *(
            partial(
                weather(**switches).upload,
                BAD,
                mode=mode,
                chunk_size=60,
                skip_invalid_items=skip,
                check=False,
            )
            for mode, switches in readings
        )
    )
    for run in runs:
        assert run.status is ExitStatus.STOPPED
        assert "input_values.image: VALUE_REQUIRED" in run.error
        assert run.created_is_told()
        assert run.report.counts.unsent >= 200
        assert run.report.counts.rejected >= 100


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_half_bad_file_ends_the_same_way_each_time(weather: MakeWeather, mode: str) -> None:
    """Run again, nothing but bad rows is left to send: 1 as before, not "the API refuses every row" for half a file."""
    here = weather()
    rows = [row for pair in zip(flat(150), BAD[:150], strict=True) for row in pair]
    for status in ("created", "already_uploaded", "already_uploaded"):
        run = here.upload(rows, mode=mode, chunk_size=50, check=False, skip_invalid_items=True)
        assert run.status is ExitStatus.REJECTED, run.error
        assert getattr(run.report.counts, status) == 150
        assert run.report.counts.rejected == 150
    assert len(listed(here.server)) == 150


def test_no_fail_fast_goes_on(weather: MakeWeather) -> None:
    """`--no-fail-fast`: all are sent, all are rejected, 1."""
    here = weather()
    run = here.upload(BAD, chunk_size=100, check=False, fail_fast=False)
    assert run.status is ExitStatus.REJECTED
    assert run.report.counts.rejected == 400


@pytest.mark.parametrize("skip", [False, True])
def test_max_errors_are_borne_and_no_more(
    weather: MakeWeather,
    skip: bool,  # noqa: FBT001
) -> None:
    """Three bad rows among 120: 2 and 1 % are passed, 3 and 3 % are not; what is in flight is settled."""
    bounds = {"2": 4, "1%": 4, "3": 1, "3%": 1}
    runs = together(
        *(
            partial(
                weather().upload,
                MIXED + flat(200, start=200),
                chunk_size=40,
                concurrency=1,
                check=False,
                skip_invalid_items=skip,
                max_errors=parse_max_errors(bound),
            )
            for bound in bounds
        )
    )
    for status, run in zip(bounds.values(), runs, strict=True):
        assert run.status == status
        assert run.created_is_told()
        assert (run.report.counts.unsent > 0) == (status == 4)


def test_rows_found_bad_here_count_for_max_errors_too(weather: MakeWeather) -> None:
    """Nothing is sent once too many rows failed the check before sending."""
    here = weather()
    run = here.upload(BAD[:50], skip_invalid_items=True, max_errors=parse_max_errors("10"))
    assert run.status is ExitStatus.STOPPED
    assert run.posts == 0


def test_a_share_is_of_what_was_read_or_of_what_was_sent(weather: MakeWeather) -> None:
    """Reading runs ahead of sending: bad rows spread over the file are no greater share for being found early."""
    here = weather(operation_seconds=0.1)
    rows = [row for n in range(300) for row in (*flat(19, start=19 * n), BAD[n])]
    run = here.upload(
        rows, chunk_size=1000, skip_invalid_items=True, max_errors=parse_max_errors("6%")
    )
    assert run.status is ExitStatus.REJECTED
    assert run.report.counts.rejected == 300
    assert run.created_is_told()


def test_a_bad_row_keeps_all_back_unless_told_otherwise(weather: MakeWeather) -> None:
    """The check before sending: off `--skip-invalid-items`, nothing is sent (65); on, the good rows go (1)."""
    here = weather()
    run = here.upload(MIXED)
    assert run.status is ExitStatus.BAD_INPUT
    assert run.posts == 0
    run.adds_up()
    _is_right(here.upload(MIXED, skip_invalid_items=True))


def test_the_servers_words_are_only_text(weather: MakeWeather) -> None:
    """Escape sequences in an error of the API reach neither message nor file as such."""
    nasty = {"code": "EVIL", "message": "\x1b[31mred\x1b[0m [bold]"}
    here = weather({"action": "refuse", "status": 400, "body": "json", "method": "POST", **nasty})
    run = here.upload(flat(5))
    assert run.status is ExitStatus.REFUSED
    assert json.dumps(run.report.as_json()["error"])  # the display makes them plain
