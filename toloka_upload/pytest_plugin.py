"""Fixtures for pytest: the emulator on a free port.

In `conftest.py`:

    pytest_plugins = ["toloka_upload.pytest_plugin"]

In a test:

    def test_my_job_survives_a_lost_answer(toloka_emulator):
        toloka_emulator.faults.add({"action": "reset-after", "method": "POST", "path": "/tasks"})
        run_my_job(url=toloka_emulator.url)
        assert toloka_emulator.faults.counts == {"reset-after": 1}
        assert len(toloka_emulator.emulator.items(21)) == 3
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from toloka_upload.emulator.server import Server
    from toloka_upload.emulator.world import World


class StartEmulator(Protocol):
    """Starts an emulator in memory that ends with the test."""

    def __call__(self, world: World | None = None, **switches: Any) -> Server:
        """Serve `world` (None: the default one) with switches set by name.

        The server's `url` ends in `/api/v1`; `faults` is the weather and the account of it; `emulator` has
        the ledger of requests, `items(pool)`, `switch(...)` and `put(world)`.
        """
        ...


@pytest.fixture
def start_toloka_emulator() -> Iterator[StartEmulator]:
    """A function that starts an emulator, with a world and switches: `start(lock_pool="refuse")`."""
    # Imported here: whoever only loads the plugin pays nothing.
    from toloka_upload.emulator import Emulator
    from toloka_upload.emulator.server import Server

    with ExitStack() as stack:

        def start(world: World | None = None, **switches: Any) -> Server:
            emulator = Emulator.in_memory(world, **switches)
            stack.callback(emulator.close)
            return stack.enter_context(Server(emulator))

        yield start


@pytest.fixture
def toloka_emulator(start_toloka_emulator: StartEmulator) -> Server:
    """One emulator on a free port of this machine, in memory, with the default world."""
    return start_toloka_emulator()
