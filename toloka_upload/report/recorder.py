"""The recorder of a run: every row is entered once, with its outcome, and everyone who must know is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from toloka_upload.outcomes import Block, Status
from toloka_upload.report.observer import Observer, RowRejected, Warned
from toloka_upload.report.summary import ErrorGroup, Report
from toloka_upload.rows.model import Fault, RowFile

_MOST_GROUPS = 1000


class Results(Protocol):
    """Takes rows with their outcomes: the results file, or nothing."""

    def write(self, block: Block) -> None:
        """Write a block's rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


class Rejects(Protocol):
    """Takes rejected rows as they came."""

    def know(self, file: RowFile) -> None:
        """Take note of an input before its rows come."""
        ...

    def write(self, file: str, line: int, raw: bytes, faults: Iterable[Fault]) -> None:
        """Write one row and its faults."""
        ...

    def close(self) -> None:
        """Finish the files."""
        ...


class Recorder:
    """Counts, groups of errors, and the files that outcomes go to."""

    def __init__(
        self, report: Report, results: Results, rejects: Rejects, observer: Observer
    ) -> None:
        self.report = report
        self._results = results
        self._rejects = rejects
        self._tell = observer
        self._groups: dict[tuple[str, str], ErrorGroup] = {}
        self._letters: dict[str, Mapping[str, str]] = {}

    def know(self, file: RowFile) -> None:
        """Take note of an input before its rows come."""
        self._letters[file.name] = file.letters
        self._rejects.know(file)

    def enter(self, block: Block) -> None:
        """Enter rows with their outcomes. Each row is entered once in a run."""
        counts, statuses = self.report.counts, block.statuses
        counts.created += statuses.count(Status.CREATED)
        counts.already_uploaded += statuses.count(Status.ALREADY_UPLOADED)
        counts.rejected += statuses.count(Status.REJECTED)
        counts.unknown += statuses.count(Status.UNKNOWN)
        counts.unsent += statuses.count(Status.UNSENT)
        self._results.write(block)

    def reject(self, file: str, line: int, raw: bytes, faults: Iterable[Fault]) -> None:
        """Tell what is wrong with a row, and keep the row. Its outcome is entered with its block."""
        faults = [self._placed(file, line, fault) for fault in faults]
        for fault in faults:
            self._group(file, line, fault)
            self._tell(RowRejected(file, line, fault.field, fault.code, fault.message))
        self._rejects.write(file, line, raw, faults)

    def _placed(self, file: str, line: int, fault: Fault) -> Fault:
        """A fault that names its cell, if it is in a sheet."""
        field = re.sub(r"^tasks\.[0-9]+\.", "", fault.field)
        letters = self._letters.get(file) or {}
        letter = letters.get(field) or letters.get(field.rpartition(".")[0])
        if letter is None or fault.message.startswith("cell "):
            return fault
        where = f"cell {letter}{line}" if field == fault.field else f"column {letter}"
        return fault._replace(message=f"{where}: {fault.message}")

    def _group(self, file: str, line: int, fault: Fault) -> None:
        key = (fault.code, fault.field)
        group = self._groups.get(key)
        if group is not None:
            group.count += 1
        elif len(self._groups) < _MOST_GROUPS:
            self._groups[key] = ErrorGroup(fault.code, fault.field, 1, file, line, fault.message)

    @property
    def groups(self) -> list[ErrorGroup]:
        """The faults of the rows so far by code and field, the most frequent first."""
        return sorted(self._groups.values(), key=lambda group: -group.count)

    def warn(self, message: str) -> None:
        """Tell something that the user should know."""
        self.report.warnings.append(message)
        self._tell(Warned(message))

    def close(self) -> None:
        """Close the files."""
        self._results.close()
        self._rejects.close()
