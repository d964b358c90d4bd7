"""One call of a command, from its settings to its report: what an upload and the commands of the account share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

from toloka_upload.api.client import Handler
from toloka_upload.errors import Interrupted, UploadError
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import Event, Observer
from toloka_upload.report.recorder import Recorder
from toloka_upload.report.summary import Report, RunError
from toloka_upload.session.loop import Loop
from toloka_upload.session.open_session import open_session
from toloka_upload.session.session import Session
from toloka_upload.settings import Settings

R = TypeVar("R", Report, AccountReport)


class Job(ABC, Generic[R]):
    """One call of a command.

    Args:
        settings: What to do, and as whom.
        report: What is known of it before it begins; it is filled.
        observer: Whom to tell.
        handler: An API in this process, in place of the network (`--env local` brings its own).
        loop: The loop to run on; a simulation brings its own.
        wall: Wall-clock time.
    """

    def __init__(
        self,
        settings: Settings,
        report: R,
        observer: Observer,
        *,
        handler: Handler | None = None,
        loop: Loop | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.report: R = report
        self._settings = settings
        self._tell = observer
        self._handler = handler
        self._loop = loop or Loop()
        self._wall = wall
        self._started = self._loop.clock()

    def interrupt(self, error: Interrupted) -> None:
        """Begin nothing new, settle what lands within a few seconds, and end. Safe to call from a signal handler."""
        self._loop.post(lambda: self._stop(error))

    def run(self) -> R:
        """Do it. Never raises for what can go wrong: the report says how it ended."""
        self._started = self._loop.clock()
        self._tell(self._began())
        try:
            with ExitStack() as stack:
                stack.callback(self._loop.close)
                self._run(stack)
        except UploadError as error:
            self._failed(error)
        self._took()
        self._tell(self._ended())
        return self.report

    @abstractmethod
    def _began(self) -> Event:
        """What to tell at the beginning."""

    @abstractmethod
    def _run(self, stack: ExitStack) -> None:
        """Do it; what is opened is handed to the stack. Raises UploadError for what ends it early."""

    @abstractmethod
    def _ended(self) -> Event:
        """What to tell at the end."""

    @abstractmethod
    def _stop(self, error: Interrupted) -> None:
        """Begin nothing new; called on the loop."""

    def _open_session(self, recorder: Recorder, stack: ExitStack) -> Session:
        return open_session(
            self._settings,
            recorder,
            stack,
            self._loop,
            self._tell,
            handler=self._handler,
            wall=self._wall,
        )

    def _took(self) -> None:
        self.report.seconds = self._loop.clock() - self._started

    def _failed(self, error: UploadError) -> None:
        self.report.exit_status = error.status
        self.report.error = RunError.of(error)
