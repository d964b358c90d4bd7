"""Fail the disk under a whole upload at every change, and cut the power at every sync; then go on, and count the rows.

    python tests/exactly_once/disk_campaign.py                # all of it
    python tests/exactly_once/disk_campaign.py --stride 10    # a tenth

The program is the real one, over a simulated server in simulated time (`simulation.py`); the disk is that of
`faulty_disk.py`. Small uploads with rejects and a lost answer, asynchronous and synchronous, from the beginning and as
the resumption of one that was cut off. For every n, the nth change of the state's files fails (once; it and all after
it; for want of room), or the nth read; and before every sync the power goes off, with each of the disks that it may
leave behind. The run must end well or with 73; the next ones, on a sound disk, end with each row in the pool once.
"""

from __future__ import annotations

import argparse
import copy
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

from faulty_disk import FAULTS, FaultyDisk
from power_cut import Cut, Recorder
from simulated_server import Server, Weather
from simulation import History, Rows

from toloka_upload.errors import ExitStatus

GOOD = (ExitStatus.OK, ExitStatus.REJECTED)
ROWS: Rows = [{"n": 1}, {"n": 2, "bad": 1}, {"n": 1}, {"n": 3}, {"n": 4}, {"n": 5}]
MODES = {
    mode: {"mode": mode, "skip": True, "chunk_size": 2, "concurrency": 2}
    for mode in ("async", "sync")
}


@dataclass(frozen=True, slots=True)
class World:
    """A moment: the files of a state directory, and the server."""

    files: dict[str, bytes]
    server: Server

    def begin(self, directory: Path) -> History:
        """A history that goes on from here."""
        history = History(directory)
        history.server = copy.deepcopy(self.server)
        for name, data in self.files.items():
            path = history.state / name.partition("/state/")[2]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return history


Moment = tuple[Cut, Server]
FIRST = World({}, Server(random.Random(1), Weather(script={2: "lost_after"})))
"""Nothing was uploaded yet; the answer to the second creating request will be lost."""


@dataclass(slots=True)
class Account:
    """What came of it: how often each thing was done, and what must not be."""

    seen: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Campaign:
    """Does each case in a directory of its own, and keeps the account.

    Args:
        stride: One case of so many, of those that differ only in their number.
    """

    def __init__(self, directory: Path, stride: int = 1) -> None:
        self.account = Account()
        self._directory = directory
        self._stride = stride
        self._numbers = count()

    def all(self) -> None:
        """Everything."""
        for mode, options in MODES.items():
            moments = self.recorded(FIRST, options)
            resumed = _middle(moments)
            for name, world in (("", FIRST), (", resumed", resumed)):
                for fault in FAULTS:
                    self.faults(f"{mode}{name}, {fault}", world, options, fault)
            self.cuts(mode, moments, options)
            self.cuts(f"{mode}, resumed", self.recorded(resumed, options), options)

    def faults(self, name: str, world: World, options: dict[str, Any], fault: str) -> None:
        """The nth change fails, for every n."""
        for number in count(1, self._stride):
            failed = self._case(f"{name} {number}", partial(_fail, world, options, fault, number))
            if failed == "nothing failed":
                return
            self.account.seen[f"{fault}: {failed}"] += 1

    def cuts(self, name: str, moments: list[Moment], options: dict[str, Any]) -> None:
        """The power goes off before the nth sync, for every n, and each disk is left that may be."""
        disks = (
            (f"{name}, cut {number}, {kind}", World(files, server))
            for number, (cut, server) in enumerate(moments, 1)
            for kind, files in cut.disks()
        )
        for number, (title, world) in enumerate(disks):
            if number % self._stride == 0:
                self._case(title, partial(_go_on, world, options))
                self.account.seen["power cut"] += 1

    def recorded(self, world: World, options: dict[str, Any]) -> list[Moment]:
        """What a power cut would leave before each sync of a run, and the server at that moment."""
        history = world.begin(self._place())
        moments: list[Moment] = []

        def before_sync(cut: Cut) -> None:
            moments.append((cut, copy.deepcopy(history.server)))

        recorder = Recorder(history.state, before_sync)
        with FaultyDisk(history.state, recorder=recorder):
            history.run(ROWS, **options)
        before_sync(recorder.cut())
        return moments

    def _case(self, name: str, do: Callable[[Path], str]) -> str:
        place = self._place()
        try:
            came = do(place)
        except Exception:  # noqa: BLE001  # it is a case that went wrong, and the next one is done
            self.account.problems.append(f"{name}: kept in {place}\n{traceback.format_exc()}")
            return "went wrong"
        shutil.rmtree(place)
        return came

    def _place(self) -> Path:
        place = self._directory / str(next(self._numbers))
        place.mkdir()
        return place


def _middle(moments: list[Moment]) -> World:
    """A run that was killed halfway: all that it wrote is there, its log too."""
    cut, server = moments[len(moments) // 2]
    return World(dict(cut.disks())["none lost"], server)


def _fail(world: World, options: dict[str, Any], fault: str, number: int, place: Path) -> str:
    """One run on a disk that fails, then others on a sound one. Return how the first ended."""
    history = world.begin(place)
    with (
        FaultyDisk(history.state, fault, number) as disk,
        # The journal need not have what could not be written down.
        mock.patch.object(history, "_check_journal"),
    ):
        report = history.run(ROWS, **options)
    assert report is not None
    status = report.exit_status
    assert status in GOOD or status is ExitStatus.CANNOT_WRITE, (status, report.error)
    history.finish(ROWS, **options)
    if not disk.failed:
        return "nothing failed"
    return "ended well" if status in GOOD else "ended with 73"


def _go_on(world: World, options: dict[str, Any], place: Path) -> str:
    """Runs after a power cut."""
    world.begin(place).finish(ROWS, **options)
    return ""


def campaign(directory: Path, stride: int = 1) -> Account:
    """The campaign, or a part of it."""
    made = Campaign(directory, stride)
    made.all()
    return made.account


def memory() -> Path:
    """A new directory, in memory where there is one: a journal waits for the disk at every step."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="disk-", dir=shared if shared.is_dir() else None))


def main() -> int:
    """Run the campaign that the command line asks for, and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1, help="one case of so many")
    started = time.monotonic()
    account = campaign(memory(), parser.parse_args().stride)
    for problem in account.problems:
        print(problem)
    print(", ".join(f"{what}: {times}" for what, times in sorted(account.seen.items())))
    print(f"problems: {len(account.problems)}; {time.monotonic() - started:.0f} seconds")
    return 1 if account.problems else 0


if __name__ == "__main__":
    sys.exit(main())
