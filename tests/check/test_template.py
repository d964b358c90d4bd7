"""Templates: for any spec, a file that reads back and passes the check."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toloka_upload.check import Spec, check_suite, check_task
from toloka_upload.check.template import template
from toloka_upload.emulator.world import default_world
from toloka_upload.errors import UsageProblem
from toloka_upload.rows import ReadOptions, Row, open_rows

Format = Literal["jsonl", "json", "csv", "tsv"]
FORMATS: tuple[Format, ...] = ("jsonl", "json", "csv", "tsv")

DEFAULT: dict[str, Any] = dict(default_world().projects[1]["task_spec"])
AWKWARD: dict[str, Any] = {
    "input_spec": {
        "choice": {
            "type": "string",
            "required": True,
            "allowed_values": ['say "yes", then\tno', "x"],
        },
        "code": {"type": "string", "required": True, "pattern": "[A-Z]{2}-[0-9]+"},
        "short": {"type": "string", "required": True, "min_length": 30, "max_length": 40},
        "year": {"type": "integer", "required": True, "min_value": 1900.5, "max_value": 1901},
        "share": {"type": "float", "required": True, "min_value": 0.2, "max_value": 0.3},
        "points": {"type": "array_coordinates", "required": True, "min_size": 3},
        "words": {"type": "array_string", "required": True, "allowed_values": ["a, b", "c"]},
        "flags": {"type": "array_boolean", "required": True, "min_size": 2},
        "none": {"type": "array_string", "required": True, "max_size": 0},
        "objects": {"type": "array_json", "required": True},
        "photo": {"type": "file", "required": False},
        "odd": {"type": "string", "required": False, "pattern": "q{7}z"},
    },
    "output_spec": {
        "answer": {"type": "string", "required": True},
        "why": {"type": "string", "required": False},
    },
}


def rows_of(data: bytes, form: Format, spec: dict[str, Any], folder: Path) -> list[Row]:
    """What our own readers make of a template."""
    path = folder / f"template.{form}"
    path.write_bytes(data)
    file = open_rows(str(path), ReadOptions(), spec)
    try:
        return list(file)
    finally:
        file.close()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("spec", [DEFAULT, AWKWARD], ids=["default", "awkward"])
def test_a_template_reads_back_as_one_good_row(
    form: Format, spec: dict[str, Any], tmp_path: Path
) -> None:
    """Read by our readers, the example has no fault, and every required field has a value."""
    for kind in ("task", "suite"):
        (row,) = rows_of(template(spec, kind, form), form, spec, tmp_path)
        assert row.faults == ()
        compiled = Spec.compile(spec)
        if "tasks" in row.value:
            assert check_suite(row.value) == compiled.check_suite(row.value) == ()
        else:
            assert check_task(row.value) == compiled.check_task(row.value) == ()


def test_tables_have_all_input_columns_and_a_golden_one_for_required_answers() -> None:
    """The web interface's names, in the spec's order; no hint column, which would make training tasks."""
    header, example, end = template(DEFAULT, "task", "tsv").decode().split("\n")
    inputs = [f"INPUT:{name}" for name in DEFAULT["input_spec"]]
    assert header.split("\t") == [*inputs, "GOLDEN:result"]
    assert example.split("\t")[:3] == ["https://example.com/1.jpg", "text", "cat"]
    assert example.endswith("\t")
    assert end == ""


def test_no_golden_column_where_an_answer_must_be_a_file() -> None:
    """A known answer cannot be a file."""
    spec = {
        "input_spec": {"x": {"type": "string"}},
        "output_spec": {"f": {"type": "file", "required": True}},
    }
    assert template(spec, "task", "csv") == b"INPUT:x\ntext\n"


@pytest.mark.parametrize("spec", [{}, {"input_spec": {}}, {"input_spec": None}])
def test_a_project_without_input_fields_has_no_template(spec: dict[str, Any]) -> None:
    """The message says what to do first."""
    with pytest.raises(UsageProblem, match="add them to the project"):
        template(spec, "task", "csv")


def test_the_kind_decides_what_json_rows_are(tmp_path: Path) -> None:
    """A task for pools with smart mixing, a suite for others."""
    for form in ("jsonl", "json"):
        (task,) = rows_of(template(DEFAULT, "task", form), form, DEFAULT, tmp_path)
        (suite,) = rows_of(template(DEFAULT, "suite", form), form, DEFAULT, tmp_path)
        assert suite.value == {"tasks": [task.value]}


ARRAYS = ("", "array_")
numbers = st.integers(-5, 5) | st.floats(-5, 5, allow_nan=False)
words = st.text("ab ,\"'[\\\t\nя", max_size=4).map(lambda text: f"x{text}y")
fields = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                [array + kind for array in ARRAYS for kind in ("string", "json")]
            )
        },
        optional={"min_length": st.integers(0, 50), "min_size": st.integers(0, 3)},
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from([array + kind for array in ARRAYS for kind in ("float", "url")])},
        optional={"min_value": numbers, "min_size": st.integers(0, 3)},
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from([f"{array}string" for array in ARRAYS])},
        optional={"allowed_values": st.lists(words, max_size=2)},
    ),
    st.fixed_dictionaries({"type": st.just("integer")}, optional={"max_value": numbers}),
)
specs = st.dictionaries(
    st.text("abcXYZ_-1", min_size=1, max_size=5), fields, min_size=1, max_size=4
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=specs, required=st.booleans())
def test_templates_of_any_spec_pass_its_check(
    tmp_path: Path, *, inputs: dict[str, dict[str, Any]], required: bool
) -> None:
    """In each format, through our own readers."""
    spec = {"input_spec": {name: {**field, "required": required} for name, field in inputs.items()}}
    for form in FORMATS:
        (row,) = rows_of(template(spec, "task", form), form, spec, tmp_path)
        assert row.faults == ()
        assert Spec.compile(spec).check_task(row.value) == ()
