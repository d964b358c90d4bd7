"""The commands of the account, put together from what users give."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from toloka_upload.account.adopt import adopt
from toloka_upload.account.command import Command
from toloka_upload.account.undo import undo
from toloka_upload.account.verify_files import RejectedRows, verify_files
from toloka_upload.account.verify_run import Verification, verify_run
from toloka_upload.api.target import Target
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import Observer, unobserved
from toloka_upload.rows import ReadOptions
from toloka_upload.run.history import PastRun
from toloka_upload.run.ids import run_id
from toloka_upload.settings import Pacing, Requests, Settings


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls a command: as whom, with which journals, how patiently, and who is told."""

    target: Target
    state_dir: Path
    pacing: Pacing | None = None
    observer: Observer = unobserved

    def settings(self, command: str, **more: Any) -> Settings:
        """The settings of a command; `more` are further ones, by name."""
        usual: dict[str, Any] = {"files": (), "pool": None}
        pacing = self.pacing or Pacing.usual(self.target.env)
        named = {"target": self.target, "state_dir": self.state_dir, "pacing": pacing}
        return Settings(**{**usual, **named, "command": command, **more})


def adopting(caller: Caller, pool: str, **more: Any) -> Command:
    """`adopt`: learn what `pool` has. `more` are arguments of `Command`."""
    settings = caller.settings("adopt", pool=pool, check=False)
    own = run_id(more.get("wall", time.time)())
    report = AccountReport("adopt", pools=[pool])
    return Command(settings, report, partial(adopt, run_id=own), caller.observer, **more)


def verifying_run(caller: Caller, run: PastRun, how: Verification, **more: Any) -> Command:
    """`verify RUN`: compare what a run has in its pools with what is there."""
    settings = caller.settings("verify", dry_run=True)
    report = AccountReport("verify", run_id=run.id, pools=run.pools, files=run.files)
    work = partial(verify_run, run=run, how=how)
    return Command(settings, report, work, caller.observer, **more)


def verifying_files(
    caller: Caller,
    files: Sequence[str],
    pool: str,
    how: Verification,
    *,
    reading: ReadOptions | None = None,
    suite_size: int | None = None,
    stdin: BinaryIO | None = None,
    **more: Any,
) -> Command:
    """`verify FILE...`: compare the rows of files with a whole pool."""
    settings = caller.settings(
        "verify",
        files=tuple(files),
        pool=pool,
        reading=reading or ReadOptions(),
        requests=Requests(suite_size=suite_size, skip_invalid_items=True),
        check=False,
        dry_run=True,
    )
    rejected = RejectedRows()
    report = AccountReport("verify", pools=[pool], files=list(files))
    work = partial(verify_files, rejected=rejected, how=how, stdin=stdin)
    return Command(settings, report, work, caller.observer, results=rejected, **more)


def undoing(
    caller: Caller,
    run: PastRun,
    *,
    dry_run: bool = False,
    close_pool: bool = False,
    **more: Any,
) -> Command:
    """`undo RUN`: take back what a run created."""
    settings = caller.settings("undo", of_run=run.id, check=False, dry_run=dry_run)
    own = run_id(more.get("wall", time.time)())
    report = AccountReport("undo", run_id=run.id, pools=run.pools, dry_run=dry_run)
    work = partial(undo, run=run, run_id=own, close_pool=close_pool)
    return Command(settings, report, work, caller.observer, **more)
