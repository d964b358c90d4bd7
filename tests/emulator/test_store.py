"""Data that stays: through restarts, kills, and two processes at once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from emulated import Api, bad_task, new_id, task

from toloka_upload.emulator import Emulator, Request, local_emulator
from toloka_upload.emulator.local import local_database
from toloka_upload.emulator.store import Store, forget

JSON = {"content-type": "application/json"}


def submit(emulator: Emulator, count: int = 1, chosen: str = "") -> str:
    """Create tasks of pool 21 in the background; return the operation's id."""
    chosen = chosen or new_id()
    query = {"async_mode": "true", "operation_id": chosen}
    body = json.dumps([task(number) for number in range(count)]).encode()
    assert emulator.handle(Request("POST", "/api/v1/tasks", query, JSON, body)).status == 202
    return chosen


def ask(emulator: Emulator, path: str, **query: str) -> object:
    """GET."""
    return json.loads(emulator.handle(Request("GET", "/api/v1" + path, query, {})).body)


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """Tasks, operations, logs, used ids and the statuses of pools; also what had not been worked off."""
    emulator = local_emulator(tmp_path)
    done, pending = submit(emulator), submit(emulator)
    log = ask(emulator, f"/operations/{done}/log")
    opening = emulator.handle(Request("POST", "/api/v1/pools/21/open", {}, {}))
    ask(emulator, f"/operations/{json.loads(opening.body)['id']}")
    emulator.close()

    emulator = local_emulator(tmp_path)
    assert ask(emulator, f"/operations/{done}/log") == log
    assert ask(emulator, f"/operations/{pending}")["status"] == "SUCCESS"  # type: ignore[index]
    assert ask(emulator, "/pools/21")["status"] == "OPEN"  # type: ignore[index]
    assert len(ask(emulator, "/tasks", pool_id="21")["items"]) == 2  # type: ignore[index]
    query = {"async_mode": "true", "operation_id": done}
    again = emulator.handle(Request("POST", "/api/v1/tasks", query, JSON, b"[{}]"))
    assert again.status == 409
    emulator.close()


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Directory 0700, file 0600, whatever the umask."""
    old = os.umask(0)
    try:
        local_emulator(tmp_path).close()
    finally:
        os.umask(old)
    path = local_database(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


_KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store import local_emulator, submit
emulator = local_emulator(Path(sys.argv[1]))
while True:
    print(submit(emulator, 50), flush=True)
"""


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """SIGKILL in the middle of requests: every id that was answered is known, every task is there."""
    child = subprocess.Popen(
        [sys.executable, "-c", _KILLED, tmp_path, Path(__file__).parent],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    known = [child.stdout.readline().strip() for _ in range(20)]
    child.send_signal(signal.SIGKILL)
    known += [line.strip() for line in child.stdout if line.endswith("\n")]
    child.stdout.close()
    child.wait()

    emulator = local_emulator(tmp_path)
    states = [ask(emulator, f"/operations/{operation}") for operation in known]
    assert {state["status"] for state in states} == {"SUCCESS"}  # type: ignore[index]
    in_flight_or_known = (50 * len(known), 50 * (len(known) + 1))
    state = json.loads(emulator.handle(Request("GET", "/_emulator/state", {}, {})).body)
    assert state["pools"][0]["tasks"] in in_flight_or_known
    emulator.close()


def test_two_processes_share_one_database(tmp_path: Path) -> None:
    """Two emulators on one file, each writing: nothing is lost, no operation is worked off twice."""
    first, second = local_emulator(tmp_path), local_emulator(tmp_path)
    shared = [new_id() for _ in range(10)]

    def work(emulator: Emulator, other: Emulator) -> None:
        for _ in range(10):
            ask(other, f"/operations/{submit(emulator, 5)}")

    threads = [
        threading.Thread(target=work, args=pair) for pair in ((first, second), (second, first))
    ]
    for thread in threads:
        thread.start()
    for chosen in shared:
        submit(first, 1, chosen)
        ask(second, f"/operations/{chosen}")
    for thread in threads:
        thread.join()
    state = json.loads(second.handle(Request("GET", "/_emulator/state", {}, {})).body)
    assert state["pools"][0]["tasks"] == 2 * 10 * 5 + 10
    assert len(ask(first, "/operations", limit="500")["items"]) == 30  # type: ignore[index]
    first.close()
    second.close()


def test_the_embedded_one_wastes_no_time(tmp_path: Path) -> None:
    """Operations end by the next question, and quotas over time do not exist."""
    emulator = local_emulator(tmp_path)
    assert emulator.switches.tasks_per_minute == emulator.switches.requests_per_second == 0
    assert ask(emulator, f"/operations/{submit(emulator)}")["status"] == "SUCCESS"  # type: ignore[index]
    emulator.close()


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    """`ValueError` that names it; its bytes stay."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"my notes, not a database" * 100)
    with pytest.raises(ValueError, match=r"notes\.txt"):
        Store(path)
    assert path.read_bytes() == b"my notes, not a database" * 100


def test_another_programs_database_is_not_used(tmp_path: Path) -> None:
    """A database with a version that is not ours is refused."""
    path = tmp_path / "other.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 77")
    other.close()
    with pytest.raises(ValueError, match="another version"):
        Store(path)


def test_a_database_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """What was uploaded before is there, and can be changed in the new ways."""
    path = tmp_path / "emulator.sqlite3"
    emulator = Emulator(Store(path))
    submit(emulator)
    before = ask(emulator, "/tasks", pool_id="21")
    emulator.close()
    with sqlite3.connect(path) as old:
        for table in ("tasks", "suites"):
            old.execute(f"ALTER TABLE {table} DROP COLUMN taken")
        old.execute("PRAGMA user_version = 1")
    old.close()
    emulator = Emulator(Store(path))
    assert ask(emulator, "/tasks", pool_id="21") == before
    emulator.close()


def test_another_programs_tables_are_left_alone(tmp_path: Path) -> None:
    """A database without a version that has tables is somebody's; nothing is put into it, or beside it."""
    path = tmp_path / "other.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (id)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another program's"):
        Store(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_only_an_emulators_database_is_forgotten(tmp_path: Path) -> None:
    """`--reset` deletes nothing else, and nothing that somebody uses."""
    notes, other, ours = (tmp_path / name for name in ("notes.txt", "other.db", "ours.db"))
    notes.write_text("my notes")
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (id)")
    database.close()
    for path in (notes, other):
        with pytest.raises(ValueError, match="left as it is"):
            forget(path)
        assert path.exists()
    store = Store(ours)
    with pytest.raises(ValueError, match="another process uses it"):
        forget(ours)
    store.close()
    forget(ours)
    assert not ours.exists()
    forget(ours)


def test_who_comes_second_knows(tmp_path: Path) -> None:
    """The first user of a database was alone; the second was not; and the third is again, once both have gone."""
    path = tmp_path / "emulator.sqlite3"
    first = Store(path)
    second = Store(path)
    assert (first.alone, second.alone) == (True, False)
    first.close()
    second.close()
    third = Store(path)
    assert third.alone
    third.close()


def test_a_failed_write_leaves_nothing_behind(api: Api) -> None:
    """What raises inside a transaction undoes all of it."""
    store = api.emulator._context.store

    def fail() -> None:
        with store.writing():
            store.execute("DELETE FROM pools")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert api.get("/pools/21").status == 200


def test_counts_follow_what_was_created(api: Api) -> None:
    """The counters of pools are those of their tables."""
    api.operation(api.submit([task(), bad_task(), task(pool_id="24")], skip_invalid_items=True))
    store = api.emulator._context.store
    counted = store.rows("SELECT id, tasks FROM pools WHERE tasks > 0 ORDER BY id")
    assert counted == [(21, 1), (24, 1)]
