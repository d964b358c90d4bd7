"""The display of a command, chosen by its options and by where its streams go."""

from __future__ import annotations

import os
import sys
import time

from toloka_upload.cli.options import Telling
from toloka_upload.cli.streams import one_place
from toloka_upload.display import Display, display_for


def display_of(options: Telling, *, stdout_busy: bool) -> Display:
    """
    The display of a command, on standard error.

    Args:
        options: `--quiet`, `--verbose`, `--json`.
        stdout_busy: Something else writes to standard output meanwhile.
    """
    return display_for(
        sys.stderr,
        quiet=options.quiet,
        verbose=options.verbose,
        json_output=options.json_output,
        stdout_is_terminal=sys.stdout.isatty(),
        environ=os.environ,
        clock=time.monotonic,
        stdout_busy=stdout_busy,
        stdout_is_there=one_place(1, 2),
    )
