"""Fixtures for whole runs over files: an API in memory, and a directory of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
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
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejects are written into the working directory."""
    monkeypatch.chdir(tmp_path)
