"""Fixtures of the tests of the account: an API in memory, and files in a directory of the test's own."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest
from service_fixtures import in_a_directory_of_its_own, make_service, service

__all__ = ["in_a_directory_of_its_own", "make_service", "service"]


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
