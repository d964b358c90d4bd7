"""What someone would write in an afternoon: read, parse, splice, POST, poll, read logs. The measure of our overhead.

    python tests/bench/bare.py PORT FILE

It keeps nothing on disk, retries nothing, and holds the ids of one request at a time.
"""

from __future__ import annotations

import http.client
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

MOST_BYTES, MOST_ITEMS = 1_048_576, 10_000


def chunks(path: Path) -> Iterator[list[bytes]]:
    """Rows of one request, spliced."""
    texts: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        for line in file:
            is_task = "input_values" in orjson.loads(line)
            if size + len(line) > MOST_BYTES or len(texts) == MOST_ITEMS:
                yield texts
                texts, size = [], 0
            text = line.rstrip()[:-1] if is_task else b'{"input_values":' + line.rstrip()
            texts.append(text + b',"pool_id":"21","__item_idx":"%d"}' % len(texts))
            size += len(line)
    if texts:
        yield texts


def request(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> Any:
    """One request, one parsed answer."""
    connection.request(method, "/api/v1" + path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {answer.status}")
    return orjson.loads(data)


def main(port: int, path: Path) -> None:
    """Upload a file."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    created = 0
    for texts in chunks(path):
        body = b"[" + b",".join(texts) + b"]"
        operation_id = str(uuid.uuid4())
        request(connection, "POST", f"/tasks?async_mode=true&operation_id={operation_id}", body)
        while request(connection, "GET", f"/operations/{operation_id}")["status"] != "SUCCESS":
            time.sleep(0.5)
        ids = [""] * len(texts)
        for entry in request(connection, "GET", f"/operations/{operation_id}/log"):
            if entry["success"]:
                ids[int(entry["input"]["__item_idx"])] = entry["output"]["task_id"]
        created += sum(1 for identity in ids if identity)
    print(created)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
