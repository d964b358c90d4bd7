"""The rejects: rejected rows as they came, so that they can be mended and uploaded, and the reasons beside them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import orjson

from toloka_upload.errors import CannotWrite
from toloka_upload.rows.model import Fault, RowFile


class RejectsFiles:
    """One rejects file for each input that has any, and `<rejects>.errors.jsonl` beside each. Made when first needed.

    Args:
        path: The file that the user named, or None: `<stem>.rejects<ext>` in the working directory. With several
            inputs of different form a named file has only rows of the first; the others get `<name>.2<ext>` and so on.
        inputs: Names of the run's inputs, none of which is ever overwritten: the rejects of an earlier run may be one.

    Attributes:
        first: The first rejects file that was written, or None.
    """

    def __init__(self, path: Path | None, inputs: Iterable[str] = ()) -> None:
        self._path = path
        self._inputs: dict[str, RowFile] = {}
        self._files: dict[str, tuple[BinaryIO, BinaryIO]] = {}
        self._shared: dict[tuple[str, bytes], tuple[BinaryIO, BinaryIO]] = {}
        self._taken = {Path(name).resolve() for name in inputs}
        self.first: Path | None = None

    def know(self, file: RowFile) -> None:
        """Take note of an input before its rows come."""
        self._inputs[file.name] = file

    def write(self, file: str, line: int, raw: bytes, faults: Iterable[Fault]) -> None:
        """Write a rejected row and what is wrong with it.

        Raises:
            CannotWrite: The files cannot be written.
        """
        if file not in self._files:
            self._files[file] = self._open(file)
        rows, reasons = self._files[file]
        name = file.encode("utf-8", "backslashreplace").decode()
        try:
            rows.write(raw if raw.endswith((b"\n", b"\r")) or _wide(raw) else raw + b"\n")
            for fault in faults:
                reasons.write(orjson.dumps({"file": name, "line": line, **fault._asdict()}) + b"\n")
        except OSError as error:
            raise _failed(rows.name, error) from error

    def close(self) -> None:
        """Finish the files."""
        for pair in self._files.values():
            for file in pair:
                try:
                    file.close()
                except OSError as error:
                    raise _failed(file.name, error) from error

    def _open(self, file: str) -> tuple[BinaryIO, BinaryIO]:
        source = self._inputs[file]
        form = (source.rejects_suffix, source.rejects_head)
        if self._path is not None and form in self._shared:
            return self._shared[form]
        path = self._free(self._path or Path(_stem(file) + ".rejects" + source.rejects_suffix))
        try:
            rows = path.open("wb")
            reasons = path.with_name(path.name + ".errors.jsonl").open("wb")
            rows.write(source.rejects_head)
        except OSError as error:
            raise _failed(str(path), error) from error
        self._taken.add(path.resolve())
        self.first = self.first or path
        self._shared[form] = rows, reasons
        return rows, reasons

    def _free(self, path: Path) -> Path:
        number, candidate = 1, path
        while candidate.resolve() in self._taken:
            number += 1
            candidate = path.with_name(f"{path.stem}.{number}{path.suffix}")
        return candidate


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


class NoRejects:
    """Keeps no rejected rows."""

    def write(self, file: str, line: int, raw: bytes, faults: Iterable[Fault]) -> None:
        """Let the row go."""

    def close(self) -> None:
        """Nothing is open."""
