"""Uploading from Python: what the command line calls, too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from toloka_upload import configure
from toloka_upload.report.observer import Observer, unobserved
from toloka_upload.report.summary import Report
from toloka_upload.run.upload import Upload
from toloka_upload.settings import Pacing, Requests, Settings, pool_id


def upload(
    *files: str | Path,
    pool: str | int | None = None,
    env: str = "production",
    url: str | None = None,
    account: str | None = None,
    token: str | None = None,
    state_dir: Path | None = None,
    requests: Requests | None = None,
    pacing: Pacing | None = None,
    observer: Observer = unobserved,
    **settings: Any,
) -> Report:
    """
    Upload files into a pool, each row exactly once.

    What goes wrong with an upload is no exception: `report.exit_status` and `report.error` say how it ended.

    Args:
        files: Paths; `-` is standard input.
        pool: Pool for rows that name none: its number or its web address.
        env: `production`, `sandbox`, `yandex-tasks`, or `local` (the emulator in this process).
        url: Another base address.
        account: The requester to act for.
        token: The token; None: `TOLOKA_TOKEN` in the environment.
        state_dir: Where the journal lives; None: `TOLOKA_UPLOAD_STATE_DIR`, or the platform's place for a user's state.
        requests: How rows are asked to be created.
        pacing: How fast, how patiently, and when to give up.
        observer: Who is told of what happens (`toloka_upload.observer`).
        settings: Further fields of `Settings`, by name.

    Raises:
        UsageProblem: The settings contradict each other.
    """
    environ = os.environ if token is None else {"TOLOKA_TOKEN": token}
    if pacing is None:
        pacing = Pacing(rate=None, daily_limit=None) if env == "local" else Pacing()
    return Upload(
        Settings(
            files=tuple(str(file) for file in files),
            target=configure.target(env, url, account, None, environ),
            pool=None if pool is None else pool_id(str(pool)),
            state_dir=configure.state_dir(state_dir),
            requests=requests or Requests(),
            pacing=pacing,
            **settings,
        ),
        observer,
    ).run()
