"""Uploading from Python: what the command line calls, too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from toloka_upload import configure
from toloka_upload.account.verify_run import Verification
from toloka_upload.display import progress_display
from toloka_upload.errors import UsageProblem
from toloka_upload.report.account import AccountReport
from toloka_upload.report.observer import Observer, both, unobserved
from toloka_upload.report.outputs import inputs, outputs_of, refuse_clashes
from toloka_upload.report.results import lines
from toloka_upload.report.summary import Report
from toloka_upload.rows.in_memory import as_files
from toloka_upload.rows.model import ReadOptions
from toloka_upload.run import history
from toloka_upload.run.upload import Upload
from toloka_upload.settings import Pacing, Requests, Settings, pool_id

if TYPE_CHECKING:
    from toloka_upload.account.commands import Caller


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
    with ExitStack() as stack:
        names = as_files(files, stack)
        if progress:
            observer = both(observer, stack.enter_context(progress_display()))
        asked = Settings(
            files=names,
            target=configure.target(env, url, account, None, _environ(token)),
            pool=None if pool is None else pool_id(str(pool)),
            state_dir=configure.state_dir(state_dir),
            requests=requests or Requests(),
            pacing=pacing or Pacing.usual(env),
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


def plan(*files: Any, **settings: Any) -> Report:
    """
    What `upload` would do with the same arguments, without doing it: `report.plan` has chunks, bytes, time and cost.

    Raises:
        UsageProblem: The settings contradict each other.
    """
    return upload(*files, **{**settings, "dry_run": True})


class Connection(TypedDict, total=False):
    """Which API, as whom and how, as in `upload`; where a past run went need not be named."""

    env: str
    url: str | None
    account: str | None
    token: str | None
    state_dir: Path | None
    pacing: Pacing | None
    observer: Observer


def verify(
    *files: Any,
    pool: str | int | None = None,
    run: str | None = None,
    reading: ReadOptions | None = None,
    suite_size: int | None = None,
    how: Verification | None = None,
    **connection: Unpack[Connection],
) -> AccountReport:
    """
    Compare a pool with the rows of files, or with what a past run has in it. Nothing is created or changed.

    Args:
        files: Paths, iterables of rows or data frames, as for `upload`, with `pool`; none: a run.
        pool: The pool of the files.
        run: A run's id, or its beginning; None: the last upload.
        reading: How files are read.
        suite_size: Rows in a suite, where rows are grouped.
        how: What to look at, and where each verdict goes.
        connection: `env`, `url`, `account`, `token`, `state_dir`, `pacing` and `observer`, as in `upload`.

    Returns:
        Counts of rows, `rows` = `same` + `changed` + `missing` + `unread`, and of tasks: `doubled`, `extra`.

    Raises:
        NoInput: There is no such run.
        UsageProblem: The arguments contradict each other.
        TypeError: An argument is of a type that is not taken.
    """
    from toloka_upload.account import commands

    how = how or Verification()
    if not files:
        directory = configure.state_dir(connection.get("state_dir"))
        found = history.last_upload(directory) if run is None else history.past_run(directory, run)
        return commands.verifying_run(_caller(connection, found), found, how).run()
    if pool is None:
        raise UsageProblem("Files are verified against a pool: name it.")
    with ExitStack() as stack:
        return commands.verifying_files(
            _caller(connection),
            as_files(files, stack),
            pool_id(str(pool)),
            how,
            reading=reading,
            suite_size=suite_size,
        ).run()


def undo(
    run: str,
    *,
    close_pool: bool = False,
    dry_run: bool = False,
    **connection: Unpack[Connection],
) -> AccountReport:
    """
    Take back what a run created: nobody more gets it. It does not ask.

    Args:
        run: The run's id, or its beginning.
        close_pool: Close the pool first.
        dry_run: Only count.
        connection: As in `verify`.

    Returns:
        Counts of tasks or suites: `items` = `undone` + `partly` + `failed` + `left`.

    Raises:
        NoInput: There is no such run.
        UsageProblem: The run went elsewhere.
    """
    from toloka_upload.account import commands

    found = history.past_run(configure.state_dir(connection.get("state_dir")), run)
    return commands.undoing(
        _caller(connection, found), found, dry_run=dry_run, close_pool=close_pool
    ).run()


def adopt(pool: str | int, **connection: Unpack[Connection]) -> AccountReport:
    """
    Learn what a pool has from elsewhere, so that an upload of the same rows creates none of it again.

    Args:
        pool: Its number or its web address.
        connection: As in `verify`.

    Returns:
        Counts of tasks or suites: `listed` = `adopted` + `known`.

    Raises:
        UsageProblem: The arguments contradict each other.
    """
    from toloka_upload.account import commands

    return commands.adopting(_caller(connection), pool_id(str(pool))).run()


def _caller(connection: Connection, run: history.PastRun | None = None) -> Caller:
    """Who calls a command: of a past run, where that run went."""
    from toloka_upload.account.commands import Caller

    env, url = connection.get("env", "production"), connection.get("url")
    account, environ = connection.get("account"), _environ(connection.get("token"))
    if run is None:
        target = configure.target(env, url, account, None, environ)
    else:
        where = run.destination
        target = configure.target_of_run(
            where.endpoint, where.account, env, url, account, None, environ
        )
    return Caller(
        target,
        configure.state_dir(connection.get("state_dir")),
        connection.get("pacing"),
        connection.get("observer", unobserved),
    )


def _environ(token: str | None) -> Mapping[str, str]:
    return os.environ if token is None else {"TOLOKA_TOKEN": token}
