"""The live form: a few lines at the bottom of a terminal, painted over four times a second.

Between two pictures the cursor rests, hidden, on the first cell of the block. When the window
is resized the terminal may rewrap the block into any number of lines, but it keeps the cursor
on that cell; so the next picture starts there, overwrites line by line (no flicker) and erases
what is left below. Counting lines back from the end, as `rich.live` does, leaves debris.
"""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console

from toloka_upload.display.base import Clock, Display
from toloka_upload.display.frame import ASCII, UNICODE, Look, frame, last_frame
from toloka_upload.display.narrate import Level, Line, Narrator
from toloka_upload.display.width import fit

if TYPE_CHECKING:
    from rich.text import Text

FRAME_SECONDS = 0.25
WIDEST = 250
"""Cells of the picture at most: on a window made narrow it must still fit when rewrapped."""

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
ERASE_LINE, ERASE_BELOW = "\x1b[K", "\x1b[J"

Size = Callable[[], tuple[int, int]]


class Live(Display):
    """The form for a terminal. Only its own thread writes, so a halted terminal halts no upload.

    Args:
        stream: The terminal.
        clock: Seconds from any start, never going back.
        narrator: Turns events into lines, printed above the block.
        level: The least level of lines to print.
        environ: Says whether colours are wanted (`NO_COLOR`) and which there are (`TERM`).
        size: Columns and lines of the terminal, asked before each picture.
        pulse: Seconds between pictures; None: only when `tick` is called.
        wall: Seconds since the epoch, for the time of day at which the run ends.
        summary_follows: The summary will be on the same screen, and need not be told twice.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Clock,
        narrator: Narrator,
        level: Level,
        environ: Mapping[str, str],
        size: Size,
        pulse: float | None = FRAME_SECONDS,
        wall: Clock = time.time,
        *,
        summary_follows: bool = False,
    ) -> None:
        super().__init__(stream, clock, narrator, level, pulse)
        self._size = size
        self._wall = wall
        self._summary_follows = summary_follows
        self._painting = threading.Lock()
        self._halted = False
        self._lines: list[Line] = []
        self._glyphs = UNICODE if (stream.encoding or "").lower().startswith("utf") else ASCII
        self._console = Console(
            file=io.StringIO(),  # rich only styles; what it would write is captured
            force_terminal=True,
            color_system=None if environ.get("NO_COLOR") else "standard",
            legacy_windows=False,
        )

    def __enter__(self) -> Self:
        """Hide the cursor, paint the first picture, start the pulse."""
        self._write(HIDE_CURSOR)
        self.tick()
        self._on_suspend(self._suspend)
        return super().__enter__()

    def close(self) -> None:
        """Show the cursor again, with the last picture above it."""
        if not self._over.is_set():
            self._on_suspend(signal.SIG_DFL)
        super().close()

    def tick(self) -> None:
        """Paint the present state."""
        with self._painting:
            if not self._halted:
                self._paint()

    def _paint(self) -> None:
        look = self._look()
        with self._lock:
            lines = self._taken_lines()
            picture = frame(self.progress, self._clock(), look)
        self._write("\r" + lines + self._block(picture) + _up(len(picture) - 1))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to a question: a clean line, and the cursor."""
        with self._painting:
            self._halted = True
            with self._lock:
                lines = self._taken_lines()
            self._write(f"\r{lines}{ERASE_BELOW}{SHOW_CURSOR}")
        try:
            yield
        finally:
            self._write(HIDE_CURSOR)
            self._halted = False

    def _on_suspend(self, action: Callable[[int, object], None] | signal.Handlers) -> None:
        """Say what Ctrl-Z does, where that is ours to say: in the main thread, if not ignored."""
        ours = threading.current_thread() is threading.main_thread()
        if ours and signal.getsignal(signal.SIGTSTP) in {signal.SIG_DFL, self._suspend}:
            signal.signal(signal.SIGTSTP, action)

    def _suspend(self, _signal: int, _frame: object) -> None:
        """Give the shell a clean line and its cursor; paint again when the run goes on."""
        self._write(f"\r{ERASE_BELOW}{SHOW_CURSOR}")
        self._on_suspend(signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # stops here, until continued
        self._on_suspend(self._suspend)
        self._write(HIDE_CURSOR)

    def _say(self, lines: list[Line]) -> None:
        self._lines += lines

    def _last_word(self) -> None:
        look = self._look()
        with self._lock:
            lines = self._taken_lines()
            picture = last_frame(
                self.progress, self._clock(), look, summary_follows=self._summary_follows
            )
        end = "\n" if picture else ""
        self._write(f"\r{lines}{self._block(picture)}{end}{SHOW_CURSOR}")

    def _look(self) -> Look:
        width, height = self._size()
        return Look(_cells(width), height, self._glyphs, self._wall())

    def _taken_lines(self) -> str:
        """The lines to print for good above the block, which they wipe out first, wrapped at words."""
        lines, self._lines = self._lines, []
        width, _ = self._size()
        return "".join(
            ERASE_BELOW + part + "\n" for part in fit([line.text for line in lines], width)
        )

    def _block(self, picture: list[Text]) -> str:
        with self._console.capture() as painted:
            for line in picture:
                self._console.print(line, end=f"{ERASE_LINE}\n", soft_wrap=True)
        return painted.get().removesuffix("\n") + ERASE_BELOW


def _cells(columns: int) -> int:
    """Return the picture's width: the last column stays free, so that no line wraps by itself."""
    return max(1, min(columns - 1, WIDEST))


def _up(lines: int) -> str:
    return "\r" + (f"\x1b[{lines}A" if lines else "")
