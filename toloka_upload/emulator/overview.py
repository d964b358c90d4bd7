"""What the page shows: what there is, what happens, and why something went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, NamedTuple

from toloka_upload.emulator import operations
from toloka_upload.emulator.context import Context
from toloka_upload.emulator.faults import Faults
from toloka_upload.emulator.ids import item_id
from toloka_upload.emulator.items import members
from toloka_upload.emulator.ledger import Ledger
from toloka_upload.emulator.store import KINDS, ItemRow, Kind, OperationRow
from toloka_upload.emulator.switches import Switches

_OPERATIONS = 14
_FAULTS = 14
_GROUPS = 8
_ITEMS = 3
_REASONS = 8
_ROWS = 5
_MOST_SHOWN = 400


class Overview:
    """Gathers it. The caller holds the lock."""

    def __init__(self, context: Context, faults: Faults, ledger: Ledger) -> None:
        self._context = context
        self._faults = faults
        self._ledger = ledger
        # A log does not change once it is there.
        self._reasons = lru_cache(maxsize=2 * _OPERATIONS)(self._reasons_of)

    def __call__(self, now: float) -> dict[str, Any]:
        """All of it, at a moment."""
        store, usual = self._context.store, asdict(self._context.usual)
        return {
            "now": now,
            "pools": list(self._pools()),
            "operations": self._operations(now),
            "under_way": store.row("SELECT count(*) FROM operations WHERE settled IS NULL")[0],
            "latest": self._latest(),
            "unchecked": list(self._context.pools.unchecked),
            "stats": self._ledger.as_json(),
            "faults": {
                "plan": [fault.as_json() for fault in self._faults.plan],
                "counts": self._faults.counts,
                "consumed": [made._asdict() for made in self._faults.consumed[-_FAULTS:]],
            },
            "switches": {
                name: value
                for name, value in asdict(self._context.switches).items()
                if value != usual[name] and name != "require_token"
            },
        }

    def _pools(self) -> Iterator[dict[str, Any]]:
        for (number,) in self._context.store.rows("SELECT id FROM pools ORDER BY id"):
            pool = self._context.pool(number)
            if pool:
                yield {
                    "id": str(pool.id),
                    "name": pool.body.get("private_name", ""),
                    "status": pool.status,
                    "training": pool.training,
                    "mixes": pool.mixes,
                    "tasks": pool.tasks,
                    "suites": pool.suites,
                    "suite_tasks": pool.suite_tasks,
                    "most": self._context.switches.pool_tasks,
                }

    def _operations(self, now: float) -> list[dict[str, Any]]:
        query = "SELECT * FROM operations ORDER BY number DESC LIMIT ?"
        rows = [OperationRow(*row) for row in self._context.store.rows(query, (_OPERATIONS,))]
        return [
            {
                **operations.view(row, Switches(), now),
                "pool": str(row.pool) if row.pool is not None else "",
                "total": row.total,
                "reasons": self._reasons(row.id) if _went_wrong(row) else [],
            }
            for row in rows
        ]

    def _reasons_of(self, operation_id: str) -> list[dict[str, Any]]:
        """Why items of an operation failed: by code and field, how many, the first few of them."""
        text = self._context.operations.log_text(operation_id)
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for place, entry in enumerate(json.loads(text)):
            for reason in {(r.code, r.field): r for r in _failures(entry)}.values():
                row = str(entry["input"].get("__item_idx", f"entry {place}"))
                group = found.setdefault(
                    (reason.code, reason.field), {**reason._asdict(), "count": 0, "rows": []}
                )
                group["count"] += 1
                if len(group["rows"]) < _ROWS:
                    group["rows"].append(row)
        return sorted(found.values(), key=lambda group: -group["count"])[:_REASONS]

    def _latest(self) -> list[dict[str, Any]]:
        """The newest items, those of one operation or request together, with the first few of each."""
        made = [*self._made_by_operations(), *self._made_at_once()]
        groups = {(kind, pool, created): more for kind, pool, created, more in reversed(made)}
        newest = sorted(groups, key=lambda key: key[2], reverse=True)[:_GROUPS]
        shown = [self._group(*key, **groups[key]) for key in newest]
        return [group for group in shown if group["items"]]

    def _made_by_operations(self) -> Iterator[tuple[Kind, int, int, dict[str, Any]]]:
        query = (
            "SELECT type, pool, due, id, created FROM operations "
            "WHERE created > 0 AND pool IS NOT NULL ORDER BY number DESC LIMIT ?"
        )
        for name, pool, due, operation, count in self._context.store.rows(query, (_OPERATIONS,)):
            if name in operations.TYPES and due is not None:
                kind = operations.TYPES[name]
                yield kind, pool, due, {"operation": operation, "count": count}

    def _made_at_once(self) -> Iterator[tuple[Kind, int, int, dict[str, Any]]]:
        store = self._context.store
        for kind in KINDS:
            for (pool,) in store.rows(f"SELECT id FROM pools WHERE {kind} > 0"):  # noqa: S608
                query = f"SELECT created FROM {kind} WHERE pool = ? ORDER BY oid DESC LIMIT ?"  # noqa: S608
                for (created,) in store.rows(query, (pool, _GROUPS)):
                    yield kind, pool, created, {"operation": "", "count": 0}

    def _group(
        self, kind: Kind, pool: int, created: int, *, operation: str, count: int
    ) -> dict[str, Any]:
        second = created // 1000
        query = (
            f"SELECT * FROM {kind} WHERE pool = ? AND oid >= ? AND oid < ? AND created = ? LIMIT ?"  # noqa: S608
        )
        span = second.to_bytes(4, "big"), (second + 1).to_bytes(4, "big")
        rows = self._context.store.rows(query, (pool, *span, created, _ITEMS))
        return {
            "operation": operation,
            "pool": str(pool),
            "count": count or len(rows),
            "created": created / 1000,
            "items": [_shown(kind, ItemRow(*row)) for row in rows],
        }


class _Reason(NamedTuple):
    code: str
    field: str
    message: str


def _went_wrong(row: OperationRow) -> bool:
    return row.type in operations.TYPES and bool(row.settled) and row.created != row.total


def _failures(entry: Mapping[str, Any]) -> Iterable[_Reason]:
    """What an entry of a log says went wrong: of its fields, or in an envelope."""
    output = entry["output"]
    if entry["success"]:
        return ()
    if isinstance(output.get("code"), str):
        fields = output.get("payload") or {}
        if not all(isinstance(error, dict) for error in fields.values()) or not fields:
            return (_Reason(output["code"], "", output.get("message", "")),)
        output = fields
    return [_Reason(error["code"], _bare(name), error["message"]) for name, error in output.items()]


def _bare(field: str) -> str:
    """A field's path without the places in arrays, so that like faults count as one."""
    return ".".join("*" if part.isdecimal() else part for part in field.split("."))


def _shown(kind: Kind, row: ItemRow) -> dict[str, str]:
    parts = members(row.body)
    content = parts.get("input_values" if kind == "tasks" else "tasks", "")
    general = "control" if "known_solutions" in parts else "task"
    return {
        "id": item_id(row.pool, row.oid),
        "kind": "suite" if kind == "suites" else general,
        "content": content if len(content) <= _MOST_SHOWN else content[:_MOST_SHOWN] + "…",
    }
