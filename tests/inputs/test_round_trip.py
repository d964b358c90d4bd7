"""Created rows and rejected rows are the input, for any input in any format; the counts add up, and nothing breaks."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from input_runs import Run, Service, upload
from make_xlsx import xlsx

FEW = settings(max_examples=25)


class Done(NamedTuple):
    """A run with `--results`: what became of each line, what is in the pool by id, what the rejects hold."""

    run: Run
    results: dict[int, Any]
    pool: dict[str, Any]
    rejects: bytes
    sent: list[bytes]


@contextmanager
def done(data: bytes, name: str, **how: Any) -> Iterator[Done]:
    """Upload bytes as a file of that name into an empty pool."""
    with tempfile.TemporaryDirectory() as directory:
        here, service = Path(directory), Service()
        (here / name).write_bytes(data)
        run = upload(
            service,
            here / "state",
            here / name,
            results=here / "results",
            rejects=here / "rejects",
            **how,
        )
        lines = [json.loads(line) for line in (here / "results").read_bytes().splitlines()]
        results = {entry["line"]: entry for entry in lines}
        assert len(lines) == run.report.counts.read, "each row once"
        rejects = (here / "rejects").read_bytes() if (here / "rejects").exists() else b""
        pool = {task["id"]: task["input_values"] for task in service.pool()}
        yield Done(run, results, pool, rejects, service.sent())
        service.close()


def hold(done: Done, wanted: dict[int, Any], raws: dict[int, bytes], *, skip: bool) -> None:
    """Every row is accounted for: with its values in the pool, or with its bytes in the rejects.

    Args:
        wanted: The input values of each row by line; None of what is no row.
        raws: Each row as it stands in the input.
        skip: Whether `--skip-invalid-items` was on.
    """
    counts, results = done.run.report.counts, done.results
    statuses = {line: entry["status"] for line, entry in results.items()}
    assert statuses.keys() == wanted.keys()  # each on a line of its own
    assert counts.read == len(wanted) == sum(done.run.counts.values()) - counts.read
    bad = [line for line, status in sorted(statuses.items()) if status == "rejected"]
    assert done.run.exit == (0 if not bad else 1 if skip else 65)
    good = wanted.keys() - set(bad)
    if bad and not skip:
        assert {statuses[line] for line in good} <= {"unsent"}
        assert done.sent == []
    else:
        created = {line: done.pool.pop(results[line]["task_id"]) for line in good}
        assert created == {line: wanted[line] for line in good}
        assert done.pool == {}
    assert done.rejects.endswith(b"".join(raws[line] for line in bad))
    assert all(results[line]["errors"] for line in bad)


# JSON Lines.

KEYS = st.sampled_from(["image", "text", "number", "meta", "tags", "boxes", "other", "щ\u2028"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, width=32), st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
URLS = st.text(max_size=5).map("https://example.com/{}".format)
TASKS = st.dictionaries(KEYS, VALUES, max_size=4) | st.fixed_dictionaries(
    {"image": URLS}, optional={"text": st.text(), "number": st.integers(0), "meta": VALUES}
)
NO_ROWS = st.sampled_from(
    ["[]", "{", '{"image": NaN}', "7", '"', "\x00", '{"a": "\\ud800"}', "7\ufeff"]
)


def dumped(value: Any, style: int) -> str:
    """JSON as one of the usual programs writes it."""
    if style == 0:
        return json.dumps(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":") if style == 1 else None)


def small_integers(value: Any) -> bool:
    """Whether no integer is beyond 64 bits, which the emulator's own JSON would change."""
    if isinstance(value, dict | list):
        members = value.values() if isinstance(value, dict) else value
        return all(map(small_integers, members))
    return not isinstance(value, int) or -(2**63) <= value < 2**64


ROWS = st.lists(
    st.tuples(TASKS.filter(small_integers), st.integers(0, 2)).map(lambda pair: dumped(*pair))
    | NO_ROWS
    | st.sampled_from(["", "  "]),
    max_size=8,
)


@FEW
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans(), st.booleans())
def test_json_lines(lines: list[str], end: str, skip: bool, wrapped: bool, ended: bool) -> None:  # noqa: FBT001
    """Flat or as API tasks; good rows arrive in the very bytes of their line, bad ones stay as they were."""
    if wrapped:
        lines = [f'{{"input_values": {line}}}' if line.strip() else line for line in lines]
    data = end.join(lines) + end * ended
    rows = {n: line for n, line in enumerate(lines, 1) if line.strip()}
    raws = {n: (line + end).encode() for n, line in rows.items()}
    if rows and not ended and max(rows) == len(lines):
        raws[max(rows)] = (rows[max(rows)] + "\n").encode()
    wanted = {n: parsed(line) for n, line in rows.items()}
    if wrapped:
        wanted = {n: value["input_values"] if value else None for n, value in wanted.items()}
    with done(data.encode(), "a.jsonl", skip_invalid_items=skip) as told:
        good = [n for n in rows if told.results[n]["status"] == "created"]
        hold(told, wanted, raws, skip=skip)
        start = b"" if wrapped else b'{"input_values":'
        assert all(
            any(item.startswith(start + rows[n].strip().encode()[:-1]) for item in told.sent)
            for n in good
        )


def parsed(text: str) -> Any:
    """A line's value; None if it is no object."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@FEW
@given(st.lists(TASKS.filter(small_integers) | st.integers(), max_size=6), st.booleans(), st.data())
def test_json_arrays(values: list[Any], skip: bool, data: st.DataObject) -> None:  # noqa: FBT001
    """Whatever the layout; the rejects are the bad elements, a line each."""
    texts = [
        json.dumps(value, indent=data.draw(st.sampled_from([None, 0, 3])), ensure_ascii=False)
        for value in values
    ]
    gap = data.draw(st.sampled_from(["\n", "\n\n", "\r\n"]))
    text, starts = "[" + gap, []
    for number, element in enumerate(texts):
        starts.append(text.count("\n") + 1)
        text += element + ("," if number < len(texts) - 1 else "") + gap
    wanted = {
        line: value if isinstance(value, dict) else None
        for line, value in zip(starts, values, strict=True)
    }
    with done((text + "]").encode(), "a.json", skip_invalid_items=skip) as told:
        bad = [n for n, entry in sorted(told.results.items()) if entry["status"] == "rejected"]
        kept = [json.loads(line) for line in told.rejects.splitlines()]
        assert kept == [values[starts.index(n)] for n in bad]
        hold(told, wanted, dict.fromkeys(wanted, b""), skip=skip)


# Tables.

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=8)
FIELDS = ["image", "text", "number", "checked", "tags"]
GOOD = st.tuples(URLS.filter(str.isprintable), CELL, st.sampled_from(["", "7"]))
ANY = st.tuples(CELL, CELL, CELL, CELL, CELL)
TABLE = st.lists(
    GOOD.map(lambda row: [*row, "true", ""])
    | ANY.map(list)
    | st.sampled_from([["https://example.com"], ["", "", "", "", "", ""]]),
    max_size=6,
)


def expected(cells: list[str]) -> dict[str, Any]:
    """What a good row of such cells must arrive as."""
    image, text, number, checked, tags = cells
    found: dict[str, Any] = {"image": image.strip(), "text": text}
    if number.strip():
        found["number"] = int(number.strip().split(".")[0])
    if checked:
        found["checked"] = checked.strip().lower() == "true"
    if tags:
        found["tags"] = None
    return {name: value for name, value in found.items() if value != ""}


def check_table(
    told: Done, rows: dict[int, list[str]], raws: dict[int, bytes], *, skip: bool
) -> None:
    """`hold` for a table: the arrays' own syntax is left to the tests of cells."""
    for values in told.pool.values():
        if "tags" in values:
            assert isinstance(values["tags"], list)
            values["tags"] = None
    wanted = {n: expected(cells) if is_right(cells) else None for n, cells in rows.items()}
    hold(told, wanted, raws, skip=skip)


def is_right(cells: list[str]) -> bool:
    """Whether a row has the right number of cells, and could be a task at all."""
    return (
        len(cells) == len(FIELDS)
        and re.fullmatch(r"\s*(-?[0-9]+(\.0+)?)?\s*", cells[2]) is not None
    )


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@FEW
@given(
    TABLE,
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
)
def test_separated_values(
    name: str,
    table: list[list[str]],
    delimiter: str,
    end: str,
    quoting: Any,
    skip: bool,  # noqa: FBT001
) -> None:
    """Any delimiter, line end and quoting; a rejected record keeps its bytes, breaks within its cells included."""
    delimiter = "\t" if name == "a.tsv" else delimiter

    def record(cells: list[str]) -> str:
        held = io.StringIO()
        csv.writer(held, delimiter=delimiter, lineterminator=end, quoting=quoting).writerow(cells)
        return held.getvalue()

    text, rows, raws = record(FIELDS), {}, {}
    for cells in table:
        line, raw = text.count("\n") + 1, record(cells)
        text += raw
        if any(cells):
            rows[line], raws[line] = cells, raw.encode()
    with done(text.encode(), name, skip_invalid_items=skip) as told:
        check_table(told, rows, raws, skip=skip)
        if told.rejects:
            assert told.rejects.startswith(record(FIELDS).encode())


@FEW
@given(TABLE, st.booleans())
def test_workbooks(table: list[list[str]], skip: bool) -> None:  # noqa: FBT001
    """Rejects of a sheet are CSV that reads back as the cells were."""
    table = [[shown(cell) for cell in cells] for cells in table if len(cells) == len(FIELDS)]
    rows = {line: cells for line, cells in enumerate(table, 2) if any(cells)}
    with done(xlsx([FIELDS, *table]), "a.xlsx", skip_invalid_items=skip) as told:
        bad = [n for n, entry in sorted(told.results.items()) if entry["status"] == "rejected"]
        if told.rejects:
            kept = list(csv.reader(io.StringIO(told.rejects.decode(), newline="")))
            assert kept == [FIELDS, *(rows[n] for n in bad)]
        check_table(told, rows, dict.fromkeys(rows, b""), skip=skip)


def shown(cell: str) -> str:
    """A cell without the characters that XML cannot hold."""
    return "".join(c for c in cell if c in "\t\n" or c.isprintable())


@FEW
@given(
    st.binary(max_size=200), st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.tsv", "a", "a.xlsx"])
)
def test_any_bytes_end_in_a_status_that_says_what_to_do(data: bytes, name: str) -> None:
    """No traceback and no hang; the counts add up even if the file breaks off in its middle."""
    make: Callable[..., Any] = done
    with make(data, name, skip_invalid_items=True) as told:
        counts = told.run.report.counts
        assert told.run.exit in (0, 1, 65)
        assert counts.read == sum(told.run.counts.values()) - counts.read
        if told.run.exit == 65:
            assert told.run.report.error is not None
            assert name in told.run.report.error.message
