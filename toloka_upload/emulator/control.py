"""The control endpoint, `/_emulator/...`: weather, switches and counts while the emulator runs.

    GET    /_emulator/state      what the page shows
    GET    /_emulator/stats      requests counted, items, most items of one request
    GET    /_emulator/requests   the newest requests one by one
    GET    /_emulator/faults     the plan and the account of what was consumed
    POST   /_emulator/faults     add: one fault, a list, or {"seed": 7, "faults": [...]}
    DELETE /_emulator/faults     forget plan and account
    GET    /_emulator/switches   the switches as they stand
    POST   /_emulator/switches   set some: {"sync_items": 100}
    POST   /_emulator/taken      assignments that somebody has begun, by a task's or suite's id: {"0000000015--...": 2}
    POST   /_emulator/assignments  put answers in, one or a list: {"tasks": ["0000000015--..."], "solutions": [...]}
    POST   /_emulator/requester  change what `GET /requester` answers: {"balance": 3.5}; null takes a member away

A POST must be `application/json`: a page from elsewhere cannot send that without asking, and nobody answers it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from toloka_upload.emulator import assignments
from toloka_upload.emulator.context import Context
from toloka_upload.emulator.faults import Faults
from toloka_upload.emulator.ids import parse_item_id
from toloka_upload.emulator.ledger import Ledger
from toloka_upload.emulator.messages import Refusal, Request, Response, json_response
from toloka_upload.emulator.overview import Overview
from toloka_upload.emulator.store import KINDS

CONTROL = "/_emulator"

_MOST_TAKEN = 30_000


class Control:
    """Answers requests to the control endpoint. The caller holds the lock."""

    def __init__(
        self, context: Context, faults: Faults, ledger: Ledger, clock: Callable[[], float]
    ) -> None:
        self._context = context
        self._faults = faults
        self._ledger = ledger
        self._clock = clock
        overview = Overview(context, faults, ledger)
        self._routes: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "/state"): lambda _: overview(clock()),
            ("GET", "/stats"): lambda _: ledger.as_json(),
            ("GET", "/requests"): lambda _: [seen._asdict() for seen in ledger.requests],
            ("GET", "/faults"): lambda _: faults.as_json(),
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/switches"): lambda _: asdict(context.switches),
            ("POST", "/switches"): self._switch,
            ("POST", "/taken"): self._take,
            ("POST", "/assignments"): self._put_assignments,
            ("POST", "/requester"): self._change_requester,
        }

    def __call__(self, request: Request) -> Response:
        """Answer; a mistake is answered with 400."""
        route = self._routes.get((request.method, request.path.removeprefix(CONTROL)))
        try:
            if route is None:
                message = f"{request.method} {request.path}: nothing is there"
                raise Refusal("NOT_FOUND", message=message)
            return json_response(200, route(_parsed(request)))
        except Refusal as refusal:
            return refusal.response()
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
            return Refusal("VALIDATION_ERROR", message=str(problem)).response()

    def _add_faults(self, body: Any) -> Any:
        entries, seed = body, None
        if isinstance(body, dict) and "action" in body:
            entries = [body]
        elif isinstance(body, dict):
            entries, seed = body.get("faults", ()), body.get("seed")
        self._faults.add(*entries, seed=seed)
        return self._faults.as_json()

    def _clear_faults(self, _: Any) -> Any:
        self._faults.clear()
        return self._faults.as_json()

    def _switch(self, body: Any) -> Any:
        self._context.switches = self._context.switches.changed(body)
        return asdict(self._context.switches)

    def _take(self, body: Any) -> Any:
        with self._context.store.writing():
            for text, taken in body.items():
                self._take_of(text, taken)
        return body

    def _take_of(self, text: str, taken: Any) -> None:
        if type(taken) is not int or not 0 <= taken <= _MOST_TAKEN:
            raise ValueError(f"{text}: taken is a number from 0 to {_MOST_TAKEN}; it is {taken!r}")
        key, store = parse_item_id(text), self._context.store
        found = [(kind, store.item(kind, *key)) for kind in KINDS] if key else []
        rows = [(kind, row) for kind, row in found if row]
        if not rows:
            raise ValueError(f"there is no task or suite {text!r}")
        for kind, row in rows:
            store.change_item(kind, row._replace(taken=taken))

    def _put_assignments(self, body: Any) -> Any:
        context, now = self._context, self._clock()
        entries = body if isinstance(body, list) else [body]
        with context.store.writing():
            return [
                assignments.put(context, entry, context.ids.batch(1, now)[0], int(now * 1000))
                for entry in entries
            ]

    def _change_requester(self, body: Any) -> Any:
        whole = {**self._context.requester, **body}
        self._context.requester = {name: part for name, part in whole.items() if part is not None}
        return self._context.requester


def _parsed(request: Request) -> Any:
    if request.method != "POST":
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", message="The body must be application/json")
    return json.loads(request.body)
