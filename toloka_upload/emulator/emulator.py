"""The emulator: a request in, an answer out."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from toloka_upload.emulator.api import BASE, Api
from toloka_upload.emulator.batch import item_json
from toloka_upload.emulator.context import Call, Context
from toloka_upload.emulator.control import CONTROL, Control
from toloka_upload.emulator.faults import Fault, Faults
from toloka_upload.emulator.items import parse_body
from toloka_upload.emulator.ledger import Ledger, Seen
from toloka_upload.emulator.limits import SlidingWindow
from toloka_upload.emulator.messages import (
    Refusal,
    Request,
    Response,
    too_many_requests,
)
from toloka_upload.emulator.page import page
from toloka_upload.emulator.pools import pool_number
from toloka_upload.emulator.settle_in import settle_in
from toloka_upload.emulator.settling import Settling
from toloka_upload.emulator.store import KINDS, ItemRow, Kind, Store
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.weather import Weather, after, before
from toloka_upload.emulator.world import World, check_world, default_world


class Emulator:
    """The API on this machine: one world, its rules, its weather. Thread-safe.

    Args:
        store: Where everything is kept.
        world: Projects and pools to put in: they replace those with the same ids, save their tasks. None: the
            default world, if the store has no pools yet.
        switches: How the documents are read.
        faults: The weather.
        clock: Unix time in seconds.
        sleep: Waits so many seconds; only `delay` faults wait.
        rng: Makes ids and the order of logs.
        usual: Switches as nobody set them; None: as the documents say. The page shows those that differ.

    Attributes:
        alone: Whether no other process used the database when it was opened.
        faults: The weather and the account of it.
        ledger: What requests came.
    """

    def __init__(
        self,
        store: Store,
        world: World | None = None,
        switches: Switches = Switches(),  # noqa: B008  frozen
        faults: Faults | None = None,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
        usual: Switches | None = None,
    ) -> None:
        self.faults = faults or Faults(clock=clock)
        self._api = Api()
        self.ledger = Ledger(self._api.templates)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._second = SlidingWindow(1.0)
        rng = rng or random.Random()  # noqa: S311  ids, not secrets
        requester = (world or default_world()).requester
        usual = usual or Switches()
        self._context = Context(store, switches, usual, requester, rng, self.ledger)
        self.alone = store.alone
        self._settling = Settling(self._context, self._lock, clock)
        if not store.row("SELECT 1 FROM pools"):
            settle_in(self._context, default_world(), clock())
        if world:
            settle_in(self._context, world, clock())
        self._control = Control(self._context, self.faults, self.ledger, clock)

    @classmethod
    def in_memory(cls, world: World | None = None, **switches: Any) -> Emulator:
        """An emulator without a file, for tests; switches by name.

        Raises:
            TypeError: `world` is something else.
            ValueError: Something in it, or a switch, is not as it should be.
        """
        check_world(world)
        settings = {**(world.switches if world else {}), **switches}
        return cls(Store(None), world, Switches().changed(settings))

    @property
    def switches(self) -> Switches:
        """The switches as they stand."""
        return self._context.switches

    def switch(self, **settings: Any) -> None:
        """Set switches anew while it runs.

        Raises:
            ValueError: No such switch, or not a value of it.
        """
        with self._lock:
            self._context.switches = self._context.switches.changed(settings)

    def put(self, world: World) -> None:
        """Add projects and pools; those with ids that exist are replaced, save their tasks.

        Raises:
            TypeError: `world` is something else.
            ValueError: Something in it is not as it should be; nothing of it is put in.
        """
        check_world(world)
        with self._lock:
            settle_in(self._context, world, self._clock())

    def items(self, pool: int | str, kind: Kind = "tasks") -> list[dict[str, Any]]:
        """All tasks or suites of a pool as the API shows them, in order of their ids; for assertions in tests.

        Raises:
            ValueError: There is no such pool, or no such kind of items.
        """
        if kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}; it is {kind!r}")
        self._settling.catch_up(self._clock())
        number = pool_number(pool)
        query = f"SELECT * FROM {kind} WHERE pool = ? ORDER BY oid"  # noqa: S608
        with self._lock:
            if self._context.pool(number) is None:
                raise ValueError(f"there is no pool {pool!r}")
            rows = self._context.store.rows(query, (number,))
        return [json.loads(item_json(kind, ItemRow(*row))) for row in rows]

    def in_background(self) -> contextlib.AbstractContextManager[None]:
        """Work operations off in a thread, until the end of a `with` block: no request then waits for them long."""
        return self._settling.in_background()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._context.store.close()

    def handle(self, request: Request) -> Response:
        """Answer a request to the API (`/api/v1/...`) or to the control endpoint (`/_emulator/...`).

        Raises:
            ConnectionLost: A scripted fault took the answer; the work may be done or not.
        """
        request = request.as_text()
        if request.path == "/" and request.method == "GET":
            return page()
        if request.path.startswith(CONTROL):
            return self._controlled(request)
        if not request.path.startswith(BASE + "/"):
            return Refusal("NOT_FOUND", message=f"The API is at {BASE}").response()
        now, path = self._clock(), request.path.removeprefix(BASE)
        operation_id = request.query.get("operation_id") or _operation_in(path)
        weather = Weather(self.faults, request.method, path, operation_id)
        status, code = None, ""
        try:
            response = self._answered(request, path, now, weather)
            status, code = response.status, _code_of(response)
        finally:
            name = weather.fault.action if weather.fault else None
            size = len(request.body)
            seen = Seen(now, request.method, path, status, size, operation_id, name, code)
            self.ledger.enter(seen, self._api.template(path))
        return response

    def _controlled(self, request: Request) -> Response:
        """Answer on the control endpoint; what changes something there needs the token as well."""
        self._settling.catch_up(self._clock())
        with self._lock:
            try:
                if request.method != "GET":
                    _check_token(request.headers.get("authorization", ""), self._context.switches)
            except Refusal as refusal:
                return refusal.response()
            return self._control(request)

    def _answered(self, request: Request, path: str, now: float, weather: Weather) -> Response:
        fault = weather.fault
        try:
            if fault and fault.phase == "before":
                self._lock_or_switch(fault, request, now)
                refused = before(fault, now, self._sleep)
                if refused:
                    return refused
            with self._lock:
                self._check_request(request, now)
            self._settling.catch_up(now, _operation_in(path) or "")
            with self._lock:
                response = self._api(Call(self._context, request, path, now, weather.fate))
        except Refusal as refusal:
            response = refusal.response()
        return after(fault, response) if fault and fault.phase == "after" else response

    def _lock_or_switch(self, fault: Fault, request: Request, now: float) -> None:
        """Faults that change the emulator itself; the request then finds what it finds."""
        with self._lock:
            if fault.action == "switch":
                self.switch(**fault.settings["switches"])
            elif fault.action == "lock-pool" and request.body:
                for item in parse_body(request.body).items:
                    pool = pool_number(item.value.get("pool_id"))
                    self._context.locked[pool] = now + fault.settings["seconds"]

    def _check_request(self, request: Request, now: float) -> None:
        """What is asked of every request: a token, not too many of them, a body that is JSON."""
        switches = self._context.switches
        _check_token(request.headers.get("authorization", ""), switches)
        if self._second.wait(1, switches.requests_per_second, now) is not None:
            raise too_many_requests()
        self._second.add(1, now)
        if request.body and request.method in ("POST", "PUT", "PATCH"):
            request.check_json()
            if request.headers.get("content-encoding", "identity") != "identity":
                raise Refusal("UNSUPPORTED_MEDIA_TYPE", message="Content-Encoding is not supported")


def _check_token(header: str, switches: Switches) -> None:
    if not switches.require_token:
        return
    scheme, _, secret = header.partition(" ")
    known = scheme in ("OAuth", "ApiKey") and secret.strip()
    if known and switches.require_token in ("*", secret.strip()):
        return
    raise Refusal("ACCESS_DENIED" if switches.auth_status == "403" else "AUTHENTICATION_ERROR")


def _operation_in(path: str) -> str | None:
    """The id in `/operations/{id}` and `/operations/{id}/log`."""
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "operations" else None


def _code_of(response: Response) -> str:
    """The code in an error's envelope."""
    if response.status < 400:
        return ""
    try:
        return str(json.loads(response.body)["code"])
    except (ValueError, TypeError, KeyError):
        return ""
