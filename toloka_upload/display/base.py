"""What all forms of the display share: taking events, a pulse of their own, harmless writing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

from toloka_upload.display.narrate import Level, Line, Narrator, progress_line
from toloka_upload.display.progress import Progress
from toloka_upload.report import observer as ev
from toloka_upload.text import encodable

Clock = Callable[[], float]

HEARTBEAT = 28.0
"""Seconds between plain progress lines: under the 30 promised, whatever the pulse adds."""


class Display:
    """Watches a run and tells it on a stream. A context manager, and an observer of the core.

    While it is entered, a daemon thread calls `tick` every `pulse` seconds, so that the display
    lives on while the core waits for a slow input, a lock or an answer. RetryState with the stream
    (closed, full, a broken pipe) silences the display and never reaches the run.

    Args:
        stream: Where to write; standard error.
        clock: Seconds from any start, never going back.
        narrator: Turns events into lines.
        level: The least level of lines to print.
        pulse: Seconds between ticks; None: no thread, and `tick` is the caller's.
    """

    def __init__(
        self, stream: TextIO, clock: Clock, narrator: Narrator, level: Level, pulse: float | None
    ) -> None:
        self.progress = Progress(clock())
        self._stream = stream
        self._clock = clock
        self._narrator = narrator
        self._level = level
        self._pulse = pulse
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._silenced = False

    def __call__(self, event: ev.Event) -> None:
        """Take note of an event. Never raises for what the stream does."""
        with self._lock:
            now = self._clock()
            self.progress.note(event, now)
            self._say([line for line in self._narrator(event, now) if line.level >= self._level])

    def tick(self) -> None:
        """Bring the display up to date."""

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While a question stands on the terminal, nothing else is written there."""
        yield

    def __enter__(self) -> Self:
        """Start the pulse."""
        if self._pulse is not None:
            self._thread = threading.Thread(target=self._beat, name="display", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was found."""
        self.close()

    def close(self) -> None:
        """Stop the pulse and say the last word. Calling it again does nothing."""
        if self._over.is_set():
            return
        self._over.set()
        try:
            if self._thread is not None:
                self._thread.join(timeout=1.0)
        finally:  # a second Ctrl-C finds the terminal restored all the same
            self.progress.left = True
            self._last_word()

    def _say(self, lines: list[Line]) -> None:
        """Print lines, or keep them for the next tick. The lock is held."""
        raise NotImplementedError

    def _last_word(self) -> None:
        """What to write when all is over."""

    def _beat(self) -> None:
        while not self._over.wait(self._pulse):
            self.tick()

    def _write(self, text: str) -> None:
        if self._silenced or not text:
            return
        try:
            self._stream.write(encodable(text, self._stream.encoding))
            self._stream.flush()
        except (OSError, ValueError):
            self._silenced = True


class Lines(Display):
    """Plain lines without any escape sequence. With a level of `TROUBLE` it is the quiet form."""

    def __init__(
        self,
        stream: TextIO,
        clock: Clock,
        narrator: Narrator,
        level: Level = Level.STEP,
        pulse: float | None = 0.5,
    ) -> None:
        quiet = level >= Level.TROUBLE
        super().__init__(stream, clock, narrator, level, None if quiet else pulse)
        self._quiet = quiet
        self._due = clock() + HEARTBEAT

    def tick(self) -> None:
        """Print how far the run is, if the last such line was `HEARTBEAT` seconds ago."""
        if self._quiet:
            return
        with self._lock:
            now = self._clock()
            if now >= self._due and self.progress.report is None:
                self._due = now + HEARTBEAT
                self._write(f"{progress_line(self.progress, now)}\n")

    def _say(self, lines: list[Line]) -> None:
        self._write("".join(f"{line.text}\n" for line in lines))
