"""The high-water mark: a small file beside a journal that says how many commits it must have.

It is written after each commit and before anything is sent because of it. It does not go through the WAL, so it
outlives a WAL that is deleted, cut or overwritten, and a journal that is replaced by an older copy: the journal then
has fewer commits than its mark says. It is not synced, for that would double the cost of a commit: after a power cut
it may be some commits behind, which is harmless.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from toloka_upload.journal.checksums import Mismatch, Tally

_SLOT = 128
"""Bytes. The two slots take turns, so that a write which is cut off leaves the one before."""


def mark_path(journal: Path) -> Path:
    """Where a journal's mark is."""
    return journal.with_suffix(".mark")


def read(journal: Path) -> Tally | None:
    """What the mark of a journal says; None where there is none.

    Raises:
        Mismatch: It cannot be read.
    """
    try:
        data = mark_path(journal).read_bytes()
    except FileNotFoundError:
        return None
    return _newest(data)


def create(journal: Path, tally: Tally) -> None:
    """Make a mark, or set one that is behind, durably: whatever happens there is the new one or the one before."""
    new = journal.with_suffix(".mark-new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(file, 2 * _packed(tally), 0)
        os.fsync(file)
    finally:
        os.close(file)
    new.replace(mark_path(journal))
    directory = os.open(journal.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def advance(journal: Path, tally: Tally) -> None:
    """
    Note a commit.

    Raises:
        OSError: The mark or the journal is gone, or is another one: somebody deleted or replaced them meanwhile.
    """
    journal.stat()
    file = os.open(mark_path(journal), os.O_RDWR | os.O_CLOEXEC)
    try:
        if _newest(os.pread(file, 2 * _SLOT, 0)).journal != tally.journal:
            raise FileNotFoundError(f"{mark_path(journal)} is of another journal")
        os.pwrite(file, _packed(tally), tally.commits % 2 * _SLOT)
    finally:
        os.close(file)


def _packed(tally: Tally) -> bytes:
    text = f"{tally.journal} {tally.commits} {tally.total}".encode()
    return f"{zlib.crc32(text):08x} ".encode() + text.ljust(_SLOT - 10) + b"\n"


def _newest(data: bytes) -> Tally:
    found = [_unpacked(data[at : at + _SLOT]) for at in (0, _SLOT)]
    there = [tally for tally in found if tally is not None]
    if not there:
        raise Mismatch("its mark cannot be read")
    return max(there, key=lambda tally: tally.commits)


def _unpacked(slot: bytes) -> Tally | None:
    try:
        crc, journal, commits, total = slot.decode("ascii").split()
        tally = Tally(journal, int(commits), int(total))
    except ValueError:
        return None
    text = f"{journal} {commits} {total}".encode()
    return tally if crc == f"{zlib.crc32(text):08x}" else None
