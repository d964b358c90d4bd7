"""One run at a time for a pool: a lock that dies with its process."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from weakref import WeakSet

from toloka_upload.directories import make_directory
from toloka_upload.errors import CannotWrite

_PROBES = (0.0, 0.01, 0.1)
"""Seconds before each try: somebody who only looks who holds the lock has it for less than that."""


class Held(Exception):
    """Another process holds the lock. `holder` is what it wrote of itself, and may be empty."""

    def __init__(self, holder: dict[str, str]) -> None:
        super().__init__(str(holder))
        self.holder = holder


class Lock:
    """An exclusive lock on a file, by `flock`: the kernel frees it when the process ends, however it ends.

    Raises:
        Held: Another process (or another `Lock` of this one) has it.
        CannotWrite: The file cannot be made.
    """

    def __init__(self, path: Path, holder: dict[str, str]) -> None:
        try:
            make_directory(path.parent)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotWrite(
                f"The lock {path} cannot be made: {error.strerror}. Correct its permissions, or name another "
                "directory with --state-dir.",
                code="LOCK",
            ) from error
        if not any(_taken(self._file, fcntl.LOCK_EX, pause) for pause in _PROBES):
            known = _read(self._file)
            os.close(self._file)
            raise Held(known)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(holder).encode(), 0)
        _ours.add(self)

    def release(self) -> None:
        """Let the next one in. Once is enough; more often does nothing."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1

    def leave_to_parent(self) -> None:
        """In a forked child: the lock is the parent's, and must end with the parent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


_ours: WeakSet[Lock] = WeakSet()
"""The locks of this process. A child shares their files, and would keep them locked when this process is gone."""


def _leave_to_parent() -> None:
    for lock in list(_ours):
        lock.leave_to_parent()


os.register_at_fork(after_in_child=_leave_to_parent)


def holder(path: Path) -> dict[str, str] | None:
    """What the holder of a lock wrote of itself (it may be empty); None if nobody holds it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _taken(file, fcntl.LOCK_SH, 0.0) else _read(file)
    finally:
        os.close(file)


def _taken(file: int, kind: int, pause: float) -> bool:
    time.sleep(pause)
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(file: int) -> dict[str, str]:
    try:
        value = json.loads(os.pread(file, 4096, 0))
    except (ValueError, OSError):
        return {}
    return value if isinstance(value, dict) else {}
