"""An upload to a served emulator, and what came of it: told by the report, the results file and the server itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from toloka_upload.configure import target
from toloka_upload.emulator import Emulator, Request
from toloka_upload.emulator.limits import SlidingWindow
from toloka_upload.emulator.server import Server
from toloka_upload.errors import ExitStatus, Interrupted
from toloka_upload.report.observer import ChunkSent, Event, Waiting
from toloka_upload.report.summary import Report
from toloka_upload.run.upload import Upload
from toloka_upload.settings import Pacing, Requests, Settings

_PACING = {field.name for field in fields(Pacing)}
_REQUESTS = {field.name for field in fields(Requests)}


@dataclass
class Outing:
    """One run, over.

    Attributes:
        rows: The lines of its file.
        events: Everything it told.
        results: The lines of its results file, parsed.
    """

    server: Server
    rows: list[bytes]
    report: Report
    events: list[Event]
    results: list[dict[str, Any]]

    @property
    def status(self) -> ExitStatus:
        """The exit status."""
        return self.report.exit_status

    @property
    def error(self) -> str:
        """What ended the run, in words."""
        return self.report.error.message if self.report.error else ""

    @property
    def posts(self) -> int:
        """Creating requests that the server saw."""
        return posts(self.server)

    @property
    def waits(self) -> list[str]:
        """What it said it waited for."""
        return [e.words(e.seconds) for e in self.events if isinstance(e, Waiting) and e.message]

    @property
    def sent(self) -> list[ChunkSent]:
        """The requests it said it sent."""
        return [event for event in self.events if isinstance(event, ChunkSent)]

    def has_each_row_once(self, kind: str = "tasks", pool: str = "21") -> bool:
        """Check that the pool has each row once, and that results and counts tell it; explain what is wrong."""
        there = listed(self.server, kind, pool)
        want = Counter(_key(json.loads(row)) for row in self.rows)
        got = Counter(_key(item["input_values"]) for item in there.values())
        assert got == want, f"doubled {got - want}, lost {want - got}"
        self.adds_up()
        for result in self.results:
            assert result["status"] in ("created", "already_uploaded"), result
            sent = json.loads(self.rows[result["line"] - 1])
            assert there[result["task_id"]]["input_values"] == sent
        assert sorted(result["line"] for result in self.results) == list(
            range(1, len(self.rows) + 1)
        )
        assert self.status is ExitStatus.OK, self.error
        return True

    def created_is_told(self, kind: str = "tasks", pool: str = "21") -> bool:
        """Check that what the results call created is just what the pool has, each item its line's."""
        there = listed(self.server, kind, pool)
        told = {row["task_id"]: row for row in self.results if row["status"] == "created"}
        assert told.keys() == there.keys(), (len(told), len(there))
        for task, row in told.items():
            assert there[task]["input_values"] == json.loads(self.rows[row["line"] - 1])
        self.adds_up()
        return True

    def adds_up(self) -> None:
        """The counts are those of the results file, and add up to the rows read."""
        counts = self.report.as_json()["counts"]
        assert counts["read"] == sum(counts.values()) - counts["read"], counts
        told = Counter(row["status"] for row in self.results)
        assert told == Counter({k: n for k, n in counts.items() if n and k != "read"})


def upload_rows(server: Server, folder: Path, rows: list[bytes], **settings: Any) -> Outing:
    """Upload rows; settings are those of `Settings`, `Pacing` and `Requests`, by name.

    `stop_at` interrupts the run once it tells of a wait in these words.
    """
    file, results = folder / "tasks.jsonl", folder / "results.jsonl"
    file.write_bytes(b"".join(row + b"\n" for row in rows))
    results.unlink(missing_ok=True)
    pacing = {name: settings.pop(name) for name in _PACING & settings.keys()}
    requests = {name: settings.pop(name) for name in _REQUESTS & settings.keys()}
    stop_at = settings.pop("stop_at", None)
    events: list[Event] = []

    def take_note(event: Event) -> None:
        events.append(event)
        if (
            stop_at
            and isinstance(event, Waiting)
            and event.words(event.seconds).startswith(stop_at)
        ):
            run.interrupt(Interrupted("stopped by the test"))

    chosen: dict[str, Any] = {
        "files": (str(file),),
        "target": target(
            "production", settings.pop("url", server.url), None, None, {"TOLOKA_TOKEN": "t"}
        ),
        "pool": "21",
        "state_dir": folder / "state",
        "results": results,
        "rejects": folder / "rejects.jsonl",
        "force": True,
        "pacing": Pacing(**{"retry_for": 30.0, **pacing}),
        "requests": Requests(**requests),
        **settings,
    }
    run = Upload(Settings(**chosen), take_note)
    report = run.run()
    lines = results.read_bytes().splitlines() if results.exists() else []
    return Outing(server, rows, report, events, [json.loads(line) for line in lines])


def flat(count: int, start: int = 0, text: str = "") -> list[bytes]:
    """Valid rows, all different; `text` makes them longer."""
    more = f',"text":"{text}"' if text else ""
    return [
        f'{{"image":"https://example.com/{number}.jpg"{more}}}'.encode()
        for number in range(start, start + count)
    ]


def listed(server: Server, kind: str = "tasks", pool: str = "21") -> dict[str, dict[str, Any]]:
    """Everything in a pool, by id; the emulator's weather is over then."""
    server.faults.clear()
    server.emulator.switch(list_limit=1_000_000, listing_delay=0, require_token="")
    query = {"pool_id": pool, "limit": "1000000", "sort": "id"}
    answer = server.emulator.handle(Request("GET", f"/api/v1/{kind}", query, {}, b""))
    return {item["id"]: item for item in json.loads(answer.body)["items"]}


def posts(server: Server, kind: str = "tasks") -> int:
    """Creating requests that the server saw."""
    return server.emulator.ledger.count("POST", f"/{kind}")


def allow(server: Server, items: int, seconds: float, answer: str = "retry-after") -> None:
    """Let the server take only so many tasks in so many seconds."""
    server.emulator.switch(tasks_per_minute=items, quota_answer=answer)
    server.emulator._context.minute["tasks"].seconds = seconds  # type: ignore[attr-defined]
    assert isinstance(server.emulator._context.minute["tasks"], SlidingWindow)


def statuses(server: Server) -> Counter[str]:
    """How often the server answered with which status."""
    return Counter(server.emulator.ledger.as_json()["statuses"])


def _key(values: Iterable[Any]) -> str:
    return json.dumps(values, sort_keys=True)


def together(*starts: Callable[[], Outing]) -> list[Outing]:
    """Do several runs side by side, each on a thread and a server of its own: they mostly wait."""
    with ThreadPoolExecutor(min(len(starts), 6)) as threads:
        return list(threads.map(lambda start: start(), starts))


class Weather:
    """An emulator with weather of its own, and a place for an uploader's state.

    Attributes:
        happened: How often each fault happened, when the last upload was over.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.happened: dict[str, int] = {}
        self._folder = folder

    def upload(self, rows: list[bytes], **settings: Any) -> Outing:
        """Upload rows to it, every time with the same state; settings by name."""
        run = upload_rows(self.server, self._folder, rows, **settings)
        self.happened = self.server.faults.counts
        return run


class MakeWeather(Protocol):
    """Starts an emulator with faults (`{"action": ...}`) and switches by name; chances are seeded."""

    def __call__(self, *faults: dict[str, Any], seed: int = 1, **switches: Any) -> Weather:
        """Start it."""
        ...


def weather_maker(stack: ExitStack, folder: Callable[[], Path]) -> MakeWeather:
    """What makes weather; `folder` gives a place to each."""

    def make(*faults: dict[str, Any], seed: int = 1, **switches: Any) -> Weather:
        emulator = Emulator.in_memory(None, **switches)
        stack.callback(emulator.close)
        server = stack.enter_context(Server(emulator))
        server.faults.add(*faults, seed=seed)
        return Weather(server, folder())

    return make
