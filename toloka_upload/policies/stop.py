"""When sending on is pointless: too many rows rejected, or all of them for one reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE = 100
"""Rows: a share of fewer is judged as if there were so many. With `5%`, the sixth rejected row stops a run, not the
first; from 100 rows on it is the share alone. Chunks usually bring thousands of outcomes at once, so this matters
for small chunks and files."""

_MAX_ERRORS = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<percent>%?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class MaxErrors:
    """How many rejected rows are borne: `limit` of them, or `limit` percent of the rows done."""

    limit: float
    percent: bool = False

    def __str__(self) -> str:
        return f"{self.limit:g}%" if self.percent else f"{self.limit:.0f}"


def parse_max_errors(text: str) -> MaxErrors:
    """Read `--max-errors`: `100`, `5%` or `0.5%`. 0 allows none.

    Raises:
        ValueError: It is no whole number and no percentage up to 100. The text says what would be.
    """
    match = _MAX_ERRORS.fullmatch(text.strip())
    percent = match is not None and match["percent"] == "%"
    if match is None or (not percent and "." in match["number"]):
        raise ValueError(
            f"{text!r} is not a number of errors: write rows, like 100, or a share, like 5%"
        )
    if percent and float(match["number"]) > 100:
        raise ValueError(f"{text!r} can never be passed: a share is at most 100%")
    return MaxErrors(float(match["number"]), percent)


class StopRule:
    """Says when more rows were rejected than `--max-errors` allows. None: never."""

    def __init__(self, most: MaxErrors | None) -> None:
        self._most = most

    def passed(self, rows_done: int, rejected: int) -> bool:
        """Whether to stop sending.

        Args:
            rows_done: Rows that have their outcome in this run, those rejected before sending included; rows already
                uploaded earlier are not, for they say nothing about this input's quality.
            rejected: The rejected ones among them.
        """
        if self._most is None:
            return False
        if self._most.percent:
            return rejected * 100 > self._most.limit * max(rows_done, SAMPLE)
        return rejected > self._most.limit


class SameReason:
    """Notices when every row of the first chunks is refused for one and the same reason.

    So it is with a column that is called differently, or a pool of another project: the rest would be refused as well.
    Two whole chunks and 100 rows are needed: a single chunk, or a few rows, may come from one bad stretch of the file,
    while two chunks are what is in flight at the start anyway, so the second costs nothing. Once any row was accepted,
    or no reason is common to all, the matter is settled for the rest of the run.
    """

    CHUNKS = 2
    ROWS = 100

    def __init__(self) -> None:
        self._chunks = 0
        self._rows = 0
        self._common: set[tuple[str, str]] | None = None

    def chunk(
        self, rows: int, rejected: int, reasons: Mapping[tuple[str, str], int]
    ) -> tuple[str, str] | None:
        """Take note of a chunk's outcome; return the (field, code) that makes going on pointless, or None.

        Args:
            rows: Rows of the chunk.
            rejected: The rejected ones among them.
            reasons: In how many of its rows each (field, code) was found. A row may have several.
        """
        if rows == 0:
            return None
        shared = {reason for reason, count in reasons.items() if rejected == rows <= count}
        self._common = shared if self._common is None else self._common & shared
        self._chunks += 1
        self._rows += rows
        if self._chunks < self.CHUNKS or self._rows < self.ROWS:
            return None
        return min(self._common, default=None)
