"""A loop whose calls are done at once and whose waits take no time: hours and days pass in microseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manual_clock import Clock

from toloka_upload.session.loop import Loop, Task, _Reply


class Unhurried(Loop):
    """Carries out calls where they are made, and moves its clock where there is nothing else to do."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._manual = clock or Clock(0.0)
        super().__init__(clock=self._manual)

    def _perform(self, function: Callable[[], Any], task: Task[Any]) -> None:
        try:
            reply = _Reply(task, function(), None)
        except BaseException as error:  # noqa: BLE001  # it is raised again where the call was made
            reply = _Reply(task, None, error)
        self._ready.append(reply)

    def _idle(self, timeout: float | None) -> None:
        assert timeout is not None, "everybody waits, and nothing will happen"
        self._manual.advance(timeout)
