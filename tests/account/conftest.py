"""Fixtures of the tests of the account: an API in memory, and files in a directory of the test's own."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent.parent / "inputs"))  # for input_runs

from input_runs import Service


@pytest.fixture
def make_service() -> Iterator[Callable[..., Service]]:
    """Services: `make_service(world(...), list_limit=10)`."""
    made: list[Service] = []

    def make(*args: Any, **switches: Any) -> Service:
        made.append(Service(*args, **switches))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """An API with pool 21 for tasks and pool 22 for task suites."""
    return make_service()


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """What the command line sets for its process is undone."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers, threshold = [signal.getsignal(number) for number in signals], gc.get_threshold()
    yield
    for number, handler in zip(signals, handlers, strict=True):
        signal.signal(number, handler)
    gc.unfreeze()
    gc.set_threshold(*threshold)
