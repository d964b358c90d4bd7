"""Fixtures of the weather: emulators on a socket, and uploads to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from outing import MakeWeather, weather_maker


@pytest.fixture(scope="module")
def module_weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWeather]:
    """As `weather`, for runs that several tests look at."""
    with ExitStack() as stack:
        yield weather_maker(stack, lambda: tmp_path_factory.mktemp("outing"))


@pytest.fixture
def weather(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeWeather]:
    """Makes weather: `weather({"action": "reset", "path": "/tasks"}, lock_pool="refuse").upload(rows)`."""
    with ExitStack() as stack:
        yield weather_maker(stack, lambda: tmp_path_factory.mktemp("outing"))
