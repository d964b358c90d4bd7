"""Rows grouped into task suites, in the order of the input. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

import orjson

from toloka_upload.items.chunks import Items, Limits, Size, size_fault
from toloka_upload.items.identity import digest
from toloka_upload.items.task_json import ending, with_overlap
from toloka_upload.rows.model import Fault

_NOTHING = b'"nothing"'

Outer = Mapping[str, bytes]
"""What of a row belongs to its suite: overlap, place and so on, as JSON text."""


class Refused(NamedTuple):
    """A row that no suite takes: where it stands, as it came, why, and which row of the batch showed it."""

    at: int
    line: int
    raw: bytes
    fault: Fault


class Suites:
    """Fills the suites of one pool, one after the other.

    Args:
        size: Rows in a suite; None: only groups end one.
        overlap: `--overlap`, for suites whose rows name none.
    """

    def __init__(self, pool: str, size: int | None, overlap: int | None, limits: Limits) -> None:
        self._pool = pool
        self._size = size
        self._overlap = overlap
        self._limits = limits
        self._group = 0
        self._tasks: list[tuple[bytes, int, int, bytes, bytes, bytes, int]] = []
        self._outers: list[Outer] = []
        self._full = Items([], [], [], [], [], [], [])
        self._rows: list[int] = []
        self._refused: list[Refused] = []

    def add(self, tasks: Items, outers: Sequence[Outer], groups: Sequence[int] | None) -> None:
        """
        Add tasks of one row each.

        Args:
            tasks: As `task_json.suite_tasks` makes them.
            outers: What of each belongs to its suite.
            groups: The blank-line group of each, or None: all are of one.
        """
        parts, most = zip(*tasks[:7], strict=True), self._limits
        for at, (task, outer, group) in enumerate(zip(parts, outers, groups or repeat(0))):  # noqa: B905
            if group != self._group:
                self.close(at)
                self._group = group
            if (
                outer
                or any(self._outers)
                or task[1] > most.input_bytes
                or task[2] > most.output_bytes
            ):
                fault = disagreement(outer, self._outers) or size_fault(Size(*task[1:3]), most)
                if fault:
                    self._refused.append(Refused(at, task[6], task[5], fault))
                    continue
            self._tasks.append(task)
            self._outers.append(outer)
            if len(self._tasks) == self._size:
                self.close(at)

    def close(self, at: int = 0) -> None:
        """End the suite at hand, if it has any tasks; `at` is the row that showed its end."""
        if not self._tasks:
            return
        texts, inputs, outputs, contents, identities, raws, lines = zip(*self._tasks, strict=True)
        outer = joined_outer(self._outers, self._overlap)
        self._tasks, self._outers = [], []
        size = Size(sum(inputs), sum(outputs))
        if fault := size_fault(size, self._limits, "its suite's "):
            self._refused += [
                Refused(at, line, raw, fault) for line, raw in zip(lines, raws, strict=True)
            ]
            return
        text = b'{"tasks":[' + b"},".join(texts) + b"}]"
        full = self._full
        full.texts.append(text + ending(outer, self._pool))
        full.inputs.append(size.input_bytes)
        full.outputs.append(size.output_bytes)
        full.contents.append(digest(b"".join(contents)))
        full.identities.extend(identities)
        full.raws.extend(raws)
        full.lines.extend(lines)
        self._rows.append(len(lines))

    def take(self) -> tuple[Items, list[Refused]]:
        """The suites that are full, and the rows that are in none, since the last time."""
        found = self._full._replace(per_item=self._rows), self._refused
        self._full, self._rows, self._refused = Items([], [], [], [], [], [], []), [], []
        return found


def joined_outer(members: Sequence[Outer], overlap: int | None) -> dict[str, bytes]:
    """The outer members of a suite whose tasks agree: infinite overlap only if all its rows have it by default."""
    outer: dict[str, bytes] = {}
    for member in filter(None, members):
        outer = {**outer, **{name: text for name, text in member.items() if name not in outer}}
    if "infinite_overlap" in outer and not all("infinite_overlap" in member for member in members):
        del outer["infinite_overlap"]
    return with_overlap(outer, outer, overlap)


def disagreement(outer: Outer, suite: Sequence[Outer]) -> Fault | None:
    """
    What of a row contradicts the rows before it in its suite.

    All rows must have the same members that belong to the suite, but for overlap: a row that names none goes along
    with those that do.
    """
    for name in sorted(outer.keys() | (suite[0].keys() if suite else set())):
        if name == "infinite_overlap":
            continue
        counting = (member for member in suite if name in member or name != "overlap")
        first = next(counting, None)
        if first is None or (name == "overlap" and name not in outer):
            continue
        mine, before = outer.get(name, _NOTHING), first.get(name, _NOTHING)
        if mine != before and orjson.loads(mine) != orjson.loads(before):
            return Fault(
                name,
                "VALUE_NOT_ALLOWED",
                f"all rows of a suite must agree on {name}: here {_told(mine)}, before it {_told(before)}",
            )
    return None


def _told(text: bytes) -> str:
    return text.decode().strip('"')
