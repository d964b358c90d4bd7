"""Fixtures of the emulator's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from emulated import Api

from toloka_upload.pytest_plugin import start_toloka_emulator, toloka_emulator

__all__ = ["start_toloka_emulator", "toloka_emulator"]


@pytest.fixture
def make_api() -> Iterator[Callable[..., Api]]:
    """Emulators with switches: `make_api(list_limit=10)`."""
    made: list[Api] = []

    def make(**switches: Any) -> Api:
        made.append(Api(**switches))
        return made[-1]

    yield make
    for api in made:
        api.emulator.close()


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    """An emulator as the documents say."""
    return make_api()
