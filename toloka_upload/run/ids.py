"""What a run is called."""

from __future__ import annotations

import time
import uuid


def run_id(now: float) -> str:
    """A name for a run that begins now: it sorts by time, and no other run has it."""
    return time.strftime("%Y%m%d-%H%M%S-", time.gmtime(now)) + uuid.uuid4().hex[:6]
