"""A command of the account, from its settings to its report: a session, the work on its loop, and how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from toloka_upload.api.errors import ApiError
from toloka_upload.api.target import require_token
from toloka_upload.errors import Interrupted, UploadError
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import (
    AccountFinished,
    AccountStarted,
    Event,
    Observer,
    Stopping,
    unobserved,
)
from toloka_upload.report.recorder import Recorder, Results
from toloka_upload.report.rejects import NoRejects
from toloka_upload.report.results import NoResults
from toloka_upload.report.summary import Report
from toloka_upload.run.job import Job
from toloka_upload.session.loop import sleep, until
from toloka_upload.session.session import Session
from toloka_upload.settings import Settings

Work = Callable[[Session, AccountReport, ExitStack], Awaitable[None]]
"""What is to be done: it counts into the report, and what it opens it hands to the stack."""

_SETTLE_SECONDS = 5.0
"""How long what was begun may still end after the first signal."""


class Command(Job[AccountReport]):
    """One call of a command.

    Args:
        settings: What to do, and as whom.
        report: What is known of it before it begins; it is filled.
        work: What to do.
        observer: Whom to tell.
        results: Who is told of rows that end while they are planned.
        more: `handler`, `loop` and `wall`, as in `Job`.
    """

    def __init__(
        self,
        settings: Settings,
        report: AccountReport,
        work: Work,
        observer: Observer = unobserved,
        *,
        results: Results | None = None,
        **more: Any,
    ) -> None:
        super().__init__(settings, report, observer, **more)
        self._work = work
        self._results = results or NoResults()
        self._session: Session | None = None
        self._deadline = float("inf")
        report.env, report.url = settings.target.env, settings.target.url

    def _began(self) -> Event:
        report = self.report
        return AccountStarted(
            report.command, report.run_id, tuple(report.pools), report.env, report.url
        )

    def _ended(self) -> Event:
        return AccountFinished(self.report)

    def _run(self, stack: ExitStack) -> None:
        settings, report = self._settings, self.report
        require_token(settings.target)
        upload = Report(dry_run=True, warnings=report.warnings)
        recorder = Recorder(upload, self._results, NoRejects(), self._tell)
        session = self._open_session(recorder, stack)
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
