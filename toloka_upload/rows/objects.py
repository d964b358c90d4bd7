"""One JSON object to one row: the door that rows of JSONL and of JSON come through."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from toloka_upload.rows.cells import CellError
from toloka_upload.rows.columns import OUTSIDE, Place, web_column
from toloka_upload.rows.model import NO_MEMBERS, Fault, Kind, Row
from toloka_upload.rows.splice import members, without

_MARKS = {Kind.TASK: "input_values", Kind.SUITE: "tasks"}
ARRAY_HINT = "; if the file is a JSON array, add --format json"
_NAN = re.compile(r"-?(?:NaN|Infinity|inf)")
_new = tuple.__new__  # a third of the price of Row(...)


def explain(text: bytes, error: orjson.JSONDecodeError, *, indent: int = 0) -> str:
    """Say why `text`, whole UTF-8, is not JSON, where, and what to do.

    Args:
        text: What was parsed.
        error: What the parser said.
        indent: Characters that stand before `text` in its line.
    """
    place = f"column {error.colno + (indent if error.lineno == 1 else 0)}"
    if error.lineno > 1:
        place = f"line {error.lineno} of the object, {place}"
    rest = text.decode("utf-8", "replace")[max(error.pos - 1, 0) :][:12]
    hint = ""
    if _NAN.search(rest):
        hint = (
            "; NaN and Infinity are no JSON: write null or leave the field out "
            "(pandas: frame.to_json(path, orient='records', lines=True))"
        )
    elif "'" in rest[:2]:
        hint = "; JSON wants double quotes"
    elif rest[:2].lstrip("{[ :,")[:1] in ("N", "T", "F"):
        hint = "; JSON writes null, true and false"
    elif text == b"[":
        hint = ARRAY_HINT
    return f"not JSON at {place}: {error.msg}{hint}"


class Objects:
    """Turns the objects of one input into rows. The first good one settles their kind.

    Attributes:
        kind: What the rows are; `Kind.FLAT` until one was read.
        admit: Takes a line number, the row as it came, the object's text and its parsed value, gives the row.
    """

    def __init__(self, *, infinite_golden: bool, list_hint: str = "") -> None:
        self.kind = Kind.FLAT
        self.admit: Callable[[int, bytes, bytes, Any], Row] = self._first
        self._infinite_golden = infinite_golden
        self._list_hint = list_hint
        self._settled = 0

    @property
    def plain(self) -> Callable[[list[Any]], bool] | None:
        """Tells whether all of many values are good rows as they are; None where that takes a closer look."""
        if self.admit == self._flat:
            return _all_flat
        return _all_tasks if self.admit == self._task else None

    def _first(self, line: int, raw: bytes, text: bytes, value: Any) -> Row:
        """Settle the kind by this row, if it is one."""
        if type(value) is not dict:
            return self._no_object(line, raw, value)
        self._settled = line
        if "input_values" in value:
            self.kind, self.admit = Kind.TASK, self._task
        elif "tasks" in value:
            self.kind, self.admit = Kind.SUITE, self._suite
        elif any(web_column(key) for key in value):
            self.kind, self.admit = Kind.TASK, self._prefixed
        else:
            self.kind, self.admit = Kind.FLAT, self._flat
        return self.admit(line, raw, text, value)

    def _flat(self, line: int, raw: bytes, text: bytes, value: Any) -> Row:
        if type(value) is not dict:
            return self._no_object(line, raw, value)
        if "input_values" in value or "tasks" in value:
            return self._other_kind(line, raw, value)
        return _new(Row, (line, raw, text, value, (), NO_MEMBERS, 0))

    def _task(self, line: int, raw: bytes, text: bytes, value: Any) -> Row:
        if type(value) is not dict:
            return self._no_object(line, raw, value)
        if "input_values" not in value and "tasks" in value:
            return self._other_kind(line, raw, value)
        if "latitude" in value or "longitude" in value:
            return self._located(line, raw, text, value)
        return _new(Row, (line, raw, text, value, (), NO_MEMBERS, 0))

    def _suite(self, line: int, raw: bytes, text: bytes, value: Any) -> Row:
        if type(value) is not dict:
            return self._no_object(line, raw, value)
        if "tasks" not in value and "input_values" in value:
            return self._other_kind(line, raw, value)
        return _new(Row, (line, raw, text, value, (), NO_MEMBERS, 0))

    def _no_object(self, line: int, raw: bytes, value: Any) -> Row:
        hint = self._list_hint if isinstance(value, list) else ""
        return faulty(line, raw, "OBJECT_EXPECTED", f"a row must be a JSON object, {{...}}{hint}")

    def _other_kind(self, line: int, raw: bytes, value: dict[str, Any]) -> Row:
        mark = "input_values" if "input_values" in value else "tasks"
        settled = (
            f"has {_MARKS[self.kind]!r}" if self.kind in _MARKS else "is a flat row of input values"
        )
        return faulty(
            line,
            raw,
            "VALUE_NOT_ALLOWED",
            f"this row has {mark!r}, but line {self._settled} settled the kind of all rows: it {settled}; "
            "put rows of another kind into a file of their own",
        )

    def _located(self, line: int, raw: bytes, text: bytes, value: dict[str, Any]) -> Row:
        """A task of the web interface with coordinates: they belong to its suite."""
        rest, taken = without(text, ("latitude", "longitude"))
        outer: dict[str, bytes] = {}
        faults = [
            fault for key, cell in taken.items() if (fault := _add_number(outer, Place(key), cell))
        ]
        kept = {key: item for key, item in value.items() if key not in taken}
        if faults:
            return Row(line, raw, b"", kept, tuple(faults))
        return Row(line, raw, rest, kept, (), outer)

    def _prefixed(self, line: int, raw: bytes, text: bytes, value: Any) -> Row:
        """The web interface's old form: one flat object with the columns of its tables as keys."""
        if type(value) is not dict:
            return self._no_object(line, raw, value)
        if "input_values" in value or "tasks" in value:
            return self._other_kind(line, raw, value)
        parts: dict[Place, list[bytes]] = {Place.INPUT: [], Place.GOLDEN: [], Place.HINT: []}
        outer: dict[str, bytes] = {}
        faults: list[Fault] = []
        for member in members(text):
            column, cell = web_column(member.key), text[member.value : member.end]
            if column is None:
                faults.append(
                    Fault(member.key, "VALUE_NOT_ALLOWED", "Unknown field name among INPUT: fields")
                )
            elif column.place is Place.HINT:
                parts[Place.HINT] = [cell]
            elif column.place in parts:
                parts[column.place].append(orjson.dumps(column.field) + b":" + cell)
            elif fault := _add_number(outer, column.place, cell):
                faults.append(fault)
        task = task_text(parts[Place.INPUT], parts[Place.GOLDEN], b"".join(parts[Place.HINT]))
        if faults:
            return Row(line, raw, b"", orjson.loads(task), tuple(faults))
        if parts[Place.GOLDEN] and self._infinite_golden and "overlap" not in outer:
            outer["infinite_overlap"] = b"true"
        return Row(line, raw, task, orjson.loads(task), (), outer or NO_MEMBERS)


def _all_flat(values: list[Any]) -> bool:
    return _all_objects(values) and not any(
        ["input_values" in value or "tasks" in value for value in values]
    )


def _all_tasks(values: list[Any]) -> bool:
    return _all_objects(values) and all(
        [len(value) == 1 and "input_values" in value for value in values]
    )


def _all_objects(values: list[Any]) -> bool:
    return {dict}.issuperset(map(type, values))


def faulty(line: int, raw: bytes, code: str, message: str, field: str = "") -> Row:
    """Return a row that is nothing but a fault."""
    return Row(line, raw, b"", {}, (Fault(field, code, message),))


def task_text(inputs: list[bytes], golden: list[bytes], hint: bytes) -> bytes:
    """Return a task's text from the texts of its input members, its known answer's members, and its hint."""
    text = b'{"input_values":{' + b",".join(inputs) + b"}"
    if golden:
        text += b',"known_solutions":[{"output_values":{' + b",".join(golden) + b"}}]"
    if hint:
        text += b',"message_on_unknown_solution":' + hint
    return text + b"}"


def _add_number(outer: dict[str, bytes], place: Place, cell: bytes) -> Fault | None:
    """Add a number that belongs outside the task, which may come as a string; null is no number at all."""
    value = orjson.loads(cell)
    if value is None:
        return None
    text = value if isinstance(value, str) else cell.decode()
    try:
        outer[place.value] = OUTSIDE[place](text)
    except CellError as error:
        return Fault(place.value, error.code, str(error))
    return None
