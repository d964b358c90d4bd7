"""Rows become what travels: the texts of tasks or suites, their sizes, and what each is known by. Pure.

All of it is done by the column, for rows of one signature: the same members in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate, chain, pairwise
from operator import add
from typing import Any, NamedTuple

import orjson

from toloka_upload.items.chunks import Items
from toloka_upload.items.identity import (
    canonical,
    digest,
    digests,
    exact_members,
    exact_scalars,
    has_float,
    has_whole_float,
    loose,
)
from toloka_upload.rows.model import NO_MEMBERS, Batch, Kind
from toloka_upload.rows.splice import without

Columns = Mapping[str, Sequence[Any]]
"""The members of many objects of one signature: by name, a value for each."""

_OVERLAPS = ("overlap", "infinite_overlap")
_SOLUTIONS = ("known_solutions", "baseline_solutions")
_IN_SUITE = frozenset(
    {"input_values", "known_solutions", "message_on_unknown_solution", "localization_config"}
)
"""What a task inside a suite may have (API reference, TaskSuite); all else of a task belongs to the suite."""
_SIMPLE = frozenset({str, int, bool, type(None)})
_SCALAR = _SIMPLE | {float}
_DEFAULTED = frozenset({"pool_id"})
_may_have_float = re.compile(rb"[0-9][.e]").search


class Known(NamedTuple):
    """What rows are known by, and what they add to a request, by the column.

    Attributes:
        keys: Digests of their exact content.
        contents: Digests under which a listing shows them. The same list where nothing tells the two apart.
        inputs: Bytes of `input_values`.
        outputs: Bytes of `output_values`.
    """

    keys: list[bytes]
    contents: list[bytes]
    inputs: list[int]
    outputs: list[int]


# What travels.


def items(batch: Batch, columns: Columns, kind: Kind, *, overlap: int | None, pool: str) -> Items:
    """
    Rows that are an item each.

    Args:
        batch: Good rows of one signature.
        columns: The members of their values; of flat rows they are not needed.
        kind: What they are.
        overlap: `--overlap`, for rows that name none.
        pool: The pool's id, for rows that name none.
    """
    known = known_by(batch, columns, kind)
    if kind is Kind.FLAT:
        ends = _ends(batch, columns, overlap, pool)
        texts = [
            b'{"input_values":' + text + end for text, end in zip(batch.texts, ends, strict=True)
        ]
    else:
        ends = _ends_with_pool(batch, columns, overlap, pool)
        heads = _without_number_of_pool(batch.texts, columns)
        if batch.whole and len(columns) == 1 and known.keys is known.contents:
            # Space before the last brace stays, as ever: what was sent once must be the same if it is sent again.
            texts = [text[:-1] + end for text, end in zip(heads, ends, strict=True)]
        else:
            texts = [text[:-1].rstrip() + end for text, end in zip(heads, ends, strict=True)]
    return Items(
        texts, known.inputs, known.outputs, known.contents, known.keys, batch.raws, batch.lines
    )


def suite_tasks(
    batch: Batch, columns: Columns, kind: Kind
) -> tuple[Items, list[Mapping[str, bytes]]]:
    """Rows that will travel inside of suites, and of each what belongs to its suite."""
    known, outers = known_by(batch, columns, kind), batch.outers
    if kind is Kind.FLAT:
        texts = [b'{"input_values":' + text for text in batch.texts]
    else:
        texts = batch.texts
        names = [name for name in columns if name not in _IN_SUITE]
        if names:
            parted = [without(text, names) for text in texts]
            texts = [text for text, _ in parted]
            outers = [
                {**outer, **{name: taken[name] for name in taken if name != "pool_id"}}
                for outer, (_, taken) in zip(outers, parted, strict=True)
            ]
        texts = [text[:-1].rstrip() for text in texts]
    found = Items(
        texts, known.inputs, known.outputs, known.contents, known.keys, batch.raws, batch.lines
    )
    return found, outers


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


def _ends(batch: Batch, columns: Columns, overlap: int | None, pool: str | None) -> Sequence[bytes]:
    """What follows the text of each row."""
    naming = [columns[name] for name in _OVERLAPS if name in columns]
    names = batch.signatures[0][1]
    if not names and (overlap is None or not naming):
        return [ending(with_overlap(NO_MEMBERS, (), overlap), pool)] * len(batch.texts)
    if overlap is None:
        template = ending(dict.fromkeys(names, b"%b"), pool)
        return [template % tuple(outer.values()) for outer in batch.outers]
    named = [any(row) for row in zip(*naming, strict=True)] or [False] * len(batch.texts)
    return [
        ending(outer if own else with_overlap(outer, outer, overlap), pool)
        for outer, own in zip(batch.outers, named, strict=True)
    ]


def _ends_with_pool(
    batch: Batch, columns: Columns, overlap: int | None, pool: str
) -> Sequence[bytes]:
    """The same, with the pool's id after rows that do not name it as the API wants it: as a string."""
    named = [type(value) is str for value in columns.get("pool_id", ())]
    if not any(named):
        return _ends(batch, columns, overlap, pool)
    without_pool = _ends(batch, columns, overlap, None)
    if all(named):
        return without_pool
    with_pool = _ends(batch, columns, overlap, pool)
    return [without_pool[row] if is_named else with_pool[row] for row, is_named in enumerate(named)]


def _without_number_of_pool(texts: list[bytes], columns: Columns) -> list[bytes]:
    """The texts without `pool_id` where it is a number."""
    pools = columns.get("pool_id", ())
    if {str}.issuperset(map(type, pools)):
        return texts
    return [
        text if type(value) is str else without(text, _DEFAULTED)[0]
        for text, value in zip(texts, pools, strict=True)
    ]


# What rows are known by, and how much they count.


def known_by(batch: Batch, columns: Columns, kind: Kind) -> Known:
    """What good rows of one signature are known by, and what they add to a request."""
    texts = batch.texts
    if kind is Kind.TASK:
        return _known_tasks(batch, columns)
    if kind is Kind.SUITE:
        return _known_suites(batch, columns)
    forms, odd = _forms(batch.values)
    shown = _shown(forms, batch.values, odd)
    for row in _told_otherwise(odd, batch.values, forms, batch):
        forms[row] = canonical(batch.values[row], texts[row])
    keys = digests(forms)
    contents = keys if shown == forms else digests(shown)
    return Known(keys, contents, list(map(len, texts)), [0] * len(texts))


def _known_tasks(batch: Batch, columns: Columns) -> Known:
    texts, inputs = batch.texts, columns["input_values"]
    form, odd = _forms(inputs)
    sizes = list(map(len, form))
    contents = digests(_shown(form, inputs, odd))
    if len(columns) == 1 and not batch.signatures[0][1] and not odd:
        frame = len('{"input_values":}')
        return Known(contents, contents, [len(text) - frame for text in texts], [0] * len(texts))
    forms = {"input_values": form, **_other_forms(columns)}
    slack = _slack(texts, columns, forms)
    outputs = _outputs(columns, forms, slack)
    rest = _with_float(columns, forms)
    rest.update(_told_otherwise([row for row in odd if row not in rest], inputs, form, batch))
    _make_exact(batch, forms, rest)
    return Known(_keys(batch, forms), contents, list(map(add, sizes, slack)), outputs)


def _known_suites(batch: Batch, columns: Columns) -> Known:
    suites: Sequence[list[dict[str, Any]]] = columns["tasks"]
    tasks = list(chain.from_iterable(suites))
    parts = list(pairwise(accumulate(map(len, suites), initial=0)))
    inputs = [task["input_values"] for task in tasks]
    form, odd = _forms(inputs)
    contents = digests(_shown(form, inputs, odd))
    sizes = list(map(len, form))
    bare = {1}.issuperset(map(len, tasks))
    outputs = [0] * len(tasks) if bare else list(map(_output_bytes, tasks))
    forms = {"tasks": list(map(_sorted, suites)), **_other_forms(columns)}
    slack = _slack(batch.texts, columns, forms)
    rest = _with_float(columns, forms)
    if odd or not bare:
        rest.update(row for row, suite in enumerate(suites) if has_float(suite))
    _make_exact(batch, forms, rest)
    return Known(
        _keys(batch, forms),
        [digest(b"".join(contents[start:stop])) for start, stop in parts],
        [sum(sizes[start:stop]) + more for (start, stop), more in zip(parts, slack, strict=True)],
        [
            _with(sum(outputs[start:stop]), more)
            for (start, stop), more in zip(parts, slack, strict=True)
        ],
    )


def _with(size: int, slack: int) -> int:
    return size + slack if size else 0


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, None, orjson.OPT_SORT_KEYS)


def _forms(values: Sequence[dict[str, Any]]) -> tuple[list[bytes], list[int]]:
    """Objects in compact form, keys in order, and those of them whose numbers may be written otherwise."""
    forms = [orjson.dumps(value, None, orjson.OPT_SORT_KEYS) for value in values]
    kinds = set(map(type, chain.from_iterable(map(dict.values, values))))
    if kinds <= _SIMPLE:
        return forms, []
    if kinds <= _SCALAR:
        return forms, [
            row for row, value in enumerate(values) if float in map(type, value.values())
        ]
    return forms, [row for row, value in enumerate(values) if has_float(value)]


def _shown(forms: list[bytes], values: Sequence[dict[str, Any]], odd: list[int]) -> list[bytes]:
    """The same with numbers by value: what a server may make of them."""
    if not odd:
        return forms
    shown = list(forms)
    for row in odd:
        if has_whole_float(values[row]):
            shown[row] = loose(values[row])
    return shown


def _told_otherwise(
    rows: list[int], values: Sequence[dict[str, Any]], forms: list[bytes], batch: Batch
) -> list[int]:
    """Write the numbers of some objects as they stand in their rows' texts; return the rows where it is not simple."""
    if rows and orjson.dumps(batch.values[rows[0]]) == batch.texts[rows[0]]:
        # It is written as the parser would write it, and the others most likely are, too.
        rows = [row for row in rows if orjson.dumps(batch.values[row]) != batch.texts[row]]
    chosen = [values[row] for row in rows], [batch.texts[row] for row in rows]
    found = exact_scalars(*chosen) or [
        form
        for value, text in zip(*chosen, strict=True)
        for form in exact_scalars([value], [text]) or [b""]
    ]
    for row, form in zip(rows, found, strict=True):
        forms[row] = form or forms[row]
    return [row for row, form in zip(rows, found, strict=True) if not form]


def _other_forms(columns: Columns) -> dict[str, list[bytes]]:
    """The members beside the tasks' own values in compact form."""
    return {
        name: [orjson.dumps(value, None, orjson.OPT_SORT_KEYS) for value in values]
        for name, values in columns.items()
        if name not in ("input_values", "tasks", "pool_id")
    }


def _with_float(columns: Columns, forms: Mapping[str, list[bytes]]) -> set[int]:
    """The rows that have a number beside the tasks' own values which the parser made a float."""
    return {
        row
        for name, form in forms.items()
        if name not in ("input_values", "tasks") and _may_have_float(b"".join(form))
        for row, value in enumerate(columns[name])
        if has_float(value)
    }


def _make_exact(batch: Batch, forms: Mapping[str, list[bytes]], rows: Iterable[int]) -> None:
    """Write every number of some rows as it stands in their texts."""
    for row in rows:
        exact = exact_members(batch.values[row], batch.texts[row], forms)
        for name, form in forms.items():
            form[row] = exact[name]


def _slack(texts: list[bytes], columns: Columns, forms: Mapping[str, list[bytes]]) -> list[int]:
    """By how much each text is longer than its compact form."""
    sizes = [map(len, form) for form in forms.values()]
    if "pool_id" in columns:
        sizes.append(map(len, map(orjson.dumps, columns["pool_id"])))
    frame = 1 + sum(len(orjson.dumps(name)) + 2 for name in columns)
    totals = sizes[0] if len(sizes) == 1 else map(sum, zip(*sizes, strict=True))
    slack = [len(text) - frame - total for text, total in zip(texts, totals, strict=True)]
    # A number may be shorter as written than as the parser understood it.
    return slack if min(slack) >= 0 else [max(0, more) for more in slack]


def _outputs(columns: Columns, forms: Mapping[str, list[bytes]], slack: list[int]) -> list[int]:
    """Bytes of all `output_values` of each task."""
    sizes = [0] * len(slack)
    for name in _SOLUTIONS:
        if name not in columns:
            continue
        solutions = columns[name]
        if {1}.issuperset(map(len, chain.from_iterable(filter(None, solutions)))):
            # Each is `{"output_values":…}`, with a comma or a bracket, and there is one bracket more.
            own = [
                len(form) - 1 - len('{"output_values":},') * len(some) if some else 0
                for form, some in zip(forms[name], solutions, strict=True)
            ]
        else:
            own = [_output_bytes({name: some}) for some in solutions]
        sizes = list(map(add, sizes, own))
    return list(map(_with, sizes, slack)) if any(sizes) else sizes


def _keys(batch: Batch, forms: Mapping[str, list[bytes]]) -> list[bytes]:
    """The digests of tasks or suites as such: without their pool, without the defaults that options give."""
    outer = [name for name in batch.signatures[0][1] if name != "infinite_overlap"]
    if len(forms) == 1 and not outer:
        return digests(*forms.values())
    members = {**forms, **{name: [each[name] for each in batch.outers] for name in outer}}
    names = sorted(members)
    heads = (orjson.dumps(name).replace(b"%", b"%%") + b":%b" for name in names)
    template = b"{" + b",".join(heads) + b"}"
    return digests(map(template.__mod__, zip(*(members[name] for name in names), strict=True)))


def _output_bytes(task: Mapping[str, Any]) -> int:
    total = 0
    for name in _SOLUTIONS:
        for solution in task.get(name) or ():
            total += len(orjson.dumps(solution.get("output_values")))
    return total
