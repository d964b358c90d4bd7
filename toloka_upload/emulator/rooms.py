"""What all rules of one emulator share."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toloka_upload.emulator.ids import ObjectIds
from toloka_upload.emulator.ledger import Ledger
from toloka_upload.emulator.limits import SlidingWindow
from toloka_upload.emulator.operations import Operations
from toloka_upload.emulator.pools import Pool, Pools
from toloka_upload.emulator.store import Store
from toloka_upload.emulator.switches import Switches

MINUTE, DAY = 60.0, 86_400.0


@dataclass(slots=True)
class Rooms:
    """The tables, the switches as they stand, and what is only in memory.

    Attributes:
        locked: Pools that a fault locked, and until when (Unix time).
        minute: Items taken in the last minute, by kind; `day` likewise.
    """

    store: Store
    switches: Switches
    requester: Mapping[str, Any]
    rng: random.Random
    ledger: Ledger
    locked: dict[int, float] = field(default_factory=dict)
    minute: Mapping[str, SlidingWindow] = field(
        default_factory=lambda: {"tasks": SlidingWindow(MINUTE), "suites": SlidingWindow(MINUTE)}
    )
    day: Mapping[str, SlidingWindow] = field(
        default_factory=lambda: {"tasks": SlidingWindow(DAY), "suites": SlidingWindow(DAY)}
    )
    ids: ObjectIds = field(init=False)
    pools: Pools = field(init=False)
    operations: Operations = field(init=False)

    def __post_init__(self) -> None:
        self.ids = ObjectIds(self.rng)
        self.pools = Pools(self.store)
        self.operations = Operations(self.store, self.pools, self.ids, self.rng)

    def pool(self, number: int) -> Pool | None:
        """A pool or training by its number."""
        return self.pools.find(number, self.switches)
