"""A command line as a value: how this one reads, and what others can be made of it. Pure.

It goes into a POSIX shell as it is printed. Names that would be hidden or obeyed by a terminal are written as escapes,
which bash, zsh and ksh read.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from toloka_upload.text import plain

COMMANDS = frozenset(
    {"upload", "runs", "verify", "undo", "adopt", "config", "template", "emulator", "explain"}
)
"""Words that, where they come first, are no files."""

_OUTPUTS = ("--rejects", "--report", "--events", "--force")
_READ_OTHERWISE = {
    "xlsx": ("csv", ("--sheet", "--encoding", "--delimiter")),
    "parquet": ("jsonl", ("--encoding",)),
    "json": ("jsonl", ()),
}
"""What the rejects of a format are, and the options of the input that they do not go with."""


class CommandLine(NamedTuple):
    """
    An upload, as it is typed.

    Attributes:
        program: The words that start the program.
        options: Each with its value, if it takes one: `("--pool", "21")`, `("--dry-run",)`.
        files: The inputs.
    """

    program: tuple[str, ...]
    options: tuple[tuple[str, ...], ...]
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = [word for option in self.options for word in _joined(option)]
        words += [f"./{name}" if _misread(name) else name for name in self.files]
        return " ".join(map(quoted, [*self.program, *words]))

    def value(self, name: str) -> str | None:
        """What an option was given; None if it was not."""
        return next((option[1] for option in self.options if option[0] == name), None)

    def without(self, *names: str) -> CommandLine:
        """The command without some options."""
        return self._replace(options=tuple(one for one in self.options if one[0] not in names))

    def plus(self, name: str, *value: str) -> CommandLine:
        """The command with an option, in place of what it had of it."""
        return self._replace(options=(*self.without(name).options, (name, *value)))

    def on(self, *files: str) -> CommandLine:
        """The command with other inputs."""
        return self._replace(files=files)

    def with_free_outputs(self) -> CommandLine:
        """The command with a name for its rejects that is not there yet: what is there is not overwritten."""
        rejects = self.value("--rejects")
        if rejects is None or ("--force",) in self.options:
            return self
        return self.plus("--rejects", free_name(rejects))

    def for_rejects(self, file: str, form: str) -> CommandLine:
        """
        The options that read a rejects file.

        Args:
            file: Its name.
            form: The format of the input that its rows come from.
        """
        its, useless = _READ_OTHERWISE.get(form, (form, ()))
        command = self.without(*_OUTPUTS, *useless, "--dry-run", "--format")
        if Path(file).suffix != f".{its}":
            command = command.plus("--format", its)
        results = self.value("--results")
        return command.plus("--results", free_name(results)) if results else command


def free_name(name: str) -> str:
    """The first of `name`, `name-2`, `name-3`, … that is no file yet. What is no regular file may be used again."""
    path, number = Path(name), 1
    while path.is_file() or path.is_symlink():
        number += 1
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
    return str(path)


def quoted(word: str) -> str:
    """A word as a shell takes it, harmless to a terminal."""
    if plain(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(_escaped(byte) for byte in os.fsencode(word)) + "'"


def _escaped(byte: int) -> str:
    safe = 0x20 <= byte < 0x7F and byte not in b"'\\"
    return chr(byte) if safe else f"\\{byte:03o}"


def _joined(option: tuple[str, ...]) -> tuple[str, ...]:
    """A value that looks like an option is joined to its name."""
    return ("=".join(option),) if len(option) > 1 and option[1].startswith("-") else option


def _misread(name: str) -> bool:
    return name in COMMANDS or (name.startswith("-") and name != "-")
