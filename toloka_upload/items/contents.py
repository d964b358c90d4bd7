"""Items by what they hold, whoever made them: what a listing and the rows of a file have in common. Pure.

The content of a task is the digest of its input values, solutions and hint, numbers by value. Overlap and the other
members of a task do not count: the API fills them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from toloka_upload.items.identity import Known, digest, loose_or_nothing, nth

_BESIDES = (b'"known_solutions"', b'"message_on_unknown_solution"')

NONE = -1
"""No row has this content."""
ALL_TAKEN = -2
"""Rows have this content, and each of them is taken."""


def task_content(task: Mapping[str, Any]) -> bytes:
    """The content of a task, from a row, a request, a log or a listing."""
    inputs = digest(loose_or_nothing(task.get("input_values")))
    solutions, hint = task.get("known_solutions"), task.get("message_on_unknown_solution")
    if not solutions and not hint:
        return inputs
    return digest(inputs + loose_or_nothing([_plain_solutions(solutions), hint or None]))


def item_content(item: Mapping[str, Any]) -> bytes:
    """The content of a task or a suite."""
    tasks = item.get("tasks")
    if not isinstance(tasks, list):
        return task_content(item)
    return suite_content(task_content(task) for task in tasks if isinstance(task, dict))


def suite_content(tasks: Iterable[bytes]) -> bytes:
    """The content of a suite, from those of its tasks."""
    return digest(b"".join(tasks))


def whole_contents(texts: Sequence[bytes], contents: Sequence[bytes]) -> list[bytes]:
    """
    The contents of items with their solutions and hints.

    Args:
        texts: As chunks have them, without the closing brace.
        contents: Of their input values alone.
    """
    return [
        item_content(orjson.loads(text + b"}"))
        if any(map(text.__contains__, _BESIDES))
        else content
        for text, content in zip(texts, contents, strict=True)
    ]


def taken_back(item: Mapping[str, Any]) -> bool:
    """Whether nobody has, or will get, an item of a listing: its overlap was set to zero."""
    return item.get("overlap") == 0 and not item.get("infinite_overlap")


def given_out(item: Mapping[str, Any]) -> bool:
    """Whether nobody more gets an item: it was taken back, or all of its overlap was given out."""
    return item.get("remaining_overlap") == 0 and not item.get("infinite_overlap")


def _plain_solutions(solutions: Any) -> Any:
    """Known solutions, with the weight that the API gives those that name none."""
    if not isinstance(solutions, list):
        return None
    return [
        [
            solution.get("output_values"),
            1 if (weight := solution.get("correctness_weight")) is None else weight,
        ]
        for solution in solutions
        if isinstance(solution, dict)
    ]


class Contents:
    """Rows by content, each to be taken once: equal rows are taken one after the other. 27 to 53 bytes a row.

    A row's place is `chunk << 20 | index`, as in `Known`.
    """

    def __init__(self) -> None:
        self._known = Known()
        self._repeats: dict[bytes, int] = {}
        self._next: dict[bytes, int] = {}
        self._taken: dict[int, bytearray] = {}

    @property
    def count(self) -> int:
        """How many rows."""
        return self._known.count

    def add(
        self, contents: Sequence[bytes], chunk: int, indexes: Sequence[int] | None = None
    ) -> None:
        """Add the rows of a chunk; their indexes are those in `contents`, or the ascending ones that are named."""
        fresh: set[bytes] = set()
        numbered = []
        for content, place in zip(contents, self._known.find(contents), strict=True):
            if place < 0 and content not in fresh:
                fresh.add(content)
                numbered.append(content)
                continue
            ordinal = self._repeats.get(content, 0) + 1
            self._repeats[content] = ordinal
            numbered.append(nth(content, ordinal))
        if indexes is None:
            indexes = range(len(numbered))
        self._known.add_at(b"".join(numbered), chunk, indexes)
        self._taken[chunk] = bytearray(indexes[-1] + 1 if indexes else 0)

    def take(self, contents: Sequence[bytes]) -> list[int]:
        """The place of a row for each content, which is taken then; `NONE` or `ALL_TAKEN` where there is none."""
        return [
            place if place < 0 or self._claim(place) else self._later(content)
            for content, place in zip(contents, self._known.find(contents), strict=True)
        ]

    def _later(self, content: bytes) -> int:
        """A row of a content whose first row is taken."""
        most = self._repeats.get(content, 0)
        for ordinal in range(self._next.get(content, 1), most + 1):
            place = self._known.find([nth(content, ordinal)])[0]
            self._next[content] = ordinal + 1
            if place >= 0 and self._claim(place):
                return place
        return ALL_TAKEN

    def _claim(self, place: int) -> bool:
        taken, index = self._taken[place >> 20], place & 0xFFFFF
        was, taken[index] = taken[index], 1
        return not was

    def place(self, content: bytes) -> int:
        """The place of the first row of a content, taken or not; `NONE` where there is none."""
        return self._known.find([content])[0]

    def left(self) -> Iterator[int]:
        """The places of the rows that nobody took."""
        for chunk, taken in self._taken.items():
            at = taken.find(0)
            while at >= 0:
                yield chunk << 20 | at
                at = taken.find(0, at + 1)
