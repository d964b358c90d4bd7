"""A pool: everything about one pool during a run. Opening it proves that the upload can go there at all."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from toloka_upload.api.errors import ApiError, NotFound, RequestRefused
from toloka_upload.api.target import Target
from toloka_upload.check import Spec
from toloka_upload.errors import Refused, TryAgain
from toloka_upload.items.contents import Contents
from toloka_upload.items.identity import Known, Seen
from toloka_upload.items.spool import Planned
from toloka_upload.journal import Destination, Journal, keep_aside
from toloka_upload.journal.lock import Held, Lock
from toloka_upload.policies.concurrency import Concurrency
from toloka_upload.policies.polling import PollPace
from toloka_upload.report.observer import Waiting
from toloka_upload.session.arrivals import Arrivals
from toloka_upload.session.loop import call
from toloka_upload.session.session import Session
from toloka_upload.session.timesheet import Cause
from toloka_upload.settings import Settings
from toloka_upload.text import moment

_LOOK_AGAIN = 0.2


@dataclass(frozen=True, slots=True)
class Pool:
    """What the API says of a pool and its project.

    Attributes:
        kind: What it takes: `tasks` (smart mixing) or `task-suites`; None where nobody asked.
        task_spec: The project's input and output spec as the API gives it.
    """

    id: str
    name: str = ""
    status: str = ""
    project: str = ""
    kind: str | None = None
    training: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    task_spec: Mapping[str, Any] | None = None


@dataclass(slots=True)
class PoolState:
    """One pool during a run.

    Attributes:
        spec: The check against the project's spec, or None: no check.
        known: Rows that the pool has.
        unknown: Rows whose fate could not be settled, with their places.
        adopted: Tasks that the pool has from elsewhere; `adopted_suites` are suites as a whole.
        seen: Rows of this input, to number equal ones.
        queue: Chunks that wait to be sent.
        planned: Whether all of the input's chunks are in the queue.
        in_flight: Chunks between leaving the queue and their outcome.
        arrivals: Requests that may still arrive, and looks into the pool's listing for what they created.
        since: The newest item's creation time before this run's first synchronous request.
        pace: When to ask for an operation again.
        locks: How often in a row the pool was found locked.
        waiting_for_lock: Chunks that wait for the pool to be unlocked.
        claimed: Ids that a look into the listing gave to a chunk in this run, with the chunk's number in the journal.
        refused: (items, bytes) of requests that were refused as too large, in this run.
    """

    info: Pool
    spec: Spec | None
    concurrency: Concurrency
    seen: Seen = field(default_factory=Seen)
    known: Known = field(default_factory=Known)
    unknown: dict[bytes, int] = field(default_factory=dict)
    adopted: Contents = field(default_factory=Contents)
    adopted_suites: Contents = field(default_factory=Contents)
    journal: Journal | None = None
    lock: Lock | None = None
    generation: int = 0
    queue: deque[Planned] = field(default_factory=deque)
    planned: bool = False
    in_flight: int = 0
    arrivals: Arrivals = field(default_factory=Arrivals)
    since: str | None = None
    claimed: dict[str, int] = field(default_factory=dict)
    refused: list[tuple[int, int]] = field(default_factory=list)
    pace: PollPace = field(default_factory=PollPace)
    locks: int = 0
    waiting_for_lock: int = 0

    @property
    def book(self) -> Journal:
        """The journal of a pool that sends."""
        if self.journal is None:
            raise AssertionError("a dry run writes no journal")
        return self.journal

    def destination(self, settings: Settings) -> Destination:
        """What the pool's journal is for."""
        return Destination(settings.target.endpoint, settings.target.account or "", self.info.id)

    def is_refused_size(self, planned: Planned) -> bool:
        """Whether a chunk is in both ways about as large as one that was refused; one item is never cut."""
        if planned.items == 1:
            return False
        size = planned.size.total
        return any(
            planned.items >= 0.9 * items and size >= 0.9 * most for items, most in self.refused
        )

    def close(self) -> None:
        """Close the journal and let the next run in."""
        if self.journal:
            self.journal.close()
        if self.lock:
            self.lock.release()


async def read_pool(session: Session, pool_id: str) -> Pool:
    """
    Ask for a pool (or training) and its project.

    Raises:
        Refused: There is none, or it or its project takes no tasks.
        Denied: The credentials are wrong.
        TryAgain: The service fails, or the pool stays locked.
    """
    retry_state = session.new_retry_state()
    while True:
        details, training = await _pool_or_training(session, pool_id)
        status = str(details.get("status", ""))
        if status != "LOCKED":
            break
        retry_state.budget.failed()
        if retry_state.budget.exhausted:
            raise TryAgain(
                f"Pool {pool_id} is locked. Run the same command again later.", code="POOL_LOCKED"
            )
        seconds = min(5.0, retry_state.budget.remaining)
        retry_state.count += 1
        what = f"pool {pool_id} is locked"
        waiting = session.trouble("pool_locked", what, seconds, retry_state.count, retry_state)
        session.tell(waiting._replace(pool=pool_id))
        await session.pause(seconds, Cause.LOCK)
        if session.stopping:
            raise session.stopping
    if status == "ARCHIVED":
        raise Refused(
            f"Pool {pool_id} is archived and takes no tasks. Clone it, or name another pool.",
            code="POOL_ARCHIVED",
        )
    project_id = str(details.get("project_id", ""))
    project = await _project(session, project_id)
    if project.get("status") == "ARCHIVED":
        raise Refused(
            f"Project {project_id} of pool {pool_id} is archived: its pools take no tasks.",
            code="PROJECT_ARCHIVED",
        )
    return pool_of(pool_id, details, project, training=training)


def pool_of(
    pool_id: str, details: Mapping[str, Any], project: Mapping[str, Any], *, training: bool
) -> Pool:
    """A pool from what the API said of it and of its project."""
    smart = training or details.get("mixer_config") is not None
    spec = project.get("task_spec")
    return Pool(
        pool_id,
        str(details.get("private_name") or ""),
        str(details.get("status", "")),
        str(details.get("project_id", "")),
        "tasks" if smart else "task-suites",
        training,
        details,
        spec if isinstance(spec, dict) else None,
    )


async def look_at_pool(session: Session, pool_id: str) -> Pool:
    """
    Ask for a pool and its project, in whatever state they are.

    Raises:
        Refused: There is no such pool.
        Denied: The credentials are wrong.
    """
    details, training = await _pool_or_training(session, pool_id)
    project = await _project(session, str(details.get("project_id", "")))
    return pool_of(pool_id, details, project, training=training)


async def _project(session: Session, project_id: str) -> dict[str, Any]:
    """The project; nothing, with a warning, where it cannot be read: the pool is what counts."""
    try:
        return await session.ask(session.client.project, project_id)
    except (NotFound, RequestRefused) as error:
        session.recorder.warn(
            f"The project cannot be read, so rows are not checked against its spec: {error}"
        )
        return {}


async def _pool_or_training(session: Session, pool_id: str) -> tuple[dict[str, Any], bool]:
    try:
        return (await session.ask(session.client.pool, pool_id)), False
    except ApiError as error:
        missing = isinstance(error, NotFound)
        if not missing and error.code != "POOL_IS_TRAINING":
            raise error.as_upload_error() from error
        try:
            return (await session.ask(session.client.training, pool_id)), True
        except NotFound:
            raise no_such_pool(pool_id, session.settings.target, error) from error
        except ApiError as other:
            raise other.as_upload_error() from other


def no_such_pool(pool_id: str, target: Target, error: ApiError) -> Refused:
    """The error for an id that neither a pool nor a training has."""
    return Refused(
        f"There is no pool {pool_id} at {target.shown} ({error}). Check --pool and --env: "
        "production and sandbox have pools of their own.",
        code=error.code,
        request_id=error.request_id,
    )


def journal_path(state_dir: Path, destination: Destination) -> Path:
    """The file of a pool's journal: a readable name, and a digest that makes it the pool's own."""
    key = "\n".join((destination.endpoint, destination.account, destination.pool))
    host = urlsplit(destination.endpoint).hostname or destination.endpoint
    name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{host}-pool-{destination.pool}")[:80]
    short = hashlib.sha256(key.encode()).hexdigest()[:10]
    return state_dir / "journals" / f"{name}-{short}.db"


async def hold(
    session: Session, pool: PoolState, run_id: str, started: float, *, repair: bool = False
) -> None:
    """
    Take the pool's lock and open its journal; with `repair`, a new one if it is damaged, which is kept aside.

    Raises:
        TryAgain: Another run has the lock, for longer than the settings say to wait.
        CannotWrite: Lock or journal cannot be made or used.
    """
    settings = session.settings
    destination = pool.destination(settings)
    path = journal_path(settings.state_dir, destination)
    mine = {"run": run_id, "since": moment(started)}
    if settings.pacing.wait_lock:
        patience = settings.pacing.wait_lock
        gives_up = session.wall() + patience
        what = "another run may hold the pool"
        session.tell(Waiting("lock", what, patience, pool.info.id, gives_up=gives_up))
    try:
        pool.lock = await _lock(session, path.with_suffix(".lock"), mine)
    except Held as error:
        holder = error.holder
        wait = ", or wait for it with --wait-lock 30m" if settings.command == "upload" else ""
        raise TryAgain(
            f"Another run ({holder.get('run', 'unknown')}, since {holder.get('since', 'some time')}) is at work on "
            f"pool {pool.info.id}. Run the same command again when it is done{wait}.",
            code="LOCKED_BY_RUN",
        ) from error
    if repair and (kept := keep_aside(path)):
        session.recorder.warn(
            f"The journal of pool {pool.info.id} was damaged. It is kept as {kept}, and a new one begins."
        )
    pool.journal = Journal(path, destination)


async def _lock(session: Session, path: Path, mine: dict[str, str]) -> Lock:
    """
    Take a lock, and wait for its holder for as long as the settings say, but not through a stop.

    Raises:
        Held: Another run has it all that time.
    """
    end = session.loop.clock() + session.settings.pacing.wait_lock
    while True:
        try:
            return await call(Lock, path, mine)
        except Held:
            left = end - session.loop.clock()
            if left <= 0:
                raise
        await session.pause(min(_LOOK_AGAIN, left), Cause.LOCK)
        session.raise_if_stopping()
