"""The inputs, looked at before anything else is done: a name that was typed wrong is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from toloka_upload.errors import NoInput
from toloka_upload.report.command_line import COMMANDS
from toloka_upload.text import plain


def look_at(names: Iterable[str]) -> None:
    """
    Notice inputs that cannot be read. A pipe is left alone: it can be opened once.

    Raises:
        NoInput: Names the first one, and what may have been meant.
    """
    for name in names:
        if name == "-":
            continue
        path = Path(name)
        try:
            if not path.is_fifo():
                path.open("rb").close()
        except FileNotFoundError as error:
            raise _unreadable(name, error.strerror, meant(path)) from error
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise _unreadable(name, reason, "") from error


def meant(path: Path) -> str:
    """A question after what a missing file's name may stand for; "" where nothing is alike."""
    command = get_close_matches(str(path), sorted(COMMANDS), n=1, cutoff=0.75)
    if command:
        return f"Did you mean the command `toloka-upload {command[0]}`?"
    try:
        beside = [one.name for one in path.parent.iterdir() if not one.is_dir()]
    except OSError:
        return ""
    close = get_close_matches(path.name, beside, n=1, cutoff=0.75)
    return f"Did you mean {path.with_name(close[0])}?" if close else ""


def _unreadable(name: str, reason: str | None, hint: str) -> NoInput:
    return NoInput(
        f"{plain(name) or 'A file without a name'} cannot be read: {reason}. {hint or 'Check the name.'}",
        code="NO_INPUT",
    )
