"""The least server that an uploader can work against: fast, keeps counts and the logs nobody has fetched yet.

Pool 22 takes task suites, every other one tasks.

Not the emulator: it checks nothing and has no faults, so that a measurement is of the client.

    python tests/bench/stub_server.py          prints its port, serves until its standard input ends
"""

from __future__ import annotations

import itertools
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

POOL = {
    "project_id": "1",
    "private_name": "bench",
    "status": "CLOSED",
    "defaults": {"default_overlap_for_new_tasks": 3, "default_overlap_for_new_task_suites": 3},
}
PROJECT = {
    "id": "1",
    "status": "ACTIVE",
    "task_spec": {
        "input_spec": {
            "image": {"type": "url", "required": True},
            "text": {"type": "string", "required": False},
            "number": {"type": "integer", "required": False},
            "score": {"type": "float", "required": False},
            "checked": {"type": "boolean", "required": False},
        },
        "output_spec": {"result": {"type": "string", "required": True}},
    },
}


class Counts:
    """What arrived, and the bodies whose log was not fetched yet."""

    def __init__(self) -> None:
        self.items = 0
        self.requests = 0
        self.bodies: dict[str, list[dict[str, Any]]] = {}
        self.ids = itertools.count(1)
        self.lock = threading.Lock()


def _operation(identity: str, status: str, items: int) -> dict[str, Any]:
    counts = {"total_count": items, "valid_count": items, "not_valid_count": 0}
    details = {**counts, "success_count": items, "failed_count": 0}
    return {
        "id": identity,
        "type": "TASK.BATCH_CREATE",
        "status": status,
        "submitted": "2026-01-01T00:00:00.000",
        "progress": 100 if status == "SUCCESS" else 0,
        "parameters": {},
        "details": details if status == "SUCCESS" else None,
    }


class Handler(BaseHTTPRequestHandler):
    """Answers what one upload asks."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    counts: Counts

    def do_POST(self) -> None:
        """Take a request that creates."""
        url = urlsplit(self.path)
        identity = parse_qs(url.query)["operation_id"][0]
        items = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.counts.lock:
            self.counts.items += len(items)
            self.counts.requests += 1
            self.counts.bodies[identity] = items
        self._answer(202, _operation(identity, "RUNNING", len(items)))

    def do_GET(self) -> None:
        """Answer what is asked for."""
        parts = urlsplit(self.path).path.removeprefix("/api/v1/").split("/")
        if parts[0] == "counts":
            self._answer(200, {"items": self.counts.items, "requests": self.counts.requests})
        elif parts[0] == "pools":
            mixer = {} if parts[1] == "22" else {"mixer_config": {"real_tasks_count": 10}}
            self._answer(200, {"id": parts[1], **POOL, **mixer})
        elif parts[0] == "projects":
            self._answer(200, PROJECT)
        elif parts[0] == "operations" and parts[-1] == "log":
            self._answer(200, self._log(parts[1]))
        elif parts[0] == "operations" and parts[1] in self.counts.bodies:
            self._answer(200, _operation(parts[1], "SUCCESS", len(self.counts.bodies[parts[1]])))
        else:
            self._answer(404, {"code": "DOES_NOT_EXIST", "message": self.path})

    def _log(self, identity: str) -> list[dict[str, Any]]:
        items = self.counts.bodies.pop(identity)
        suites = "tasks" in items[0]
        kind, name = ("TASK_SUITE", "task_suite_id") if suites else ("TASK", "task_id")
        return [
            {
                "type": f"{kind}_CREATE",
                "success": True,
                "input": item,
                "output": {name: f"0000000015--{next(self.counts.ids):024x}"},
            }
            for item in items
        ]

    def _answer(self, status: int, value: Any) -> None:
        body = orjson.dumps(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is inherited
        """Say nothing."""


def main() -> None:
    """Serve on a free port until standard input ends."""
    Handler.counts = Counts()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
