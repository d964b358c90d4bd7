"""Whole runs over files made by a test: the API is an emulator in memory, and every request is kept."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manual_clock import Clock
from unhurried import Unhurried

from toloka_upload.api.client import Handler
from toloka_upload.api.target import Target
from toloka_upload.emulator import Emulator, Request
from toloka_upload.emulator.local import UNHURRIED
from toloka_upload.emulator.world import World
from toloka_upload.report.observer import Event, RowRejected, Warned
from toloka_upload.report.summary import Report
from toloka_upload.rows.model import ReadOptions
from toloka_upload.run.upload import Upload
from toloka_upload.settings import Pacing, Requests, Settings

INPUT_SPEC: dict[str, Any] = {
    "image": {"type": "url", "required": True},
    "text": {"type": "string", "required": False},
    "category": {"type": "string", "required": False, "allowed_values": ["cat", "dog"]},
    "number": {"type": "integer", "required": False, "min_value": 0},
    "score": {"type": "float", "required": False},
    "checked": {"type": "boolean", "required": False},
    "place": {"type": "coordinates", "required": False},
    "meta": {"type": "json", "required": False},
    "tags": {"type": "array_string", "required": False},
    "numbers": {"type": "array_integer", "required": False},
    "boxes": {"type": "array_json", "required": False},
}
OUTPUT_SPEC: dict[str, Any] = {
    "result": {"type": "string", "required": True, "allowed_values": ["OK", "BAD"]},
    "count": {"type": "integer", "required": False},
}
Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body, as an API in this process gives them."""
READING = set(ReadOptions.__dataclass_fields__)
REQUESTS = set(Requests.__dataclass_fields__)
_MARKER = re.compile(rb',"__item_idx":"[0-9]+"')


def world(
    inputs: Mapping[str, Any] = INPUT_SPEC,
    outputs: Mapping[str, Any] = OUTPUT_SPEC,
    **pool: Any,
) -> World:
    """A world of one project, with pool 21 for tasks and pool 22 for task suites."""
    project = {
        "id": "1",
        "status": "ACTIVE",
        "assignments_issuing_type": "AUTOMATED",
        "task_spec": {"input_spec": dict(inputs), "output_spec": dict(outputs)},
    }
    common = {
        "project_id": "1",
        "private_name": "A pool",
        "status": "CLOSED",
        "reward_per_assignment": 0.02,
        "will_expire": "2036-01-15T09:00:00.000",
        "defaults": {
            "default_overlap_for_new_tasks": 3,
            "default_overlap_for_new_task_suites": 3,
        },
        **pool,
    }
    mixer = {"real_tasks_count": 8, "golden_tasks_count": 1, "training_tasks_count": 0}
    return World(
        {1: project},
        {21: {**common, "id": "21", "mixer_config": mixer}, 22: {**common, "id": "22"}},
    )


class Service:
    """An emulator that keeps the bodies of all requests that create something."""

    def __init__(self, of: World | None = None, **switches: Any) -> None:
        self._emulator = Emulator.in_memory(of or world(), **{**UNHURRIED, **switches})
        self.bodies: list[bytes] = []

    def __call__(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Answer one request."""
        if method == "POST" and path.rpartition("/")[2] in ("tasks", "task-suites"):
            self.bodies.append(body)
        answer = self._emulator.handle(Request(method, path, query, headers, body))
        return answer.status, answer.headers, answer.body

    def put(self, of: World) -> None:
        """Change the project and the pools."""
        self._emulator.put(of)

    def sent(self) -> list[bytes]:
        """The items of all requests, as their bytes stand in them, without our markers."""
        return [item for body in self.bodies for item in items_of(_MARKER.sub(b"", body))]

    def items(self) -> list[Any]:
        """The items of all requests, parsed."""
        return [json.loads(item) for item in self.sent()]

    def pool(self, number: int = 21, kind: str = "tasks") -> list[Any]:
        """What is in a pool."""
        return self._emulator.items(number, "tasks" if kind == "tasks" else "suites")

    def close(self) -> None:
        """Let go of the database."""
        self._emulator.close()


def items_of(body: bytes) -> list[bytes]:
    """The elements of a JSON array, as they stand in it."""
    text, decoder, at, found = body.decode(), json.JSONDecoder(), 1, []
    while text[at] != "]":
        end = decoder.raw_decode(text, at)[1]
        found.append(text[at:end].encode())
        at = end + (text[end] == ",")
    return found


class Run:
    """One upload, done: its report and all it told."""

    def __init__(self, report: Report, told: list[Event]) -> None:
        self.report = report
        self.told = told

    @property
    def exit(self) -> int:
        """The exit status."""
        return int(self.report.exit_status)

    @property
    def counts(self) -> dict[str, int]:
        """The counts that are not zero."""
        return {name: n for name, n in self.report.as_json()["counts"].items() if n}

    @property
    def faults(self) -> list[tuple[int, str, str]]:
        """Line, field and code of each fault told, in order."""
        return [(e.line, e.field, e.code) for e in self.told if isinstance(e, RowRejected)]

    @property
    def messages(self) -> list[str]:
        """What was told of each fault."""
        return [e.message for e in self.told if isinstance(e, RowRejected)]

    @property
    def warnings(self) -> list[str]:
        """All warnings, in order."""
        return [e.message for e in self.told if isinstance(e, Warned)]


def upload(
    service: Handler, state: Path, *files: Path | str, pool: str | None = "21", **options: Any
) -> Run:
    """Upload files; `options` are fields of `Settings`, `ReadOptions`, `Requests`, `stdin` and `clock`."""
    clock: Clock | None = options.pop("clock", None)
    stdin = options.pop("stdin", None)
    reading = ReadOptions(**{name: options.pop(name) for name in READING & options.keys()})
    requests = Requests(**{name: options.pop(name) for name in REQUESTS & options.keys()})
    pacing = options.pop("pacing", Pacing(rate=None, daily_limit=None))
    told: list[Event] = []
    settings = Settings(
        files=tuple(map(str, files)),
        target=Target("http://local.invalid/api/v1", "local"),
        pool=pool,
        state_dir=state,
        reading=reading,
        requests=requests,
        pacing=pacing,
        **options,
    )
    run = Upload(
        settings,
        told.append,
        stdin=stdin,
        handler=service,
        loop=Unhurried(clock),
        wall=clock or time.time,
    )
    return Run(run.run(), told)
