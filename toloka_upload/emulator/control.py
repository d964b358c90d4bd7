"""The control endpoint, `/_emulator/...`: weather, switches and counts while the emulator runs.

    GET    /_emulator/state      what the page shows
    GET    /_emulator/log?id=    the log of an operation, as the API shows it
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
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from toloka_upload.emulator import assignments, forms
from toloka_upload.emulator.context import Context
from toloka_upload.emulator.faults import Faults
from toloka_upload.emulator.form_check import as_object, check, named
from toloka_upload.emulator.ids import parse_item_id
from toloka_upload.emulator.items import parse_json
from toloka_upload.emulator.ledger import Ledger
from toloka_upload.emulator.messages import Refusal, Request, Response, json_response
from toloka_upload.emulator.overview import Overview
from toloka_upload.emulator.store import KINDS

CONTROL = "/_emulator"


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
            ("GET", "/log"): self._log,
            ("GET", "/faults"): lambda _: faults.as_json(),
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/switches"): lambda _: self._switches(),
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
        except (ValueError, RecursionError) as problem:
            return Refusal("VALIDATION_ERROR", message=str(problem)).response()

    def _log(self, query: Mapping[str, str]) -> Any:
        row = self._context.store.operation(query.get("id", ""))
        if row is None:
            raise Refusal("DOES_NOT_EXIST")
        text = self._context.operations.log(row, self._context.switches, self._clock())
        return json.loads(text)

    def _add_faults(self, body: Any) -> Any:
        entries, seed = body, None
        if isinstance(body, dict) and "action" in body:
            entries = [body]
        elif isinstance(body, dict):
            check(forms.PLAN, body)
            if not body:
                raise ValueError("a fault has an action, and a plan faults or a seed")
            entries, seed = body.get("faults") or [], body.get("seed")
        if not isinstance(entries, list):
            raise ValueError("the body is a fault, a list of faults, or an object with `faults`")
        self._faults.add(*entries, seed=seed)
        return self._faults.as_json()

    def _clear_faults(self, _: Any) -> Any:
        self._faults.clear()
        return self._faults.as_json()

    def _switch(self, body: Any) -> Any:
        self._context.switches = self._context.switches.changed(body)
        return self._switches()

    def _switches(self) -> dict[str, Any]:
        """The switches; of the token no more than that there is one, for anybody may ask."""
        shown = asdict(self._context.switches)
        return {**shown, "require_token": "(set)" if shown["require_token"] else ""}

    def _take(self, body: Any) -> Any:
        with self._context.store.writing():
            for text, taken in as_object(body).items():
                with named(text):
                    check(forms.TAKEN, {"taken": taken})
                    self._take_of(text, taken)
        return body

    def _take_of(self, text: str, taken: Any) -> None:
        key, store = parse_item_id(text), self._context.store
        found = [(kind, store.item(kind, *key)) for kind in KINDS] if key else []
        rows = [(kind, row) for kind, row in found if row]
        if not rows:
            raise ValueError("there is no such task or suite")
        for kind, row in rows:
            store.change_item(kind, row._replace(taken=taken))

    def _put_assignments(self, body: Any) -> Any:
        context, now = self._context, self._clock()
        entries = body if isinstance(body, list) else [body]
        made = []
        with context.store.writing():
            for place, entry in enumerate(entries, 1):
                with named(f"assignment {place}"):
                    oid = context.ids.batch(1, now)[0]
                    made.append(assignments.put(context, entry, oid, int(now * 1000)))
        return made

    def _change_requester(self, body: Any) -> Any:
        check(forms.REQUESTER, body, strangers=True)
        whole = {**self._context.requester, **body}
        self._context.requester = {name: part for name, part in whole.items() if part is not None}
        return self._context.requester


def _parsed(request: Request) -> Any:
    if request.method != "POST":
        return request.query
    request.check_json()
    return parse_json(request.body)
