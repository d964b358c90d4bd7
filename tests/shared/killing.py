"""SIGKILL, at a request of one's choice."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

from toloka_upload.emulator import Emulator
from toloka_upload.emulator.messages import Request, Response


class Trap:
    """Kills a process just before or just after an emulator does its nth request from now."""

    def __init__(self, emulator: Emulator) -> None:
        self._handle = emulator.handle
        self._lock = threading.Lock()
        self._left = 0
        self._after = False
        self._process: subprocess.Popen[bytes] | None = None
        emulator.handle = self.handle  # type: ignore[method-assign]

    def set(self, process: subprocess.Popen[bytes], requests: int, *, after: bool) -> None:
        """Wait for a request of this process."""
        with self._lock:
            self._process, self._left, self._after = process, requests, after

    def handle(self, request: Request) -> Response:
        """Answer a request; or kill whoever sent it, and answer all the same."""
        with self._lock:
            self._left -= 1
            process = self._process if self._left == 0 else None
        if process and not self._after:
            kill(process)
        response = self._handle(request)
        if process and self._after:
            kill(process)
        return response


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process's whole group: it was started as the leader of one."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
