"""A disk that fails, or forgets what was not synced, under SQLite and under the journal's mark.

`FaultyDisk` is SQLite's own layer to the operating system (a VFS), wrapped: each change of a file below a directory is
counted, can be made to fail, and is told to a `Recorder`, which knows what would be there after a power cut. The mark
does not go through SQLite; what the journal calls in `os` is wrapped likewise. It needs a Python whose `sqlite3` is
linked with a shared SQLite, and a Unix.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import os
import stat
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_int64, c_void_p, cast
from pathlib import Path
from typing import Any
from unittest import mock

from power_cut import Recorder

from toloka_upload.journal import high_water, writing

OK, FULL, CANTOPEN, IOERR = 0, 13, 14, 10
CREATE, LOG = 0x4, 0x80000 | 0x800  # a WAL or a rollback journal
SQLITE_ERRORS = {"write": 3, "sync": 4, "truncate": 6, "delete": 10, "read": 1}
"""The second byte of SQLITE_IOERR_*."""
FAULTS = ("once", "gone", "full", "read")
"""The nth change fails, once; it and all after it; it and all after it that need room, half of it written; the nth
read fails, once."""


class _File(ctypes.Structure):
    _fields_ = [("methods", c_void_p)]


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", c_int),
        *(
            (name, c_void_p)
            for name in (
                *("close", "read", "write", "truncate", "sync", "size", "lock", "unlock"),
                *("reserved", "control", "sector", "characteristics"),
                *("shm_map", "shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch"),
            )
        ),
    ]


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        *(
            (name, c_void_p)
            for name in (
                *("data", "open", "delete", "access", "full", "dl_open", "dl_error", "dl_sym"),
                *("dl_close", "randomness", "sleep", "time", "last_error", "time64"),
                *("set_call", "get_call", "next_call"),
            )
        ),
    ]


_FILE = POINTER(_File)
_TYPES: dict[str, Any] = {
    "open": CFUNCTYPE(c_int, c_void_p, c_void_p, _FILE, c_int, c_void_p),
    "delete": CFUNCTYPE(c_int, c_void_p, c_char_p, c_int),
    "read": CFUNCTYPE(c_int, _FILE, c_void_p, c_int, c_int64),
    "write": CFUNCTYPE(c_int, _FILE, c_void_p, c_int, c_int64),
    "truncate": CFUNCTYPE(c_int, _FILE, c_int64),
    "sync": CFUNCTYPE(c_int, _FILE, c_int),
    "close": CFUNCTYPE(c_int, _FILE),
}


def is_possible() -> bool:
    """Whether this Python lets SQLite's VFS be wrapped."""
    return hasattr(ctypes.CDLL(_sqlite3.__file__), "sqlite3_vfs_register")


class FaultyDisk:
    """Counts the changes of files below a directory, and makes one of them fail.

    Args:
        fault: One of `FAULTS`, of the change (or read) with the number `fail_at`, from 1; 0: none.
        recorder: Is told of each change that was made.

    Attributes:
        changes: How many changes there were: files made, renamed and deleted, writes, truncations, syncs.
        reads: How many reads.
        failed: How many changes or reads were made to fail.
    """

    def __init__(
        self,
        under: Path,
        fault: str = "once",
        fail_at: int = 0,
        recorder: Recorder | None = None,
    ) -> None:
        self.changes = 0
        self.reads = 0
        self.failed = 0
        self._under = f"{under}/"
        self._fault = fault
        self._fail_at = fail_at
        self._recorder = recorder
        self._layer = _Layer(self)
        self._patches = [
            *(mock.patch.object(module, "os", _Os(self)) for module in (high_water, writing)),
            mock.patch.object(Path, "replace", lambda path, new: self._replace(path, new)),
        ]

    def __enter__(self) -> FaultyDisk:
        self._layer.install()
        for patch in self._patches:
            patch.start()
        return self

    def __exit__(self, *error: object) -> None:
        for patch in self._patches:
            patch.stop()
        self._layer.remove()

    def watches(self, path: str) -> bool:
        """Whether a file is on this disk. What processes share for the time being (-shm) never reaches a disk."""
        return path.startswith(self._under) and not path.endswith("-shm")

    def fails(self, what: str) -> int:
        """Count a change or a read; return the error (of `errno`) with which it is to fail, or 0."""
        if what == "read":
            self.reads += 1
            hit = self._fault == "read" and self.reads == self._fail_at
        else:
            self.changes += 1
            hit = self.changes == self._fail_at if self._fault == "once" else self._is_later(what)
        self.failed += hit
        return hit and (errno.ENOSPC if self._fault == "full" else errno.EIO)

    def _is_later(self, what: str) -> bool:
        if self._fault == "read" or not self._fail_at or self.changes < self._fail_at:
            return False
        return self._fault == "gone" or what in ("write", "create")

    def _replace(self, path: Path, new: Path) -> Path:
        if error := self.watches(str(path)) and self.fails("rename"):
            raise OSError(error, os.strerror(error), str(path))
        if self.watches(str(path)):
            self.note("rename", str(path), str(new))
        return path.rename(new)

    def note(self, what: str, path: str, *details: Any) -> None:
        """Tell the recorder of a change that is made."""
        if self._recorder is not None:
            getattr(self._recorder, what)(path, *details)


class _Layer:
    """SQLite's way to the operating system, with a disk's faults in it."""

    _kept: list[Any] = []  # noqa: RUF012  # all that SQLite may still hold a pointer to

    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        self._sqlite = ctypes.CDLL(_sqlite3.__file__)
        self._sqlite.sqlite3_vfs_find.restype = c_void_p
        self._below = self._sqlite.sqlite3_vfs_find(None)
        self._vfs = _Vfs.from_buffer_copy(cast(self._below, POINTER(_Vfs)).contents)
        self._paths: dict[int, str] = {}
        self._logs: set[int] = set()  # those whose first sync is yet to come
        self._tables: dict[int, _Methods] = {}
        self._kept.append(self)
        self._open, self._delete = (
            self._replace(self._vfs, name, getattr(self, f"_on_{name}"))
            for name in ("open", "delete")
        )
        self._vfs.name = b"faulty"

    def install(self) -> None:
        """Make it the way that all connections take that are opened from now on."""
        self._sqlite.sqlite3_vfs_register(byref(self._vfs), 1)

    def remove(self) -> None:
        """As it was before."""
        self._sqlite.sqlite3_vfs_register(c_void_p(self._below), 1)
        self._sqlite.sqlite3_vfs_unregister(byref(self._vfs))

    def _replace(self, table: Any, name: str, function: Callable[..., int]) -> Any:
        """Put a function into a table; return what was there."""
        before = _TYPES[name](getattr(table, name))
        wrapped = _TYPES[name](function)
        self._kept.append(wrapped)
        setattr(table, name, cast(wrapped, c_void_p).value)
        return before

    def _on_open(self, _: int, name: int | None, file: Any, flags: int, flags_out: int) -> int:
        path = os.fsdecode(cast(name, c_char_p).value or b"") if name else ""
        new = self._disk.watches(path) and flags & CREATE and not Path(path).exists()
        if new and self._disk.fails("create"):
            return CANTOPEN
        status = int(self._open(self._below, name, file, flags, flags_out))
        if status == OK and self._disk.watches(path):
            self._paths[ctypes.addressof(file.contents)] = path
            if flags & CREATE and flags & LOG:
                self._logs.add(ctypes.addressof(file.contents))
            file.contents.methods = ctypes.addressof(self._table_over(file.contents.methods))
            self._disk.note("open", path)
        return status

    def _table_over(self, below: int) -> _Methods:
        """A table of methods with ours over those of `below`."""
        if below not in self._tables:
            table = _Methods.from_buffer_copy(cast(below, POINTER(_Methods)).contents)
            self._tables[below] = table
            close = self._replace(table, "close", lambda file: self._on_close(file, close))
            for name in ("read", "write", "truncate", "sync"):
                self._wrap(table, name)
        return self._tables[below]

    def _wrap(self, table: _Methods, name: str) -> None:
        def method(file: Any, *arguments: int) -> int:
            path = self._paths[ctypes.addressof(file.contents)]
            error = self._disk.fails(name)
            if error == errno.ENOSPC:
                self._write_half(path, below, file, *arguments)
            if error:
                return FULL if error == errno.ENOSPC else IOERR | SQLITE_ERRORS[name] << 8
            if name == "write":
                data, size, offset = arguments
                self._disk.note("write", path, offset, ctypes.string_at(data, size))
            elif name == "truncate":
                self._disk.note("truncate", path, arguments[0])
            elif name == "sync":
                self._tell_sync(ctypes.addressof(file.contents), path)
            return int(below(file, *arguments))

        below = self._replace(table, name, method)

    def _write_half(
        self, path: str, below: Any, file: Any, data: int, size: int, offset: int
    ) -> None:
        self._disk.note("write", path, offset, ctypes.string_at(data, size // 2))
        below(file, data, size // 2, offset)

    def _tell_sync(self, file: int, path: str) -> None:
        self._disk.note("sync", path)
        if file in self._logs:  # SQLite syncs the directory of a log with its first sync
            self._logs.remove(file)
            self._disk.note("sync_directory", str(Path(path).parent))

    def _on_close(self, file: Any, below: Any) -> int:
        self._paths.pop(ctypes.addressof(file.contents), None)
        self._logs.discard(ctypes.addressof(file.contents))
        return int(below(file))

    def _on_delete(self, _: int, name: bytes, sync: int) -> int:
        path = os.fsdecode(name)
        if not self._disk.watches(path):
            return int(self._delete(self._below, name, sync))
        if self._disk.fails("delete"):
            return IOERR | SQLITE_ERRORS["delete"] << 8
        self._disk.note("delete", path)
        return int(self._delete(self._below, name, sync))


class _Os:
    """The functions of `os` that change files, with a disk's faults in them."""

    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        self._paths: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        """Open a file, and make it."""
        new = flags & os.O_CREAT and not Path(path).exists()
        if new:
            self._fail("create", os.fspath(path))
        file = os.open(path, flags, mode)
        self._paths[file] = os.fspath(path)
        if not Path(path).is_dir():
            self._disk.note("open", os.fspath(path))
        return file

    def pwrite(self, file: int, data: bytes, offset: int) -> int:
        """Write."""
        path = self._paths[file]
        self._fail("write", path)
        self._disk.note("write", path, offset, data)
        return os.pwrite(file, data, offset)

    def fsync(self, file: int) -> None:
        """Sync a file or a directory."""
        path = self._paths[file]
        self._fail("sync", path)
        what = "sync_directory" if stat.S_ISDIR(os.fstat(file).st_mode) else "sync"
        self._disk.note(what, path)

    def _fail(self, what: str, path: str) -> None:
        if error := self._disk.fails(what):
            raise OSError(error, os.strerror(error), path)
