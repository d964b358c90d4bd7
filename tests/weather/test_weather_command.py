"""The weather as the command line tells it: exit statuses, words on standard error, the summary."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from outing import MakeWeather, Weather, flat


def command(
    here: Weather, folder: Path, *options: str, rows: int = 60
) -> subprocess.CompletedProcess[str]:
    """Run `toloka-upload tasks.jsonl --pool 21` with some options, away from any terminal."""
    (folder / "tasks.jsonl").write_bytes(b"".join(row + b"\n" for row in flat(rows)))
    return subprocess.run(
        [
            *(sys.executable, "-m", "toloka_upload", "tasks.jsonl", "--pool", "21"),
            *("--url", here.server.url, "--state-dir", "state", *options),
        ],
        cwd=folder,
        env={"TOLOKA_TOKEN": "t", "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_waits_are_told_in_words(weather: MakeWeather, tmp_path: Path) -> None:
    """The server is busy, the pool is locked; and at the end, what held the run back."""
    here = weather(
        {"action": "refuse", "status": 503, "method": "POST", "nth": [1, 2]},
        {"action": "lock-pool", "seconds": 0.5, "path": "/tasks", "nth": 2},
    )
    done = command(here, tmp_path, "--chunk-size", "20", "--verbose")
    assert done.returncode == 0, done.stderr
    assert "server busy, HTTP 503 (1st try), again in 1 s, giving up at " in done.stderr
    assert "pool locked by another operation (1st try), again in " in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert "held back by" in done.stdout
    assert "% of the time" in done.stdout


def test_a_used_up_day_is_75(weather: MakeWeather, tmp_path: Path) -> None:
    """One JSON object whatever happened; the same command, later, goes on."""
    here = weather(tasks_per_day=40)
    done = command(here, tmp_path, "--chunk-size", "20", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["exit_reason"]) == (75, "try again")
    counts = {key: number for key, number in report["counts"].items() if number}
    assert counts == {"read": 60, "created": 40, "unsent": 20}
    assert report["error"]["code"] == "TOO_MANY_REQUESTS"
    here.server.emulator.switch(tasks_per_day=0)
    done = command(here, tmp_path, "--chunk-size", "20", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["counts"]["created"] == 20


def test_a_rate_that_suffices_is_kept(weather: MakeWeather, tmp_path: Path) -> None:
    """`--rate 40/1s`: 120 rows take two seconds and no more requests than chunks."""
    here = weather()
    done = command(here, tmp_path, "--chunk-size", "20", "--rate", "40/1s", "--json", rows=120)
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["operations"] == {"submitted": 6, "succeeded": 6, "failed": 0}
    assert report["bottleneck"]["name"] == "rate limit"
    assert 1.2 < report["waited_seconds"]["rate_limit"] <= report["seconds"]
    assert report["retries"] == 0
