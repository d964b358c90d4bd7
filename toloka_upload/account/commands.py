"""The commands of the account, put together from what users give."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from toloka_upload.account.adopt import adopt
from toloka_upload.account.command import Command
from toloka_upload.api.target import Target
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import Observer, unobserved
from toloka_upload.run.ids import run_id
from toloka_upload.settings import Pacing, Settings


def adopting(
    pool: str,
    *,
    target: Target,
    state_dir: Path,
    pacing: Pacing | None = None,
    observer: Observer = unobserved,
    **more: Any,
) -> Command:
    """`adopt`: learn what `pool` has. `more` are arguments of `Command`."""
    settings = Settings(
        files=(),
        target=target,
        pool=pool,
        state_dir=state_dir,
        pacing=pacing or Pacing(),
        command="adopt",
        check=False,
    )
    own = run_id(more.get("wall", time.time)())
    report = AccountReport("adopt", pools=[pool])
    return Command(settings, report, partial(adopt, run_id=own), observer, **more)
