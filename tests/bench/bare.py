"""What someone would write in an afternoon: read, parse, splice, POST, poll, read logs. The measure of our overhead.

    python tests/bench/bare.py PORT FORM FILE

For each form of input the least that does the job. It keeps nothing on disk, checks and retries nothing, and holds
the ids of one request at a time.
"""

from __future__ import annotations

import csv
import http.client
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

MOST_BYTES, MOST_ITEMS = 1_048_576, 10_000
SUITE = 3
POOL = b',"pool_id":"21"'
Texts = Iterator[bytes]
"""Items without their closing brace."""


def tasks(path: Path) -> Texts:
    """Lines that are tasks."""
    with path.open("rb") as file:
        for line in file:
            named = "pool_id" in orjson.loads(line)
            yield line.rstrip()[:-1] if named else line.rstrip()[:-1] + POOL


def flat(path: Path) -> Texts:
    """Lines that are input values."""
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
            yield b'{"input_values":' + line.rstrip() + POOL


def suites(path: Path) -> Texts:
    """Lines that are task suites."""
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
            yield line.rstrip()[:-1] + b',"pool_id":"22"'


def grouped(path: Path) -> Texts:
    """Lines that are tasks, some to a suite."""
    held: list[bytes] = []
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)
            held.append(line.rstrip())
            if len(held) == SUITE:
                yield b'{"tasks":[' + b",".join(held) + b'],"pool_id":"22"'
                held = []
    if held:
        yield b'{"tasks":[' + b",".join(held) + b'],"pool_id":"22"'


def array(path: Path) -> Texts:
    """A JSON array, all of it at once."""
    for task in orjson.loads(path.read_bytes()):
        yield orjson.dumps({**task, "pool_id": "21"})[:-1]


def _table(path: Path, delimiter: str, task: Callable[[list[str]], dict[str, Any]]) -> Texts:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file, delimiter=delimiter)
        next(rows)
        for row in rows:
            yield orjson.dumps(task(row))[:-1]


def _bare(row: list[str]) -> dict[str, Any]:
    return {"input_values": {"image": row[0], "text": row[1]}, "pool_id": "21"}


def _overlap(row: list[str]) -> dict[str, Any]:
    return {**_bare(row), "overlap": int(row[2])}


def _golden(row: list[str]) -> dict[str, Any]:
    answer = [{"output_values": {"result": row[2]}}]
    return {**_bare(row), "known_solutions": answer, "infinite_overlap": True}


def _typed(row: list[str]) -> dict[str, Any]:
    values = {
        "image": row[0],
        "text": row[1],
        "number": int(row[2]),
        "score": float(row[3]),
        "checked": row[4] == "true",
    }
    return {"input_values": values, "pool_id": "21"}


def sheet(path: Path) -> Texts:
    """A workbook's first sheet."""
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows()
    next(rows)
    for row in rows:
        yield orjson.dumps(_bare([str(cell) for cell in row]))[:-1]


FORMS: dict[str, Callable[[Path], Texts]] = {
    "flat": flat,
    "suites": suites,
    "grouped": grouped,
    "CSV": lambda path: _table(path, ",", _bare),
    "CSV overlap": lambda path: _table(path, ",", _overlap),
    "typed CSV": lambda path: _table(path, ",", _typed),
    "TSV": lambda path: _table(path, "\t", _bare),
    "TSV golden": lambda path: _table(path, "\t", _golden),
    "JSON array": array,
    "XLSX": sheet,
}
"""All others are lines that are tasks."""


def chunks(texts: Texts) -> Iterator[list[bytes]]:
    """Items of one request, with their indexes."""
    held: list[bytes] = []
    size = 0
    for text in texts:
        if size + len(text) > MOST_BYTES or len(held) == MOST_ITEMS:
            yield held
            held, size = [], 0
        held.append(text + b',"__item_idx":"%d"}' % len(held))
        size += len(text)
    if held:
        yield held


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


def main(port: int, form: str, path: Path) -> None:
    """Upload a file."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    kind, name = (
        ("task-suites", "task_suite_id") if form in ("suites", "grouped") else ("tasks", "task_id")
    )
    created = 0
    for texts in chunks(FORMS.get(form, tasks)(path)):
        body = b"[" + b",".join(texts) + b"]"
        operation_id = str(uuid.uuid4())
        request(connection, "POST", f"/{kind}?async_mode=true&operation_id={operation_id}", body)
        while request(connection, "GET", f"/operations/{operation_id}")["status"] != "SUCCESS":
            time.sleep(0.5)
        ids = [""] * len(texts)
        for entry in request(connection, "GET", f"/operations/{operation_id}/log"):
            if entry["success"]:
                ids[int(entry["input"]["__item_idx"])] = entry["output"][name]
        created += sum(1 for identity in ids if identity)
    connection.close()
    print(created)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
