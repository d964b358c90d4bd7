"""Asking on the terminal before something is done."""

from __future__ import annotations

import sys

from toloka_upload.display import Display
from toloka_upload.text import plain


class Confirmation:
    """Asks whoever sits at the terminal; where nobody does, the answer is no.

    Attributes:
        display: What is shown meanwhile, and makes room for the question.
    """

    def __init__(self) -> None:
        self.display: Display | None = None

    @property
    def possible(self) -> bool:
        """Whether somebody could answer."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    def __call__(self, question: str) -> bool:
        """Ask; only yes is yes."""
        if not self.possible:
            return False
        if self.display is None:
            return _asked(question)
        with self.display.paused():
            return _asked(question)


def _asked(question: str) -> bool:
    sys.stderr.write(f"{plain(question, 1000)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
