"""An empty task file for a project: the right columns, and one example row."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Literal

from toloka_upload.check import Spec
from toloka_upload.errors import UsageProblem

_TEXTS = (
    "text", "Text", "TEXT", "a", "A", "1", "12", "123", "1234", "12345", "123456", "0.5", "A1", "AB-12", "a-1", "a_1",
    "2026-01-31", "31.01.2026", "12:30", "12:30:00", "2026-01-31T12:30:00", "user@example.com", "example.com",
    "https://example.com/1", "+12025550123", "en", "en-US", "EN", "USD", "#00ff00", "yes", "true", "image.jpg",
    "00000000-0000-4000-8000-000000000000", "Some text", "Some text.", "текст", "Текст",
)  # fmt: skip
"""Texts in forms that patterns commonly ask for."""

_VALUES: dict[str, tuple[Any, ...]] = {
    "url": ("https://example.com/1.jpg",),
    "coordinates": ("55.7558,37.6173",),
    "boolean": (True, False),
    "json": ({"key": "value"},),
    "file": (),
}
_HINT = "Say here why this is the right answer"
_LONGEST = 1000
"""Most characters or elements of an example."""
_MISLEADING = re.compile(r'[,"\\\[]|^\s|\s$|^$')


def template(
    task_spec: Mapping[str, Any],
    kind: Literal["task", "suite", "training"],
    format: Literal["jsonl", "json", "csv", "tsv"],  # noqa: A002 - the option's name
) -> bytes:
    r"""Return an empty task file for a project: one example row, to be replaced by rows of one's own.

    - Every input field is there, in the spec's order. Its example is the first of `allowed_values`, else a value
      within the limits; where none can be guessed (a `file`, a pattern that no common text fits), an optional
      field is left empty in a table and out of JSON, and a required one gets a text, which the check names.
    - Tables have the web interface's columns, and besides a `GOLDEN:` column for each output field that an answer
      must have, empty in the example: filled in, they make the row a control task. There is no `HINT:text` column: a
      hint left behind turns a task into a training task.
    - `kind` is what travels: a suite of one task in the JSON formats. A table is the same for both, since its
      rows become suites by `--suite-size`. A training's task has a right answer and a hint, in every format.

    The file is UTF-8 with `\n` line ends.

    Raises:
        UsageProblem: The spec has no input fields, so there is nothing to fill in.
    """
    inputs = _specs(task_spec, "input_spec")
    if not inputs:
        raise UsageProblem("the project has no input fields yet: add them to the project first")
    training = kind == "training"
    row = {name: _example(name, spec) for name, spec in inputs.items()}
    answer = {name: _example(name, spec) for name, spec in _golden_fields(task_spec).items()}
    if format in ("csv", "tsv"):
        cells = {f"INPUT:{name}": value for name, value in row.items()}
        cells |= {f"GOLDEN:{name}": value if training else None for name, value in answer.items()}
        cells |= {"HINT:text": _HINT} if training else {}
        return _table(cells, "," if format == "csv" else "\t")
    task: dict[str, Any] = {
        "input_values": {name: value for name, value in row.items() if value is not None}
    }
    if training:
        task["known_solutions"] = [{"output_values": answer}]
        task |= {"message_on_unknown_solution": _HINT, "infinite_overlap": True}
    item = {"tasks": [task]} if kind == "suite" else task
    if format == "json":
        return (json.dumps([item], ensure_ascii=False, indent=2) + "\n").encode()
    return (json.dumps(item, ensure_ascii=False) + "\n").encode()


def _specs(task_spec: Mapping[str, Any], side: str) -> dict[str, dict[str, Any]]:
    spec = task_spec.get(side)
    fields = spec if isinstance(spec, Mapping) else {}
    return {name: field if isinstance(field, dict) else {} for name, field in fields.items()}


def _golden_fields(task_spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Output fields that a known answer must have; none if one of them is a file, which no row can give."""
    outputs = _specs(task_spec, "output_spec")
    needed = {name: spec for name, spec in outputs.items() if spec.get("required") is not False}
    files = {"file", "array_file"} & {str(spec.get("type")).lower() for spec in needed.values()}
    return {} if files else needed


def _example(name: str, spec: dict[str, Any]) -> Any:
    """The first candidate that passes the check; None where none does and none is needed."""
    kind = str(spec.get("type")).lower()
    candidates = _candidates(kind.removeprefix("array_"), spec)
    if kind.startswith("array_"):
        size = min(max(1, math.ceil(_limit(spec, "min_size") or 1)), _LONGEST)
        candidates = chain(([value] * size for value in candidates), ([],))
    check = Spec.compile({"input_spec": {name: spec}}).check_input
    fitting = (value for value in candidates if not check({name: value}))
    return next(fitting, _TEXTS[0] if spec.get("required") is True else None)


def _candidates(kind: str, spec: dict[str, Any]) -> Iterator[Any]:
    allowed = spec.get("allowed_values")
    yield from allowed if isinstance(allowed, list) else ()
    if kind in ("integer", "float"):
        limits = [_limit(spec, "min_value"), _limit(spec, "max_value")]
        yield from (0.5, 1, 0)
        for limit in limits:
            yield from () if limit is None else (math.ceil(limit), math.floor(limit), limit)
        if None not in limits:
            yield sum(filter(None, limits)) / 2
    elif kind in _VALUES:
        yield from _VALUES[kind]
    else:
        yield from _TEXTS
        length = min(math.ceil(_limit(spec, "min_length") or 1), _LONGEST)
        yield from (letter * length for letter in "aA1")


def _limit(spec: Mapping[str, Any], name: str) -> float | None:
    limit = spec.get(name)
    usable = isinstance(limit, int | float) and math.isfinite(limit)
    return limit if usable else None


def _table(cells: Mapping[str, Any], delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(cells)
    writer.writerow([_cell(value) for value in cells.values()])
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as the cells of the web interface's tables have it; arrays as JSON where commas could mislead."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [_cell(item) for item in value]
        if parts and not any(_MISLEADING.search(part) for part in parts):
            return ",".join(parts)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
