"""The pool and the rows, compared: counts, the combined file, and the first differences in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from toloka_upload.errors import CannotWrite, ExitStatus
from toloka_upload.report.account import AccountReport
from toloka_upload.text import plain

MARKS = {
    "same": "=",
    "changed": "*",
    "missing": "+",
    "unread": "!",
    "doubled": "-",
    "extra": "-",
}
"""What a line of the combined file begins with: rclone's marks."""
MOST_DETAILS = 20
"""Lines of the report that tell of single rows and tasks; the combined file has them all."""

Place = tuple[str, int]


class Comparison:
    """Takes the verdicts, one a row or task.

    Args:
        combined: Where each of them goes as a line; None: nowhere.
    """

    def __init__(self, report: AccountReport, combined: TextIO | None) -> None:
        self._report = report
        self._combined = combined

    def rows(self, verdict: str, places: Iterable[Place], item: str = "") -> None:
        """Rows of one verdict that are one task or suite."""
        lines = [f"{MARKS[verdict]} {_shown(place)} {plain(item)}".rstrip() for place in places]
        counts = self._report.counts
        counts["rows"] += len(lines)
        counts[verdict] += len(lines)
        self._write(lines)

    def task(self, verdict: str, item: str, twin: str = "") -> None:
        """A task or suite that no row accounts for: `extra`, or `doubled` beside `twin`."""
        self._report.counts[verdict] += 1
        self._write([f"{MARKS[verdict]} {plain(item)}"])
        if verdict == "doubled":
            self.detail(f"doubled: {item} is the same as {twin or 'another'}")

    def detail(self, text: str) -> None:
        """Tell of one row or task, if not of too many."""
        details = self._report.details
        if len(details) < MOST_DETAILS:
            details.append(text)
        elif len(details) == MOST_DETAILS:
            details.append("and more: --combined FILE has them all")

    def end(self, *, exact: bool) -> None:
        """Say how it ended."""
        counts, report = self._report.counts, self._report
        wrong = counts["changed"] or counts["missing"] or counts["doubled"]
        if wrong or (exact and counts["extra"]):
            report.exit_status = ExitStatus.REJECTED
        if counts["unread"]:
            report.exit_status = ExitStatus.UNKNOWN

    def _write(self, lines: list[str]) -> None:
        if self._combined is None:
            return
        try:
            self._combined.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise CannotWrite(f"The combined file cannot be written: {error.strerror}.") from error


def _shown(place: Place) -> str:
    return f"{plain(place[0])}:{place[1]}"
