"""What `verify`, `undo` and `adopt` have in common on the command line: display, signals, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from toloka_upload.account.command import Command
from toloka_upload.cli.confirm import Confirmation
from toloka_upload.cli.keep import to_keep
from toloka_upload.cli.options import Telling
from toloka_upload.cli.run import obey_signals, tame_memory
from toloka_upload.cli.watch import display_of
from toloka_upload.errors import CannotWrite
from toloka_upload.report.account import account_text
from toloka_upload.report.observer import Observer
from toloka_upload.report.outputs import Use, refuse_clashes
from toloka_upload.text import encodable


def text_output(option: str, name: str | None, files: list[str], stack: ExitStack) -> TextIO | None:
    """
    A file that an option names, open for writing; `-` is standard output.

    Args:
        files: What the command reads: the output must be none of them.

    Raises:
        UsageProblem: It would overwrite one of them, or a journal.
        CannotWrite: It cannot be written.
    """
    if name is None or name == "-":
        return sys.stdout if name else None
    refuse_clashes([Use(option, Path(name))], to_keep(files))
    try:
        return stack.enter_context(
            Path(name).open("w", encoding="utf-8", errors="backslashreplace")
        )
    except OSError as error:
        raise CannotWrite(f"{option} {name} cannot be written: {error.strerror}.") from error


def carry_out(
    begin: Callable[[Observer], Command],
    options: Telling,
    *,
    confirmation: Confirmation | None = None,
    stdout_busy: bool = False,
) -> int:
    """Carry out a command that `begin` puts together, and print its report; return the exit status."""
    tame_memory()
    display = display_of(options, stdout_busy=stdout_busy)
    with display:
        if confirmation is not None:
            confirmation.display = display
        command = begin(display)
        obey_signals(command, display)
        report = command.run()
    if options.json_output:
        sys.stdout.write(json.dumps(report.as_json()) + "\n")
    elif not stdout_busy:
        sys.stdout.write(encodable(account_text(report), sys.stdout.encoding))
    return report.exit_status
