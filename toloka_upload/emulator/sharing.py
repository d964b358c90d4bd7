"""Who else uses a database: a lock beside the file, which every process that uses it holds together with others."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Share:
    """A share in the use of a database, until it is closed or the process ends, however it ends.

    Attributes:
        alone: Whether nobody else used it when the share was taken.
    """

    def __init__(self, database: Path) -> None:
        self._file = os.open(_beside(database), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        self.alone = _taken(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def close(self) -> None:
        """Give it back."""
        os.close(self._file)


def in_use(database: Path) -> bool:
    """Whether a process uses a database at this moment."""
    try:
        file = os.open(_beside(database), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _taken(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(file)


def _beside(database: Path) -> Path:
    return database.with_name(database.name + ".users")


def _taken(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    return True
