"""What a project, a pool and a training may be made of: the documents' tables, and the check against them.

A path goes into objects by `.` and into each element of an array by `*`. Types are those of a project's spec, besides
`object`, `moment`, `number` (an id: digits, as text or not) and `enum`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from toloka_upload.check.fields import Field
from toloka_upload.emulator.codes import REQUIRED, UNKNOWN
from toloka_upload.emulator.values import read_integer, read_moment
from toloka_upload.rows.model import Fault

Form = Mapping[str, Mapping[str, Any]]

READ_ONLY = frozenset(
    {
        *("id", "status", "created", "owner", "type"),
        *("last_started", "last_stopped", "last_close_reason"),
    }
)
"""Members that only the API sets; in a request they are ignored."""

_TEXT: Mapping[str, Any] = {"type": "string"}
_FLAG: Mapping[str, Any] = {"type": "boolean"}
_OBJECT: Mapping[str, Any] = {"type": "object"}
_PRICE: Mapping[str, Any] = {"type": "float", "min_value": 0}
_SHARE: Mapping[str, Any] = {"type": "float", "min_value": 0, "max_value": 1}


def _count(least: int = 0, most: int | None = None) -> Mapping[str, Any]:
    spec = {"type": "integer", "min_value": least}
    return spec if most is None else {**spec, "max_value": most}


def _enum(*values: str) -> Mapping[str, Any]:
    return {"type": "enum", "values": values}


def _needed(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**spec, "required": True}


PROJECT: Form = {
    "public_name": _needed(_TEXT),
    "public_description": _TEXT,
    "public_instructions": _TEXT,
    "private_comment": _TEXT,
    "task_spec": _needed(_OBJECT),
    "task_spec.input_spec": _needed(_OBJECT),
    "task_spec.output_spec": _needed(_OBJECT),
    "task_spec.view_spec": _OBJECT,
    "assignments_issuing_type": _needed(_enum("AUTOMATED", "MAP_SELECTOR")),
    "assignments_issuing_view_config": _OBJECT,
    "assignments_automerge_enabled": _FLAG,
    "max_active_assignments_count": _count(1),
    "quality_control": _OBJECT,
    "localization_config": _OBJECT,
    "metadata": _OBJECT,
    "sensitive": _FLAG,
}

_ANY_POOL: Form = {
    "project_id": _needed({"type": "number"}),
    "private_name": _needed(_TEXT),
    "public_instructions": _TEXT,
    "may_contain_adult_content": _FLAG,
    "metadata": _OBJECT,
}

POOL: Form = {
    **_ANY_POOL,
    "private_comment": _TEXT,
    "public_description": _TEXT,
    "will_expire": _needed({"type": "moment"}),
    "reward_per_assignment": _needed(_PRICE),
    "assignment_max_duration_seconds": _needed(_count(5, 2_147_483_647)),
    "auto_close_after_complete_delay_seconds": _count(0, 259_200),
    "auto_accept_solutions": _FLAG,
    "auto_accept_period_day": _count(1, 21),
    "priority": _count(0, 100),
    "assignments_issuing_config": _OBJECT,
    "assignments_issuing_config.issue_task_suites_in_creation_order": _FLAG,
    "filter": _OBJECT,
    "quality_control": _OBJECT,
    "speed_quality_balance": _OBJECT,
    "training_config": _OBJECT,
    "training": _FLAG,
    "dynamic_pricing_config": _OBJECT,
    "dynamic_pricing_config.type": _needed(_enum("SKILL")),
    "dynamic_pricing_config.skill_id": _needed({"type": "number"}),
    "dynamic_pricing_config.intervals": _needed({"type": "array_json", "min_size": 1, "max_size": 10_000}),
    "dynamic_pricing_config.intervals.*.from": _count(),
    "dynamic_pricing_config.intervals.*.to": _count(),
    "dynamic_pricing_config.intervals.*.reward_per_assignment": _needed(_PRICE),
    "dynamic_overlap_config": _OBJECT,
    "dynamic_overlap_config.type": _needed(_enum("BASIC")),
    "dynamic_overlap_config.max_overlap": _needed(_count(1, 30_000)),
    "dynamic_overlap_config.min_confidence": _needed(_SHARE),
    "dynamic_overlap_config.answer_weight_skill_id": _needed({"type": "number"}),
    "dynamic_overlap_config.fields": _needed({"type": "array_json", "min_size": 1}),
    "defaults": _OBJECT,
    # Official notebooks write 0 for the one that they do not use.
    "defaults.default_overlap_for_new_tasks": _count(0, 30_000),
    "defaults.default_overlap_for_new_task_suites": _needed(_count(0, 30_000)),
    "mixer_config": _OBJECT,
    **{
        f"mixer_config.{least}{kind}_tasks_count": _count(0, 500)
        for least in ("", "min_")
        for kind in ("real", "golden", "training")
    },
    "mixer_config.force_last_assignment": _FLAG,
    "mixer_config.force_last_assignment_delay_seconds": _count(0, 86_400),
    "mixer_config.mix_tasks_in_creation_order": _FLAG,
    "mixer_config.shuffle_tasks_in_task_suite": _FLAG,
}  # fmt: skip

TRAINING: Form = {
    **_ANY_POOL,
    "inherited_instructions": _needed(_FLAG),
    "training_tasks_in_task_suite_count": _needed(_count(0, 500)),
    "task_suites_required_to_pass": _count(0, 500),
    "assignment_max_duration_seconds": _count(5, 2_147_483_647),
    "mix_tasks_in_creation_order": _FLAG,
    "shuffle_tasks_in_task_suite": _FLAG,
    "retry_training_after_days": _count(1),
}


def faults(form: Form, value: Mapping[str, Any], *, strangers: bool = False) -> Iterator[Fault]:
    """What is wrong with a project, pool or training that somebody sends.

    Args:
        form: Its table.
        strangers: Whether members that the table does not know are let in.
    """
    if not strangers:
        for name in value.keys() - form.keys() - READ_ONLY:
            yield Fault(name, "VALUE_NOT_ALLOWED", UNKNOWN)
    for path, spec in form.items():
        for where, found in _at(value, path.split(".")):
            if found is not None:
                yield from _checked(path, spec, found, where)
            elif spec.get("required"):
                yield Fault(where, "VALUE_REQUIRED", REQUIRED)


def _at(value: Any, path: list[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values at a path, None for one that is missing; nothing where what should hold it is missing."""
    name, rest = path[0], path[1:]
    inside: Mapping[str, Any] = value if isinstance(value, dict) else {}
    if name == "*" and isinstance(value, list):
        inside = {str(index): part for index, part in enumerate(value)}
    for key in inside if name == "*" else [name] if isinstance(value, dict) else []:
        if rest:
            yield from _at(inside.get(key), rest, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inside.get(key)


def _checked(path: str, spec: Mapping[str, Any], value: Any, where: str) -> Iterator[Fault]:
    own = _OWN.get(spec["type"])
    if own:
        yield from own(spec, value, where)
    else:
        yield from _field(path, spec["type"], *spec.items()).faults(value, where)


@cache
def _field(path: str, _: str, *spec: tuple[str, Any]) -> Field:
    return Field.compile(path, dict(spec), lambda _: None)


def _object(_: Mapping[str, Any], value: Any, where: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(where, "OBJECT_EXPECTED", "Value must be an object")


def _enumerated(spec: Mapping[str, Any], value: Any, where: str) -> Iterator[Fault]:
    if value not in spec["values"]:
        yield Fault(where, "UNKNOWN_ENUM_VALUE", "Unknown enum value")


def _moment(_: Mapping[str, Any], value: Any, where: str) -> Iterator[Fault]:
    try:
        read_moment(str(value))
    except ValueError:
        yield Fault(where, "INVALID_DATE_TIME_SYNTAX", "Value must be in valid date-time format")


def _number(_: Mapping[str, Any], value: Any, where: str) -> Iterator[Fault]:
    try:
        read_integer(str(value), 0)
    except ValueError:
        yield Fault(where, "INTEGER_EXPECTED", "Value must be an integer")


_OWN: Mapping[str, Callable[[Mapping[str, Any], Any, str], Iterator[Fault]]] = {
    "object": _object,
    "enum": _enumerated,
    "moment": _moment,
    "number": _number,
}
