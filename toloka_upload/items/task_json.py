"""A row becomes what travels: the text of a task or suite, its size, and what it is known by. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import orjson

from toloka_upload.items.chunks import Size
from toloka_upload.items.identity import canonical, digest, exact_members, has_float, loose
from toloka_upload.rows.model import Fault, Kind, Row
from toloka_upload.rows.splice import without

_TASK_MEMBERS = frozenset(
    {"input_values", "known_solutions", "message_on_unknown_solution", "localization_config"}
)
"""What a task inside a suite may have (API reference, TaskSuite); all else of a task belongs to the suite."""

_SIMPLE = frozenset({str, int, bool, type(None)})
_OVERLAPS = ("overlap", "infinite_overlap")
_NOTHING = b'"nothing"'
_DEFAULTED = frozenset({"pool_id"})


class Shaped(NamedTuple):
    """One row, ready to be numbered and sent.

    Attributes:
        text: The item's JSON without its closing brace and without pool, overlap and other outer members.
        size: What it adds to a request.
        key: Digest of its exact content: what it is known by.
        content: Digest under which a listing shows it.
        outer: Members that follow the text, as JSON text.
        names_pool: Whether the text has the pool's id already.
    """

    text: bytes
    size: Size
    key: bytes
    content: bytes
    outer: dict[str, bytes]
    names_pool: bool = False


def has_odd_numbers(values: dict[str, Any]) -> bool:
    """Whether the exact content cannot be told from the parsed values alone."""
    return not _SIMPLE.issuperset(map(type, values.values())) and has_float(values)


def all_plain(inputs: list[Any]) -> bool:
    """Whether all of many are objects, and none of them has odd numbers."""
    if not {dict}.issuperset(map(type, inputs)):
        return False
    every_value = chain.from_iterable(map(dict.values, inputs))
    return _SIMPLE.issuperset(map(type, every_value)) or not any(map(has_float, inputs))


def flat_content(values: dict[str, Any], text: bytes) -> tuple[bytes, bytes, bytes]:
    """The compact form of `input_values`, the digest of their exact content, and that of what a listing shows."""
    if not has_odd_numbers(values):
        compact = orjson.dumps(values, None, orjson.OPT_SORT_KEYS)
        key = digest(compact)
        return compact, key, key
    compact = canonical(values, text)
    return compact, digest(compact), digest(loose(values))


def shape_flat(row: Row, overlap: int | None) -> Shaped:
    """A row that is the `input_values` of a task."""
    compact, key, content = flat_content(row.value, row.text)
    size = Size(max(len(row.text), len(compact)))
    return Shaped(b'{"input_values":' + row.text, size, key, content, with_overlap({}, (), overlap))


def shape_task(row: Row, overlap: int | None) -> Shaped:
    """An API task, or a row of a table."""
    value = row.value
    key = _key(row, "input_values")
    content = digest(loose(value["input_values"]))
    text, named = _settle_pool(row)
    return Shaped(text, _task_size(value, row.text), key, content, _outer(row, overlap), named)


def shape_suite(row: Row, overlap: int | None) -> Shaped:
    """An API task suite."""
    tasks = row.value["tasks"]
    content = digest(b"".join(digest(loose(task["input_values"])) for task in tasks))
    inputs, outputs = 0, 0
    for task in tasks:
        inputs += len(orjson.dumps(task["input_values"]))
        outputs += _output_bytes(task)
    slack = max(0, len(row.text) - len(orjson.dumps(row.value)))
    size = Size(inputs + slack, outputs + slack if outputs else 0)
    text, named = _settle_pool(row)
    return Shaped(text, size, _key(row, "tasks"), content, _outer(row, overlap), named)


def shape_member(row: Row, kind: Kind) -> Shaped:
    """A task that will travel inside a suite: what belongs to the suite is taken out into `outer`."""
    if kind is Kind.FLAT:
        return shape_flat(row, None)
    value = row.value
    outer = {name: text for name, text in row.outer.items() if name != "pool_id"}
    text = row.text
    if not _TASK_MEMBERS.issuperset(value):
        text, removed = without(text, [name for name in value if name not in _TASK_MEMBERS])
        removed.pop("pool_id", None)
        outer.update(removed)
    return Shaped(
        text[:-1].rstrip(),
        _task_size(value, row.text),
        _key(row, "input_values"),
        digest(loose(value["input_values"])),
        outer,
    )


def joined_outer(members: list[dict[str, bytes]], overlap: int | None) -> dict[str, bytes]:
    """The outer members of a suite whose tasks agree: infinite overlap only if all its rows have it by default."""
    outer: dict[str, bytes] = {}
    for member in members:
        outer = outer | {name: text for name, text in member.items() if name not in outer}
    if "infinite_overlap" in outer and not all("infinite_overlap" in member for member in members):
        del outer["infinite_overlap"]
    return with_overlap(outer, outer, overlap)


def disagreement(outer: Mapping[str, bytes], suite: Sequence[Mapping[str, bytes]]) -> Fault | None:
    """
    What of a row contradicts the rows before it in its suite.

    All rows must have the same members that belong to the suite, but for overlap: a row that names none goes along
    with those that do.
    """
    for name in sorted(outer.keys() | (suite[0].keys() if suite else set())):
        if name == "infinite_overlap":
            continue
        counting = (member for member in suite if name in member or name != "overlap")
        first = next(counting, None)
        if first is None or (name == "overlap" and name not in outer):
            continue
        mine, before = outer.get(name, _NOTHING), first.get(name, _NOTHING)
        if mine != before and orjson.loads(mine) != orjson.loads(before):
            return Fault(
                name,
                "VALUE_NOT_ALLOWED",
                f"all rows of a suite must agree on {name}: here {_told(mine)}, before it {_told(before)}",
            )
    return None


def _told(text: bytes) -> str:
    return text.decode().strip('"')


def with_overlap(
    outer: Mapping[str, bytes], named: Collection[str], overlap: int | None
) -> dict[str, bytes]:
    """`outer` with `--overlap`, where the row names none: it also takes the place of a golden row's default."""
    result = dict(outer)
    if overlap is not None and "overlap" not in named:
        result.pop("infinite_overlap", None)
        result["overlap"] = b"%d" % overlap
    return result


def ending(outer: Mapping[str, bytes], pool: str | None) -> bytes:
    """What follows an item's text: outer members and the pool. The brace is missing still."""
    members = b"".join(b',"%b":%b' % (name.encode(), text) for name, text in outer.items())
    return members if pool is None else b'%b,"pool_id":"%b"' % (members, pool.encode())


def _settle_pool(row: Row) -> tuple[bytes, bool]:
    """The text without its brace, and whether it names the pool as the API wants it: a string, not a number."""
    text, pool = row.text, row.value.get("pool_id")
    if pool is not None and not isinstance(pool, str):
        text, _ = without(text, _DEFAULTED)
    return text[:-1].rstrip(), isinstance(pool, str)


def _outer(row: Row, overlap: int | None) -> dict[str, bytes]:
    if any(row.value.get(name) for name in _OVERLAPS):
        return dict(row.outer)
    return with_overlap(row.outer, row.outer, overlap)


def _key(row: Row, main: str) -> bytes:
    """The digest of a task or suite as such: without its pool, without the defaults that options give."""
    outer = {name: text for name, text in row.outer.items() if name != "infinite_overlap"}
    names = [name for name in row.value if name != "pool_id"]
    if names == [main] and not outer:
        if main == "input_values" and not has_float(row.value):
            return digest(orjson.dumps(row.value[main], None, orjson.OPT_SORT_KEYS))
        return digest(exact_members(row.value, row.text, [main])[main])
    members = exact_members(row.value, row.text, names) | outer
    parts = (orjson.dumps(name) + b":" + members[name] for name in sorted(members))
    return digest(b"{" + b",".join(parts) + b"}")


def _task_size(value: Mapping[str, Any], text: bytes) -> Size:
    inputs = len(orjson.dumps(value["input_values"]))
    slack = max(0, len(text) - len(orjson.dumps(value)))
    outputs = _output_bytes(value)
    return Size(inputs + slack, outputs + slack if outputs else 0)


def _output_bytes(task: Mapping[str, Any]) -> int:
    total = 0
    for name in ("known_solutions", "baseline_solutions"):
        for solution in task.get(name) or ():
            total += len(orjson.dumps(solution.get("output_values")))
    return total
