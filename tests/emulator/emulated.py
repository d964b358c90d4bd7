"""An emulator under a clock that the test winds, and a client that says little."""

from __future__ import annotations

import json
import random
import uuid
from typing import Any, NamedTuple

from toloka_upload.emulator import Emulator, Request, Switches
from toloka_upload.emulator.faults import Faults
from toloka_upload.emulator.store import Store


class Clock:
    """Unix time that stands still until told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        """The moment."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Wind on."""
        self.now += seconds


class Reply(NamedTuple):
    """An answer: its JSON parsed, if it is JSON."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.json["code"])


class Api:
    """An emulator in memory with a clock; paths are below `/api/v1`."""

    def __init__(self, **switches: Any) -> None:
        self.clock = Clock()
        self.slept: list[float] = []
        self.emulator = Emulator(
            Store(None),
            switches=Switches().changed(switches),
            faults=Faults(clock=self.clock),
            clock=self.clock,
            sleep=self.slept.append,
            rng=random.Random(1),
        )

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Reply:
        """One request. A body that is not bytes is sent as JSON; True and False as the API wants them."""
        sent = {"content-type": "application/json", **(headers or {})}
        content = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        text = {
            key: str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in query.items()
        }
        request = Request(method, "/api/v1" + path, text, sent, content)
        response = self.emulator.handle(request)
        return Reply(response.status, dict(response.headers), response.body)

    def get(self, path: str, **query: Any) -> Reply:
        """GET with a query."""
        return self.send("GET", path, **query)

    def post(self, path: str, body: Any = None, **query: Any) -> Reply:
        """POST with a query."""
        return self.send("POST", path, body, **query)

    def put(self, path: str, body: Any = None) -> Reply:
        """PUT."""
        return self.send("PUT", path, body)

    def patch(self, path: str, body: Any = None, **query: Any) -> Reply:
        """PATCH with a query."""
        return self.send("PATCH", path, body, **query)

    def control(self, what: str, body: Any) -> Reply:
        """One POST to the control endpoint."""
        headers = {"content-type": "application/json"}
        path = f"/_emulator/{what}"
        request = Request("POST", path, {}, headers, json.dumps(body).encode())
        response = self.emulator.handle(request)
        return Reply(response.status, dict(response.headers), response.body)

    @property
    def state(self) -> Any:
        """What the page is given."""
        return json.loads(self.emulator.handle(Request("GET", "/_emulator/state", {}, {})).body)

    def submit(self, items: list[Any], path: str = "/tasks", **query: Any) -> str:
        """Create asynchronously; return the operation's id."""
        reply = self.post(path, items, async_mode=True, **query)
        assert reply.status == 202, reply.body
        return str(reply.json["id"])

    def operation(self, operation_id: str) -> Any:
        """An operation as it stands."""
        return self.get(f"/operations/{operation_id}").json

    def log(self, operation_id: str) -> Any:
        """An operation's log."""
        return self.get(f"/operations/{operation_id}/log").json

    def listed(self, pool: int = 21, path: str = "/tasks") -> list[Any]:
        """Everything in a pool, page by page."""
        found: list[Any] = []
        last: dict[str, str] = {}
        while True:
            page = self.get(path, pool_id=pool, sort="id", limit=300, **last).json
            found += page["items"]
            if not page["has_more"]:
                return found
            last = {"id_gt": found[-1]["id"]}


def task(number: int = 0, **more: Any) -> dict[str, Any]:
    """A valid task of pool 21."""
    values = {"image": f"https://example.com/{number}.jpg"}
    return {"pool_id": "21", "input_values": values, "overlap": 1, **more}


def bad_task(**more: Any) -> dict[str, Any]:
    """A task without what its project requires."""
    return {"pool_id": "21", "input_values": {"text": "no image"}, "overlap": 1, **more}


def suite(number: int = 0, size: int = 2, **more: Any) -> dict[str, Any]:
    """A valid suite of pool 22."""
    tasks = [{"input_values": {"image": f"https://e.com/{number}-{i}"}} for i in range(size)]
    return {"pool_id": "22", "tasks": tasks, "overlap": 1, **more}


def new_id() -> str:
    """An operation id of our own."""
    return str(uuid.uuid4())
