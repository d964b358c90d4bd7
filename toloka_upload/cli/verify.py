"""`toloka-upload verify`: the pool against the rows."""

from typing import TYPE_CHECKING, Annotated

import typer

from toloka_upload.cli.options import Connection, Reading, Telling, Where, option, with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from toloka_upload.account.command import Command
    from toloka_upload.account.verify_run import Verification
    from toloka_upload.report.observer import Observer


class VerifyOptions(Where, Reading, Telling, Connection):
    """Options of `verify`."""

    title = "Options"

    combined: Annotated[
        str | None,
        option(
            "Write a line a row: = same, * changed, + missing, - doubled or extra, ! unread.",
            metavar="FILE|-",
        ),
    ] = None
    sample: Annotated[
        str | None,
        option("Look at that share of a run's rows.", otherwise="all", metavar="PERCENT"),
    ] = None
    quick: Annotated[
        bool, option("Compare only the counters of a run's operations.", "--quick")
    ] = False
    exact: Annotated[
        bool, option("What is in the pool beyond the rows is a difference, too.", "--exact")
    ] = False


@with_options
def verify(
    rows: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|FILE...]",
            help="A run's id, or its beginning; with --pool, files. Without any: the last upload.",
            show_default=False,
        ),
    ] = None,
    *,
    options: VerifyOptions,
) -> int:
    """Compare a pool with the rows of an upload, or of files."""
    from contextlib import ExitStack
    from pathlib import Path

    from toloka_upload.account.verify_run import Verification
    from toloka_upload.cli.account import carry_out, text_output
    from toloka_upload.configure import read
    from toloka_upload.errors import UsageProblem
    from toloka_upload.policies.amounts import parse_share

    rows = rows or []
    if options.combined == "-" and options.json_output:
        raise UsageProblem("--combined - and --json both write to standard output: name a file.")
    share = read("--sample", options.sample, parse_share)
    named = len(rows) == 1 and rows[0] != "-" and not Path(rows[0]).exists()
    of_files = bool(rows and options.pool) and not named
    if of_files and (options.quick or share is not None):
        raise UsageProblem("--quick and --sample go with a run, not with files.")
    if len(rows) > 1 and not of_files:
        raise UsageProblem("Files are verified against a pool: add --pool ID.")
    with ExitStack() as stack:

        def how(files: list[str]) -> Verification:
            combined = text_output("--combined", options.combined, files, stack)
            return Verification(combined, share or 1.0, options.quick, options.exact)

        begin = _files(rows, how, options) if of_files else _run(rows, how, options)
        return carry_out(begin, options, stdout_busy=options.combined == "-")


def _run(
    rows: list[str], how: "Callable[[list[str]], Verification]", options: VerifyOptions
) -> "Callable[[Observer], Command]":
    from toloka_upload.account.commands import Caller, verifying_run
    from toloka_upload.run.history import last_upload, past_run

    state_dir = options.directory()
    run = past_run(state_dir, rows[0]) if rows else last_upload(state_dir)
    target = options.target_of(run.destination.endpoint, run.destination.account)
    chosen = how(run.files)

    def begin(observer: "Observer") -> "Command":
        return verifying_run(Caller(target, state_dir, observer=observer), run, chosen)

    return begin


def _files(
    files: list[str], how: "Callable[[list[str]], Verification]", options: VerifyOptions
) -> "Callable[[Observer], Command]":
    from toloka_upload.account.commands import Caller, verifying_files
    from toloka_upload.rows import ReadOptions
    from toloka_upload.settings import pool_id

    chosen = how(files)
    target, state_dir, pool = options.target(), options.directory(), pool_id(options.pool or "")
    reading = ReadOptions(
        options.format,
        options.delimiter,
        options.encoding,
        options.sheet,
        options.suites_by_blank_line,
    )

    def begin(observer: "Observer") -> "Command":
        caller = Caller(target, state_dir, observer=observer)
        return verifying_files(
            caller, files, pool, chosen, reading=reading, suite_size=options.suite_size
        )

    return begin
