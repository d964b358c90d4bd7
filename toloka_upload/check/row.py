"""All that is wrong with a row: its structure, its pool, its values, and what was found when it was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toloka_upload.check.spec import Spec
from toloka_upload.check.structure import (
    Columns,
    check_suite,
    check_task,
    suites_are_right,
    tasks_are_right,
)
from toloka_upload.rows.model import Batch, Fault, Kind, Row

_PLACE = frozenset({"latitude", "longitude"})


class RowCheck:
    """Checks the rows of a run: many at once, and one by one where something is wrong.

    Args:
        pool: The pool that all rows go to, or None: each names its own.
        grouped: Rows are grouped into suites.
    """

    def __init__(self, pool: str | None, *, grouped: bool) -> None:
        self._pool = pool
        self._grouped = grouped

    def bad_rows(
        self, batch: Batch, columns: Columns, kind: Kind, spec: Spec | None
    ) -> dict[int, Sequence[Fault]]:
        """The faults of those rows that have any, of rows with one signature.

        Args:
            batch: Good rows, so far.
            columns: The members of their values; of flat rows they are not needed.
            kind: What they are.
            spec: Their pool's; None: values are not checked.
        """
        if self._all_right(batch, columns, kind, spec):
            return {}
        each = ((at, self.faults(batch.row(at), kind, spec)) for at in range(len(batch.lines)))
        return {at: faults for at, faults in each if faults}

    def _all_right(self, batch: Batch, columns: Columns, kind: Kind, spec: Spec | None) -> bool:
        if kind is Kind.FLAT:
            return spec is None or spec.inputs_hold(batch.values)
        if not (suites_are_right if kind is Kind.SUITE else tasks_are_right)(columns):
            return False
        pools = columns.get("pool_id")
        if pools is None and self._pool is None:
            return False
        if pools is not None and self._pool is not None and not {self._pool}.issuperset(pools):
            return False
        if self._grouped and "baseline_solutions" in columns:
            return False
        if not self._grouped and not _PLACE.isdisjoint(batch.signatures[0][1]):
            return False
        return spec is None or (spec.suites_hold if kind is Kind.SUITE else spec.tasks_hold)(
            columns
        )

    def faults(self, row: Row, kind: Kind, spec: Spec | None) -> Sequence[Fault]:
        """All faults of a row; `spec` is its pool's, None: values are not checked."""
        if not row.faults:
            return self._found(row, kind, spec)
        if not row.value:
            return row.faults
        # A row that could be read in part is told all that is wrong with it at once.
        named = {fault.field for fault in row.faults}
        others = (fault for fault in self._found(row, kind, spec) if fault.field not in named)
        return [*row.faults, *others]

    def _found(self, row: Row, kind: Kind, spec: Spec | None) -> Sequence[Fault]:
        value = row.value
        if kind is Kind.FLAT:
            return spec.check_input(value) if spec else ()
        faults = [
            *(check_suite(value) if kind is Kind.SUITE else check_task(value)),
            *self._pool_faults(value),
        ]
        if self._grouped and "baseline_solutions" in value:
            faults.append(
                Fault("baseline_solutions", "VALUE_NOT_ALLOWED", "a task in a suite has none")
            )
        elif not self._grouped:
            faults += _misplaced(row)
        if spec:
            faults += spec.check_suite(value) if kind is Kind.SUITE else spec.check_task(value)
        return faults

    def _pool_faults(self, value: dict[str, Any]) -> Sequence[Fault]:
        named = value.get("pool_id")
        if named is None and self._pool is None:
            return [
                Fault("pool_id", "VALUE_REQUIRED", "the row names no pool: add it, or use --pool")
            ]
        if named is not None and self._pool is not None and str(named) != self._pool:
            message = (
                f"the row is for pool {named}, and --pool says {self._pool}: leave one of them out"
            )
            return [Fault("pool_id", "VALUE_NOT_ALLOWED", message)]
        return ()


def _misplaced(row: Row) -> list[Fault]:
    """What of a row belongs to a task suite, while the row travels as a task."""
    message = (
        "a place belongs to a task suite, and this row is a task: add --suite-size N, or remove it"
    )
    return [
        Fault(name, "VALUE_NOT_ALLOWED", message) for name in sorted(_PLACE) if name in row.outer
    ]
