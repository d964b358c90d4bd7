"""A run, from its settings to its report: the parts put together. `coordinator.py` has the order of things."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import BinaryIO

from toloka_upload.api.client import Handler
from toloka_upload.api.target import require_token
from toloka_upload.errors import (
    ExitStatus,
    Interrupted,
)
from toloka_upload.items.spool import Spool
from toloka_upload.report.observer import (
    Event,
    Observer,
    RunFinished,
    RunStarted,
    Warned,
    unobserved,
)
from toloka_upload.report.recorder import Recorder
from toloka_upload.report.rejects import NoRejects, RejectsFiles
from toloka_upload.report.results import NoResults, ResultsFile
from toloka_upload.report.summary import Report
from toloka_upload.run.coordinator import Coordinator
from toloka_upload.run.ids import run_id
from toloka_upload.run.inputs import look_at
from toloka_upload.run.job import Job
from toloka_upload.run.persistence import refuse_endless_retries
from toloka_upload.run.run_log import RunLog, logged_runs
from toloka_upload.sending.sender import Sender
from toloka_upload.session.loop import Loop
from toloka_upload.session.session import Session
from toloka_upload.settings import Settings


class Upload(Job[Report]):
    """One run of the uploader.

    Args:
        settings: What to do.
        observer: Whom to tell.
        stdin: Where `-` reads from; None: this process's standard input.
        handler: With `loop` and `wall` as in `Job`.
    """

    def __init__(
        self,
        settings: Settings,
        observer: Observer = unobserved,
        *,
        stdin: BinaryIO | None = None,
        handler: Handler | None = None,
        loop: Loop | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        report = Report(
            run_id=run_id(wall()),
            env=settings.target.env,
            url=settings.target.url,
            pools=[settings.pool] if settings.pool else [],
            files=list(settings.files),
            kind=settings.travel_kind or "tasks",
            mode=settings.requests.mode,
            dry_run=settings.dry_run,
            results=str(settings.results) if settings.results else None,
        )
        log = RunLog(settings.state_dir, observer, wall)
        super().__init__(settings, report, log, handler=handler, loop=loop, wall=wall)
        self._stdin = stdin
        self._work: Coordinator | None = None

    def _began(self) -> Event:
        report, settings = self.report, self._settings
        return RunStarted(
            report.run_id,
            settings.files,
            settings.pool,
            report.env,
            report.url,
            report.mode,
            settings.dry_run,
        )

    def _ended(self) -> Event:
        most = self._settings.pacing.try_again_for
        if self.report.exit_status is ExitStatus.TRY_AGAIN and most is not None:
            runs = logged_runs(self._settings.state_dir).values()
            refuse_endless_retries(self.report, runs, most, self._wall())
        return RunFinished(self.report)

    def _run(self, stack: ExitStack) -> None:
        settings, report = self._settings, self.report
        look_at(settings.files)
        if settings.needs_api:
            require_token(settings.target)
        rejects = self._rejects()
        results = ResultsFile(settings.results) if settings.results else NoResults()
        recorder = Recorder(report, results, rejects, self._tell)
        stack.callback(recorder.close)
        session = self._open_session(recorder, stack)
        spool = Spool(settings.state_dir / "spool")
        stack.callback(spool.close)
        work = Coordinator(session, Sender(session, spool, report.run_id), self._stdin)
        stack.push(lambda kind, *_: work.pools.close(ended=kind is None))
        self._work = work
        try:
            work.run()
        finally:
            session.account(report)
            report.errors = recorder.groups
            report.rejects_files = [str(path) for path in rejects.files]
            report.rejects_forms = list(rejects.forms)
        work.end()
        self._took()
        report.exit_status = _status(report, session)
        if session.stopping:
            self._failed(session.stopping)

    def _rejects(self) -> RejectsFiles | NoRejects:
        path, settings = self._settings.rejects, self._settings
        if settings.dry_run and path is None:
            return NoRejects()
        return RejectsFiles(path, force=settings.force, warn=self._warn)

    def _warn(self, message: str) -> None:
        self.report.warnings.append(message)
        self._tell(Warned(message))

    def _stop(self, error: Interrupted) -> None:
        if self._work is None:
            raise error
        self._work.interrupt(error)


def _status(report: Report, session: Session) -> ExitStatus:
    counts = report.counts
    if session.stopping:
        return session.stopping.status
    if counts.unknown:
        return ExitStatus.UNKNOWN
    return ExitStatus.REJECTED if counts.rejected else ExitStatus.OK
