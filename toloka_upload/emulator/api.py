"""The API's endpoints, as a table: a path, and what answers each method there."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from toloka_upload.emulator import assignments, changes, patching, resources
from toloka_upload.emulator.context import Call
from toloka_upload.emulator.creation import create
from toloka_upload.emulator.messages import Refusal, Response, raw_json_response
from toloka_upload.emulator.pools import CHANGES
from toloka_upload.emulator.resources import RESOURCES
from toloka_upload.emulator.store import OperationRow

BASE = "/api/v1"

Endpoint = Callable[..., Response]
"""Takes the call and, in their order, what stands at the places of its path."""


def _log(call: Call, name: str) -> Response:
    row = OperationRow(*resources.found(RESOURCES["/operations"], call, name))
    return raw_json_response(200, call.context.operations.log(row, call.context.switches, call.now))


def _table() -> dict[str, dict[str, Endpoint]]:
    table: dict[str, dict[str, Endpoint]] = {
        "/requester": {"GET": resources.requester},
        "/operations/{id}/log": {"GET": _log},
    }
    for path, resource in RESOURCES.items():
        table[path] = {"GET": partial(resources.listed, resource)}
        table[path + "/{id}"] = {"GET": partial(resources.one, resource)}
    for kind in (changes.PROJECT, changes.POOL, changes.TRAINING):
        table[kind.path]["POST"] = partial(changes.create, kind)
        table[kind.path + "/{id}"]["PUT"] = partial(changes.replace, kind)
        for name in CHANGES if kind is not changes.PROJECT else ["archive"]:
            way: Endpoint = partial(changes.change, kind, name)
            table[f"{kind.path}/{{id}}/{name}"] = {"POST": way}
    table["/pools/{id}"]["PATCH"] = changes.set_priority
    for items, path in patching.PATHS.items():
        table[path]["POST"] = partial(create, items)
        table[path + "/{id}"]["PATCH"] = partial(patching.patch, items)
        way = partial(patching.set_overlap_or_min, items)
        table[path + "/{id}/set-overlap-or-min"] = {"PATCH": way}
    table["/assignments/{id}"]["PATCH"] = assignments.decide
    return table


class Api:
    """Routes a call to its endpoint. The caller holds the lock."""

    def __init__(self) -> None:
        self._routes = [(path, _pattern(path), ways) for path, ways in _table().items()]

    @property
    def templates(self) -> list[str]:
        """The paths that there are, with `{id}` for ids."""
        return [path for path, _, _ in self._routes]

    def template(self, path: str) -> str:
        """The path with `{id}` for its ids, for counting; unknown paths are all one."""
        return next((found for found, pattern, _ in self._routes if pattern(path)), "(unknown)")

    def __call__(self, call: Call) -> Response:
        """Answer.

        Raises:
            Refusal: With the error envelope.
        """
        for _, pattern, ways in self._routes:
            match = pattern(call.path)
            if match is None:
                continue
            endpoint = ways.get(call.request.method)
            if endpoint is None:
                raise Refusal("METHOD_NOT_ALLOWED")
            return endpoint(call, *match.groups())
        raise Refusal("NOT_FOUND", message=f"There is nothing at {call.path}")


def _pattern(path: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(re.sub(r"{\w+}", "([^/]+)", path)).fullmatch
