"""A command of the account, from its settings to its report: a session, the work on its loop, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from toloka_upload.api.client import Handler
from toloka_upload.api.errors import ApiError
from toloka_upload.api.target import require_token
from toloka_upload.errors import Interrupted, UploadError
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import (
    AccountFinished,
    AccountStarted,
    Observer,
    Stopping,
    unobserved,
)
from toloka_upload.report.recorder import Recorder, Results
from toloka_upload.report.rejects import NoRejects
from toloka_upload.report.results import NoResults
from toloka_upload.report.summary import Report, RunError
from toloka_upload.session.loop import Loop, sleep, until
from toloka_upload.session.open_session import open_session
from toloka_upload.session.session import Session
from toloka_upload.settings import Settings

Work = Callable[[Session, AccountReport, ExitStack], Awaitable[None]]
"""What is to be done: it counts into the report, and what it opens it hands to the stack."""

_SETTLE_SECONDS = 5.0
"""How long what was begun may still end after the first signal."""


class Command:
    """One call of a command.

    Args:
        settings: What to do, and as whom.
        report: What is known of it before it begins; it is filled.
        work: What to do.
        observer: Whom to tell.
        handler: An API in this process, in place of the network.
        loop: The loop to run on.
        results: Who is told of rows that end while they are planned.
        wall: Wall-clock time.
    """

    def __init__(
        self,
        settings: Settings,
        report: AccountReport,
        work: Work,
        observer: Observer = unobserved,
        *,
        handler: Handler | None = None,
        loop: Loop | None = None,
        results: Results | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.report = report
        self._settings = settings
        self._work = work
        self._tell = observer
        self._handler = handler
        self._loop = loop or Loop()
        self._results = results or NoResults()
        self._wall = wall
        self._session: Session | None = None
        self._deadline = float("inf")
        report.env, report.url = settings.target.env, settings.target.url

    def interrupt(self, error: Interrupted) -> None:
        """Begin nothing new, and end within a few seconds. Safe to call from a signal handler."""
        self._loop.post(lambda: self._stop(error))

    def run(self) -> AccountReport:
        """Do it. Never raises for what can go wrong: the report says how it ended."""
        report, started = self.report, self._loop.clock()
        self._tell(
            AccountStarted(
                report.command, report.run_id, tuple(report.pools), report.env, report.url
            )
        )
        try:
            with ExitStack() as stack:
                stack.callback(self._loop.close)
                self._run(stack)
        except UploadError as error:
            self._failed(error)
        report.seconds = self._loop.clock() - started
        self._tell(AccountFinished(report))
        return report

    def _run(self, stack: ExitStack) -> None:
        settings, report = self._settings, self.report
        require_token(settings.target)
        upload = Report(dry_run=True, warnings=report.warnings)
        recorder = Recorder(upload, self._results, NoRejects(), self._tell)
        session = open_session(
            settings,
            recorder,
            stack,
            self._loop,
            self._tell,
            handler=self._handler,
            wall=self._wall,
        )
        self._session = session
        try:
            self._loop.run(self._in_time(session, stack))
        finally:
            report.requests, report.retries = session.client.requests, upload.retries
            upload.exit_status = session.stopping.status if session.stopping else report.exit_status
        if session.stopping:
            raise session.stopping

    async def _in_time(self, session: Session, stack: ExitStack) -> None:
        work = self._loop.spawn(self._guarded(session, stack))
        await until(lambda: work.done or self._loop.clock() >= self._deadline)

    async def _guarded(self, session: Session, stack: ExitStack) -> None:
        try:
            await self._work(session, self.report, stack)
        except ApiError as error:
            session.stop(error.as_upload_error())
        except UploadError as error:
            session.stop(error)

    def _stop(self, error: Interrupted) -> None:
        session = self._session
        if session is None:
            raise error
        if session.stopping is None:
            self._tell(Stopping(str(error)))
            self._deadline = self._loop.clock() + _SETTLE_SECONDS
            self._loop.spawn(sleep(_SETTLE_SECONDS))  # the loop looks up when something moves
            session.stop(error)

    def _failed(self, error: UploadError) -> None:
        self.report.exit_status = error.status
        self.report.error = RunError.of(error)
