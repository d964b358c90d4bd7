"""Fixtures of the tests of whole runs over files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from input_runs import Service

sys.path.append(str(Path(__file__).parent.parent / "rows"))  # for make_xlsx


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
    """Rejects are written into the working directory."""
    monkeypatch.chdir(tmp_path)
