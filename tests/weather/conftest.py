"""Fixtures of the weather: emulators on a socket, and uploads to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from outing import Outing, upload_rows

from toloka_upload.emulator import Emulator
from toloka_upload.emulator.server import Server


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


@pytest.fixture(scope="module")
def module_weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWeather]:
    """As `weather`, for runs that several tests look at."""
    with ExitStack() as stack:
        yield _maker(stack, lambda: tmp_path_factory.mktemp("outing"))


@pytest.fixture
def weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWeather]:
    """Makes weather: `weather({"action": "reset", "path": "/tasks"}, lock_pool="refuse").upload(rows)`."""
    with ExitStack() as stack:
        yield _maker(stack, lambda: tmp_path_factory.mktemp("outing"))


def _maker(stack: ExitStack, folder: Callable[[], Path]) -> MakeWeather:
    def make(*faults: dict[str, Any], seed: int = 1, **switches: Any) -> Weather:
        emulator = Emulator.in_memory(None, **switches)
        stack.callback(emulator.close)
        server = stack.enter_context(Server(emulator))
        server.faults.add(*faults, seed=seed)
        return Weather(server, folder())

    return make
