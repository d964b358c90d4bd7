"""What all rules of one emulator share."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from toloka_upload.emulator.ids import ObjectIds
from toloka_upload.emulator.items import Item, parse_body
from toloka_upload.emulator.ledger import Ledger
from toloka_upload.emulator.limits import SlidingWindow
from toloka_upload.emulator.messages import Refusal, Request, bad_parameter
from toloka_upload.emulator.operations import Operations
from toloka_upload.emulator.pools import Pool, Pools
from toloka_upload.emulator.store import Store
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.work import Fate

MINUTE, DAY = 60.0, 86_400.0


def _windows(seconds: float) -> Mapping[str, SlidingWindow]:
    return {name: SlidingWindow(seconds) for name in ("tasks", "suites", "pools", "projects")}


@dataclass(slots=True)
class Context:
    """The tables, the switches as they stand, and what is only in memory.

    Attributes:
        usual: Switches as nobody set them.
        locked: Pools that a fault locked, and until when (Unix time).
        minute: What was created in the last minute, by table; `day` likewise.
    """

    store: Store
    switches: Switches
    usual: Switches
    requester: Mapping[str, Any]
    rng: random.Random
    ledger: Ledger
    locked: dict[int, float] = field(default_factory=dict)
    minute: Mapping[str, SlidingWindow] = field(default_factory=lambda: _windows(MINUTE))
    day: Mapping[str, SlidingWindow] = field(default_factory=lambda: _windows(DAY))
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


def owner_of(context: Context) -> dict[str, Any]:
    """The owner of what is made here: the requester."""
    requester = context.requester
    company = requester.get("company")
    owned = {"company_id": company["id"]} if isinstance(company, dict) and "id" in company else {}
    return {"id": requester.get("id"), "myself": True, **owned}


class Call(NamedTuple):
    """A request on its way through the rules.

    Attributes:
        path: Below `/api/v1`.
        now: The moment of the request, Unix time.
        fate: Asked when this request makes an operation that creates items: what a fault says about that.
    """

    context: Context
    request: Request
    path: str
    now: float
    fate: Callable[[], Fate]

    def object(self) -> Item:
        """The one object of its body.

        Raises:
            Refusal: 400; the body is something else.
        """
        body = parse_body(self.request.body)
        if not body.single:
            raise Refusal("VALIDATION_ERROR", message="The body is one object")
        return body.items[0]

    def flag(self, name: str) -> bool:
        """A parameter that is true or false, false if it is not there.

        Raises:
            Refusal: 400; it is neither.
        """
        text = self.request.query.get(name, "false")
        if text not in ("true", "false"):
            raise bad_parameter(name, "BOOLEAN_EXPECTED", "it is true or false, in lower case")
        return text == "true"
