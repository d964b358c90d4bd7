"""The standard streams, as a shell hands them over: closed, full, or with nobody at the other end."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any


class StandardOutput(io.FileIO):
    """Standard output. Remembers why it could not be written: what was buffered then may be gone without a trace."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, or remember why not."""
        try:
            return super().write(data) or 0
        except OSError as error:
            self.failure = self.failure or error
            raise


def take_streams() -> None:
    """
    Make the standard streams safe to use, whatever the shell made of them.

    What would go to a closed output is wanted by nobody. From a closed standard input nothing can be read, which is an
    error and not an empty input. No journal gets the number of a closed stream.
    """
    for number, mode in enumerate(("r", "w", "w")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given: those below are open by now.
            os.open(os.devnull, os.O_WRONLY if number == 0 else os.O_RDWR)
        name = ("stdin", "stdout", "stderr")[number]
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, errors="backslashreplace", closefd=False))  # noqa: SIM115
    was = sys.stdout
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(StandardOutput(1, "w", closefd=False)),
        encoding=was.encoding,
        errors=was.errors,
        line_buffering=bool(was.line_buffering),
    )


def one_place(number: int, other: int) -> bool:
    """Whether two descriptors lead to one file, pipe or terminal that somebody may read."""
    try:
        one, two = os.fstat(number), os.fstat(other)
    except OSError:
        return False
    nowhere = os.stat(os.devnull)  # noqa: PTH116  # beside fstat
    return os.path.samestat(one, two) and not os.path.samestat(one, nowhere)


def failure_of_stdout() -> OSError | None:
    """Why standard output did not take all that was written to it; None if it did, or if its reader just went away."""
    failure = None
    try:
        sys.stdout.flush()
    except OSError as error:
        failure = error
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, StandardOutput):
        failure, raw.failure = raw.failure or failure, None
    if failure is None:
        return None
    _give_up(1)
    return None if isinstance(failure, BrokenPipeError) else failure


def leave_stdin() -> None:
    """Let go of standard input. If a thread still waits for it, the interpreter would abort at its end for the lock."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        with suppress(OSError, ValueError):
            sys.stdin.detach()


def say(text: str, *, end: str = "\n") -> None:
    """Write to standard error. If it does not take it there is nobody to tell."""
    try:
        sys.stderr.write(text + end)
        sys.stderr.flush()
    except OSError:
        _give_up(2)


def _give_up(number: int) -> None:
    """Let what is still buffered go nowhere, or the interpreter would fail once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
