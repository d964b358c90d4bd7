"""One upload against an API that keeps everything, from outside: the public `upload` alone, over a real socket."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import struct
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from toloka_upload import Pacing, Requests, upload

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
}
OUTPUT_SPEC: dict[str, Any] = {
    "result": {"type": "string", "required": True, "allowed_values": ["OK", "BAD"]},
    "count": {"type": "integer", "required": False},
}
_NAMESPACE = uuid.UUID("6f6c6f6b-615f-5570-8c6f-616400000001")
LONG = 1 << 14
"""What is longer is kept as its digest."""


class Service:
    """Pools 21 and 24 take tasks, 22 and 25 task suites. Every operation is done at once.

    Attributes:
        posts: What was to be created: kind, parameters, body.
        log: All requests, as method and path.
        operations: What operations there are, with the items of each.
    """

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0), first_id: int = 1) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.log: list[str] = []
        self.operations: dict[str, list[Any]] = {}
        self._next = first_id
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._answer(*service.get(urlsplit(self.path).path.removeprefix("/api/v1")))

            def do_POST(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kind = url.path.rpartition("/")[2]
                self._answer(*service.post(kind, dict(parse_qsl(url.query)), body))

            def _answer(self, status: int, value: Any) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = _listening(address, Handler)
        self.url = f"http://{address[0]}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def post(self, kind: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Create items."""
        self.log.append(f"POST /{kind}")
        self.posts.append((kind, query, body))
        items = json.loads(body)
        if query["async_mode"] == "false":
            made = {str(index): {"id": self._id(), **item} for index, item in enumerate(items)}
            return 201, {"items": made, "validation_errors": {}}
        self.operations[query["operation_id"]] = items
        return 202, self._operation(query["operation_id"])

    def get(self, path: str) -> tuple[int, Any]:
        """Tell what is asked for."""
        self.log.append(f"GET {path}")
        parts = path.strip("/").split("/")
        if parts[0] == "pools":
            smart = {"mixer_config": {"real_tasks_count": 10}} if parts[1] in ("21", "24") else {}
            pool = {"id": parts[1], "project_id": "1", "private_name": "A pool", "status": "CLOSED"}
            return 200, {**pool, **smart}
        if parts[0] == "projects":
            spec = {"input_spec": INPUT_SPEC, "output_spec": OUTPUT_SPEC}
            return 200, {"id": "1", "status": "ACTIVE", "task_spec": spec}
        if parts[0] == "operations" and parts[1] in self.operations:
            return 200, self._log(parts[1]) if parts[-1] == "log" else self._operation(parts[1])
        if parts[0] in ("tasks", "task-suites"):
            return 200, {"items": [], "has_more": False}
        return 404, {"code": "DOES_NOT_EXIST", "message": path}

    def _operation(self, identity: str) -> dict[str, Any]:
        items = len(self.operations[identity])
        counts = {"total_count": items, "valid_count": items, "not_valid_count": 0}
        return {
            "id": identity,
            "type": "TASK.BATCH_CREATE",
            "status": "SUCCESS",
            "submitted": "2026-01-01T00:00:00.000",
            "progress": 100,
            "parameters": {},
            "details": {**counts, "success_count": items, "failed_count": 0},
        }

    def _log(self, identity: str) -> list[Any]:
        items = self.operations[identity]
        suites = "tasks" in items[0]
        kind, name = ("TASK_SUITE", "task_suite_id") if suites else ("TASK", "task_id")
        return [
            {
                "type": f"{kind}_CREATE",
                "success": True,
                "input": item,
                "output": {name: self._id()},
            }
            for item in items
        ]

    def _id(self) -> str:
        self._next += 1
        return f"0000000015--{self._next - 1:024x}"


def _listening(address: tuple[str, int], handler: type) -> ThreadingHTTPServer:
    """A server. Another checkout's tests may hold a fixed address for a moment."""
    for _ in range(400):
        try:
            return ThreadingHTTPServer(address, handler)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"{address} stays in use")


@contextmanager
def serving(*how: Any, **named: Any) -> Iterator[Service]:
    """A service for a while."""
    service = Service(*how, **named)
    try:
        yield service
    finally:
        service.close()


def run(
    service: Service, folder: Path, files: list[str], pool: str | None = "21", **options: Any
) -> dict[str, Any]:
    """Upload files of a folder, which keeps the state; return what must never change of what came of it."""
    reading = {name: options.pop(name) for name in list(options) if name in _READING}
    requests = {name: options.pop(name) for name in list(options) if name in _REQUESTS}
    if reading:
        from toloka_upload.rows import ReadOptions

        options["reading"] = ReadOptions(**reading)
    results, rejects = folder / "results.jsonl", folder / "rejects"
    for left in (results, *folder.glob("rejects*")):
        left.unlink(missing_ok=True)
    first = len(service.posts)
    before = os.getcwd()  # noqa: PTH109  # rows tell their file as it was named: without its folder
    os.chdir(folder)
    try:
        report = upload(
            *files,
            pool=pool,
            url=service.url,
            token="t" * 20,
            state_dir=folder / "state",
            requests=Requests(**requests),
            pacing=Pacing(rate=None, daily_limit=None, concurrency=1),
            results=results,
            rejects=rejects,
            **options,
        ).as_json()
    finally:
        os.chdir(before)
    plan = report.get("plan") or {}
    return {
        "exit": report["exit_code"],
        "counts": {name: count for name, count in report["counts"].items() if count},
        "plan": {name: plan[name] for name in _PLANNED if name in plan},
        "requests": [_request(*post) for post in service.posts[first:]],
        "results": _results(results),
        "faults": _faults(folder),
        "rejects": _kept(rejects.read_bytes()) if rejects.exists() else None,
    }


_PLANNED = ("rows", "suites", "chunks", "items", "bytes", "first", "last")
_READING = {
    *("format", "delimiter", "encoding", "sheet", "suites_by_blank_line", "infinite_golden")
}
_REQUESTS = {
    *("mode", "chunk_size", "allow_defaults", "skip_invalid_items", "overlap", "suite_size")
}


def _request(kind: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
    told = {name: value for name, value in query.items() if name != "operation_id"}
    return {"kind": kind, "parameters": told, "body": _kept(body)}


def _kept(data: bytes) -> list[str] | str:
    """Bytes in a form that a diff can show."""
    if len(data) > LONG:
        return f"{len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}"
    return re.split(r'(?<=\n)|(?=\{"input_values)|(?=,"__item_idx)', data.decode("latin-1"))


def _results(path: Path) -> list[Any]:
    """Entries in the order of the rows; of faults, field and code."""
    entries = [json.loads(line) for line in path.read_bytes().splitlines()]
    for entry in entries:
        entry.pop("operation_id", None)
        if "errors" in entry:
            entry["errors"] = [f"{e['field']}: {e['code']}" for e in entry["errors"]]
    return sorted(entries, key=lambda entry: (entry["file"], entry["line"]))


def _faults(folder: Path) -> list[str]:
    """Every fault in the order in which it was reported; what it says may be said better one day."""
    return [
        "{file}:{line}: {field}: {code}".format(**json.loads(line))
        for path in sorted(folder.glob("rejects.errors*"))
        for line in path.read_bytes().splitlines()
    ]


def journals(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What the journal of each pool has of every chunk: what rows are known by, and where they stand."""
    query = (
        "SELECT state, kind, identities, contents, per_item, lines, files, statuses, operation_id, digest,"
        " parameters, generation, attempt FROM chunk JOIN chunk_rows ON chunk_rows.chunk = id"
        " JOIN outcome ON outcome.chunk = id ORDER BY id"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((folder / "state" / "journals").glob("*.db")):
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            [(pool,)] = db.execute("SELECT pool FROM destination")
            found[pool] = [_chunk(*row) for row in db.execute(query)]
    return found


def _chunk(
    state: str,
    kind: str,
    identities: bytes,
    contents: bytes | None,
    per_item: bytes | None,
    lines: bytes,
    files: str,
    statuses: bytes,
    *request: Any,
) -> dict[str, Any]:
    return {
        "state": state,
        "kind": kind,
        "identities": [identities[at : at + 10].hex() for at in range(0, len(identities), 10)],
        "contents": None if contents is None else contents.hex(),
        "per_item": None if per_item is None else _numbers(per_item),
        "lines": _numbers(lines),
        "files": json.loads(files),
        "statuses": statuses.decode(),
        "request": request,
    }


def _numbers(packed: bytes) -> list[int]:
    data = zlib.decompress(packed)
    return list(accumulate(struct.unpack(f"={len(data) // 8}q", data)))


def expected_operation_id(url: str, pool: str, chunk: dict[str, Any]) -> str:
    """The operation id of a request by its own rule, written down here a second time on purpose."""
    _, digest, parameters, generation, attempt = chunk["request"]
    identities = bytes.fromhex("".join(chunk["identities"]))
    parts = [
        f"{url}/api/v1",
        pool,
        "&".join(f"{name}={value}" for name, value in sorted(json.loads(parameters).items())),
        str(generation),
        str(attempt),
        digest.hex(),
        hashlib.sha256(identities).hexdigest(),
    ]
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))
