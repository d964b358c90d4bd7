"""What the check costs, against what parsing costs: CPU seconds for rows with three fields, by turns.

    python tests/bench/check_cost.py [ROWS] [ROUNDS]

`parse` is `orjson.loads` over the lines; `spec` the check against the project's spec over what was parsed; `read` the
whole reader, lines to rows; `task` the spec and the structure of API tasks with `input_values`. Rows come in batches
of 128, as in an upload, so that every figure is that of values still in the processor's cache. The last line is the
promise: `spec` takes at most 1.5 times `parse`.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson

from toloka_upload.check import Spec, check_task
from toloka_upload.rows import ReadOptions, open_rows

BATCH = 128
TASK_SPEC = {
    "input_spec": {
        "image": {"type": "url", "required": True},
        "text": {"type": "string", "required": True, "max_length": 10_000},
        "number": {"type": "integer", "required": False, "min_value": 0, "max_value": 10**9},
    },
    "output_spec": {"result": {"type": "string", "required": True}},
}
Work = Callable[[list[bytes]], Any]


def lines(rows: int, *, wrapped: bool) -> list[bytes]:
    """Rows of some 110 bytes."""
    made = []
    for number in range(rows):
        values: Any = {
            "image": f"https://images.example.com/{number:07}.jpg",
            "text": "Is this a cat on a sofa?",
            "number": number,
        }
        made.append(json.dumps({"input_values": values} if wrapped else values).encode() + b"\n")
    return made


def cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of this thread that `work` takes."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def parse_and(check: Callable[[Any], Any] | None, texts: list[bytes]) -> tuple[float, float]:
    """CPU seconds of parsing and of checking, batch by batch."""
    parsing = checking = 0.0
    for at in range(0, len(texts), BATCH):
        batch = texts[at : at + BATCH]
        start = time.thread_time()
        values = list(map(orjson.loads, batch))
        middle = time.thread_time()
        if check and any(map(check, values)):
            raise AssertionError("these rows are good")
        checking += time.thread_time() - middle
        parsing += middle - start
    return parsing, checking


def read(texts: list[bytes]) -> None:
    """The reader alone."""
    for _ in open_rows(
        "-", ReadOptions(format="jsonl"), None, stdin=io.BytesIO(b"".join(texts))
    ).batches():
        pass


def main(rows: int, rounds: int) -> int:
    """Measure by turns; exit 1 if the promise does not hold."""
    spec = Spec.compile(TASK_SPEC)
    flat, tasks = lines(rows, wrapped=False), lines(rows, wrapped=True)

    def whole(task: dict[str, Any]) -> Any:
        return check_task(task) or spec.check_task(task)

    found: dict[str, list[float]] = {"parse": [], "spec": [], "read": [], "task": []}
    for _ in range(rounds):
        parsing, checking = parse_and(spec.check_input, flat)
        found["parse"].append(parsing)
        found["spec"].append(checking)
        found["task"].append(parse_and(whole, tasks)[1])
        found["read"].append(cpu(lambda: read(flat)))
    ratio = median(s / p for s, p in zip(found["spec"], found["parse"], strict=True))
    for name, seconds in found.items():
        print(f"{name:6} {median(seconds):6.3f} s  (least {min(seconds):.3f})  {rows:,} rows")
    print(f"spec / parse: {ratio:.2f} (promised: at most 1.5)")
    return int(ratio > 1.5)


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]] + [1_000_000, 5][len(sys.argv) - 1 :]
    sys.exit(main(*numbers))
