"""A stand-in for the API on this machine: the same paths, codes and limits, and weather on demand.

    emulator = local_emulator(state_dir)                  # embedded, kept in a file
    emulator = Emulator.in_memory(list_limit=100_000)     # for tests
    response = emulator.handle(Request("GET", "/api/v1/pools/21", {}, {}))

`serve` puts one on a socket. Nothing in here imports a client or a server library.
"""

from toloka_upload.emulator.emulator import Emulator
from toloka_upload.emulator.local import local_emulator
from toloka_upload.emulator.messages import ConnectionLost, Request, Response
from toloka_upload.emulator.switches import Switches
from toloka_upload.emulator.world import World, load_world

__all__ = [
    "ConnectionLost",
    "Emulator",
    "Request",
    "Response",
    "Switches",
    "World",
    "load_world",
    "local_emulator",
]
