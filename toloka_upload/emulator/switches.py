"""Every uncertainty about the API, and every limit, as a named switch.

What the documents leave open is decided here, once, and can be decided otherwise by name: so that a client
can be proven against every reading. Switches are set in a world file (`[switches]`), by
`--switch NAME=VALUE`, or while the emulator runs (`/_emulator/switches`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

MOST = 10**12
"""The largest number a switch takes."""


def _switch(default: Any, about: str) -> Any:
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Switches:
    """How this emulator reads the documents. `about(name)` tells what each switch does."""

    # Who may come in
    require_token: str = _switch(
        "", "The only secret that is accepted; `*`: any; empty: no need to send one"
    )
    auth_status: Literal["401", "403"] = _switch("401", "Status of a missing or wrong token")

    # Limits; 0 means none
    sync_items: int = _switch(5_000, "Most items of one synchronous request; 413 beyond")
    async_items: int = _switch(10_000, "Most items of one asynchronous request; 413 beyond")
    input_bytes: int = _switch(1_048_576, "Most bytes of all `input_values` of one request")
    output_bytes: int = _switch(4_194_304, "Most bytes of all `output_values` of one request")
    byte_count: Literal["compact", "raw"] = _switch(
        "compact", "Bytes are those of compact JSON, or of the text as sent"
    )
    oversize: Literal["413", "413-html", "400", "log"] = _switch(
        "413",
        "Answer beyond a byte limit: `ENTITY_TOO_LARGE`, a proxy's page, 400 with "
        "`OBJECT_SIZE_BYTES_GREATER_THAN_MAX`, or (async) that code in the log of a FAILed operation",
    )
    requests_per_second: int = _switch(300, "Most requests in any second; a bare 429 beyond")
    tasks_per_minute: int = _switch(200_000, "Tasks taken in any minute; 429 beyond")
    tasks_per_day: int = _switch(4_000_000, "Tasks taken in any 24 hours; 429 beyond")
    suites_per_minute: int = _switch(100_000, "Task suites taken in any minute; 429 beyond")
    suites_per_day: int = _switch(2_000_000, "Task suites taken in any 24 hours; 429 beyond")
    pools_per_minute: int = _switch(
        20, "Pools created or cloned in any minute, and projects likewise; 429 beyond"
    )
    pools_per_day: int = _switch(
        100, "Pools created or cloned in any 24 hours, and projects likewise; 429 beyond"
    )
    quota_answer: Literal["interval", "retry-after", "retry-after-date", "bare", "log"] = _switch(
        "interval",
        "What a 429 beyond a quota says: `payload.interval`, a `Retry-After` header in seconds "
        "or as a date, nothing; or (async) no 429 at all, but a FAILed operation whose log says so",
    )
    pool_tasks: int = _switch(1_000_000, "Most tasks of a pool; `POOL_TASKS_COUNT_EXCEEDED` beyond")
    suites_count_as: Literal["tasks", "suites"] = _switch(
        "tasks", "A suite counts for `pool_tasks` with its tasks, or as one"
    )
    list_limit: int = _switch(300, "Highest `limit` of a listing of tasks or suites; 400 beyond")

    # Operations
    operation_seconds: float = _switch(0.0, "Time an operation takes, in seconds")
    operation_seconds_per_item: float = _switch(
        0.0, "Time it takes besides for each item, in seconds"
    )
    lock_pool: Literal["off", "refuse", "fail", "queue"] = _switch(
        "off",
        "A second operation on a pool meanwhile: runs; is refused with 409 "
        "`POOL_LOCKED_BY_ANOTHER_OPERATION`; is taken and FAILs with that code; waits its turn",
    )
    details: Literal["full", "short", "items", "absent"] = _switch(
        "full",
        "Counters in `details`: five; `success_count` and `failed_count`; `items_count`; no `details`",
    )
    progress: bool = _switch(default=True, about="Operations tell `progress`")
    own_operation_ids: Literal["uuid", "hex", "objectid"] = _switch(
        "uuid", "Form of the ids that the server chooses"
    )
    sync_operation_id: Literal["ignored", "reserved"] = _switch(
        "ignored", "`operation_id` of a synchronous request: means nothing, or is reserved as well"
    )
    operation_id_days: float = _switch(0.0, "Days an id stays reserved; 0: for good")
    same_id_other_body: Literal["409", "400"] = _switch(
        "409",
        "A used id with another body: `OPERATION_ALREADY_EXISTS` as ever, or 400 `VALIDATION_ERROR`",
    )
    failed_opening: Literal["success", "fail"] = _switch(
        "success", "Status of an operation whose `open_pool` part failed; its items stay created"
    )

    # Validation
    skip_some_invalid: Literal["success", "fail"] = _switch(
        "success", "Final status with `skip_invalid_items=true` when some items are invalid"
    )
    skip_all_invalid: Literal["fail", "success"] = _switch(
        "fail", "Final status with `skip_invalid_items=true` when all items are invalid"
    )
    sync_skip_all_invalid: Literal["400", "201"] = _switch(
        "400", "Answer of a synchronous request with `skip_invalid_items=true` when all are invalid"
    )
    sync_payload: Literal["flat", "nested", "unindexed"] = _switch(
        "flat",
        'Payload of that 400: `{"1.input_values.x": ...}`, `{"1": {"input_values.x": ...}}`, '
        "or the field map of the first invalid item alone",
    )
    no_validation_errors: Literal["absent", "null", "empty"] = _switch(
        "absent", "`validation_errors` of a 201 without any"
    )
    required_by_default: bool = _switch(
        default=True, about="A field whose spec does not say `required` is required"
    )
    unknown_keys: Literal["marked", "any"] = _switch(
        "marked", "Unknown keys of an item that are accepted: those that begin with `__`, or any"
    )
    read_only_keys: Literal["ignored", "refused"] = _switch(
        "ignored", "`id`, `created` and other keys that only the server sets"
    )
    tasks_without_mixer: Literal["refuse", "accept", "log"] = _switch(
        "refuse",
        "Tasks for a pool without `mixer_config`: 409 `MIXER_CONFIG_REQUIRED`; created (and the "
        "pool cannot be opened); or that code in the log of a FAILed operation",
    )
    suites_with_mixer: Literal["refuse", "accept", "log"] = _switch(
        "refuse",
        "Suites for a pool with `mixer_config`: likewise, with 409 `POOL_TASK_TYPE_CONFLICT`",
    )
    unpaid_general_tasks: Literal["refuse", "accept", "log"] = _switch(
        "refuse",
        "General tasks for a pool whose price is 0: likewise, with 409 `POOL_TASK_TYPE_CONFLICT`",
    )
    suite_default_for_tasks: bool = _switch(
        default=True,
        about="`allow_defaults` takes the pool's default for suites if it has none for tasks",
    )
    overlap_without_defaults: Literal["required", "default"] = _switch(
        "required",
        "An item without overlap and without `allow_defaults`: `VALUE_REQUIRED`, or the pool's default",
    )

    # Work on what was created
    assignments_taken: int = _switch(
        0,
        "Assignments of each item that somebody begins as soon as it is created, as far as its overlap goes",
    )
    patch_in_archived_pool: Literal["refuse", "accept"] = _switch(
        "refuse",
        "PATCH of a task or suite in an archived pool: 409 `POOL_INAPPROPRIATE_STATUS`, or as in any other",
    )

    # Logs
    log_errors: Literal["flat", "envelope"] = _switch(
        "flat",
        "A failed item's `output`: the map of its fields, or an envelope with `code` and `payload`",
    )
    log_valid_items: Literal["none", "validate"] = _switch(
        "none",
        "Valid items of a batch that was not created: no entry, or `TASK_VALIDATE` with success",
    )
    log_input: Literal["enriched", "raw"] = _switch(
        "enriched", "`input` of a created item: with its overlap filled in, or as sent"
    )
    log_markers: bool = _switch(
        default=True, about="The log echoes unknown keys, such as `__item_idx`"
    )
    empty_fail_log: bool = _switch(default=False, about="A FAILed operation's log is empty")
    log_days: float = _switch(
        30.0, "Days after which a log answers `OPERATION_LOGS_ARCHIVED`; 0: never"
    )
    archived_log_status: Literal["404", "409", "410"] = _switch("409", "HTTP status of that answer")

    # Listings
    listing_delay: float = _switch(0.0, "Seconds until a created item shows in listings")

    def changed(self, settings: Mapping[str, Any]) -> Switches:
        """These switches with some set anew, each from its own type or from text (`"on"`, `"300"`).

        Raises:
            ValueError: No such switch, or not a value of it; says what there is.
        """
        if not isinstance(settings, Mapping):
            raise ValueError(f"switches are names with values, not {settings!r}")
        return replace(self, **{name: _value(name, value) for name, value in settings.items()})


def about() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every switch: what it does, and the values it takes (empty for numbers and text)."""
    hints = get_type_hints(Switches)
    return {f.name: (f.metadata["about"], _choices(hints[f.name])) for f in fields(Switches)}


def _choices(hint: Any) -> tuple[str, ...]:
    if hint is bool:
        return ("true", "false")
    return get_args(hint) if get_origin(hint) is Literal else ()


_TRUE = {"true", "on", "yes", "1"}
_FALSE = {"false", "off", "no", "0"}
_NUMBER = {
    int: re.compile(r"[0-9]{1,13}"),
    float: re.compile(r"[0-9]{0,13}\.?[0-9]{1,20}(e[+-]?[0-9]{1,2})?"),
}


def _value(name: str, value: Any) -> Any:
    hint = get_type_hints(Switches).get(name)
    if hint is None:
        raise ValueError(f"there is no switch {name!r}; there are: {', '.join(sorted(about()))}")
    text = str(value).lower() if isinstance(value, bool | int | float) else str(value)
    if hint is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if get_origin(hint) is Literal and text in get_args(hint):
        return text
    if hint is str and isinstance(value, str) and value.isascii() and value.isprintable():
        return value
    if hint in (int, float) and not isinstance(value, bool):
        return _number(name, text, hint)
    values = ", ".join(_choices(hint)) or "text of ASCII alone"
    raise ValueError(f"switch {name}: {value!r} is none of its values: {values}")


def _number(name: str, text: str, kind: type[int] | type[float]) -> int | float:
    # Digits alone: Python's own reading takes `1_0` and the digits of any script.
    number = kind(text) if _NUMBER[kind].fullmatch(text) else -1
    if not 0 <= number <= MOST:
        raise ValueError(f"switch {name}: {text[:100]!r} is not a number from 0 to {MOST}")
    return number
