"""Where a run writes, held against all that it must not overwrite, before anything is opened for writing.

Two names are one file if device and inode agree, whatever symlinks, hard links or `./` are in between; files that do
not exist yet agree if their directory and name do. Devices, pipes and terminals may be named as often as one likes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from toloka_upload.errors import UsageProblem
from toloka_upload.settings import Settings
from toloka_upload.text import plain

_DATABASE = (b"SQLite format 3\0", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
"""What a journal and its write-ahead log begin with: no output ever takes the place of one."""


class Use(NamedTuple):
    """A file that a run reads or writes.

    Attributes:
        what: What it is to the run: an option (`--results`), or words such as "an input".
        place: Its path, or the number of an open descriptor.
    """

    what: str
    place: Path | int


def outputs_of(settings: Settings) -> list[Use]:
    """What a run writes by name. Rejects without a name only go to files that they make."""
    outputs = [Use("--results", settings.results)] if settings.results else []
    if settings.rejects:
        reasons = Use("the reasons of --rejects,", reasons_beside(settings.rejects))
        outputs += [Use("--rejects", settings.rejects), reasons]
    return outputs


def inputs(names: Iterable[str]) -> list[Use]:
    """The files that a run reads."""
    return [Use("an input", 0 if name == "-" else Path(name)) for name in names]


def reasons_beside(rejects: Path) -> Path:
    """The file beside a rejects file that says what is wrong with each row."""
    return rejects.with_name(f"{rejects.name}.errors.jsonl")


def streams(*numbers: int) -> list[Use]:
    """The standard streams with these descriptors, by what people call them."""
    names = ("what standard input reads", "standard output", "standard error")
    return [Use(names[number], number) for number in numbers]


def refuse_clashes(outputs: Iterable[Use], kept: Iterable[Use]) -> None:
    """
    Refuse an output that would destroy what it is not: an input, a secret, a journal, another output.

    Args:
        outputs: What the run writes. Of two that are one file the later one is named in the message.
        kept: What must stay as it is.

    Raises:
        UsageProblem: There is such an output; names both.
    """
    taken = {identity: use for use in kept if (identity := _identity(use.place))}
    for use in outputs:
        identity = _identity(use.place)
        if identity is None:
            continue
        if identity in taken:
            raise UsageProblem(_clash(use, taken[identity]), code="OUTPUT_CLASH")
        if _is_database(use.place):
            raise UsageProblem(
                f"{_named(use)} is a database, such as a journal, and would be overwritten. Name another file.",
                code="OUTPUT_CLASH",
            )
        taken[identity] = use


def _clash(use: Use, other: Use) -> str:
    return f"{_named(use)} is also {other.what}, and would overwrite it. Name another file."


def _named(use: Use) -> str:
    return use.what if isinstance(use.place, int) else f"{use.what} {plain(str(use.place))}"


def _identity(place: Path | int) -> tuple[int, int, str] | None:
    """What tells one file from all others; None for what can be written to by many, or not at all."""
    with suppress(OSError, ValueError):
        try:
            found = os.stat(place)  # noqa: PTH116  # also of a descriptor
        except FileNotFoundError:
            whole = os.path.realpath(str(place))
            parent = os.stat(os.path.dirname(whole))  # noqa: PTH116, PTH120  # of a string
            return parent.st_dev, parent.st_ino, os.path.basename(whole)  # noqa: PTH119
        if stat.S_ISREG(found.st_mode):
            return found.st_dev, found.st_ino, ""
    return None


def _is_database(place: Path | int) -> bool:
    if isinstance(place, int):
        return False
    with suppress(OSError), place.open("rb") as file:
        return file.read(16).startswith(_DATABASE)
    return False
