"""Uploading from Python: what the command line calls, too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from toloka_upload import configure
from toloka_upload.display import progress_display
from toloka_upload.report.observer import Observer, both, unobserved
from toloka_upload.report.outputs import inputs, outputs_of, refuse_clashes
from toloka_upload.report.results import lines
from toloka_upload.report.summary import Report
from toloka_upload.rows.in_memory import as_files
from toloka_upload.run import history
from toloka_upload.run.upload import Upload
from toloka_upload.settings import Pacing, Requests, Settings, pool_id


def upload(
    *files: Any,
    pool: str | int | None = None,
    env: str = "production",
    url: str | None = None,
    account: str | None = None,
    token: str | None = None,
    state_dir: Path | None = None,
    requests: Requests | None = None,
    pacing: Pacing | None = None,
    observer: Observer = unobserved,
    progress: bool = False,
    **settings: Any,
) -> Report:
    """
    Upload files or rows into a pool, each row exactly once.

    What goes wrong with an upload is no exception: `report.exit_status` and `report.error` say how it ended.

    Args:
        files: Paths (`-` is standard input), iterables of rows (dicts: flat rows, API tasks or suites), or data frames
            of pandas or polars, whose empty cells leave their fields out. Line: the number of the row.
        pool: Pool for rows that name none: its number or its web address.
        env: `production`, `sandbox`, `yandex-tasks`, or `local` (the emulator in this process).
        url: Another base address.
        account: The requester to act for.
        token: The token; None: `TOLOKA_TOKEN` in the environment.
        state_dir: Where the journal lives; None: `TOLOKA_UPLOAD_STATE_DIR`, or the platform's place for a user's state.
        requests: How rows are asked to be created.
        pacing: How fast, how patiently, and when to give up.
        observer: Who is told of what happens (`toloka_upload.observer`).
        progress: Show how far it is: in a notebook in its output, else on standard error.
        settings: Further fields of `Settings`, by name.

    Returns:
        The report; its `outcomes` are one dict for each row, as the results file has them, from the journal.

    Raises:
        UsageProblem: The settings contradict each other, or an output would overwrite an input.
        TypeError: An argument is of a type that is not taken.
    """
    if pool is not None and (isinstance(pool, bool) or not isinstance(pool, str | int)):
        raise TypeError(f"pool is a number or a text, not {type(pool).__name__}.")
    environ = os.environ if token is None else {"TOLOKA_TOKEN": token}
    if pacing is None:
        pacing = Pacing(rate=None, daily_limit=None) if env == "local" else Pacing()
    with ExitStack() as stack:
        names = as_files(files, stack)
        if progress:
            observer = both(observer, stack.enter_context(progress_display()))
        asked = Settings(
            files=names,
            target=configure.target(env, url, account, None, environ),
            pool=None if pool is None else pool_id(str(pool)),
            state_dir=configure.state_dir(state_dir),
            requests=requests or Requests(),
            pacing=pacing,
            **settings,
        )
        refuse_clashes(outputs_of(asked), inputs(asked.files))
        report = Upload(asked, observer).run()
    if not report.dry_run:
        report.outcomes = Outcomes(configure.state_dir(state_dir), report.run_id)
    return report


class Outcomes:
    """What became of each row of a run, as often as it is iterated: dicts like the lines of a results file.

    Args:
        state_dir: Where the journal is.
        run_id: The run. One that came to no pool has none.
    """

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self._state_dir = state_dir
        self._run_id = run_id

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """One dict a row, in any order."""
        for block in history.blocks(history.past_run(self._state_dir, self._run_id)):
            yield from map(json.loads, b"".join(lines(block)).splitlines())
