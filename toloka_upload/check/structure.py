"""The structure of a task and of a task suite: the keys that the API lets one write, their types and ranges.

The API itself takes some keys that are faults here, and passes over them (`id`, `created`, ...): sent back, they show
a row made from a download; and a misspelt `overlap` would be lost without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import is_
from typing import Any

from toloka_upload.check import faults
from toloka_upload.check.fields import Field
from toloka_upload.rows.model import Fault

LARGEST_OVERLAP = 30_000

Member = Callable[[Any, str], Iterator[Fault]]
"""Names the faults of a value that is not null and stands at the path given."""

Columns = Mapping[str, Sequence[Any]]
"""The members of many objects that have the same ones: by name, a value for each."""

_NULL = partial(is_, None)


def check_task(value: dict[str, Any]) -> Sequence[Fault]:
    """Check a task that travels on its own (`POST /tasks`); its values are the spec's matter.

    A null stands for a missing key, save in `pool_id`: only where that is missing can `--pool` fill it. Whether
    it is the right pool is not checked.
    """
    return faults.first_of(_task_faults(value))


def check_suite(value: dict[str, Any]) -> Sequence[Fault]:
    """Check a task suite (`POST /task-suites`) and each task in it, in the way of `check_task`."""
    return faults.first_of(_suite_faults(value))


def tasks_are_right(columns: Columns) -> bool:
    """Whether `check_task` finds nothing in any of many tasks with the same members, told by the column."""
    return _TASK.holds(columns) and _joint_holds(columns)


def suites_are_right(columns: Columns) -> bool:
    """Whether `check_suite` finds nothing in any of many task suites with the same members."""
    latitudes, longitudes = columns.get("latitude", ()), columns.get("longitude", ())
    return (
        _SUITE.holds(columns)
        and _joint_holds(columns)
        and list(map(_NULL, latitudes)) == list(map(_NULL, longitudes))
    )


def _joint_holds(columns: Columns) -> bool:
    both = zip(columns.get("infinite_overlap", ()), columns.get("overlap", ()), strict=False)
    return None not in columns.get("pool_id", ()) and not any(
        [endless is True and overlap is not None for endless, overlap in both]
    )


def _task_faults(task: dict[str, Any]) -> Iterator[Fault]:
    yield from _TASK.faults(task, "")
    yield from _joint_faults(task)


def _suite_faults(suite: dict[str, Any]) -> Iterator[Fault]:
    yield from _SUITE.faults(suite, "")
    yield from _joint_faults(suite)
    for name, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if suite.get(name) is None and suite.get(other) is not None:
            yield faults.required(name)


def _joint_faults(item: dict[str, Any]) -> Iterator[Fault]:
    if "pool_id" in item and item["pool_id"] is None:
        yield faults.required("pool_id")
    if item.get("infinite_overlap") is True and item.get("overlap") is not None:
        message = "overlap and infinite_overlap exclude each other: keep one"
        yield Fault("overlap", "VALUE_NOT_ALLOWED", message)


@dataclass(frozen=True, slots=True)
class _Shape:
    """An object of the API: its members, those that must be there, and keys refused for a reason."""

    members: Mapping[str, Member]
    required: tuple[str, ...]
    refused: Mapping[str, str]

    def faults(self, value: dict[str, Any], prefix: str) -> Iterator[Fault]:
        """Name the faults of an object whose members' paths begin with `prefix`."""
        for name in self.required:
            if value.get(name) is None:
                yield faults.required(prefix + name)
        for name, member in value.items():
            if name not in self.members:
                yield self._refusal(prefix, name)
            elif member is not None:
                yield from self.members[name](member, prefix + name)

    def holds(self, columns: Columns) -> bool:
        """Whether none of many objects with the same members has a fault."""
        return all(name in columns and None not in columns[name] for name in self.required) and all(
            name in self.members and _holds(self.members[name], name, values)
            for name, values in columns.items()
        )

    def _refusal(self, prefix: str, name: str) -> Fault:
        reason = self.refused.get(name)
        if name.startswith("__"):
            reason = 'Names that begin with "__" are reserved for the upload itself: rename it'
        if reason is None:
            return faults.unknown(prefix, name, self.members)
        return Fault(prefix + faults.clipped(name), "VALUE_NOT_ALLOWED", reason)


def _typed(kind: str, **limits: float) -> Member:
    """A member described in the language of a project's spec."""

    def no_note(note: str) -> None:
        raise AssertionError(note)

    return Field.compile("", {"type": kind, **limits}, no_note).faults


def _pool_id(value: Any, path: str) -> Iterator[Fault]:
    if type(value) is not int and not isinstance(value, str):
        yield Fault(path, "STRING_EXPECTED", f"Value must be a string, not {faults.shown(value)}")
    elif not (value >= 0 if isinstance(value, int) else value.isdigit() and value.isascii()):
        message = f"Value must be the number of a pool, not {faults.shown(value)}"
        yield Fault(path, "INVALID_VALUE", message)


def _object(value: Any, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, "OBJECT_EXPECTED", f"Value must be an object, not {faults.shown(value)}")


def _unique_strings(value: Any, path: str) -> Iterator[Fault]:
    yield from _STRINGS(value, path)
    seen = set()
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, str) and item in seen:
            message = f"Value must be unique in its array, {faults.shown(item)} is not"
            yield Fault(f"{path}.{index}", "DUPLICATE_VALUE_IN_ARRAY", message)
        elif isinstance(item, str):
            seen.add(item)


def _array_of(shape: _Shape) -> Member:
    def member(value: Any, path: str) -> Iterator[Fault]:
        yield from _ARRAY(value, path)
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict):
                yield from shape.faults(item, f"{path}.{index}.")
            elif item is not None:  # null is told already
                yield from _object(item, f"{path}.{index}")

    return member


def _some_of(shape: _Shape) -> Member:
    several = _array_of(shape)

    def member(value: Any, path: str) -> Iterator[Fault]:
        if value == []:
            yield Fault(path, "ARRAY_SIZE_LESS_THAN_MIN", "Array size must be at least 1, not 0")
        yield from several(value, path)

    return member


_SET_BY_API = "The API sets it: remove it"
_OF_SUITES = "Only a task suite has it: remove it, or move it there"
_OF_THE_SUITE = "It belongs to the task suite: move it there"

_STRINGS = _typed("array_string")
_ARRAY = _typed("array_file")  # any elements


def _solutions(weight: str) -> Member:
    members = {
        "output_values": _object,
        weight: _typed("float", min_value=0, max_value=1),
    }
    return _array_of(_Shape(members, required=("output_values",), refused={}))


_EITHER: dict[str, Member] = {
    "pool_id": _pool_id,
    "overlap": _typed("integer", min_value=1, max_value=LARGEST_OVERLAP),
    "infinite_overlap": _typed("boolean"),
    "reserved_for": _unique_strings,
    "unavailable_for": _unique_strings,
    "traits_all_of": _STRINGS,
    "traits_any_of": _STRINGS,
    "traits_none_of_any": _STRINGS,
}
_CONTENT: dict[str, Member] = {
    "input_values": _object,
    "known_solutions": _solutions("correctness_weight"),
    "message_on_unknown_solution": _typed("string"),
    "localization_config": _object,
}
_SUITE_ONLY: dict[str, Member] = {
    "issuing_order_override": _typed("float", min_value=-99_999.99999, max_value=99_999.99999),
    "latitude": _typed("float", min_value=-90, max_value=90),
    "longitude": _typed("float", min_value=-180, max_value=180),
    "mixed": _typed("boolean"),
}

_TASK_READ_ONLY = dict.fromkeys(
    ("id", "origin_task_id", "created", "remaining_overlap"), _SET_BY_API
)
_SUITE_READ_ONLY = dict.fromkeys(("id", "created", "remaining_overlap", "automerged"), _SET_BY_API)

_TASK = _Shape(
    members={**_CONTENT, **_EITHER, "baseline_solutions": _solutions("confidence_weight")},
    required=("input_values",),
    refused=_TASK_READ_ONLY | dict.fromkeys(("tasks", *_SUITE_ONLY), _OF_SUITES),
)
_TASK_IN_SUITE = _Shape(
    members=_CONTENT,
    required=("input_values",),
    refused=_TASK_READ_ONLY
    | dict.fromkeys((*_EITHER, *_SUITE_ONLY), _OF_THE_SUITE)
    | {"baseline_solutions": "Only a task outside of task suites has it: remove it"},
)
_SUITE = _Shape(
    members={"tasks": _some_of(_TASK_IN_SUITE), **_EITHER, **_SUITE_ONLY},
    required=("tasks",),
    refused=_SUITE_READ_ONLY | dict.fromkeys(_CONTENT, "It belongs to a task: move it into tasks"),
)


# The same, told by the column.


def _holds(member: Member, name: str, values: Sequence[Any]) -> bool:
    """Whether none of the values of one member has a fault; a null stands for a missing one."""
    if None in values:
        values = [value for value in values if value is not None]
    quick = _QUICKLY.get(name)
    if quick and quick(values):
        return True
    return not any(next(member(value, ""), None) for value in values)


def _are(kind: type) -> Callable[[Sequence[Any]], bool]:
    def are(values: Sequence[Any]) -> bool:
        return {kind}.issuperset(map(type, values))

    return are


def _overlaps(values: Sequence[Any]) -> bool:
    return _are(int)(values) and all([0 < value <= LARGEST_OVERLAP for value in values])


def _pool_ids(values: Sequence[Any]) -> bool:
    return _are(str)(values) and all([value.isdigit() and value.isascii() for value in set(values)])


def _bare_solutions(values: Sequence[Any]) -> bool:
    """Solutions that have nothing but `output_values`."""
    if not _are(list)(values):
        return False
    solutions = list(chain.from_iterable(values))
    return (
        _are(dict)(solutions)
        and {("output_values",)}.issuperset(map(tuple, solutions))
        and _are(dict)([solution["output_values"] for solution in solutions])
    )


def _tasks(values: Sequence[Any]) -> bool:
    """Tasks of suites."""
    if not _are(list)(values) or not all(values):
        return False
    tasks = list(chain.from_iterable(values))
    if not _are(dict)(tasks):
        return False
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for task in tasks:
        alike.setdefault(tuple(task), []).append(task)
    return all(
        _TASK_IN_SUITE.holds(
            dict(zip(names, zip(*map(dict.values, some), strict=True), strict=True))
        )
        for names, some in alike.items()
    )


_QUICKLY: Mapping[str, Callable[[Sequence[Any]], bool]] = {
    "input_values": _are(dict),
    "tasks": _tasks,
    "overlap": _overlaps,
    "infinite_overlap": _are(bool),
    "pool_id": _pool_ids,
    "known_solutions": _bare_solutions,
    "message_on_unknown_solution": _are(str),
    "localization_config": _are(dict),
}
"""Tells of values that they are right; of others nothing."""
