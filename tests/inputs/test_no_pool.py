"""Rows without a pool: one error for the command line, not one for each row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from input_runs import Service, upload

FORMS = {
    "flat.jsonl": '{"image": "https://example.com/1"}\n' * 300,
    "tasks.jsonl": '{"input_values": {"image": "https://example.com/1"}}\n' * 300,
    "suites.jsonl": '{"tasks": [{"input_values": {"image": "https://example.com/1"}}]}\n' * 300,
    "table.csv": "image\n" + "https://example.com/1\n" * 300,
}


@pytest.mark.parametrize("name", FORMS)
def test_no_pool_anywhere_is_a_wrong_command_line(
    name: str, service: Service, tmp_path: Path
) -> None:
    """Status 2 and what to add; nothing is rejected, and no copy of the file is written."""
    path = tmp_path / name
    path.write_text(FORMS[name])
    run = upload(service, tmp_path / "state", path, pool=None)
    assert (run.exit, run.counts, run.faults) == (2, {}, [])
    assert run.report.error is not None
    assert run.report.error.code == "NO_POOL"
    assert "add --pool ID" in run.report.error.message
    assert not list(tmp_path.glob("*.rejects*"))


def test_one_row_without_a_pool_among_others_is_that_rows_fault(
    service: Service, tmp_path: Path
) -> None:
    """Blank lines before the first row are no rows without a pool."""
    task = {"input_values": {"image": "https://example.com/1"}}
    rows = [{**task, "pool_id": "21"}, task]
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n" * 500 + "".join(json.dumps(row) + "\n" for row in rows))
    run = upload(service, tmp_path / "state", path, pool=None)
    assert (run.exit, run.faults) == (65, [(502, "pool_id", "VALUE_REQUIRED")])
