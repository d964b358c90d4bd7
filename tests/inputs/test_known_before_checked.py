"""What the pool has is recognised before it is checked: a spec that changes later takes nothing back."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from input_runs import INPUT_SPEC, Run, Service, upload, world

STRICTER = {**INPUT_SPEC, "extra": {"type": "string", "required": True}}
Row = dict[str, Any]
Write = Callable[[Path, Sequence[Row]], Path]


def flat(path: Path, rows: Sequence[Row]) -> Path:
    """Rows that are the input values themselves."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def tasks(path: Path, rows: Sequence[Row]) -> Path:
    """API tasks."""
    return flat(path, [{"input_values": row, "overlap": 5} for row in rows])


def table(path: Path, rows: Sequence[Row]) -> Path:
    """A table."""
    names = list(rows[0])
    lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)]
    path.with_suffix(".csv").write_text("\n".join(lines) + "\n")
    return path.with_suffix(".csv")


def suites(path: Path, rows: Sequence[Row]) -> Path:
    """API task suites of one task each."""
    return flat(path, [{"tasks": [{"input_values": row}]} for row in rows])


def images(count: int, **more: str) -> list[Row]:
    """So many different rows."""
    return [{"image": f"https://example.com/{number}", **more} for number in range(count)]


def demand_more(service: Service) -> None:
    """The project's spec gains a required field."""
    service.put(world(STRICTER))


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (flat, {}),
        (tasks, {}),
        (table, {}),
        (suites, {"pool": "22"}),
        (flat, {"pool": "22", "suite_size": 4}),
    ],
    ids=["flat", "tasks", "table", "suites", "rows in suites"],
)
def test_a_finished_file_stays_finished(
    service: Service, tmp_path: Path, write: Write, options: dict[str, Any]
) -> None:
    """All of its rows are already uploaded, as before the spec changed; a dry run says so, too."""
    path = write(tmp_path / "rows.jsonl", images(20))
    assert upload(service, tmp_path / "state", path, **options).counts["created"] == 20
    demand_more(service)
    for dry_run in (True, False):
        run = upload(service, tmp_path / "state", path, dry_run=dry_run, **options)
        assert (run.exit, run.counts) == (0, {"read": 20, "already_uploaded": 20})
        assert run.faults == []


def test_what_is_new_is_checked(service: Service, tmp_path: Path) -> None:
    """Rows beside them are judged by the spec as it is: the bad ones are rejected with their lines and reasons."""
    upload(service, tmp_path / "state", flat(tmp_path / "rows.jsonl", images(20)))
    demand_more(service)
    old, late = images(20), [{"image": f"https://example.com/late/{n}"} for n in range(2)]
    good = images(2, extra="more")
    path = flat(tmp_path / "rows.jsonl", [*old[:10], late[0], *good, *old[10:], late[1], old[0]])
    run = upload(service, tmp_path / "state", path, skip_invalid_items=True)
    assert run.counts == {"read": 25, "already_uploaded": 20, "created": 2, "rejected": 3}
    field = ("input_values.extra", "VALUE_REQUIRED")
    assert run.faults == [(11, *field), (24, *field), (25, *field)], "the last one is one too many"
    rejects = (tmp_path / "rows.rejects.jsonl").read_bytes().splitlines()
    assert [json.loads(row) for row in rejects] == [*late, old[0]]


def test_what_no_spec_allows_is_rejected_as_ever(service: Service, tmp_path: Path) -> None:
    """A row that is no task is not looked for."""
    upload(service, tmp_path / "state", tasks(tmp_path / "rows.jsonl", images(3)))
    demand_more(service)
    path = tasks(tmp_path / "rows.jsonl", images(3))
    path.write_text(path.read_text() + '{"input_values": 7}\n')
    run: Run = upload(service, tmp_path / "state", path, skip_invalid_items=True)
    assert run.counts == {"read": 4, "already_uploaded": 3, "rejected": 1}
