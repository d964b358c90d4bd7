"""`--dry-run`: what would happen, worked out without making anything happen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from input_runs import Run, Service, upload, world

from toloka_upload.policies.rate import Window
from toloka_upload.settings import Pacing

URL = "https://example.com/"
GENERAL = {"input_values": {"image": URL + "1"}}
CONTROL = {**GENERAL, "known_solutions": [{"output_values": {"result": "OK"}}]}
TRAINING = {**CONTROL, "message_on_unknown_solution": "look"}


def dry(service: Service, tmp_path: Path, rows: list[Any], **options: Any) -> Run:
    """A dry run over API tasks."""
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return upload(service, tmp_path / "state", path, dry_run=True, **options)


def plan(run: Run) -> dict[str, Any]:
    """The plan of a run that was fit for one."""
    assert run.exit == 0
    assert run.report.plan is not None
    return run.report.plan


def test_it_counts_rows_by_kind(service: Service, tmp_path: Path) -> None:
    """General, control and training tasks; none of them is sent, all are counted as unsent."""
    run = dry(service, tmp_path, [GENERAL, CONTROL, TRAINING, CONTROL, TRAINING, TRAINING])
    assert plan(run)["rows"] == {"general": 1, "control": 2, "training": 3}
    assert run.counts == {"read": 6, "unsent": 6}
    assert service.bodies == []


def test_it_tells_the_requests_to_the_byte(service: Service, tmp_path: Path) -> None:
    """Chunks and bytes are those of the upload itself; the first and the last row are shown as they go."""
    rows = [{"input_values": {"image": f"{URL}{n}", "text": "щ" * 300}} for n in range(2500)]
    told = plan(dry(service, tmp_path, rows))
    upload(service, tmp_path / "state", tmp_path / "a.jsonl")
    assert told["chunks"] == len(service.bodies) > 1
    assert told["bytes"] == sum(map(len, service.bodies))
    sent = service.sent()
    assert [told["first"]["line"], told["last"]["line"]] == [1, 2500]
    assert [told["first"]["sent"], told["last"]["sent"]] == [sent[0].decode(), sent[-1].decode()]


def test_it_tells_the_time_that_the_quotas_take(service: Service, tmp_path: Path) -> None:
    """With `--rate 4/min`, ten rows go in three bursts: two minutes."""
    rows = [{"input_values": {"image": f"{URL}{n}"}} for n in range(10)]
    run = dry(service, tmp_path, rows, pacing=Pacing(rate=Window(4, 60.0, "minute")))
    assert plan(run)["seconds"] == 120


def test_it_plans_suites(service: Service, tmp_path: Path) -> None:
    """Suites and their tasks are counted apart."""
    rows = [GENERAL, CONTROL, {"input_values": {"image": URL + "3"}}]
    told = plan(dry(service, tmp_path, rows, pool="22", suite_size=2))
    assert (told["suites"], told["items"]) == (2, 2)
    assert told["rows"] == {"general": 2, "control": 1, "training": 0}


def test_it_warns_about_the_pool(make_service, tmp_path: Path) -> None:
    """Closed, expired, zero price with general tasks, nearly full: told, and no reason to fail."""
    service = make_service(world(reward_per_assignment=0, will_expire="2020-01-15T09:00:00.000"))
    found = "\n".join(plan(dry(service, tmp_path, [GENERAL]))["warnings"])
    assert "closed" in found
    assert "expired on 2020-01-15" in found
    assert "pays nothing" in found
    assert "pays nothing" not in str(plan(dry(service, tmp_path, [CONTROL]))["warnings"])


def test_bad_rows_are_told_as_an_upload_would(service: Service, tmp_path: Path) -> None:
    """Exit 65 without `--skip-invalid-items`; with it the plan is that of the good rows."""
    rows = [GENERAL, {"input_values": {"image": "no url"}}]
    assert dry(service, tmp_path, rows).exit == 65
    run = dry(service, tmp_path, rows, skip_invalid_items=True)
    assert (run.exit, run.counts) == (1, {"read": 2, "rejected": 1, "unsent": 1})
    assert run.report.plan is not None
    assert run.report.plan["items"] == 1


def test_it_knows_what_the_pool_has(service: Service, tmp_path: Path) -> None:
    """Rows of an earlier upload are not planned again; the journal is only read."""
    rows = [{"input_values": {"image": f"{URL}{n}"}} for n in range(3)]
    dry(service, tmp_path, rows[:2])
    upload(service, tmp_path / "state", tmp_path / "a.jsonl")
    before = contents(tmp_path / "state")
    assert dry(service, tmp_path, rows).counts == {"read": 3, "already_uploaded": 2, "unsent": 1}
    assert contents(tmp_path / "state") == before


def contents(directory: Path) -> dict[str, bytes]:
    """All files below a directory; a reader of an SQLite database may leave its empty shared memory beside it."""
    files = (p for p in sorted(directory.rglob("*")) if p.is_file())
    return {str(p): p.read_bytes() for p in files if not p.name.endswith(("-shm", "-wal"))}


def test_without_the_check_it_needs_no_token_and_leaves_no_trace(tmp_path: Path) -> None:
    """`--dry-run --no-check` from a shell: exit 0, the plan on standard output, no state directory, no file."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(GENERAL) + "\n")
    command = [sys.executable, "-m", "toloka_upload", "-n", "--no-check", "--pool", "21", str(path)]
    state = tmp_path / "state"
    for more in ([], ["--json"]):
        done = subprocess.run(
            [*command, *more, "--state-dir", str(state)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "https://example.com/1" in done.stdout
        assert "https://example.com/1" not in done.stderr
    assert json.loads(done.stdout)["plan"]["items"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]
