"""Weather: failures that are planned, and the account of those that happened.

A fault says which requests it meets (method, path, the nth of them or a seeded chance) and what happens to
them. The first fault of the plan that meets a request has it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from toloka_upload.emulator import forms
from toloka_upload.emulator.form_check import as_object, check, named
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.toml_file import read_toml

ACCOUNT_SIZE = 10_000
"""The newest faults that are listed one by one; the counts have them all."""


class Action(NamedTuple):
    """What a fault does: when (`before` the work, `after` it, or to the `operation` it makes), and how."""

    phase: str
    about: str
    settings: Mapping[str, Any] = {}


ACTIONS: Mapping[str, Action] = {
    "refuse": Action(
        "before",
        "Answer with an error; nothing is done",
        {"status": 503, "body": "html", "code": "", "message": ""},
    ),
    "reset": Action("before", "Reset the connection; nothing is done"),
    "hang": Action("before", "Never answer; nothing is done", {"seconds": 3600.0}),
    "delay": Action("before", "Wait, then go on as usual", {"seconds": 1.0}),
    "throttle": Action(
        "before",
        "429: `kind` is `MIN`, `HOUR` or `DAY` (`payload.interval`), `seconds` or `date` (`Retry-After`) or `bare`",
        {"kind": "MIN", "seconds": 1.0},
    ),
    "too-large": Action("before", "413, `body` is `json` or `html`", {"body": "json"}),
    "quota": Action("before", "400 `TASKS_CREATION_DOES_NOT_FIT_QUOTA`"),
    "lock-pool": Action(
        "before",
        "Lock the pools of this request: for so long every creation in them is answered with 409 "
        "`POOL_LOCKED_BY_ANOTHER_OPERATION`",
        {"seconds": 2.0},
    ),
    "switch": Action("before", "Change `switches` for good, then go on as usual", {"switches": {}}),
    "reset-after": Action("after", "Do the work, then reset the connection"),
    "hang-after": Action("after", "Do the work, then never answer", {"seconds": 3600.0}),
    "refuse-after": Action(
        "after",
        "Do the work, then answer with an error",
        {"status": 500, "body": "empty", "code": "", "message": ""},
    ),
    "cut": Action("after", "Do the work; the connection ends in the middle of the answer"),
    "truncate": Action("after", "Do the work; the answer is whole for HTTP, but half for JSON"),
    "empty": Action("after", "Do the work; the answer has its status and no body"),
    "html": Action("after", "Do the work; the answer has its status and a page for a body"),
    "fail-operation": Action(
        "operation",
        "The operation FAILs with `part` of its items created; its log has the `created` ones, of `all`, "
        "or is `empty`",
        {"part": 0.5, "log": "created"},
    ),
    "stick-operation": Action(
        "operation", "The operation stays RUNNING so much longer; 0: for ever", {"seconds": 0.0}
    ),
    "empty-log": Action("operation", "The finished operation's log is `[]`"),
    "late-log": Action("operation", "Its log is `[]` for so long after the end", {"seconds": 2.0}),
    "archive-log": Action("operation", "Its log answers `OPERATION_LOGS_ARCHIVED`"),
    "gappy-log": Action(
        "operation", "Its log lacks `part` of its entries, one at least", {"part": 0.1}
    ),
}


@dataclass(slots=True)
class Fault:
    """One line of a plan.

    Attributes:
        action: A name of `ACTIONS`.
        method: `POST`, `GET`, ... or `*`.
        path: The path below `/api/v1`, with `*` for anything (`/operations/*/log`).
        nth: Of the requests it meets, only these, from 1; empty: each.
        times: Happens at most so often; 0: without end.
        probability: Chance at each request it meets.
        settings: What the action takes; see `ACTIONS`.
        seen: Requests met so far.
        consumed: How often it happened.
    """

    action: str
    method: str = "*"
    path: str = "*"
    nth: tuple[int, ...] = ()
    times: int = 1
    probability: float = 1.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0
    consumed: int = 0

    @property
    def phase(self) -> str:
        """`before`, `after` or `operation`."""
        return ACTIONS[self.action].phase

    def meets(self, method: str, path: str, rng: random.Random) -> bool:
        """Whether it happens to this request. Counts the request."""
        if self.method not in ("*", method) or not fnmatchcase(path, self.path):
            return False
        if self.action == "lock-pool" and not (method == "POST" and path in CREATING):
            return False
        if self.times and self.consumed >= self.times:
            return False
        self.seen += 1
        if self.nth and self.seen not in self.nth:
            return False
        return self.probability >= 1 or rng.random() < self.probability

    def as_json(self) -> dict[str, Any]:
        """The fault as the control endpoint shows it."""
        return {
            "action": self.action,
            "method": self.method,
            "path": self.path,
            "nth": list(self.nth),
            "times": self.times,
            "probability": self.probability,
            **self.settings,
            "seen": self.seen,
            "consumed": self.consumed,
        }


CREATING = ("/tasks", "/task-suites")
"""The paths whose POST creates items."""


class Consumed(NamedTuple):
    """A fault that happened: when (Unix time), what, and to which request."""

    time: float
    action: str
    method: str
    path: str
    operation_id: str | None


class Faults:
    """The plan, and the account of what was consumed. Thread-safe.

    Args:
        plan: The faults, in order.
        seed: Of the chances; the same requests in the same order meet the same faults.
    """

    def __init__(
        self,
        plan: Iterable[Fault] = (),
        seed: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lock = threading.Lock()
        self._rng = random.Random(seed)  # noqa: S311  weather, not secrets
        self._clock = clock
        self._plan = list(plan)
        self._consumed: deque[Consumed] = deque(maxlen=ACCOUNT_SIZE)
        self._counts: Counter[str] = Counter()

    def add(self, *plan: Fault | Mapping[str, Any], seed: int | None = None) -> None:
        """Add faults at the end of the plan; a seed starts the chances anew.

        Raises:
            ValueError: A fault is not as it should be; says what there is.
        """
        check(forms.PLAN, {"seed": seed})
        faults = parse_plan(plan)
        with self._lock:
            self._plan += faults
            if seed is not None:
                self._rng.seed(seed)

    def clear(self) -> None:
        """Forget the plan and the account."""
        with self._lock:
            self._plan.clear()
            self._consumed.clear()
            self._counts.clear()

    def meet(
        self, method: str, path: str, operation_id: str | None, *, operation: bool = False
    ) -> Fault | None:
        """The fault that happens to a request, entered in the account; None: fair weather.

        Args:
            operation: The request is making an operation that creates items: only faults of those count. Else they
                do not: so none is spent on a request that makes none.
        """
        with self._lock:
            for fault in self._plan:
                if (fault.phase == "operation") == operation and fault.meets(
                    method, path, self._rng
                ):
                    fault.consumed += 1
                    self._enter(fault.action, method, path, operation_id)
                    return fault
        return None

    def _enter(self, action: str, method: str, path: str, operation_id: str | None) -> None:
        self._counts[action] += 1
        self._consumed.append(Consumed(self._clock(), action, method, path, operation_id))

    @property
    def plan(self) -> Sequence[Fault]:
        """The faults, with how often each happened."""
        return tuple(self._plan)

    @property
    def counts(self) -> dict[str, int]:
        """How often each action happened."""
        return dict(self._counts)

    @property
    def consumed(self) -> list[Consumed]:
        """What happened, the oldest first."""
        return list(self._consumed)

    def as_json(self) -> dict[str, Any]:
        """The account as the control endpoint shows it."""
        with self._lock:
            return {
                "plan": [fault.as_json() for fault in self._plan],
                "counts": dict(self._counts),
                "consumed": [consumed._asdict() for consumed in self._consumed],
            }


def parse_fault(said: Any) -> Fault:
    """A fault from a table of a plan or an object of the control endpoint.

    Raises:
        ValueError: Unknown action or key, or a value that is none of its.
    """
    entry = as_object(said)
    action = entry.get("action")
    if not isinstance(action, str) or action not in ACTIONS:
        raise ValueError(f"there is no action {action!r}; there are: {', '.join(ACTIONS)}")
    usual = ACTIONS[action].settings
    with named(action):
        check({**forms.FAULT, **{name: forms.FAULT_SETTINGS[name] for name in usual}}, entry)
        said_so = {name: part for name, part in entry.items() if part is not None}
        settings = {name: said_so.get(name, part) for name, part in usual.items()}
        Switches().changed(settings.get("switches", {}))
        if action == "too-large" and settings["body"] == "empty":
            raise ValueError("body: Value must be one of json, html")
    nth = said_so.get("nth", [])
    places = tuple(nth) if isinstance(nth, list) else (nth,)
    probability = float(said_so.get("probability", 1))
    times = int(said_so.get("times", _usual_times(places, probability)))
    method, path = said_so.get("method", "*").upper(), said_so.get("path", "*")
    return Fault(action, method, path, places, times, probability, settings)


def _usual_times(nth: tuple[int, ...], probability: float) -> int:
    if nth:
        return len(nth)
    return 1 if probability >= 1 else 0


def load_plan(path: Path) -> tuple[list[Fault], int]:
    """A plan from a TOML file: `seed`, and a `[[fault]]` for each.

    Returns:
        The faults, in order, and the seed (0 if the file names none).

    Raises:
        ValueError: The file is no plan; names file and fault.
        OSError: It cannot be read.
    """
    data = read_toml(path, ["fault"], ["seed"])
    seed = data.get("seed", 0)
    with named(str(path)):
        check(forms.PLAN, {"seed": seed})
        return parse_plan(data.get("fault", [])), seed


def parse_plan(said: Iterable[Any]) -> list[Fault]:
    """Faults from a list of what is said of each.

    Raises:
        ValueError: One is not as it should be; names its place.
    """
    faults = []
    for place, entry in enumerate(said, 1):
        with named(f"fault {place}"):
            faults.append(entry if isinstance(entry, Fault) else parse_fault(entry))
    return faults
