"""`toloka-upload FILE...`: options in, exit status out."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from toloka_upload.cli.options import Account, Env, StateDir, TokenFile, Url


class Format(StrEnum):
    """Input formats."""

    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    tsv = "tsv"
    xlsx = "xlsx"


# The panels group options in the order in which people meet them.
def upload(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Task files, one after the other; - is standard input.",
            show_default=False,
        ),
    ],
    *,
    pool: Annotated[
        str | None,
        typer.Option(
            "--pool",
            "-p",
            metavar="ID",
            envvar="TOLOKA_POOL",
            help="Pool for rows that name none: its number or its web address.",
        ),
    ] = None,
    env: Env = "production",
    url: Url = None,
    token_file: TokenFile = None,
    account: Account = None,
    asynchronous: Annotated[
        bool,
        typer.Option(
            "--async/--sync", help="Operations in the background, or an answer per request."
        ),
    ] = True,
    chunk_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Most items in one request. [default: 10000 async, 5000 sync; also the maxima]",
        ),
    ] = None,
    allow_defaults: Annotated[
        bool,
        typer.Option(
            "--allow-defaults/--no-allow-defaults",
            help="Take the pool's overlap for rows that name none.",
        ),
    ] = True,
    skip_invalid_items: Annotated[
        bool,
        typer.Option(
            "--skip-invalid-items/--no-skip-invalid-items",
            help="Send the good rows even if others are bad; off: one bad row and nothing is sent.",
        ),
    ] = False,
    open_pool: Annotated[
        bool, typer.Option("--open-pool", help="Open the pool once everything is in.")
    ] = False,
    overlap: Annotated[
        int | None, typer.Option(metavar="N", help="Overlap for rows that name none.")
    ] = None,
    suite_size: Annotated[
        int | None,
        typer.Option(metavar="N", help="Group rows into task suites of N, in file order."),
    ] = None,
    suites_by_blank_line: Annotated[
        bool, typer.Option("--suites-by-blank-line", help="A blank line ends a suite (CSV, TSV).")
    ] = False,
    format: Annotated[  # noqa: A002  # the option's name is promised
        Format | None,
        typer.Option(
            help="Input format. [default: by extension, else by content]", show_default=False
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="CHAR", help="Delimiter of CSV. [default: told from the header]"),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Encoding of the input. [default: UTF-8]")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Sheet of an XLSX file. [default: the first]")
    ] = None,
    infinite_golden: Annotated[
        bool,
        typer.Option(
            "--infinite-golden/--no-infinite-golden",
            help="Give table rows with GOLDEN columns infinite overlap, as the web interface does.",
        ),
    ] = True,
    check: Annotated[
        bool,
        typer.Option(
            "--check/--no-check", help="Check rows against the project's spec before sending."
        ),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Read, check and plan; send nothing.")
    ] = False,
    fee: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="The platform's fee on top of what workers get, for the cost. [default: not counted]",
        ),
    ] = None,
    max_cost: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Send nothing if it may cost more than that."),
    ] = None,
    max_cost_ignore_unknown: Annotated[
        bool,
        typer.Option(
            "--max-cost-ignore-unknown",
            help="Compare --max-cost with the least cost where the most cannot be told.",
        ),
    ] = False,
    confirm_over: Annotated[
        str | None,
        typer.Option(metavar="AMOUNT", help="Ask on the terminal if it may cost more than that."),
    ] = None,
    max_errors: Annotated[
        str | None,
        typer.Option(metavar="N|N%", help="Stop sending once more rows than that were rejected."),
    ] = None,
    fail_fast: Annotated[
        bool,
        typer.Option(
            "--fail-fast/--no-fail-fast",
            help="Stop when all rows of the first chunks are refused for one reason.",
        ),
    ] = True,
    again: Annotated[
        bool, typer.Option("--again", help="Upload even what this pool has from an earlier run.")
    ] = False,
    resend_unknown: Annotated[
        bool,
        typer.Option(
            "--resend-unknown",
            help="Send rows again whose fate could not be settled. They may be doubled.",
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait", help="Wait for the operations; else the next run settles them."
        ),
    ] = True,
    concurrency: Annotated[
        int | None,
        typer.Option(metavar="N", help="Most operations in flight on a pool. [default: adaptive]"),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="N/UNIT",
            help="Items per time unit: 1000/min, 250/s, 1000/4s. [default: 100000/min]",
        ),
    ] = None,
    daily_limit: Annotated[
        int | None,
        typer.Option(metavar="N", help="Items in any 24 hours, over all runs. [default: 2000000]"),
    ] = None,
    wait_quota: Annotated[
        bool,
        typer.Option(
            "--wait-quota", help="Wait when the day's quota is used up, instead of exit 75."
        ),
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="One request's read timeout.")
    ] = 60.0,
    retry_for: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long to keep trying while the service is failing (90s, 15m, 2h).",
        ),
    ] = "15m",
    operation_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Leave an operation that does not end by then as unknown. [default: never]",
        ),
    ] = None,
    wait_lock: Annotated[
        str,
        typer.Option(
            metavar="DURATION", help="How long to wait for another run that holds the pool."
        ),
    ] = "0s",
    settle_pause: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="Pause before the second look for rows without an answer. Shorter: quicker, and less sure.",
        ),
    ] = "5s",
    results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write each row's outcome (JSONL).")
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where rejected rows go. [default: <stem>.rejects<ext> here]"
        ),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output at the end.")
    ] = False,
    events: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write NDJSON events while it runs.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Errors and warnings only.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="A line for each chunk and retry.")
    ] = False,
    state_dir: StateDir = None,
) -> int:
    """Upload task files into a pool, each row exactly once. Run it again after any failure: it goes on from there."""
    from toloka_upload.cli.run import run_upload

    options: dict[str, Any] = dict(locals())
    options.pop("run_upload")
    return run_upload(**options)
