"""The results file: one JSON object a row, each row once, whatever the names and ids in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toloka_upload.errors import CannotWrite
from toloka_upload.outcomes import Block, Places, Status
from toloka_upload.report.results import NoResults, ResultsFile, lines
from toloka_upload.rows.model import Fault

FAULT = Fault("input_values.image", "VALUE_REQUIRED", "May not be null")


def block(
    rows: list[tuple[str, int, Status, str]],
    faults: Mapping[int, list[Fault]] | None = None,
    **rest: Any,
) -> Block:
    """A block of rows: file, line, status, id."""
    places = Places()
    for file, line, _, _ in rows:
        places.add(file, line)
    settings: dict[str, Any] = {"pool": "21", "kind": "tasks", "operation_id": "op", **rest}
    return Block(
        places,
        bytes(status for _, _, status, _ in rows),
        ids=[identity for _, _, _, identity in rows],
        faults=faults or {},
        **settings,
    )


def parsed(*args: Any, **rest: Any) -> list[dict[str, Any]]:
    """The lines of a block, parsed."""
    return [json.loads(line) for line in b"".join(lines(block(*args, **rest))).splitlines()]


def test_a_created_row_names_its_task() -> None:
    """The promised keys and no others."""
    assert parsed([("tasks.jsonl", 7, Status.CREATED, "id-7")]) == [
        {
            "file": "tasks.jsonl",
            "line": 7,
            "status": "created",
            "pool_id": "21",
            "task_id": "id-7",
            "operation_id": "op",
        }
    ]


def test_a_row_of_a_suite_names_its_suite() -> None:
    """In place of a task; a synchronous request has no operation."""
    (line,) = parsed([("a", 1, Status.CREATED, "s-1")], kind="task-suites", operation_id=None)
    assert line == {
        "file": "a",
        "line": 1,
        "status": "created",
        "pool_id": "21",
        "task_suite_id": "s-1",
    }


def test_a_rejected_row_says_why() -> None:
    """Every fault with field, code and message."""
    (line,) = parsed([("a", 3, Status.REJECTED, "")], {0: [FAULT, FAULT]})
    assert line["status"] == "rejected"
    assert line["errors"] == [FAULT._asdict()] * 2
    assert "task_id" not in line


def test_a_row_that_never_had_a_pool_names_none() -> None:
    """What is not known is left out, not invented."""
    (line,) = parsed([("a", 3, Status.UNSENT, "")], pool="", operation_id=None)
    assert line == {"file": "a", "line": 3, "status": "unsent"}


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
ids = st.just("") | st.sampled_from(["id", 'a"b', "a\\b", "a\nb", "é", "\u2028"])


@given(
    st.lists(st.tuples(names, st.integers(1, 10**9), st.sampled_from(Status), ids), max_size=12),
    names,
)
def test_every_row_has_one_line_that_is_true(
    rows: list[tuple[str, int, Status, str]], operation: str
) -> None:
    """Also where names and ids have quotes, line breaks or anything else in them: a server is not trusted."""
    found = parsed(rows, operation_id=operation)
    assert [(line["file"], line["line"], line["status"]) for line in found] == [
        (file, number, status.word) for file, number, status, _ in rows
    ]
    assert [line.get("task_id", "") for line in found] == [identity for *_, identity in rows]
    assert all(line["operation_id"] == operation for line in found)


def test_a_path_that_is_no_text_is_told_as_well_as_can_be() -> None:
    """A file name of undecodable bytes must not end the run."""
    (line,) = parsed([("caf\udce9.jsonl", 1, Status.CREATED, "id")])
    assert line["file"].startswith("caf")
    assert line["file"].endswith(".jsonl")


def test_the_file_is_made_anew_and_written_whole(tmp_path: Path) -> None:
    """The results of one run, not of several."""
    path = tmp_path / "results.jsonl"
    path.write_text("old\n")
    results = ResultsFile(path)
    results.write(block([("a", 1, Status.CREATED, "x")]))
    results.write(block([("a", 2, Status.UNKNOWN, "")]))
    results.close()
    assert [json.loads(line)["line"] for line in path.read_text().splitlines()] == [1, 2]


def test_results_that_cannot_be_written_say_how_to_get_them_later(tmp_path: Path) -> None:
    """What was uploaded stays uploaded; the journal can write the file again."""
    with pytest.raises(CannotWrite, match="--results"):
        ResultsFile(tmp_path / "missing" / "results.jsonl")
    full = ResultsFile(Path("/dev/full"))
    many = block([("a", number, Status.CREATED, "x") for number in range(10_000)])
    with pytest.raises(CannotWrite, match=r"No space left.*runs RUN --results"):
        full.write(many)
    full._file.raw.close()  # type: ignore[attr-defined]  # what is left in the buffer has nowhere to go


def test_without_the_option_nothing_is_written() -> None:
    """Taking no note needs no file."""
    nobody = NoResults()
    nobody.write(block([("a", 1, Status.CREATED, "x")]))
    nobody.close()
