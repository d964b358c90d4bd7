"""The results file: one JSON object a row, as soon as its outcome is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from toloka_upload.errors import CannotWrite
from toloka_upload.outcomes import Block, Status


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
    """The lines for a block's rows, each with its line end."""
    tails = {status: _around_id(block, status) for status in set(block.statuses)}
    numbers, statuses = block.places.lines, block.statuses
    ids = [item.encode() for item in block.ids] if block.ids else [b""] * len(numbers)
    start = 0
    for file, count in block.places.files:
        head = b'{"file":%b,"line":' % orjson.dumps(file)
        for row in range(start, start + count):
            if ids[row]:
                before, after = tails[statuses[row]]
                yield b'%b%d%b"%b"%b' % (head, numbers[row], before, ids[row], after)
            else:
                yield _without_id(block, row, head)
        start += count


def _around_id(block: Block, status: int) -> tuple[bytes, bytes]:
    """What stands before and after the id in a line with this status."""
    key = b"task_suite_id" if block.kind == "task-suites" else b"task_id"
    word = Status(status).word.encode()
    before = b',"status":"%b","pool_id":%b,"%b":' % (word, orjson.dumps(block.pool), key)
    operation = (
        b',"operation_id":%b' % orjson.dumps(block.operation_id) if block.operation_id else b""
    )
    return before, operation + b"}\n"


def _without_id(block: Block, row: int, head: bytes) -> bytes:
    """The line of a row without an id."""
    value: dict[str, object] = {"status": Status(block.statuses[row]).word}
    if block.pool:
        value["pool_id"] = block.pool
    if block.operation_id:
        value["operation_id"] = block.operation_id
    if row in block.faults:
        value["errors"] = [fault._asdict() for fault in block.faults[row]]
    return b"%b%d,%b\n" % (head, block.places.lines[row], orjson.dumps(value)[1:])
