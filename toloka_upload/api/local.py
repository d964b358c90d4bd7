"""The emulator inside this process, as a handler for `Client`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from toloka_upload.api.client import Handler
from toloka_upload.emulator.local import local_emulator
from toloka_upload.emulator.messages import ConnectionLost, Request
from toloka_upload.errors import CannotWrite


@contextmanager
def local_api(state_dir: Path) -> Iterator[Handler]:
    """The API of `--env local`, with its data under `state_dir`.

    Raises:
        CannotWrite: Its data cannot be kept there.
    """
    try:
        emulator = local_emulator(state_dir)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise CannotWrite(
            f"The local emulator cannot keep its data in {state_dir}: {error}. Name another one with --state-dir.",
            code="LOCAL_EMULATOR",
        ) from error

    def handle(
        method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            response = emulator.handle(Request(method, path, query, headers, body))
        except ConnectionLost as error:
            raise ConnectionError(str(error)) from error
        return response.status, response.headers, response.body

    try:
        yield handle
    finally:
        emulator.close()
