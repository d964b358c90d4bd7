"""The form for a notebook: the live picture in the output of a cell, painted anew in its place by rich."""

from __future__ import annotations

import io
import time
from importlib import import_module
from typing import Any

from rich.text import Text

from toloka_upload.display.base import Clock, Display
from toloka_upload.display.frame import UNICODE, Look, frame, last_frame
from toloka_upload.display.narrate import Level, Line, Narrator

WIDTH, HEIGHT = 100, 24


class Notebook(Display):
    """Paints once a second: each picture is a message to the browser.

    Args:
        clock: Seconds from any start, never going back.
        narrator: Turns events into lines, which stay above the picture.
    """

    def __init__(self, clock: Clock, narrator: Narrator, pulse: float | None = 1.0) -> None:
        super().__init__(io.StringIO(), clock, narrator, Level.NOTE, pulse)
        self._show = import_module("IPython.display").display
        self._said: list[str] = []
        self._handle: Any = None

    def tick(self) -> None:
        """Paint the present state."""
        with self._lock:
            self._paint(frame(self.progress, self._clock(), _look()))

    def _last_word(self) -> None:
        self._paint(last_frame(self.progress, self._clock(), _look()))

    def _say(self, lines: list[Line]) -> None:
        self._said += [line.text for line in lines]

    def _paint(self, picture: list[Text]) -> None:
        text = Text("\n").join([*map(Text, self._said), *picture])
        if self._handle is None:
            self._handle = self._show(text, display_id=True)
        else:
            self._handle.update(text)


def _look() -> Look:
    return Look(WIDTH, HEIGHT, UNICODE, time.time())
