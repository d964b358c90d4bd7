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
    UploadError,
)
from toloka_upload.items.spool import Spool
from toloka_upload.report.observer import (
    Observer,
    RunFinished,
    RunStarted,
    Warned,
    unobserved,
)
from toloka_upload.report.recorder import Recorder
from toloka_upload.report.rejects import NoRejects, RejectsFiles
from toloka_upload.report.results import NoResults, ResultsFile
from toloka_upload.report.summary import Report, RunError
from toloka_upload.run.coordinator import Coordinator
from toloka_upload.run.ids import run_id
from toloka_upload.run.inputs import look_at
from toloka_upload.run.persistence import refuse_endless_retries
from toloka_upload.run.run_log import RunLog, logged_runs
from toloka_upload.sending.sender import Sender
from toloka_upload.session.loop import Loop
from toloka_upload.session.open_session import open_session
from toloka_upload.session.session import Session
from toloka_upload.settings import Settings


class Upload:
    """One run of the uploader.

    Args:
        settings: What to do.
        observer: Whom to tell.
        stdin: Where `-` reads from; None: this process's standard input.
        handler: An API in this process, in place of the network (`--env local` brings its own).
        loop: The loop to run on; a simulation brings its own.
        wall: Wall-clock time.
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
        self._settings = settings
        self._tell = RunLog(settings.state_dir, observer, wall)
        self._stdin = stdin
        self._handler = handler
        self._loop = loop or Loop()
        self._wall = wall
        self._started = self._loop.clock()
        self._work: Coordinator | None = None
        self.report = Report(
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

    def interrupt(self, error: Interrupted) -> None:
        """Stop sending, settle what lands within a few seconds, and end. Safe to call from a signal handler."""
        self._loop.post(lambda: self._stop(error))

    def run(self) -> Report:
        """Do it. Never raises for what can go wrong with an upload: the report says how it ended."""
        self._started = self._loop.clock()
        settings, report = self._settings, self.report
        self._tell(
            RunStarted(
                report.run_id,
                settings.files,
                settings.pool,
                report.env,
                report.url,
                report.mode,
                settings.dry_run,
            )
        )
        try:
            with ExitStack() as stack:
                stack.callback(self._loop.close)
                self._run(stack)
        except UploadError as error:
            self._failed(error)
        report.seconds = self._loop.clock() - self._started
        most = settings.pacing.try_again_for
        if report.exit_status is ExitStatus.TRY_AGAIN and most is not None:
            runs = logged_runs(settings.state_dir).values()
            refuse_endless_retries(report, runs, most, self._wall())
        self._tell(RunFinished(report))
        return report

    def _run(self, stack: ExitStack) -> None:
        settings, report = self._settings, self.report
        look_at(settings.files)
        if settings.needs_api:
            require_token(settings.target)
        rejects = self._rejects()
        results = ResultsFile(settings.results) if settings.results else NoResults()
        recorder = Recorder(report, results, rejects, self._tell)
        stack.callback(recorder.close)
        session = open_session(
            settings,
            recorder,
            stack,
            self._loop,
            self._tell,
            handler=self._handler,
            wall=self._wall,
        )
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
        report.seconds = self._loop.clock() - self._started
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

    def _failed(self, error: UploadError) -> None:
        self.report.exit_status = error.status
        self.report.error = RunError.of(error)


def _status(report: Report, session: Session) -> ExitStatus:
    counts = report.counts
    if session.stopping:
        return session.stopping.status
    if counts.unknown:
        return ExitStatus.UNKNOWN
    return ExitStatus.REJECTED if counts.rejected else ExitStatus.OK
