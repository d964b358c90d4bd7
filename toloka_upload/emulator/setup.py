"""An emulator as the command line describes it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toloka_upload.emulator.emulator import Emulator
from toloka_upload.emulator.faults import Faults, load_plan
from toloka_upload.emulator.server import Server, is_loopback
from toloka_upload.emulator.settle_in import apart
from toloka_upload.emulator.store import Store, forget
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.world import World, load_world

USUAL = {"operation_seconds": 1.0}
"""Switches of a served emulator that neither a world file nor the command line sets."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an emulator is made of.

    Attributes:
        database: Its file; None: in memory.
        reset: Forget what the file holds. Nobody else may be using it.
        world: A world file; None: the default world.
        like: A world read from the API, put in besides.
        faults: A plan of faults.
        switches: Settings by name; they win over those of the world file, and these over `USUAL`.
    """

    database: Path | None = None
    reset: bool = False
    world: Path | None = None
    like: World | None = None
    faults: Path | None = None
    switches: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> Emulator:
        """Make the emulator.

        Raises:
            ValueError: A file or a setting is not as it should be; says which and how.
            OSError: A file cannot be read or made.
            sqlite3.OperationalError: The database cannot be used.
        """
        world = load_world(self.world) if self.world else None
        settings = {**USUAL, **(world.switches if world else {}), **self.switches}
        switches = Switches().changed(settings)
        plan, seed = load_plan(self.faults) if self.faults else ([], 0)
        if self.reset and self.database:
            Emulator.in_memory(world).close()  # a world with a fault must not cost what is there
            forget(self.database)
        usual = Switches().changed(USUAL)
        store = Store(self.database)
        emulator = Emulator(store, world, switches, Faults(plan, seed), usual=usual)
        if self.like:
            emulator.put(apart(store, self.like))
        return emulator


def parse_switches(texts: Sequence[str]) -> dict[str, str]:
    """Switches from `NAME=VALUE` each.

    Raises:
        ValueError: One is not of that form.
    """
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not sign or not name:
            raise ValueError(f"--switch takes NAME=VALUE, such as lock_pool=refuse; not {name!r}")
    return {name.strip().replace("-", "_"): value.strip() for name, _, value in pairs}


def run(emulator: Emulator, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. One line with the address goes to standard output once it listens.

    Raises:
        OSError: The address cannot be had.
    """
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    server = Server(emulator, host, port)
    if not is_loopback(host):
        _warn(f"{host} can be reached from other machines; anyone may use it")
    if not emulator.alone:
        _warn(
            "another process uses this database too: both show what either is given, but faults, switches "
            "and counts are each one's own"
        )
    with server:
        line = f"toloka-upload emulator: {server.url} (page: {server.root}/)"
        print(line, flush=True)  # noqa: T201
        over.wait()
    emulator.close()


def _warn(text: str) -> None:
    print(f"toloka-upload emulator: {text}", file=sys.stderr, flush=True)  # noqa: T201  the command's output
