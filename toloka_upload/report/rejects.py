"""The rejects: rejected rows as they came, so that they can be fixed and uploaded, and the reasons beside them."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

from toloka_upload.errors import CannotWrite
from toloka_upload.report.outputs import reasons_beside
from toloka_upload.rows.model import Fault, RowFile
from toloka_upload.text import json_bytes


class NoRejects:
    """Nobody wants rejects: a dry run keeps none unless it is told where."""

    files: tuple[Path, ...] = ()
    forms: tuple[str, ...] = ()

    def know(self, file: RowFile) -> None:
        """Take no note."""

    def write(self, file: str, line: int, raw: bytes, faults: Iterable[Fault]) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Nothing to close."""


class RejectsFiles:
    """One rejects file for each input that has any, and `<rejects>.errors.jsonl` beside each. Made when first needed.

    A file that is there already is never touched: it may be rejects that somebody is fixing. Where no name was given,
    the next free one is taken (`tasks.rejects-2.jsonl`), and told.

    Args:
        path: The file that the user named, or None: `<stem>.rejects<ext>` in the working directory. With several
            inputs of different form a named file has only rows of the first; the others get `<name>-2<ext>` and so on.
        force: Write anew the file that `path` names, and its reasons.
        warn: Whom to tell that another name was taken.

    Raises:
        CannotWrite: The named file is there already.

    Attributes:
        files: The rejects files that were written, in the order in which they were begun.
        forms: The formats of the inputs that each of them comes from.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        force: bool = False,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._force = force
        self._warn = warn
        self._inputs: dict[str, RowFile] = {}
        self._open_files: dict[str, tuple[BinaryIO, BinaryIO]] = {}
        self._shared: dict[tuple[str, bytes], tuple[BinaryIO, BinaryIO]] = {}
        self.files: list[Path] = []
        self.forms: list[str] = []
        if path is not None and not force:
            _refuse_existing(path)

    def know(self, file: RowFile) -> None:
        """Take note of an input before its rows come."""
        self._inputs[file.name] = file

    def write(self, file: str, line: int, raw: bytes, faults: Iterable[Fault]) -> None:
        """Write a rejected row and what is wrong with it.

        Raises:
            CannotWrite: The files cannot be written.
        """
        if file not in self._open_files:
            self._open_files[file] = self._begun(file)
        rows, reasons = self._open_files[file]
        name = file.encode("utf-8", "backslashreplace").decode()
        try:
            rows.write(raw if raw.endswith((b"\n", b"\r")) or _wide(raw) else raw + b"\n")
            for fault in faults:
                reasons.write(json_bytes({"file": name, "line": line, **fault._asdict()}) + b"\n")
        except OSError as error:
            raise _failed(rows.name, error) from error

    def close(self) -> None:
        """Finish the files."""
        for pair in self._open_files.values():
            for file in pair:
                try:
                    file.close()
                except OSError as error:
                    raise _failed(file.name, error) from error

    def _begun(self, file: str) -> tuple[BinaryIO, BinaryIO]:
        source = self._inputs[file]
        form = (source.rejects_suffix, source.rejects_head)
        if self._path is not None and form in self._shared:
            return self._shared[form]
        wanted = self._path or Path(_stem(file) + ".rejects" + source.rejects_suffix)
        try:
            if self._path is not None and not self._shared:
                path, pair = wanted, _named(wanted, force=self._force)
            else:
                path, pair = _next_free(wanted)
            pair[0].write(source.rejects_head)
        except OSError as error:
            raise _failed(str(wanted), error) from error
        if path != wanted and self._path is None:
            self._warn(f"{wanted} was there already and is left as it is: the rejects go to {path}")
        self.files.append(path)
        self.forms.append(source.format)
        self._shared[form] = pair
        return pair


def _refuse_existing(path: Path) -> None:
    for one in (path, reasons_beside(path)):
        if os.path.lexists(one) and not _is_device(one):
            raise CannotWrite(
                f"{one} is there already, and may hold rejects that somebody is fixing. Name another file with "
                "--rejects, or add --force to overwrite it.",
                code="REJECTS_EXIST",
            )


def _named(path: Path, *, force: bool) -> tuple[BinaryIO, BinaryIO]:
    if _is_device(path):  # beside it is no place for a file
        return path.open("wb"), Path(os.devnull).open("wb")
    mode: Literal["wb", "xb"] = "wb" if force else "xb"
    return _opened(path, mode), _opened(reasons_beside(path), mode)


def _next_free(wanted: Path) -> tuple[Path, tuple[BinaryIO, BinaryIO]]:
    """Make the first of `name.ext`, `name-2.ext`, … that is not there, nor are reasons beside it."""
    for number in itertools.count(1):
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        if not os.path.lexists(reasons_beside(path)):
            with suppress(FileExistsError):
                return path, (_opened(path, "xb"), _opened(reasons_beside(path), "xb"))
    raise AssertionError  # never: there is no end of numbers


def _opened(path: Path, mode: Literal["wb", "xb"]) -> BinaryIO:
    return path.open(mode)


def _is_device(path: Path) -> bool:
    """Whether it is a pipe, a terminal or the like, which holds nothing that could be lost."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


_PACKED = (".gz", ".bz2", ".xz", ".zst")


def _stem(file: str) -> str:
    if file == "-":
        return "stdin"
    name = Path(file).name
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return Path(name).stem


def _wide(raw: bytes) -> bool:
    """Whether a row is in an encoding of two or four bytes, whose line ends do not end in a line feed's byte."""
    return raw.endswith((b"\n\x00", b"\r\x00", b"\n\x00\x00\x00"))


def _failed(path: str, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"The rejects cannot be written to {path}: {error.strerror}. Name another place with --rejects.",
        code="REJECTS",
    )
