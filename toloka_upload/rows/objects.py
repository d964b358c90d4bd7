"""One JSON object to one row: the door that rows of JSONL and of JSON come through."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson

from toloka_upload.rows import repeated
from toloka_upload.rows.cells import CellError, shown
from toloka_upload.rows.columns import OUTSIDE, Place, web_column
from toloka_upload.rows.model import (
    NO_MEMBERS,
    NO_OUTER,
    Batch,
    Fault,
    Kind,
    Row,
    Signature,
    batch_of,
)
from toloka_upload.rows.splice import members, without
from toloka_upload.text import pointed

_MARKS = {Kind.TASK: "input_values", Kind.SUITE: "tasks"}
ARRAY_HINT = "; if the file is a JSON array, add --format json"
_JSON_HINTS = (
    (
        re.compile(r".{0,8}?-?(?:NaN|Infinity|inf)"),
        "; NaN and Infinity are no JSON: write null or leave the field out "
        "(pandas: frame.to_json(path, orient='records', lines=True))",
    ),
    (re.compile(r".?[“”„«»\u2018\u2019]"), "; these are curly quotes: JSON wants straight ones"),
    (re.compile(r".?'"), "; JSON wants double quotes"),
    (re.compile(r"[{\[ :,]{0,2}[NTF]"), "; JSON writes null, true and false"),
)
"""What stands where the parser stopped, and what to do about it."""
_PLACE = frozenset({"latitude", "longitude"})
"""They belong to the suite that a task is grouped into."""
FLAT: Signature = ((), NO_OUTER)
"""The signature of all flat rows: whatever their fields are, they travel alike."""


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
    whole = text.decode("utf-8", "replace")
    rest = whole[max(error.pos - 1, 0) :][:12]
    hint = next((hint for looks, hint in _JSON_HINTS if looks.match(rest)), "")
    if "trailing comma" in error.msg:
        hint = "; remove the comma at the end"
    if text == b"[":
        hint = ARRAY_HINT
    return f"not JSON at {place}: {error.msg}{hint}\n{pointed(whole, error.pos)}"


def half_written(why: str) -> str:
    """A fault of a last line that has no line end, with what may be the matter with it."""
    first, *rest = why.split("\n", 1)
    question = "the file ends within this line: is it still being written?"
    return "\n".join([f"{first}; {question}", *rest])


class Objects:
    """Turns the objects of one input into rows. The first good one settles their kind.

    Attributes:
        kind: What the rows are; `Kind.FLAT` until one was read.
    """

    def __init__(self, *, infinite_golden: bool, list_hint: str = "") -> None:
        self.kind = Kind.FLAT
        self._infinite_golden = infinite_golden
        self._list_hint = list_hint
        self._settled = 0
        self._prefixed = False

    def batch(
        self,
        lines: Sequence[int],
        raws: list[bytes],
        texts: list[bytes],
        values: list[Any],
    ) -> Batch:
        """Turn many objects into rows: as they are, if nothing is odd about any of them."""
        signatures = self._signatures(values)
        if signatures is None or repeated.likely(texts, values):
            return self.gather(map(self.row, lines, raws, texts, values))
        outers = [NO_MEMBERS] * len(values)
        return Batch(list(lines), raws, texts, values, outers, signatures, whole=True)

    def gather(self, rows: Iterable[Row]) -> Batch:
        """Rows one by one, of which there was something about one or the other, as a batch."""
        batch = batch_of(rows)
        if self.kind is Kind.FLAT:
            return batch._replace(signatures=[FLAT] * len(batch.lines))
        return batch

    def _signatures(self, values: list[Any]) -> list[Signature] | None:
        if not self._settled or not {dict}.issuperset(map(type, values)):
            return None
        names = list(map(tuple, values))
        different = set(names)
        if self._prefixed or not all(map(self._as_it_is, different)):
            return None
        if self.kind is Kind.FLAT:
            return [FLAT] * len(values)
        found = {name: (name, NO_OUTER) for name in different}
        return [found[name] for name in names]

    def _as_it_is(self, names: Collection[str]) -> bool:
        """Whether an object with these members is a row without further ado."""
        return self._fits(names) and not (self.kind is Kind.TASK and not _PLACE.isdisjoint(names))

    def _fits(self, names: Collection[str]) -> bool:
        """Whether an object with these members is of the kind that was settled."""
        if self.kind is Kind.FLAT or self._prefixed:
            return "input_values" not in names and "tasks" not in names
        main, other = ("input_values", "tasks")
        if self.kind is Kind.SUITE:
            main, other = other, main
        return main in names or other not in names

    def row(self, line: int, raw: bytes, text: bytes, value: Any) -> Row:
        """Turn an object's text and its parsed value into a row; `raw` is the row as it came."""
        if type(value) is not dict:
            return self._no_object(line, raw, value)
        if not self._settled:
            self._settle(line, value)
        if repeated.likely([text], [value]) and (name := repeated.key(text)) is not None:
            message = f"{shown(name)} stands twice in one object"
            return faulty(line, raw, "DUPLICATE_KEY", message)
        if not self._fits(value):
            return self._other_kind(line, raw, value)
        if self._prefixed:
            return self._from_columns(line, raw, text)
        if self.kind is Kind.TASK and not _PLACE.isdisjoint(value):
            return self._located(line, raw, text, value)
        return Row(line, raw, text, value)

    def _settle(self, line: int, value: dict[str, Any]) -> None:
        self._settled = line
        if "input_values" in value:
            self.kind = Kind.TASK
        elif "tasks" in value:
            self.kind = Kind.SUITE
        elif any(map(web_column, value)):
            self.kind, self._prefixed = Kind.TASK, True

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

    def _from_columns(self, line: int, raw: bytes, text: bytes) -> Row:
        """The web interface's old form: one flat object with the columns of its tables as keys."""
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
