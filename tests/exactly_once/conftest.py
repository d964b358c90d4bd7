"""Desks for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from desk import Desk


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """A desk whose emulator has switches by name."""
    with ExitStack() as stack:
        yield lambda **switches: stack.enter_context(Desk(tmp_path, **switches))


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Any:
    """A desk."""
    return make_desk()
