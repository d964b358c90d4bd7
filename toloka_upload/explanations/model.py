"""One code, in plain words."""

from __future__ import annotations

from typing import NamedTuple

LATER = "Run the same command again later: it goes on from where it stopped."
"""What to do about all that passes."""


class Explanation(NamedTuple):
    """One code, in plain words.

    Attributes:
        cause: What is wrong, in one sentence.
        example: What it looks like.
        fix: What to do, as a sentence or two that can stand alone.
    """

    cause: str
    example: str
    fix: str

    @property
    def advice(self) -> str:
        """The fix as it goes on a sentence: "make room ... and run the same command again"."""
        text = self.fix.rstrip(".")
        return text[0].lower() + text[1:] if not text[:2].isupper() else text
