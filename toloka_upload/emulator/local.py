"""The emulator that `--env local` embeds."""

from __future__ import annotations

from pathlib import Path

from toloka_upload.emulator.emulator import Emulator
from toloka_upload.emulator.store import Store
from toloka_upload.emulator.switches import Switches

UNHURRIED = {
    "requests_per_second": 0,
    "tasks_per_minute": 0,
    "tasks_per_day": 0,
    "suites_per_minute": 0,
    "suites_per_day": 0,
    "pools_per_minute": 0,
    "pools_per_day": 0,
}
"""Switches without which a rehearsal would spend its time waiting for quotas."""


def local_database(state_dir: Path) -> Path:
    """The file of the embedded emulator; a served one uses it too, so that its page shows what was uploaded."""
    return state_dir / "local" / "emulator.sqlite3"


def local_emulator(state_dir: Path) -> Emulator:
    """The embedded emulator: the default world, kept in `<state_dir>/local/` (mode 0700, its file 0600).

    No token is asked for, operations end at once, and quotas over time do not exist; all else is as served.
    Several processes may use one directory at the same time.

    Raises:
        OSError: The directory or the file cannot be made.
        ValueError: The file is something else's.
        sqlite3.OperationalError: It cannot be read or written.
    """
    unhurried = Switches().changed(UNHURRIED)
    return Emulator(
        Store(local_database(state_dir)),
        switches=unhurried,
        usual=unhurried,
        sleep=lambda _: None,
    )
