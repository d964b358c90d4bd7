"""What everything that is sent or said may be made of: the documents' tables, and the emulator's own.

Projects, pools and trainings, in requests and in worlds; assignments, the requester and faults, in worlds and on the
control endpoint. A path goes into objects by `.` and into each part of an array or object by `*`. The types are those
of `form_check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toloka_upload.check.structure import LARGEST_OVERLAP
from toloka_upload.emulator.values import LARGEST, LARGEST_ID

Form = Mapping[str, Mapping[str, Any]]

MOST_SECONDS = 10**9
"""The largest number in a fault."""

ASSIGNMENT_STATUSES = ("ACCEPTED", "ACTIVE", "EXPIRED", "REJECTED", "SKIPPED", "SUBMITTED")
ASSIGNMENT_MOMENTS = ("created", "submitted", "accepted", "rejected", "skipped", "expired")
POOL_STATUSES = ("OPEN", "CLOSED", "LOCKED", "ARCHIVED")
PROJECT_STATUSES = ("ACTIVE", "ARCHIVED")

_TEXT: Mapping[str, Any] = {"type": "string"}
_FLAG: Mapping[str, Any] = {"type": "boolean"}
_OBJECT: Mapping[str, Any] = {"type": "object"}
_ID: Mapping[str, Any] = {"type": "number", "min_value": 0, "max_value": LARGEST}
_MOMENT: Mapping[str, Any] = {"type": "moment"}
_PRICE: Mapping[str, Any] = {"type": "price"}
_SHARE: Mapping[str, Any] = {"type": "float", "min_value": 0, "max_value": 1}


def _count(least: int = 0, most: int = LARGEST) -> Mapping[str, Any]:
    return {"type": "integer", "min_value": least, "max_value": most}


def _enum(*values: str) -> Mapping[str, Any]:
    return {"type": "enum", "values": values, "names": ", ".join(values)}


def _needed(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**spec, "required": True}


def fixed(*statuses: str) -> Form:
    """What only the API sets. In a request it is ignored; in a world it is said."""
    moments = ("created", "last_started", "last_stopped")
    return {
        "id": {"type": "number", "min_value": 1, "max_value": LARGEST_ID},
        "status": _enum(*statuses),
        "owner": _OBJECT,
        "type": _TEXT,
        "last_close_reason": _TEXT,
        **dict.fromkeys(moments, _MOMENT),
    }


READ_ONLY = fixed().keys()
"""Members that only the API sets."""


def spec_form(name: str) -> Form:
    """A project's `task_spec`, under its name."""
    form: dict[str, Mapping[str, Any]] = {f"{name}.view_spec": _OBJECT}
    for side in (f"{name}.input_spec", f"{name}.output_spec"):
        form |= {
            side: _needed({"type": "fields"}),
            f"{side}.*": _needed(_OBJECT),
            f"{side}.*.type": _needed({"type": "type"}),
            **{f"{side}.*.{flag}": _FLAG for flag in ("required", "hidden")},
            **{
                f"{side}.*.{end}_{of}": _count()
                for end in ("min", "max")
                for of in ("length", "size")
            },
            **{f"{side}.*.{end}_value": {"type": "float"} for end in ("min", "max")},
            f"{side}.*.allowed_values": {"type": "list"},
            f"{side}.*.pattern": {"type": "pattern"},
        }
    return form


PROJECT: Form = {
    "public_name": _needed(_TEXT),
    "public_description": _TEXT,
    "public_instructions": _TEXT,
    "private_comment": _TEXT,
    "task_spec": _needed(_OBJECT),
    **spec_form("task_spec"),
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
    "project_id": _needed(_ID),
    "private_name": _needed(_TEXT),
    "public_instructions": _TEXT,
    "may_contain_adult_content": _FLAG,
    "metadata": _OBJECT,
}

POOL: Form = {
    **_ANY_POOL,
    "private_comment": _TEXT,
    "public_description": _TEXT,
    "will_expire": _needed(_MOMENT),
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
    "dynamic_pricing_config.skill_id": _needed(_ID),
    "dynamic_pricing_config.intervals": _needed({"type": "array_json", "min_size": 1, "max_size": 10_000}),
    "dynamic_pricing_config.intervals.*.from": _count(),
    "dynamic_pricing_config.intervals.*.to": _count(),
    "dynamic_pricing_config.intervals.*.reward_per_assignment": _needed(_PRICE),
    "dynamic_overlap_config": _OBJECT,
    "dynamic_overlap_config.type": _needed(_enum("BASIC")),
    "dynamic_overlap_config.max_overlap": _needed(_count(1, 30_000)),
    "dynamic_overlap_config.min_confidence": _needed(_SHARE),
    "dynamic_overlap_config.answer_weight_skill_id": _needed(_ID),
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

ASSIGNMENT: Form = {
    "id": _TEXT,
    "pool_id": _ID,
    "task_suite_id": _TEXT,
    "tasks": {"type": "tasks"},
    "solutions": {"type": "array_json"},
    "solutions.*.output_values": _needed(_OBJECT),
    "first_declined_solution_attempt": {"type": "array_json"},
    "user_id": _TEXT,
    "status": _enum(*ASSIGNMENT_STATUSES),
    "reward": _PRICE,
    "mixed": _FLAG,
    "automerged": _FLAG,
    "owner": _OBJECT,
    "public_comment": _TEXT,
    **dict.fromkeys(ASSIGNMENT_MOMENTS, _MOMENT),
}
DECISION: Form = {name: ASSIGNMENT[name] for name in ("status", "public_comment")}


def overlap(least: int) -> Form:
    """How often an item is to be done; `least` is the lowest that may be asked for."""
    return {"overlap": _count(least, LARGEST_OVERLAP), "infinite_overlap": _FLAG}


TAKEN: Form = {"taken": _needed(_count(0, LARGEST_OVERLAP))}

REQUESTER: Form = {
    "id": _TEXT,
    "balance": {"type": "decimal"},
    "public_name": _OBJECT,
    "company": _OBJECT,
    "company.id": _TEXT,
}

FAULT: Form = {
    "action": _needed(_TEXT),
    "method": _TEXT,
    "path": _TEXT,
    "nth": {"type": "places"},
    "times": _count(0, MOST_SECONDS),
    "probability": _SHARE,
}
PLAN: Form = {
    "seed": {"type": "integer", "min_value": -LARGEST, "max_value": LARGEST},
    "faults": {"type": "list"},
}
FAULT_SETTINGS: Form = {
    "status": _count(200, 599),
    "body": _enum("json", "html", "empty"),
    "code": _TEXT,
    "message": _TEXT,
    "seconds": {"type": "float", "min_value": 0, "max_value": MOST_SECONDS},
    "kind": _enum("MIN", "HOUR", "DAY", "seconds", "date", "bare"),
    "part": _SHARE,
    "log": _enum("created", "all", "empty"),
    "switches": _OBJECT,
}
"""What a fault's action takes; see `faults.ACTIONS`."""
