"""Directories for what must outlive a power cut."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import takewhile
from pathlib import Path


def make_directory(path: Path) -> None:
    """
    Make a directory that only the user can enter, with all above it, unless it is there.

    The bytes of a file survive a power cut once they are synced, but only if each directory on the way to it is on disk
    as an entry of the one above. SQLite sees to the directory that a journal is in; this sees to the rest.

    Raises:
        OSError: It cannot be made.
    """
    new = list(takewhile(lambda place: not place.exists(), (path, *path.parents)))
    for made in reversed(new):
        # One by one: the mode that `parents` gives to those in between is everyone's, whatever is asked for.
        made.mkdir(exist_ok=True, mode=0o700)
        with suppress(
            OSError
        ):  # who may write a directory need not be able to read it; some systems cannot sync one
            _sync(made.parent)
    path.mkdir(exist_ok=True)  # there, and a directory


def _sync(directory: Path) -> None:
    file = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
