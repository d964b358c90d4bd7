"""An operation's log, read: which item got which id, which is at fault, and of which it says nothing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toloka_upload.api.answers import SIZE_CODES, faults_of
from toloka_upload.api.listing import item_content
from toloka_upload.items.identity import WIDTH
from toloka_upload.rows.model import Fault

MARKER = "__item_idx"
_IGNORED = ("POOL_OPEN", "TRAINING_OPEN")

PASSING_CODES = frozenset(
    {
        "POOL_LOCKED_BY_ANOTHER_OPERATION",
        "CONFLICT_STATE",
        "OPERATION_EXECUTION_ERROR",
        "INTERNAL_ERROR",
        "REMOTE_SERVICE_UNAVAILABLE",
        "TOO_MANY_REQUESTS",
    }
)
"""Codes in a log that say nothing against the item itself: it may go again."""

FINAL_CODES = frozenset(
    {
        "TASKS_CREATION_DOES_NOT_FIT_QUOTA",
        "POOL_TASKS_COUNT_EXCEEDED",
        "POOL_TASK_SUITES_COUNT_EXCEEDED",
        "POOL_ASSIGNMENTS_COUNT_EXCEEDED",
        "MIXER_CONFIG_REQUIRED",
        "POOL_TASK_TYPE_CONFLICT",
        "POOL_INAPPROPRIATE_STATUS",
        "PROJECT_INAPPROPRIATE_STATUS",
        "INAPPROPRIATE_STATUS",
        "ACCESS_DENIED",
    }
)
"""Codes in a log that say that the pool or the account takes no items, whatever they are."""

NO_REASON = Fault("", "REJECTED", "the API refused the item without a reason")


@dataclass(slots=True)
class LogReading:
    """What is known of a request's items.

    Attributes:
        ids: The id of each created item; "" where none is told.
        faults: Faults of items that were refused for what they are, by index.
        general: Faults of items, or of the whole operation, that are not the items' own (busy, full, too large).
    """

    ids: list[str]
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    general: list[Fault] = field(default_factory=list)

    @property
    def created(self) -> int:
        """How many items have an id."""
        return len(list(filter(None, self.ids)))

    def untold(self) -> list[int]:
        """The items that have neither id nor fault of their own."""
        if all(self.ids):
            return []
        return [
            index for index, item in enumerate(self.ids) if not item and index not in self.faults
        ]

    def says(self, codes: Iterable[str]) -> Fault | None:
        """The first general fault with one of these codes."""
        return next((fault for fault in self.general if fault.code in codes), None)


def read_log(entries: Iterable[Mapping[str, Any]], contents: bytes) -> LogReading:
    """
    One reading from the entries of a log, in whatever order they come.

    An item is created if and only if an entry says success and gives its id, and refused only if one says that there
    was none; an entry that says neither tells nothing. Entries are matched by our marker; those
    without one by the content of their input, and, where there are several of one content, in order.

    Args:
        contents: Digest of each item sent, packed, in the order in which they were sent.
    """
    items = len(contents) // WIDTH
    ids = [""] * items
    reading = LogReading(ids)
    unmarked = []
    for entry in entries:
        try:
            index = int(entry["input"][MARKER])
            if (
                entry["success"] is True
                and type(created := entry["output"]["task_id"]) is str
                and 0 <= index < items
            ):
                ids[index] = created  # nearly every entry is of this kind
                continue
        except (TypeError, KeyError, ValueError):
            index = _index(entry)
        if 0 <= index < items:
            _note(reading, index, entry)
        elif index < 0:
            unmarked.append(entry)
    if unmarked:
        _match(reading, unmarked, contents)
    _forget_doubles(ids)
    return reading


def _forget_doubles(ids: list[str]) -> None:
    """An id that is named for two items is known to be neither's."""
    there = list(filter(None, ids))
    if len(set(there)) < len(there):
        counts = Counter(there)
        ids[:] = ["" if counts[item] > 1 else item for item in ids]


def _index(entry: Mapping[str, Any]) -> int:
    """Which item an entry is of, by our marker; -1 where it has none."""
    try:
        return int(entry["input"][MARKER])
    except (TypeError, KeyError, ValueError):
        return -1


def _note(reading: LogReading, index: int, entry: Mapping[str, Any]) -> None:
    output = entry.get("output")
    if entry.get("success") is True:
        created = _created(output)
        if created:
            reading.ids[index] = created
        return
    if entry.get("success") is not False:
        return
    faults = faults_of(output) or [NO_REASON]
    if any(
        fault.code in PASSING_CODES or fault.code in FINAL_CODES
        for fault in faults
        if not fault.field
    ) or any(fault.code in SIZE_CODES for fault in faults):
        reading.general += faults
    elif not reading.ids[index]:
        reading.faults.setdefault(index, []).extend(faults)


def _created(output: Any) -> str | None:
    if not isinstance(output, Mapping):
        return None
    created = output.get("task_id") or output.get("task_suite_id")
    return created if isinstance(created, str) else None


def _match(reading: LogReading, entries: list[Mapping[str, Any]], contents: bytes) -> None:
    places: dict[bytes, list[int]] = {}
    for index in reversed(range(len(reading.ids))):
        if not reading.ids[index] and index not in reading.faults:
            places.setdefault(contents[index * WIDTH : (index + 1) * WIDTH], []).append(index)
    for entry in entries:
        sent = entry.get("input")
        if entry.get("type") in _IGNORED:
            continue
        if isinstance(sent, Mapping) and ("input_values" in sent or "tasks" in sent):
            free = places.get(item_content(sent))
            if free:
                _note(reading, free.pop(), entry)
        elif entry.get("success") is False:
            reading.general += faults_of(entry.get("output"))
