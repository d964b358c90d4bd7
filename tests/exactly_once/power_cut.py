"""What a disk has after a power cut: what was synced, and of the rest as much as chance has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

ENTRIES = ("create", "rename", "delete")
"""Changes of a directory."""


class Change(NamedTuple):
    """A change that is not synced yet.

    Attributes:
        path: The file's name; another file may have it later.
        file: Which file it is.
        offset: Where bytes were written; of a truncation the new size.
    """

    what: str
    path: str
    file: int
    offset: int = 0
    data: bytes = b""


@dataclass(slots=True)
class Disk:
    """Files with their bytes, and directories: which file has a name."""

    files: dict[int, bytearray] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)

    def make(self, change: Change) -> None:
        """Make a change."""
        if change.what == "create":
            self.names[change.path] = change.file
        elif change.what == "rename":
            self.names = {path: file for path, file in self.names.items() if file != change.file}
            self.names[change.path] = change.file
        elif change.what == "delete":
            if self.names.get(change.path) == change.file:
                del self.names[change.path]
        else:
            file = self.files.setdefault(change.file, bytearray())
            end = change.offset + len(change.data)
            size = end if change.what == "truncate" else max(len(file), end)
            del file[size:]
            file.extend(bytes(size - len(file)))
            file[change.offset : end] = change.data

    def copy(self) -> Disk:
        """Another one with the same on it."""
        files = {file: bytearray(data) for file, data in self.files.items()}
        return Disk(files, dict(self.names))

    def contents(self) -> dict[str, bytes]:
        """The bytes of each file that has a name."""
        return {path: bytes(self.files.get(file, b"")) for path, file in self.names.items()}


@dataclass(frozen=True, slots=True)
class Cut:
    """The moment of a power cut: what is synced, and the changes since, in their order."""

    synced: Disk
    pending: tuple[Change, ...]

    def disks(self) -> Iterator[tuple[str, dict[str, bytes]]]:
        """What may be there after it: each with a name and the bytes of its files.

        All unsynced changes are lost, or none; each is lost alone, is the only one kept, or is half written.
        """
        yield "all lost", self._with([])
        yield "none lost", self._with(self.pending)
        for number, change in enumerate(self.pending):
            before, after = self.pending[:number], self.pending[number + 1 :]
            yield f"{number} lost", self._with([*before, *after])
            yield f"{number} kept", self._with([change])
            if len(change.data) > 1:
                half = change._replace(data=change.data[: len(change.data) // 2])
                yield f"{number} torn", self._with([*before, half, *after])

    def _with(self, kept: Iterable[Change]) -> dict[str, bytes]:
        disk = self.synced.copy()
        for change in kept:
            disk.make(change)
        return disk.contents()


class Recorder:
    """Keeps what is synced and what is not; before each sync it tells what a power cut would find.

    Args:
        directory: Begins with the files in it, which are on disk.
    """

    def __init__(self, directory: Path, before_sync: Callable[[Cut], None]) -> None:
        self.synced = Disk()
        self._before_sync = before_sync
        self._numbers = count()
        self._now: dict[str, int] = {}
        self._pending: list[Change] = []
        for path in directory.rglob("*"):
            if path.is_file():
                number = self._now[str(path)] = self.synced.names[str(path)] = next(self._numbers)
                self.synced.files[number] = bytearray(path.read_bytes())

    def cut(self) -> Cut:
        """The power goes off now."""
        return Cut(self.synced.copy(), tuple(self._pending))

    def open(self, path: str) -> None:
        """A file was opened, and made if it was not there."""
        if path not in self._now:
            self._now[path] = next(self._numbers)
            self._add("create", path)

    def delete(self, path: str) -> None:
        """A file was deleted."""
        self._add("delete", path)
        del self._now[path]

    def rename(self, path: str, new: str) -> None:
        """A file got another one's name."""
        self._now[new] = self._now.pop(path)
        self._add("rename", new)

    def write(self, path: str, offset: int, data: bytes) -> None:
        """Bytes were written."""
        self._add("write", path, offset, data)

    def truncate(self, path: str, size: int) -> None:
        """A file was cut."""
        self._add("truncate", path, size)

    def sync(self, path: str) -> None:
        """A file is about to be synced; that it is there is not."""
        file = self._now[path]
        self._settle(lambda change: change.file == file and change.what not in ENTRIES)

    def sync_directory(self, path: str) -> None:
        """A directory is about to be synced: which files are in it."""
        self._settle(
            lambda change: change.what in ENTRIES and str(Path(change.path).parent) == path
        )

    def _add(self, what: str, path: str, offset: int = 0, data: bytes = b"") -> None:
        self._pending.append(Change(what, path, self._now[path], offset, data))

    def _settle(self, is_synced: Callable[[Change], bool]) -> None:
        self._before_sync(self.cut())
        for change in filter(is_synced, self._pending):
            self.synced.make(change)
        self._pending = [change for change in self._pending if not is_synced(change)]
