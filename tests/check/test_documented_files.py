"""What the documents and samples show is true: the files read back and pass the check of the emulator's project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from toloka_upload.check import Spec, check_suite, check_task
from toloka_upload.emulator.world import default_world
from toloka_upload.rows import Kind, ReadOptions, Row, open_rows
from toloka_upload.rows.cells import converter

ROOT = Path(__file__).parents[2]
TASK_SPEC: dict[str, Any] = dict(default_world().projects[1]["task_spec"])
PAGE = (ROOT / "docs/files.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```(jsonl|json|csv|tsv)\n(.*?)^```", PAGE, re.M | re.S)
SAMPLES = sorted(
    path for path in (ROOT / "samples").iterdir() if re.fullmatch(r"\w+\.(jsonl|[ct]sv)", path.name)
)


def good_rows(path: Path) -> tuple[Kind, list[Row]]:
    """Read a file with the emulator's project, and check every row of it."""
    file = open_rows(str(path), ReadOptions(), TASK_SPEC)
    try:
        rows = list(file)
    finally:
        file.close()
    spec = Spec.compile(TASK_SPEC)
    for row in rows:
        assert row.faults == ()
        if file.kind is Kind.SUITE:
            assert check_suite(row.value) == spec.check_suite(row.value) == ()
        elif file.kind is Kind.TASK:
            assert check_task(row.value) == spec.check_task(row.value) == ()
        else:
            assert spec.check_input(row.value) == ()
    return file.kind, rows


@pytest.mark.parametrize(("form", "text"), EXAMPLES)
def test_every_example_of_the_files_page_is_a_good_file(
    form: str, text: str, tmp_path: Path
) -> None:
    """Each fenced example is read with its own format, and the emulator's project takes its rows."""
    path = tmp_path / f"example.{form}"
    path.write_text(text, encoding="utf-8")
    assert good_rows(path)[1]


@pytest.mark.parametrize(
    ("kind", "cell", "value"), re.findall(r"^\| `(\w+)` \| `(.+?)`.*? \| `(.+?)`", PAGE, re.M)
)
def test_cells_become_what_the_page_says(kind: str, cell: str, value: str) -> None:
    """The page's table of cells, row by row."""
    assert orjson.loads(converter(kind)(cell)) == orjson.loads(value)


def test_the_messages_on_the_page_are_those_of_the_check() -> None:
    """Field, code and message, as a terminal shows them."""
    row = {"image": "example.com", "category": "Cat", "txt": "A cat"}
    for fault in Spec.compile(TASK_SPEC).check_input(row):
        assert re.search(rf"^tasks.jsonl:\d+: {re.escape(': '.join(fault))}$", PAGE, re.M)


def test_the_ways_to_write_an_array_cell_mean_the_same(tmp_path: Path) -> None:
    """The page's three rows: an escaped comma, a quoted element, a JSON array."""
    (text,) = (text for _, text in EXAMPLES if "day\\, bright" in text)
    path = tmp_path / "tags.tsv"
    path.write_text(text, encoding="utf-8")
    _, rows = good_rows(path)
    assert [row.value["input_values"]["tags"] for row in rows] == [["day, bright", "indoor"]] * 3
    assert rows[0].value == rows[1].value == rows[2].value


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_is_a_good_file(path: Path) -> None:
    """The emulator's project takes all rows; samples for pool 22 are suites, the others tasks."""
    kind, rows = good_rows(path)
    assert kind is (Kind.SUITE if "suites" in path.name else Kind.TASK)
    tasks = [task for row in rows for task in row.value.get("tasks", [row.value])]
    assert 10 < len(tasks) < 30
    assert any("known_solutions" in task for task in tasks)


def test_no_row_is_in_two_samples() -> None:
    """Uploaded one after another, each sample is new to the pool."""
    texts = [row.text for path in SAMPLES for row in good_rows(path)[1]]
    assert len(SAMPLES) == 4
    assert len(set(texts)) == len(texts)
