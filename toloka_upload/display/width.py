"""How wide a terminal is, and text that fits it, wrapped at words."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator
from typing import TextIO

LEAST = 30
"""Columns from which on wrapping at words is worth it."""


def terminal_size(stream: TextIO) -> tuple[int, int]:
    """Columns and lines of the terminal behind `stream`; 80 and 24 where it does not say."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    return columns or 80, lines or 24


def fit(lines: Iterable[str], width: int) -> Iterator[str]:
    """Lines, those that are too long wrapped at words; a word that is too long stays whole, so that it can be copied.

    What goes on stands four cells to the right of where its line began.
    """
    for line in lines:
        if len(line) <= width or width < LEAST:
            yield line
            continue
        margin = line[: len(line) - len(line.lstrip())] + "    "
        yield from textwrap.wrap(
            line, width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False
        )
