"""A small API of its own for the model test: what it has created is the truth that runs are judged by.

It shares no code with the emulator nor with the client. It can do what a network can do to a request: lose it on its
way, lose its answer, deliver it late or twice; and what a service can do to an operation.
"""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Answer = tuple[int, Mapping[str, str], bytes]
CREATES = {"tasks": "TASK", "task-suites": "TASK_SUITE"}
WIRE = (
    "lost_before",
    "lost_after",
    "html_after",
    "cut_after",
    "empty_after",
    "500_after",
    "502_before",
    "409_busy",
    "429",
    "429_bare",
    "413",
    "403_after_all",
    "late",
    "slow",
    "twice",
)
"""What may happen to one request. `slow` is one without an operation whose work goes on after its sender gave up."""
FATES = (
    "fail_part_created",
    "fail_part_all",
    "fail_part_empty",
    "fail_none_empty",
    "no_log",
    "late_log",
    "archived",
    "gappy",
    "no_markers",
    "locked",
    "no_success",
    "success_text",
    "no_list",
    "half_log",
    "fail_half_log",
    "twice_named",
    "refused_missing",
    "long",
)
"""What may become of one operation. `long` is one that runs for `LONG` seconds."""
LONG = 300.0
FORMS = ("bare_ids", "upper_ids", "offset", "no_details")
"""How a server may write what it answers: operation ids without dashes or in capitals, times with an offset, no
counters."""
SLOWEST = 12.0
"""Seconds from one item of a slow request to the next."""
TIMEOUT = 3.0
"""Seconds for which a client waits for an answer."""


@dataclass(slots=True)
class Operation:
    """A background job. `due` is when its work is done."""

    id: str
    kind: str
    body: list[dict[str, Any]]
    parameters: Mapping[str, str]
    submitted: float
    due: float
    fate: str = ""
    status: str = "RUNNING"
    log: list[dict[str, Any]] = field(default_factory=list)
    created: int = 0


@dataclass(slots=True)
class Weather:
    """The chances of faults; `seen` counts those that happened.

    Attributes:
        wire: Faults of requests that may happen, each equally likely.
        fates: Likewise of operations.
        chance: That a request, or an operation, has any.
        script: Faults by the number of the creating request, from 1, in place of chance.
        late: Seconds that a late request may take at most.
        listing_delay: Seconds until a listing shows what was created.
        forms: Of `FORMS`, all the time.
    """

    wire: tuple[str, ...] = ()
    fates: tuple[str, ...] = ()
    chance: float = 0.0
    script: dict[int, str] = field(default_factory=dict)
    late: float = 15.0
    listing_delay: float = 0.0
    forms: tuple[str, ...] = ()
    seen: Counter[str] = field(default_factory=Counter)

    def cleared(self) -> Weather:
        """Good weather, with the listing as slow as it was."""
        return Weather(listing_delay=self.listing_delay, forms=self.forms, seen=self.seen)


class Server:
    """Pools 21 (tasks), 22 (task suites) and 26 (tasks); a row with a key `bad` is invalid.

    Attributes:
        items: Everything ever created, in order: {"id", "pool_id", "created", ...} as listings show it.
        weather: Its faults.
        now: Seconds, set by whoever runs it.
        forgets: It knows nothing of operations any more that it had.
    """

    def __init__(self, rng: random.Random, weather: Weather | None = None) -> None:
        self.rng = rng
        self.weather = weather or Weather()
        self.now = 1_700_000_000.0
        self.items: list[dict[str, Any]] = []
        self.operations: dict[str, Operation] = {}
        self.creating = 0
        self.forgets = False
        self._late: list[tuple[float, str, dict[str, str], bytes]] = []
        self._working: list[tuple[float, dict[str, Any]]] = []
        self._ids = 0

    @property
    def tells_all(self) -> bool:
        """Whether what became of every item can be found out: by the log, or by counters and listing."""
        return not self.forgets and "no_details" not in self.weather.forms

    # The store.

    def contents(self, pool: str) -> Counter[str]:
        """How often each content is in a pool, by its JSON; tasks in suites count as tasks."""
        found: Counter[str] = Counter()
        for item in self.items:
            if item["pool_id"] == pool:
                for task in item.get("tasks", [item]):
                    found[json.dumps(task["input_values"], sort_keys=True)] += 1
        return found

    def add(self, pool: str, values: dict[str, Any]) -> None:
        """Somebody else creates a task."""
        self._create({"pool_id": pool, "input_values": values})

    def _create(self, item: dict[str, Any]) -> str:
        self._ids += 1
        made = {key: value for key, value in item.items() if not key.startswith("__")}
        made["id"] = f"{int(item['pool_id']):010x}--{int(self.now):08x}{self._ids:016x}"
        made["created"] = _stamp(self.now)
        made["_at"] = self.now
        self.items.append(made)
        return str(made["id"])

    # The wire.

    def handle(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],  # noqa: ARG002  # the interface's
        body: bytes,
    ) -> Answer:
        """Answer a request, with the weather's faults."""
        self.settle()
        fault = self._fault(method)
        if fault:
            self.weather.seen[fault] += 1
        if fault == "late":
            when = self.now + self.rng.uniform(0.0, self.weather.late)
            if method == "POST":
                self._late.append((when, path, dict(query), body))
            self.now += self.rng.choice([0.0, TIMEOUT])
            raise ConnectionError("the request is held up")
        if fault == "slow" and method == "POST" and query["async_mode"] == "false":
            return self._work_slowly(json.loads(body), skip=query["skip_invalid_items"] == "true")
        if fault == "lost_before":
            raise ConnectionError("the request was lost")
        if (refusal := _REFUSALS.get(fault)) is not None:
            return refusal
        answer = self._answer(method, path, dict(query), body)
        if fault == "twice" and method == "POST" and query.get("operation_id"):
            again = self._answer(method, path, dict(query), body)
            return self.rng.choice([answer, again])
        return self._spoil(fault, answer)

    def settle(self) -> None:
        """Let arrive what is late, and end what is due, each at its time."""
        now = self.now
        for late in sorted(self._late, key=lambda late: late[0]):
            if late[0] <= now:
                self._end_operations(late[0])
                self._late.remove(late)
                self.now = late[0]
                self._answer("POST", *late[1:])
        self._end_operations(now)
        for due, item in list(self._working):
            if due <= now:
                self._working.remove((due, item))
                self.now = due
                self._create(item)
        self.now = now

    def _work_slowly(self, items: list[dict[str, Any]], *, skip: bool) -> Answer:
        """Create the items one after the other; nobody waits for so long."""
        good = [item for item in items if not _bad(item)]
        if not good or (len(good) < len(items) and not skip):
            return self._at_once(items, skip=skip)
        seconds = self.rng.uniform(2.0, SLOWEST)
        self._working += [(self.now + seconds * number, item) for number, item in enumerate(good)]
        self.now += TIMEOUT
        raise ConnectionError("the answer takes too long")

    def _end_operations(self, until: float) -> None:
        for operation in self.operations.values():
            if operation.status == "RUNNING" and operation.due <= until:
                self.now = operation.due
                self._work(operation)

    def forget(self) -> None:
        """Weeks pass: operations and their ids are known no more."""
        self.now += 45 * 86_400.0
        self.settle()
        self.operations.clear()
        self.forgets = True

    def everything_arrives(self) -> None:
        """The network brings what it still holds, and what is slow comes to its end."""
        self.now += max(60.0, *(held[0] - self.now for held in (*self._late, *self._working)), 0.0)
        self.settle()

    def _fault(self, method: str) -> str:
        weather = self.weather
        if method == "POST":
            self.creating += 1
            if weather.script.get(self.creating) in WIRE:
                return weather.script[self.creating]
        if weather.wire and self.rng.random() < weather.chance:
            fault = self.rng.choice(weather.wire)
            if method != "GET" or fault not in ("409_busy", "413", "403_after_all"):
                return fault
        return ""

    def _spoil(self, fault: str, answer: Answer) -> Answer:
        status, headers, body = answer
        if fault == "lost_after":
            raise ConnectionError("the answer was lost")
        if fault == "html_after":
            return status, headers, b"<html>proxy</html>"
        if fault == "cut_after":
            return status, headers, body[: len(body) // 2]
        if fault == "empty_after":
            return status, headers, b""
        if fault == "500_after":
            return 500, headers, b""
        return answer

    # The API.

    def _answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        parts = path.removeprefix("/api/v1/").split("/")
        if method == "POST":
            return self._post(parts[0], query, json.loads(body))
        if parts[0] == "pools":
            return _json(200, _pool(parts[1]))
        if parts[0] == "projects":
            return _json(200, {"id": parts[1], "status": "ACTIVE", "task_spec": {}})
        if parts[0] == "operations":
            return self._operation(parts)
        if parts[0] not in ("tasks", "task-suites"):
            return _json(404, {"code": "NOT_FOUND", "message": path, "request_id": "r"})
        return self._listing(parts[0], query)

    def _post(self, kind: str, query: dict[str, str], items: list[dict[str, Any]]) -> Answer:
        if query["async_mode"] == "false":
            return self._at_once(items, skip=query["skip_invalid_items"] == "true")
        known = self.operations.get(_uuid(query["operation_id"]))
        if known:
            return _error(409, "OPERATION_ALREADY_EXISTS")
        fate = self.weather.script.get(self.creating, "")
        if fate not in FATES and self.weather.fates and self.rng.random() < self.weather.chance:
            fate = self.rng.choice(self.weather.fates)
        if fate in FATES:
            self.weather.seen[fate] += 1
        else:
            fate = ""
        due = self.now + (LONG if fate == "long" else self.rng.choice([0.0, 0.0, 0.5, 3.0]))
        operation = Operation(_uuid(query["operation_id"]), kind, items, query, self.now, due, fate)
        self.operations[operation.id] = operation
        return _json(202, self._view(operation))

    def _at_once(self, items: list[dict[str, Any]], *, skip: bool) -> Answer:
        faults = {str(place): _FAULT for place, item in enumerate(items) if _bad(item)}
        if faults and (not skip or len(faults) == len(items)):
            return _error(400, "VALIDATION_ERROR", faults)
        made = {
            str(place): {**item, "id": self._create(item)}
            for place, item in enumerate(items)
            if str(place) not in faults
        }
        return _json(201, {"items": made, "validation_errors": faults})

    def _operation(self, parts: list[str]) -> Answer:
        operation = self.operations.get(_uuid(parts[1]))
        if operation is None:
            return _error(404, "DOES_NOT_EXIST")
        if len(parts) == 2:
            return _json(200, self._view(operation))
        return self._log(operation)

    def _log(self, operation: Operation) -> Answer:
        fate = operation.fate
        if fate == "archived":
            return _error(409, "OPERATION_LOGS_ARCHIVED")
        late = fate == "late_log" and self.now < operation.due + 1.0
        if operation.status == "RUNNING" or fate in ("no_log", "fail_part_empty") or late:
            return _json(200, [])
        entries = list(operation.log)
        if fate == "gappy":
            entries = entries[1:]
        if fate in ("half_log", "fail_half_log"):
            entries = entries[: len(entries) // 2]
        if fate == "refused_missing":
            entries = [entry for entry in entries if entry["success"]]
        if fate == "no_success":
            entries = [{key: entry[key] for key in entry if key != "success"} for entry in entries]
        if fate == "success_text":
            entries = [{**entry, "success": str(entry["success"]).lower()} for entry in entries]
        if fate == "twice_named" and len(made := [e for e in entries if e["success"]]) > 1:
            made[0]["output"] = made[1]["output"]
        if fate == "no_list":
            return _json(200, {"log": entries})
        self.rng.shuffle(entries)
        return _json(200, entries)

    def _view(self, operation: Operation) -> dict[str, Any]:
        forms, shown = self.weather.forms, operation.id
        if "bare_ids" in forms:
            shown = shown.replace("-", "")
        if "upper_ids" in forms:
            shown = shown.upper()
        submitted = _stamp(operation.submitted)
        if "offset" in forms:
            submitted = _stamp(operation.submitted + 3 * 3600) + "+03:00"
        details = {}
        if operation.status != "RUNNING" and "no_details" not in forms:
            details = {
                "success_count": operation.created,
                "failed_count": len(operation.body) - operation.created,
            }
        return {
            "id": shown,
            "type": f"{CREATES[operation.kind]}.BATCH_CREATE",
            "status": operation.status,
            "submitted": submitted,
            "details": details,
        }

    def _work(self, operation: Operation) -> None:
        skip = operation.parameters["skip_invalid_items"] == "true"
        bad = [place for place, item in enumerate(operation.body) if _bad(item)]
        good = [place for place in range(len(operation.body)) if place not in bad]
        failed = bool(bad) and (not skip or not good)
        if failed:
            good = []
        fate = operation.fate
        if fate.startswith(("fail_part", "fail_half")):
            failed, good = True, good[: len(good) // 2]
        elif fate in ("fail_none_empty", "locked"):
            failed, good, bad = True, [], []
        for place in bad:
            self._enter(operation, place, "VALIDATE", None)
        for place in good:
            self._enter(operation, place, "CREATE", self._create(operation.body[place]))
        rest = set(range(len(operation.body))) - set(good) - set(bad)
        code = "POOL_LOCKED_BY_ANOTHER_OPERATION" if fate == "locked" else ""
        if fate == "fail_part_all":
            code = "OPERATION_EXECUTION_ERROR"
        for place in sorted(rest) if code else ():
            self._enter(operation, place, "CREATE", None, code)
        operation.created = len(good)
        operation.status = "FAIL" if failed else "SUCCESS"

    def _enter(
        self, operation: Operation, place: int, step: str, made: str | None, code: str = ""
    ) -> None:
        noun = CREATES[operation.kind]
        sent = operation.body[place]
        if operation.fate == "no_markers":
            sent = {key: value for key, value in sent.items() if not key.startswith("__")}
        output: dict[str, Any] = {f"{noun.lower()}_id": made} if made else _FAULT
        if code:
            output = {"code": code, "message": "busy"}
        entry = {"type": f"{noun}_{step}", "success": made is not None, "input": sent}
        operation.log.append({**entry, "output": output})

    def _listing(self, kind: str, query: dict[str, str]) -> Answer:
        seen_by = self.now - self.weather.listing_delay
        items = [
            item
            for item in self.items
            if item["pool_id"] == query["pool_id"]
            and ("tasks" in item) == (kind == "task-suites")
            and item["_at"] <= seen_by
            and item["id"] > query.get("id_gt", "")
            and item["created"] > query.get("created_gt", "")
        ]
        way = query.get("sort", "id")
        items.sort(key=lambda item: item[way.removeprefix("-")], reverse=way.startswith("-"))
        limit = min(int(query["limit"]), 4)  # small pages, so that paging is part of every story
        shown = [{key: item[key] for key in item if key != "_at"} for item in items[:limit]]
        return _json(200, {"items": shown, "has_more": len(items) > limit})


def _bad(item: dict[str, Any]) -> bool:
    return any("bad" in task["input_values"] for task in item.get("tasks", [item]))


def _pool(pool: str) -> dict[str, Any]:
    mixer = {} if pool == "22" else {"mixer_config": {"real_tasks_count": 1}}
    return {"id": pool, "status": "CLOSED", "project_id": "1", "private_name": "p", **mixer}


def _uuid(text: str) -> str:
    return str(uuid.UUID(text))


def _stamp(moment: float) -> str:
    return (
        datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    )


def _json(status: int, value: Any) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _error(status: int, code: str, payload: Any = None) -> Answer:
    envelope = {"code": code, "message": code, "request_id": str(uuid.UUID(int=1))}
    return _json(status, {**envelope, "payload": payload} if payload else envelope)


_FAULT = {"input_values.bad": {"code": "VALUE_NOT_ALLOWED", "message": "Unknown field name"}}
_REFUSALS = {
    "502_before": (502, {}, b"<html>bad gateway</html>"),
    "409_busy": _error(409, "CONFLICT_STATE"),
    "429": (429, {"Retry-After": "1"}, b""),
    "429_bare": (429, {}, b""),
    "413": (413, {}, b"<html>too large</html>"),
    "403_after_all": _error(403, "ACCESS_DENIED"),
}
