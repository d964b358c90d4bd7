"""What is different about a task: the row as its file has it now, and the task as the pool has it, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from toloka_upload.account.comparison import Place
from toloka_upload.errors import UploadError
from toloka_upload.items.contents import item_content, suite_content, task_content
from toloka_upload.rows import Kind, ReadOptions, open_rows

_SHOWN = 80
"""Characters of a value that are shown."""
_ABSENT = "nothing"
_HINT = "message_on_unknown_solution"


def read_rows(
    reading: ReadOptions, spec: Mapping[str, Any] | None, wanted: Iterable[Place]
) -> dict[Place, dict[str, Any]]:
    """
    Rows that stand at certain places of files, as API tasks or suites.

    What cannot be read again (standard input, a file that is gone or broken) is left out.
    """
    lines: dict[str, set[int]] = {}
    for file, line in wanted:
        lines.setdefault(file, set()).add(line)
    found: dict[Place, dict[str, Any]] = {}
    for file, numbers in lines.items():
        if file == "-":
            continue
        try:
            for line, item in _rows(file, reading, spec):
                if line in numbers:
                    found[file, line] = item
        except UploadError:
            continue
    return found


def _rows(
    file: str, reading: ReadOptions, spec: Mapping[str, Any] | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    opened = open_rows(file, reading, spec)
    try:
        for batch in opened.batches():
            for row in batch.rows():
                flat = opened.kind is Kind.FLAT
                yield row.line, {"input_values": row.value} if flat else row.value
    finally:
        opened.close()


def content_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The content of what rows became: a task or suite of its own, or a suite of several."""
    if len(rows) == 1:
        return item_content(rows[0])
    return suite_content(map(task_content, rows))


def inputs_alone(item: Mapping[str, Any]) -> dict[str, Any]:
    """A task or suite without all that the journal does not know of it."""
    tasks = item.get("tasks")
    if isinstance(tasks, list):
        return {"tasks": [inputs_alone(task) for task in tasks]}
    return {"input_values": item.get("input_values")}


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """What is different, a line a field: "input_values.image: ours "a", theirs "b""."""
    if isinstance(ours.get("tasks"), list):
        tasks = theirs.get("tasks") or []
        return [
            f"tasks.{index}.{line}"
            for index, (mine, other) in enumerate(zip(ours["tasks"], tasks, strict=False))
            for line in differences(mine, other)
        ]
    mine, other = _fields(ours), _fields(theirs)
    return [
        f"{name}: ours {_shown(mine.get(name))}, theirs {_shown(other.get(name))}"
        for name in dict.fromkeys([*mine, *other])
        if mine.get(name) != other.get(name)
    ]


def _fields(task: Mapping[str, Any]) -> dict[str, Any]:
    inputs = task.get("input_values")
    found = (
        {f"input_values.{name}": value for name, value in inputs.items()}
        if isinstance(inputs, dict)
        else {}
    )
    solutions = [
        {"correctness_weight": 1, **solution} for solution in task.get("known_solutions") or ()
    ]
    others = {"known_solutions": solutions, _HINT: task.get(_HINT)}
    return found | {name: value for name, value in others.items() if value}


def _shown(value: Any) -> str:
    if value is None:
        return _ABSENT
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
