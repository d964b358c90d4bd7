"""Operations: submitted at once, worked off when their time is over, shown in between.

An operation's status before its end follows from the clock; its work is done, in one transaction, after its end: see
`settling`. So an operation survives a crash of the emulator, and embedded ones (which take no time) cost nothing until
somebody asks.
"""

from __future__ import annotations

import hashlib
import json
import random
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from toloka_upload.emulator.batch import background_error
from toloka_upload.emulator.ids import ObjectIds
from toloka_upload.emulator.messages import Refusal
from toloka_upload.emulator.pools import Pool, Pools
from toloka_upload.emulator.store import NOUN, Kind, OperationRow, Store
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.values import timestamp
from toloka_upload.emulator.work import FAIR, Fate, Judged, Outcome, Worker, judge_items

TYPES: Mapping[str, Kind] = {f"{noun}.BATCH_CREATE": kind for kind, noun in NOUN.items()}
"""Operations that create items, and which."""

KNOWN_TYPES = (
    *TYPES,
    *(f"{noun}.{way}" for noun in ("POOL", "TRAINING") for way in ("OPEN", "CLOSE", "ARCHIVE", "CLONE")),
    *("PROJECT.ARCHIVE", "SOLUTION.AGGREGATE", "KNOWN_SOLUTIONS.GENERATE"),
    *("USER_BONUS.BATCH_CREATE", "ANALYTICS"),
)  # fmt: skip
"""All types that the API has; what is not among them cannot be asked for."""


@dataclass(frozen=True, slots=True)
class Submission:
    """An operation that is to be.

    Attributes:
        pool: The pool it works on; of several, the first.
        body: What its work needs: the request's body, whose items are read again; or the name of the pool's change.
        total: Number of items.
    """

    id: str
    type: str
    pool: int | None
    parameters: Mapping[str, Any]
    body: bytes = b""
    total: int = 0
    fate: Fate = FAIR


class Operations:
    """The operations of one emulator. The caller holds the lock and, to change anything, a transaction."""

    def __init__(self, store: Store, pools: Pools, ids: ObjectIds, rng: random.Random) -> None:
        self._store = store
        self._pools = pools
        self._worker = Worker(store, pools, ids, rng)

    def submit(self, new: Submission, switches: Switches, now: float) -> OperationRow:
        """Enter an operation. Its first tenth it is PENDING, then RUNNING."""
        seconds = switches.operation_seconds + switches.operation_seconds_per_item * new.total
        start = int(now * 1000)
        if switches.lock_pool == "queue":
            start = max(start, self._busy_until(new.pool))
        due: int | None = start + int(seconds * 1000)
        if new.fate.stuck is not None:
            due = due + int(new.fate.stuck * 1000) if due and new.fate.stuck else None
        values = (
            *(new.id, new.type, new.pool, None, int(now * 1000), start + int(seconds * 100), due),
            *(json.dumps(new.parameters), json.dumps(asdict(new.fate)), _digest(new.body)),
            *(new.total, None, None),
        )
        marks = ",".join("?" * len(values))
        self._store.execute(f"INSERT INTO operations VALUES (NULL,{marks})", values)  # noqa: S608
        if new.body:
            self._store.execute("INSERT INTO bodies VALUES (?, ?)", (new.id, new.body))
        row = self._store.operation(new.id)
        assert row is not None  # noqa: S101
        return row

    def reserve(self, new: Submission, created: int, switches: Switches, now: float) -> None:
        """Enter an operation whose work a synchronous request has done: its id is used."""
        row = self.submit(replace(new, body=b""), switches, now)
        self._store.execute(
            "UPDATE operations SET settled = 'SUCCESS', due = submitted, valid = ?, created = ? "
            "WHERE number = ?",
            (created, created, row.number),
        )

    def _busy_until(self, pool: int | None) -> int:
        query = "SELECT max(due) FROM operations WHERE settled IS NULL AND pool IS ?"
        return self._store.row(query, (pool,))[0] or 0

    def busy(self, pools: Sequence[int]) -> bool:
        """Whether an operation on one of the pools has not ended."""
        marks = ",".join("?" * len(pools))
        query = f"SELECT 1 FROM operations WHERE settled IS NULL AND pool IN ({marks})"  # noqa: S608
        return self._store.row(query, pools) is not None

    def forget(self, operation_id: str) -> None:
        """Let an id be used again."""
        for table in ("operations", "bodies", "logs"):
            self._store.execute(f"DELETE FROM {table} WHERE id = ?", (operation_id,))  # noqa: S608

    def next_due(self, now: float, only: str = "") -> OperationRow | None:
        """The operation whose work is to be done next, or None; of all, or of the one with an id."""
        return self._store.next_due(int(now * 1000), only)

    def body(self, row: OperationRow) -> bytes:
        """What an operation's work needs."""
        found = self._store.row("SELECT body FROM bodies WHERE id = ?", (row.id,))
        return found[0] if found else b""

    def judge(
        self, row: OperationRow, body: bytes, switches: Switches, find: Callable[[int], Pool | None]
    ) -> Judged | None:
        """Read and judge the items that an operation is to create; None if it creates none. Changes nothing."""
        kind = TYPES.get(row.type)
        return (
            judge_items(kind, body, json.loads(row.parameters), switches, find)
            if kind and body
            else None
        )

    def settle(
        self, row: OperationRow, body: bytes, judged: Judged | None, switches: Switches
    ) -> None:
        """Do an operation's work, in one transaction; if somebody else has done it meanwhile, nothing."""
        with self._store.writing():
            now = self._store.operation(row.id)
            if now is not None and not now.settled:
                self._settle(now, body, judged, switches)

    def _settle(
        self, row: OperationRow, body: bytes, judged: Judged | None, switches: Switches
    ) -> None:
        done = Outcome()
        if judged is not None:
            done = self._worker.work(row, judged, switches)
        elif code := json.loads(row.fate)["code"]:
            done = Outcome(failed=True, log=_refused(row, Refusal(code)))
        elif row.type == "PROJECT.ARCHIVE":
            self._pools.archive_project(int(json.loads(row.parameters)["project_id"]))
        else:
            change = body.decode() or row.type.partition(".")[2].lower()
            number = self._pools.change(row.pool or 0, change, row.due or 0)
            done = Outcome(created=number)
        packed = zlib.compress(done.log.encode("utf-8", "backslashreplace"), 1)
        self._store.execute("INSERT OR REPLACE INTO logs VALUES (?, ?)", (row.id, packed))
        self._store.execute("DELETE FROM bodies WHERE id = ?", (row.id,))
        self._store.execute(
            "UPDATE operations SET settled = ?, valid = ?, created = ? WHERE number = ?",
            ("FAIL" if done.failed else "SUCCESS", done.valid, done.created, row.number),
        )

    def log(self, row: OperationRow, switches: Switches, now: float) -> str:
        """The log's JSON text; `[]` before the end.

        Raises:
            Refusal: It is archived.
        """
        fate = Fate(**json.loads(row.fate))
        if not row.settled or row.due is None:
            return "[]"
        age = now - row.due / 1000
        if fate.archived or (switches.log_days and age > switches.log_days * 86_400):
            raise Refusal("OPERATION_LOGS_ARCHIVED", status=int(switches.archived_log_status))
        if age < fate.late or (row.settled == "FAIL" and switches.empty_fail_log):
            return "[]"
        return self.log_text(row.id)

    def log_text(self, operation_id: str) -> str:
        """The log as it is kept, whatever is shown of it."""
        found = self._store.row("SELECT log FROM logs WHERE id = ?", (operation_id,))
        return zlib.decompress(found[0]).decode() if found else "[]"


def _refused(row: OperationRow, refusal: Refusal) -> str:
    """The log of an operation that came to nothing."""
    entry = {
        "type": row.type.replace(".", "_"),
        "success": False,
        "input": json.loads(row.parameters),
        "output": background_error(refusal),
    }
    return json.dumps([entry])


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def same_body(row: OperationRow, body: bytes) -> bool:
    """Whether an operation was submitted with this very body."""
    return row.digest == _digest(body)


def view(row: OperationRow, switches: Switches, now: float) -> dict[str, Any]:
    """An operation as the API returns it at a moment."""
    status, moment = status_of(row, now), now * 1000
    shown: dict[str, Any] = {
        "id": row.id,
        "type": row.type,
        "status": status,
        "submitted": timestamp(row.submitted),
        "parameters": json.loads(row.parameters),
    }
    if status != "PENDING":
        shown["started"] = timestamp(row.started)
    if row.settled and row.due is not None:
        shown["finished"] = timestamp(row.due)
    if switches.progress:
        shown["progress"] = 100 if row.settled else _progress(row, moment)
    details = _details(row, switches) if row.settled else None
    if details is not None:
        shown["details"] = details
    return shown


def status_of(row: OperationRow, now: float) -> str:
    """PENDING, RUNNING, or how it ended."""
    return row.settled or ("PENDING" if now * 1000 < row.started else "RUNNING")


def _progress(row: OperationRow, moment: float) -> int:
    if row.due is None:
        return 50
    span = row.due - row.submitted
    return max(0, min(99, int(100 * (moment - row.submitted) / span))) if span else 0


def _details(row: OperationRow, switches: Switches) -> dict[str, Any] | None:
    noun, _, way = row.type.partition(".")
    if way == "CLONE" and row.settled == "SUCCESS":
        return {f"{noun.lower()}_id": str(row.created)}
    if row.type not in TYPES or switches.details == "absent":
        return None
    valid, created = row.valid or 0, row.created or 0
    if switches.details == "items":
        return {"items_count": row.total}
    outcome = {"success_count": created, "failed_count": row.total - created}
    if switches.details == "short":
        return outcome
    checked = {"valid_count": valid, "not_valid_count": row.total - valid}
    return {"total_count": row.total, **checked, **outcome}
