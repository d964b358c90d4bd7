from __future__ import annotations

import pytest
from manual_clock import Clock


@pytest.fixture
def clock() -> Clock:
    """A wall clock in November 2026, where floating point is as coarse as in life."""
    return Clock(1_795_286_800.0)
