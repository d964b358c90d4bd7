"""The API's words: the status and message that go with an error's code, and how it words what is wrong with a field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from toloka_upload.rows.model import Fault

CODES: Mapping[str, tuple[int, str]] = {
    "ACCESS_DENIED": (403, "Access denied"),
    "AUTHENTICATION_ERROR": (401, "Authentication failed"),
    "DOES_NOT_EXIST": (404, "Entity does not exist"),
    "EMPTY_POOL": (409, "Pool contains no tasks. Operation is not allowed"),
    "ENTITY_TOO_LARGE": (413, "Request entity is too large"),
    "INAPPROPRIATE_STATUS": (
        409,
        "This or related resource is in inappropriate status, operation is not allowed",
    ),
    "INTERNAL_ERROR": (500, "Internal Error"),
    "MALFORMED_JSON": (400, "Request body cannot be read"),
    "METHOD_NOT_ALLOWED": (405, "Method not allowed"),
    "MIXER_CONFIG_REQUIRED": (409, "Pool has no mixer config"),
    "NOT_FOUND": (404, "Not found"),
    "OPERATION_ALREADY_EXISTS": (409, "Operation already exists"),
    "OPERATION_EXECUTION_ERROR": (409, "Operation was terminated"),
    "OPERATION_LOGS_ARCHIVED": (409, "Operation logs are archived"),
    "POOL_INAPPROPRIATE_STATUS": (
        409,
        "This or related resource is in inappropriate status, operation is not allowed",
    ),
    "POOL_IS_TRAINING": (409, "Pool is a training"),
    "POOL_LOCKED_BY_ANOTHER_OPERATION": (409, "Pool is locked by another operation"),
    "POOL_TASKS_COUNT_EXCEEDED": (409, "Pool tasks count exceeded"),
    "POOL_TASK_SUITES_COUNT_EXCEEDED": (409, "Pool task suites count exceeded"),
    "POOL_TASK_TYPE_CONFLICT": (409, "Pool makes its task suites of tasks"),
    "PROJECT_INAPPROPRIATE_STATUS": (
        409,
        "This or related resource is in inappropriate status, operation is not allowed",
    ),
    "TASKS_CREATION_DOES_NOT_FIT_QUOTA": (400, "Tasks creation does not fit quota"),
    "TOO_MANY_REQUESTS": (429, "Too many requests"),
    "UNARCHIVED_POOLS_CONFLICT": (409, "Project has pools that are not archived"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Content type is not supported"),
    "VALIDATION_ERROR": (400, "Validation failed"),
}

REQUIRED = "Value must be present and not equal to null"
UNKNOWN = "Unknown field name"

_FIELDS: Mapping[str, str] = {
    "BOOLEAN_EXPECTED": "Value must be a boolean",
    "ENTITY_DOES_NOT_EXIST": "Entity does not exist",
    "JSON_EXPECTED": "Value must be a json object",
    "OBJECT_EXPECTED": "Value must be an object",
    "UNKNOWN_ENUM_VALUE": "Unknown enum value",
    "VALUE_REQUIRED": REQUIRED,
}
_OURS = re.compile(r"(: did you mean .*\?|, not .*)$", re.DOTALL)
_BOUNDS = (("be at least", "be greater or equal to"), ("be at most", "be less or equal to"))


def field_errors(faults: Iterable[Fault]) -> dict[str, dict[str, str]]:
    """Faults as the API maps them: field path → code and message."""
    return {fault.field: {"code": fault.code, "message": _in_its_words(fault)} for fault in faults}


def _in_its_words(fault: Fault) -> str:
    """The API's message for a fault: ours says more (the value, a guess), for people with a file at hand."""
    if fault.message.startswith(UNKNOWN):
        return UNKNOWN
    text = _FIELDS.get(fault.code) or _OURS.sub("", fault.message)
    for ours, theirs in _BOUNDS:
        text = text.replace(ours, theirs)
    return text
