"""The order of things in a run: read `Coordinator._everything`.

inputs ──► Planner ──► spool ──► Sender ──► outcomes ──► Recorder (results, rejects, report)
│                    │
└── PoolState (a pool: its spec, lock, journal) ── recover: what earlier runs left comes first
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from toloka_upload.api.errors import ApiError
from toloka_upload.errors import (
    BadInput,
    Interrupted,
    UploadError,
)
from toloka_upload.outcomes import Status
from toloka_upload.planning.dry_run import DryRun
from toloka_upload.planning.inputs import plan_files
from toloka_upload.planning.planner import Planner
from toloka_upload.report.drift import check_may_be_newer
from toloka_upload.report.observer import (
    AllPlanned,
    PoolOpened,
    Stopping,
)
from toloka_upload.run.before_sending import foresee, refuse_cost
from toloka_upload.run.newcomers import warn_of_newcomers
from toloka_upload.run.pools import Pools
from toloka_upload.sending.open_pool import open_pool
from toloka_upload.sending.recovery import Doubtful, confirm_absent
from toloka_upload.sending.sender import Sender
from toloka_upload.session.loop import Steps, sleep, until
from toloka_upload.session.pool import PoolState
from toloka_upload.session.session import Session
from toloka_upload.text import counted

SETTLE_SECONDS = 5.0
"""How long what is in the air may still settle after the first signal."""


class Coordinator:
    """What a run does, on the loop. It owns no policy: those are the session's and the pools'."""

    def __init__(
        self,
        session: Session,
        sender: Sender,
        stdin: BinaryIO | None,
    ) -> None:
        settings = session.settings
        self._session = session
        self._sender = sender
        self._stdin = stdin
        # Good rows may go while others are still read only if bad ones do not keep them back.
        self._at_once = (
            settings.requests.skip_invalid_items
            and not settings.dry_run
            and not settings.budget.holds_back
        )
        marked = settings.requests.mode == "async"
        self._dry = DryRun(session.recorder, marked=marked) if settings.dry_run else None
        self._deadline = float("inf")
        run_id = session.recorder.report.run_id
        self.pools = Pools(session, run_id, self._opened)
        add = self._dry.take if self._dry else sender.add
        self._planner = Planner(session, session.recorder, self.pools.open, add, run_id)

    def run(self) -> None:
        """Do it all. What stops it is in `session.stopping`."""
        self._session.loop.run(self._in_time())

    async def _in_time(self) -> None:
        """Everything, but for no longer than a stop allows."""
        loop = self._session.loop
        work = loop.spawn(self._guard(self._everything))
        await until(lambda: work.done or loop.clock() >= self._deadline)

    async def _everything(self) -> None:
        await self._plan()
        cost = await foresee(self._session, self._planner.tallies(), self._dry)
        self._refuse_bad_rows()
        await refuse_cost(self._session, cost)
        if self._dry or self._session.stopping:
            return
        await self._look_for_newcomers()
        self._session.tell(AllPlanned(self._sender.chunks))
        if not self._at_once:
            for pool in self.pools:
                self._feed(pool)
        await self._send_doubtful()
        for pool in self.pools:
            pool.planned = True
        await until(self.pools.idle)
        await self._open_pools()

    async def _look_for_newcomers(self) -> None:
        for pool in list(self.pools):
            if pool.queue and not self._session.stopping:
                planned = (chunk.contents for chunk in self._sender.queued(pool))
                await warn_of_newcomers(self._session, pool, pool.queue[0].kind, planned)

    def _refuse_bad_rows(self) -> None:
        """All or nothing, unless the bad rows are to be skipped."""
        session, counts = self._session, self._session.recorder.report.counts
        if counts.rejected and session.settings.check:
            hint = check_may_be_newer(session.recorder.groups, counts.read)
            if hint:
                session.recorder.warn(hint)
        if counts.rejected and not session.settings.requests.skip_invalid_items:
            fix = "Fix them and upload again"
            if counts.read > counts.rejected:
                fix += ", or send the good rows alone with --skip-invalid-items"
            session.stop(
                BadInput(
                    f"{counted(counts.rejected, 'row')} failed the check, so nothing was sent. {fix}.",
                    code="ROWS_REJECTED",
                )
            )

    async def _plan(self) -> None:
        session, planner = self._session, self._planner
        spec = None
        if session.settings.pool:
            plan = await planner.pool(session.settings.pool)
            spec = plan.pool.info.task_spec
        await plan_files(session, planner, spec, session.recorder.know, stdin=self._stdin)

    def _opened(self, pool: PoolState) -> None:
        if self._at_once:
            self._feed(pool)

    def _feed(self, pool: PoolState) -> None:
        self._session.loop.spawn(self._guard(partial(self._sender.feed, pool)))

    async def _send_doubtful(self) -> None:
        """Chunks of an earlier run that may or may not have arrived: the same request again, or proof, side by side."""
        proofs = []
        for plan, doubtful in list(self._planner.doubtful()):
            pool = plan.pool
            chunk = doubtful.chunk(pool.info.id, whole=True)
            if chunk and self._sender.same_request(pool, chunk, doubtful.sent):
                chunk.replaces = doubtful.sent.id
                self._sender.add(pool, chunk)
                doubtful.gone = True
            else:
                proofs.append(self._session.loop.spawn(self._prove(pool, doubtful)))
        await until(lambda: all(proof.done for proof in proofs))

    async def _prove(self, pool: PoolState, doubtful: Doubtful) -> None:
        """Wait until a chunk that goes no more cannot arrive, and enter what became of it."""
        session = self._session
        try:
            await confirm_absent(session, pool, doubtful.sent)
            doubtful.gone = True
            self._after_proof(pool, doubtful)
        except ApiError as error:
            session.stop(error.as_upload_error())
        except UploadError as error:
            session.stop(error)

    def _after_proof(self, pool: PoolState, doubtful: Doubtful) -> None:
        """Enter the rows that turned out to have arrived; send those that did not."""
        rest = doubtful.chunk(pool.info.id, whole=False)
        if rest is None:
            return
        rest.attempt = 0
        outcome = pool.book.outcome(doubtful.sent.id)
        if outcome is not None:
            for status, places, refs in doubtful.arrived(outcome.statuses):
                self._sender.enter_known(pool, status, places, refs)
            free = doubtful.free(outcome.statuses)
            if not free:
                return
            rest = rest.select(free)
        self._sender.add(pool, rest)

    async def _open_pools(self) -> None:
        session = self._session
        counts = session.recorder.report.counts
        if not session.settings.open_pool or session.stopping:
            return
        if counts.rejected or counts.unknown or counts.unsent:
            session.recorder.warn("The pool was not opened: not every row is in it.")
            return
        for pool in self.pools:
            already = await open_pool(session, pool)
            session.recorder.report.pool_opened = True
            session.tell(PoolOpened(pool.info.id, already))

    # Endings.

    def interrupt(self, error: Interrupted) -> None:
        """Send nothing new; what is in the air has a few seconds to settle."""
        if self._session.stopping is None:
            self._session.tell(Stopping(str(error)))
            loop = self._session.loop
            self._deadline = loop.clock() + SETTLE_SECONDS
            # The loop looks up when something moves: at the deadline this does.
            loop.spawn(sleep(SETTLE_SECONDS))
            self._session.stop(error)

    async def _guard(self, procedure: Callable[[], Steps[None]]) -> None:
        """Whatever ends a procedure early stops the run, and lets what is in the air come down."""
        session = self._session
        try:
            await procedure()
        except ApiError as error:
            session.stop(error.as_upload_error())
        except UploadError as error:
            session.stop(error)
        await until(lambda: self.pools.idle() or session.loop.clock() >= self._deadline)

    def end(self) -> None:
        """Enter every row that has no outcome yet, come what may."""
        session, sender = self._session, self._sender
        self._planner.abandon()
        for flight in list(sender.air.values()):
            session.attempt(sender.left, flight)
        for pool in self.pools:
            while pool.queue:
                session.attempt(sender.unsent, pool, pool.queue.popleft())
        for plan, doubtful in self._planner.doubtful():
            if not doubtful.gone:
                session.attempt(
                    sender.enter_known, plan.pool, Status.UNKNOWN, *doubtful.unsettled()
                )
        # What was in hand when the disk failed got nowhere, and its lines are missing from the results.
        counts = session.recorder.report.counts
        counts.unsent += max(0, counts.read - counts.entered)
