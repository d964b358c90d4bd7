"""The results file: one JSON object a row, as soon as its outcome is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from toloka_upload.errors import CannotWrite
from toloka_upload.outcomes import Block, Places, Status
from toloka_upload.text import json_bytes

_STRETCH = 1000
"""Rows whose lines are put together at once: those of 10,000 would fall out of the caches and take twice the time."""


class NoResults:
    """Nobody asked for results."""

    def write(self, block: Block) -> None:
        """Take no note."""

    def close(self) -> None:
        """Nothing to close."""


class ResultsFile:
    """Writes results to a file, which is made anew.

    Raises:
        CannotWrite: The file cannot be made, or not be written any further.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: BinaryIO = path.open("wb")
        except OSError as error:
            raise self._failed(error) from error

    def write(self, block: Block) -> None:
        """Write a line for each row of a block."""
        try:
            self._file.writelines(lines(block))
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Finish the file."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> CannotWrite:
        return CannotWrite(
            f"The results cannot be written to {self._path}: {error.strerror}. What was uploaded is in the journal: "
            "`toloka-upload runs RUN --results FILE` writes the file again.",
            code="RESULTS",
        )


def lines(block: Block) -> Iterator[bytes]:
    """The lines for a block's rows, one or many at a time."""
    around = {status: _around_id(block, status) for status in set(block.statuses)}
    for head, rows in _stretches(block.places):
        ids = block.ids[rows.start : rows.stop] if block.ids else [""]
        if len(around) == 1 and _plain_tokens(ids):
            before, after = around[block.statuses[rows.start]]
            numbered = zip(block.places.lines[rows.start : rows.stop], ids, strict=True)
            texts = (after + head).join([f"{line}{before}{item}" for line, item in numbered])
            yield (head + texts + after).encode()
        else:
            for row in rows:
                yield _line(block, row, head, around[block.statuses[row]])


def _stretches(places: Places) -> Iterator[tuple[str, range]]:
    """Rows of one file, not too many at a time, and what their lines begin with."""
    start = 0
    for file, count in places.files:
        head = f'{{"file":{json.dumps(file)},"line":'
        for first in range(start, start + count, _STRETCH):
            yield head, range(first, min(first + _STRETCH, start + count))
        start += count


def _plain_tokens(ids: list[str]) -> bool:
    """Whether each row has an id, and all of them may stand in JSON as they are."""
    together = "".join(ids)
    return all(ids) and orjson.dumps(together) == f'"{together}"'.encode()


def _line(block: Block, row: int, head: str, around: tuple[str, str]) -> bytes:
    if not (block.ids and block.ids[row]):
        return _without_id(block, row, head)
    before, after = around
    item = json.dumps(block.ids[row])[1:-1]
    return f"{head}{block.places.lines[row]}{before}{item}{after}".encode()


def _around_id(block: Block, status: int) -> tuple[str, str]:
    """What stands before and after the id in a line with this status."""
    key = "task_suite_id" if block.kind == "task-suites" else "task_id"
    pool, operation = json.dumps(block.pool), json.dumps(block.operation_id)
    before = f',"status":"{Status(status).word}","pool_id":{pool},"{key}":"'
    return before, '"}\n' if block.operation_id is None else f'","operation_id":{operation}}}\n'


def _without_id(block: Block, row: int, head: str) -> bytes:
    """The line of a row without an id."""
    value: dict[str, object] = {"status": Status(block.statuses[row]).word}
    if block.pool:
        value["pool_id"] = block.pool
    if block.operation_id:
        value["operation_id"] = block.operation_id
    if row in block.faults:
        value["errors"] = [fault._asdict() for fault in block.faults[row]]
    return b"%b%d,%b\n" % (head.encode(), block.places.lines[row], json_bytes(value)[1:])
