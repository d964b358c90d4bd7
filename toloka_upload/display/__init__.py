"""What people see while a run works, on standard error; the only room that knows a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import TextIO

from toloka_upload.display.base import Clock, Display, Lines
from toloka_upload.display.narrate import Level, Narrator
from toloka_upload.display.width import fit, terminal_size

__all__ = ["Display", "colour_wanted", "display_for", "fitting", "progress_display"]


def display_for(
    stream: TextIO,
    *,
    quiet: bool,
    verbose: bool,
    json_output: bool,
    stdout_is_terminal: bool,
    environ: Mapping[str, str],
    clock: Clock,
    stdout_busy: bool = False,
    stdout_is_there: bool = False,
) -> Display:
    """Choose the form of the display: live on a terminal, else plain lines, else errors only.

    Args:
        stream: Standard error.
        quiet: Errors and warnings only.
        verbose: A line for each chunk and each retry as well. `quiet` wins.
        json_output: Standard output will carry the JSON summary, not the one for people.
        stdout_is_terminal: Whether standard output is a terminal.
        environ: The environment: `TERM`, `NO_COLOR`.
        clock: Seconds from any start, never going back.
        stdout_busy: Something else writes to the terminal meanwhile (`--events -`): no live display.
        stdout_is_there: Standard output goes where `stream` goes, as in a cron job's mail: what the summary will say
            there is not said twice.
    """
    on_terminal = stream.isatty()
    beside = stdout_is_there or (on_terminal and stdout_is_terminal)
    summary_follows = beside and not json_output and not stdout_busy
    narrator = Narrator(say_error=not summary_follows)
    if quiet:
        return Lines(stream, clock, narrator, Level.TROUBLE)
    torn = stdout_busy and stdout_is_terminal
    if not on_terminal or _dumb(environ) or torn or (json_output and not stdout_is_terminal):
        return Lines(stream, clock, narrator, Level.DETAIL if verbose else Level.STEP)

    # rich costs a fifth of the start-up time: only a live display pays for it
    from toloka_upload.display.live import Live

    level = Level.DETAIL if verbose else Level.NOTE
    size = partial(terminal_size, stream)
    return Live(stream, clock, narrator, level, environ, size, summary_follows=summary_follows)


def colour_wanted(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether text on `stream` may be coloured: a terminal that can, and nobody objects."""
    return stream.isatty() and not _dumb(environ) and not environ.get("NO_COLOR")


def progress_display() -> Display:
    """A display for a program in Python: in a notebook in the cell's output, else on standard error."""
    if "ipykernel" in sys.modules:
        from toloka_upload.display.notebook import Notebook

        return Notebook(time.monotonic, Narrator(say_error=True))
    return display_on_stderr()


def display_on_stderr() -> Display:
    """The display on standard error, live if that is a terminal, with nothing asked for besides."""
    return display_for(
        sys.stderr,
        quiet=False,
        verbose=False,
        json_output=False,
        stdout_is_terminal=False,
        environ=os.environ,
        clock=time.monotonic,
    )


def fitting(text: str, stream: TextIO) -> str:
    """Text for `stream`: on a terminal wrapped at words, elsewhere as it is."""
    if not stream.isatty():
        return text
    width, _ = terminal_size(stream)
    return "\n".join(fit(text.split("\n"), width))


def _dumb(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "").lower() in {"dumb", "unknown"}
