"""`toloka-upload emulator`: what a user types, sees and ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated import task

from toloka_upload.emulator.server import Server
from toloka_upload.emulator.setup import parse_switches

LINE = re.compile(r"toloka-upload emulator: (http://\S+/api/v1) \(page: (http://\S+/)\)\n")


class Running:
    """The command in a process of its own."""

    def __init__(self, *options: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "toloka_upload", "emulator", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path), "HOME": "/nonexistent", **environ},
        )
        assert self.process.stdout
        match = LINE.fullmatch(self.process.stdout.readline())
        assert match, self.process.communicate()
        self.url, self.page = match.groups()

    def get(self, path: str) -> Any:
        """GET below `/api/v1`."""
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any) -> Any:
        """POST below `/api/v1`."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Status, the rest of standard output, standard error."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


Run = Callable[..., Running]


@pytest.fixture
def run() -> Iterator[Run]:
    """Start the command with options and environment."""
    started: list[Running] = []

    def start(*options: str, **environ: str) -> Running:
        started.append(Running(*options, **environ))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)


def refused(*options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command that does not come to listen."""
    return subprocess.run(
        [sys.executable, "-m", "toloka_upload", "emulator", *options],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path), "HOME": "/nonexistent", **environ},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_where_it_listens_and_ends_cleanly(run: Run, number: int) -> None:
    """One line on standard output, and status 0 on either signal; nothing else is said."""
    running = run("--memory")
    assert running.get("/pools/21")["id"] == "21"
    assert urllib.request.urlopen(running.page, timeout=5).status == 200
    assert running.end(number) == (0, "", "")


def test_data_stays_until_it_is_reset(run: Run, tmp_path: Path) -> None:
    """In the state directory that `--env local` uses too; `--reset` forgets it."""
    where = {"TOLOKA_UPLOAD_STATE_DIR": str(tmp_path)}
    first = run(**where)
    made = first.post("/tasks", task())
    first.end()
    assert (tmp_path / "local" / "emulator.sqlite3").exists()
    second = run(**where)
    assert second.get(f"/tasks/{made['id']}") == made
    second.end()
    third = run("--reset", **where)
    assert third.get("/tasks?pool_id=21")["items"] == []


def test_reset_deletes_no_file_of_anybody_else(tmp_path: Path) -> None:
    """`--reset --db` of a file that is none of the emulator's: status 2, and the file as it was."""
    path = tmp_path / "thesis.txt"
    path.write_text("Chapter 1")
    ran = refused("--reset", "--db", str(path))
    assert ran.returncode == 2
    assert "thesis.txt" in ran.stderr
    assert path.read_text() == "Chapter 1"


def test_two_on_one_database_say_so(run: Run, tmp_path: Path) -> None:
    """The second tells that it is not alone, and goes on; with `--reset` it does not."""
    where = {"TOLOKA_UPLOAD_STATE_DIR": str(tmp_path)}
    first, second = run(**where), run(**where)
    made = first.post("/tasks", task())
    assert second.get(f"/tasks/{made['id']}") == made
    assert "another process uses this database" in second.end()[2]
    ran = refused("--reset", **where)
    assert (ran.returncode, "another process uses it" in ran.stderr) == (2, True)
    assert first.end() == (0, "", "")


def test_a_copy_of_a_pool_is_made_with_the_users_token(run: Run, toloka_emulator: Server) -> None:
    """`--like` reads pool and project from the API named, with the token, and serves them."""
    toloka_emulator.emulator.switch(require_token="secret")
    options = ("--memory", "--like", "https://platform.example/requester/project/1/pool/24")
    running = run(*options, "--url", toloka_emulator.url, TOLOKA_TOKEN="secret")
    assert running.get("/pools/24")["status"] == "CLOSED"
    seen = [entry.path for entry in toloka_emulator.emulator.ledger.requests]
    assert seen == ["/pools/24", "/projects/1"]
    training = run("--memory", "--like", "25", "--url", toloka_emulator.url, TOLOKA_TOKEN="secret")
    assert training.get("/trainings/25")["id"] == "25"


def test_options_reach_the_emulator(run: Run, tmp_path: Path) -> None:
    """World, faults, switches, times and token, the command line winning over the world file."""
    world, plan = tmp_path / "world.toml", tmp_path / "plan.toml"
    world.write_text(
        "[switches]\noperation_seconds = 9\nsync_items = 3\n[[project]]\nid = 5\n"
        "[[pool]]\nid = 50\nproject_id = 5\n"
    )
    plan.write_text('[[fault]]\naction = "refuse"\nstatus = 418\npath = "/pools/50"\n')
    running = run(
        *("--db", str(tmp_path / "my.sqlite3"), "--world", str(world), "--faults", str(plan)),
        *("--operation-time", "0", "--switch", "lock-pool=refuse", "--switch", "sync_items=4"),
    )
    with pytest.raises(urllib.error.HTTPError, match="418"):
        running.get("/pools/50")
    assert running.get("/pools/50")["project_id"] == "5"
    with urllib.request.urlopen(running.page + "_emulator/switches", timeout=5) as answer:
        switches = json.load(answer)
    assert switches["operation_seconds"] == 0
    assert (switches["sync_items"], switches["lock_pool"]) == (4, "refuse")
    assert (tmp_path / "my.sqlite3").exists()


def test_other_machines_are_warned_of(run: Run) -> None:
    """An address beyond this machine works, with a warning on standard error."""
    status, _, err = run("--memory", "--host", "0.0.0.0").end()
    assert status == 0
    assert "other machines" in err


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--memory", "--switch", "lock_pool"), 2, "NAME=VALUE"),
        (("--memory", "--switch", "nothing=1"), 2, "there is no switch 'nothing'"),
        (("--memory", "--world", "/nowhere.toml"), 66, "/nowhere.toml"),
        (("--memory", "--faults", "/nowhere.toml"), 66, "/nowhere.toml"),
        (("--memory", "--like", "21"), 77, "TOLOKA_TOKEN"),
        (("--memory", "--like", "21", "--env", "local"), 2, "--like"),
        (("--db", "/dev/null/x"), 73, "/dev/null"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(
    options: tuple[str, ...], status: int, words: str
) -> None:
    """With the exit status that belongs to it, and no traceback."""
    ended = refused(*options)
    assert ended.returncode == status
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_told(run: Run) -> None:
    """With what to do."""
    port = run("--memory").url.split(":")[2].split("/")[0]
    ended = refused("--memory", "--port", port)
    assert ended.returncode == 2
    assert "--port" in ended.stderr


def test_switches_are_read_from_text() -> None:
    """`NAME=VALUE`; dashes are as good as underscores."""
    assert parse_switches(["lock-pool=refuse", "log_days = 3"]) == {
        "lock_pool": "refuse",
        "log_days": "3",
    }
