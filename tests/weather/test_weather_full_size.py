"""The main job at its usual size, and its bytes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from outing import MakeWeather, flat, listed, statuses, together

from toloka_upload.emulator import Request
from toloka_upload.emulator.world import load_world
from toloka_upload.errors import ExitStatus
from toloka_upload.items.chunks import MOST_INPUT_BYTES


def test_big_files_arrive_whole(weather: MakeWeather) -> None:
    """Half a second an operation: each row created once, every limit kept, each id its line's, chunks well filled."""
    files = [
        ("async", flat(25_000)),
        ("sync", flat(25_000)),
        ("async", flat(3_000, text="x" * 1500)),
    ]
    places = [weather(operation_seconds=0.5) for _ in files]
    runs = together(
        *(
            partial(here.upload, rows, mode=mode)
            for here, (mode, rows) in zip(places, files, strict=True)
        )
    )
    for run, (mode, _) in zip(runs, files, strict=True):
        assert run.has_each_row_once()
        assert "413" not in statuses(run.server)
        most = 5_000 if mode == "sync" else 10_000
        for index, sent in enumerate(run.sent[:-1]):
            size = sum(map(len, _rows_of(run.rows, sent.items, index, run.sent)))
            assert sent.items <= most
            assert size <= MOST_INPUT_BYTES
            assert sent.items == most or size >= MOST_INPUT_BYTES * 2 / 3


def _rows_of(rows: list[bytes], items: int, index: int, sent: list[Any]) -> list[bytes]:
    start = sum(earlier.items for earlier in sent[:index])
    return rows[start : start + items]


WORLD = """
[[project]]
id = 7
[project.task_spec.input_spec]
big = {type = "float"}
f = {type = "float"}
e = {type = "float"}
s = {type = "string", required = false}
j = {type = "json", required = false}

[[pool]]
id = 700
project_id = 7
[pool.mixer_config]
real_tasks_count = 10
[pool.defaults]
default_overlap_for_new_tasks = 3
default_overlap_for_new_task_suites = 3

[[pool]]
id = 701
project_id = 7
[pool.defaults]
default_overlap_for_new_task_suites = 3
"""
VALUES = (
    rb'{"big": 123456789012345678901234567890, "f": 1.10, "e": 1E2, '
    rb'"s": "\u00e9\/\u0000\ud83d\ude00\n' + "щ😀 ".encode() + rb'", "j": {"b": 1, "a": -0.0}}'
)


@pytest.mark.parametrize(
    ("row", "pool", "kind"),
    [
        (VALUES, "700", "tasks"),
        (b'{"input_values": ' + VALUES + b', "overlap": 2}', "700", "tasks"),
        (b'{"tasks": [{"input_values": ' + VALUES + b"}]}", "701", "task-suites"),
    ],
    ids=["flat", "task", "suite"],
)
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_bytes_arrive_as_written(
    weather: MakeWeather, tmp_path: Path, row: bytes, pool: str, kind: str, mode: str
) -> None:
    """Numbers digit for digit, key order and strings kept, in every kind of row."""
    world = tmp_path / "world.toml"
    world.write_text(WORLD)
    here = weather()
    here.server.emulator.put(load_world(world))
    run = here.upload([row], pool=pool, mode=mode)
    assert run.status is ExitStatus.OK, run.error
    assert len(listed(here.server, kind, pool)) == 1
    query = {"pool_id": pool}
    answer = here.server.emulator.handle(Request("GET", f"/api/v1/{kind}", query, {}, b""))
    assert VALUES in answer.body
    again = here.upload([row], pool=pool, mode=mode)
    assert again.report.counts.already_uploaded == 1


@pytest.mark.parametrize(
    "bad", [rb'{"image":"https://e.com/\ud800"}', b'{"image":"https://e.com","score":NaN}']
)
def test_what_is_no_json_is_an_error_with_its_line(weather: MakeWeather, bad: bytes) -> None:
    """A lone surrogate, NaN: 65, the line told, nothing sent."""
    here = weather()
    run = here.upload([*flat(2), bad, *flat(2, start=2)])
    assert run.status is ExitStatus.BAD_INPUT
    assert run.posts == 0
    assert [error.line for error in run.report.errors] == [3]
    assert json.dumps(run.report.as_json())
