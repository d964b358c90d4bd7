"""`toloka-upload template`: what it prints can be uploaded as it is, in every format, for every kind of pool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from input_runs import INPUT_SPEC, OUTPUT_SPEC, Service, upload

from toloka_upload.check.template import template

SPEC: dict[str, Any] = {"input_spec": INPUT_SPEC, "output_spec": OUTPUT_SPEC}
FORMATS = ["jsonl", "json", "csv", "tsv"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["task", "suite", "training"])
def test_a_template_uploads_as_it_is(
    kind: Any, form: Any, service: Service, tmp_path: Path
) -> None:
    """It passes the check, and every field has the same example in every format."""
    path = tmp_path / f"tasks.{form}"
    path.write_bytes(template(SPEC, kind, form))
    grouped = {"suite_size": 5} if kind == "suite" and form in ("csv", "tsv") else {}
    pool = "22" if kind == "suite" else "21"
    run = upload(service, tmp_path / "state", path, pool=pool, **grouped)
    assert (run.exit, run.faults, run.warnings) == (0, [], [])
    [item] = service.items()
    task = item["tasks"][0] if kind == "suite" else item
    from_json = json.loads(template(SPEC, "task", "jsonl"))
    assert task["input_values"] == from_json["input_values"]
    assert task["input_values"].keys() == INPUT_SPEC.keys()
    assert ("known_solutions" in task) is (kind == "training")
    if kind == "training":
        assert item["infinite_overlap"] is True
        assert item["message_on_unknown_solution"]
        assert item["known_solutions"] == [{"output_values": {"result": "OK"}}]


@pytest.mark.parametrize("form", FORMATS)
def test_a_template_is_checked_once_it_is_filled_in(
    form: Any, service: Service, tmp_path: Path
) -> None:
    """A value that the project does not take is named with its field."""
    path = tmp_path / f"tasks.{form}"
    path.write_bytes(template(SPEC, "task", form).replace(b"https://example.com/1.jpg", b"1.jpg"))
    run = upload(service, tmp_path / "state", path)
    assert run.exit == 65
    assert [fault[1:] for fault in run.faults] == [("input_values.image", "INVALID_URL_SYNTAX")]
