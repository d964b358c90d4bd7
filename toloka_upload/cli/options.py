"""The options, each declared once: name, variable, help, default. A command takes a class of them.

    class Paint(Options):
        title = "Paint"

        colour: Annotated[str, option("Which paint to take.", metavar="NAME")] = "red"

    @with_options
    def paint(wall: str, *, options: Paint) -> None: ...

`paint` then has the command line `paint [--colour NAME] WALL`, and `options.colour` is what was given. Classes are put
together by inheritance, and the title of the class that declares an option is its heading in the help.
"""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from toloka_upload.cli import complete
from toloka_upload.cli.config import read_configuration
from toloka_upload.cli.help import help_all_option

if TYPE_CHECKING:
    from toloka_upload.api.target import Target


def option(
    words: str,
    *names: str,
    variable: str | None = None,
    otherwise: str | None = None,
    **more: Any,
) -> Any:
    """
    An option.

    Args:
        words: Its help.
        names: Its names, where they are not told from the attribute's.
        variable: Its environment variable.
        otherwise: What holds without it, where the default does not say so.
        more: What else `typer.Option` takes.
    """
    shown = True if otherwise is None else otherwise
    return typer.Option(*names, help=words, envvar=variable, show_default=shown, **more)


class Options:
    """The values of options, as attributes. `title` is the heading under which the help lists them."""

    title: ClassVar[str] = "Options"

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    @classmethod
    def declared(cls) -> list[inspect.Parameter]:
        """The options of this class and of those it inherits from, in that order, as parameters of a function."""
        found = []
        for owner in cls.__mro__:
            if not issubclass(owner, Options) or owner is Options:
                continue
            for name, annotation in inspect.get_annotations(owner).items():
                annotation.__metadata__[0].rich_help_panel = owner.title
                default = getattr(owner, name, inspect.Parameter.empty)
                found.append(_keyword(name, default, annotation))
        return found


def _keyword(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that takes `options` the options of that class, one by one, as typer wants them."""
    signature = inspect.signature(command, eval_str=True)
    kind: type[Options] = signature.parameters["options"].annotation
    declared = kind.declared()
    own = [one for name, one in signature.parameters.items() if name != "options"]

    @wraps(command)
    def taking_each(**values: Any) -> Any:
        given = {one.name: values.pop(one.name) for one in declared}
        return command(**values, options=kind(**given))

    parameters = [*own, *declared]
    taking_each.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # inspect's own
    taking_each.__annotations__ = {one.name: one.annotation for one in parameters}
    return taking_each


class Format(StrEnum):
    """Input formats."""

    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    tsv = "tsv"
    xlsx = "xlsx"
    parquet = "parquet"


class Where(Options):
    """Which pool, and what rows become there."""

    title = "What to upload"

    pool: Annotated[
        str | None,
        option(
            "Pool for rows that name none: number or web address.",
            *("--pool", "-p"),
            metavar="ID",
            variable="TOLOKA_POOL",
            autocompletion=complete.pools,
        ),
    ] = None
    suite_size: Annotated[
        int | None, option("Group rows into task suites of N, in file order.", metavar="N")
    ] = None
    suites_by_blank_line: Annotated[
        bool, option("A blank line ends a suite (CSV, TSV).", "--suites-by-blank-line")
    ] = False


class What(Options):
    """What tasks are like, and the pool when they are in."""

    title = "What to upload"

    overlap: Annotated[int | None, option("Overlap for rows that name none.", metavar="N")] = None
    allow_defaults: Annotated[
        bool,
        option(
            "Take the pool's overlap for rows that name none.",
            "--allow-defaults/--no-allow-defaults",
        ),
    ] = True
    infinite_golden: Annotated[
        bool,
        option(
            "Give table rows with GOLDEN columns infinite overlap, as the web interface does.",
            "--infinite-golden/--no-infinite-golden",
        ),
    ] = True
    open_pool: Annotated[bool, option("Open the pool once everything is in.", "--open-pool")] = (
        False
    )


class Reading(Options):
    """What files are."""

    title = "How rows are read"

    format: Annotated[
        Format | None,
        option("Input format.", otherwise="by extension, else by content"),
    ] = None
    delimiter: Annotated[
        str | None,
        option("Delimiter of CSV.", otherwise="detected from the header", metavar="CHAR"),
    ] = None
    encoding: Annotated[
        str | None, option("Encoding of the input.", otherwise="UTF-8", metavar="NAME")
    ] = None
    sheet: Annotated[
        str | None, option("Sheet of an XLSX file.", otherwise="the first", metavar="NAME")
    ] = None


class Safety(Options):
    """What is not sent."""

    title = "Safety"

    dry_run: Annotated[bool, option("Read, check and plan; send nothing.", "--dry-run", "-n")] = (
        False
    )
    check: Annotated[
        bool,
        option("Check rows against the project's spec before sending.", "--check/--no-check"),
    ] = True
    skip_invalid_items: Annotated[
        bool,
        option(
            "Send the good rows even if others are bad.",
            "--skip-invalid-items/--no-skip-invalid-items",
        ),
    ] = False
    fee: Annotated[
        str | None,
        option(
            "The platform's fee on top of what workers get, for the cost.",
            otherwise="not counted",
            metavar="PERCENT",
        ),
    ] = None
    max_cost: Annotated[
        str | None,
        option("Send nothing if it may cost more, or if nobody can tell.", metavar="AMOUNT"),
    ] = None
    max_cost_ignore_unknown: Annotated[
        bool,
        option(
            "Compare --max-cost with the least cost where the most is not known.",
            "--max-cost-ignore-unknown",
        ),
    ] = False
    confirm_over: Annotated[
        str | None,
        option("Ask on the terminal if it may cost more; off one, send nothing.", metavar="AMOUNT"),
    ] = None
    max_errors: Annotated[
        str | None,
        option("Stop sending once more rows were rejected.", metavar="N|N%"),
    ] = None
    fail_fast: Annotated[
        bool,
        option(
            "Stop when all rows of the first chunks are refused for one reason.",
            "--fail-fast/--no-fail-fast",
        ),
    ] = True
    again: Annotated[
        bool, option("Upload even what this pool has from an earlier run.", "--again")
    ] = False
    resend_unknown: Annotated[
        bool,
        option(
            "Send rows again whose fate could not be settled. They may be doubled.",
            "--resend-unknown",
        ),
    ] = False


class Pace(Options):
    """How fast, how patiently, and when to give up."""

    title = "Pace"

    asynchronous: Annotated[
        bool,
        option("Operations in the background, or an answer per request.", "--async/--sync"),
    ] = True
    chunk_size: Annotated[
        int | None,
        option(
            "Most items in one request.",
            otherwise="10000 async, 5000 sync; also the maxima",
            metavar="N",
        ),
    ] = None
    concurrency: Annotated[
        int | None,
        option("Most operations in flight on a pool.", otherwise="adaptive", metavar="N"),
    ] = None
    rate: Annotated[
        str | None,
        option(
            "Items per time unit: 1000/min, 250/s, 1000/4s.",
            otherwise="100000/min",
            metavar="N/UNIT",
        ),
    ] = None
    daily_limit: Annotated[
        int | None,
        option("Items in any 24 hours, over all runs.", otherwise="2000000", metavar="N"),
    ] = None
    wait_quota: Annotated[
        bool, option("Wait when the day's quota is used up, instead of exit 75.", "--wait-quota")
    ] = False
    wait: Annotated[
        bool,
        option("Wait for the operations; else the next run settles them.", "--wait/--no-wait"),
    ] = True
    wait_lock: Annotated[
        str,
        option("How long to wait for another run that holds the pool.", metavar="DURATION"),
    ] = "0s"
    retry_for: Annotated[
        str,
        option(
            "How long to keep trying while the service is failing (90s, 15m, 2h).",
            metavar="DURATION",
        ),
    ] = "15m"
    timeout: Annotated[
        float,
        option("One request's timeout; large ones that keep moving get more.", metavar="SECONDS"),
    ] = 60.0
    operation_timeout: Annotated[
        str,
        option("Leave an operation that does not end by then as unknown.", metavar="DURATION"),
    ] = "2h"
    try_again_for: Annotated[
        str | None,
        option(
            "When one run after the other has ended with 75 for that long, end with 69.",
            otherwise="never",
            metavar="DURATION",
        ),
    ] = None
    settle_pause: Annotated[
        str,
        option(
            "Pause before the second look for rows without an answer. Shorter: quicker, and less sure.",
            metavar="DURATION",
        ),
    ] = "5s"


class Telling(Options):
    """What is told of every command that takes its time."""

    title = "Output"

    json_output: Annotated[
        bool, option("One JSON object on standard output at the end.", "--json")
    ] = False
    quiet: Annotated[bool, option("Errors and warnings only.", "--quiet", "-q")] = False
    verbose: Annotated[bool, option("A line for each chunk and retry.", "--verbose", "-v")] = False


class Output(Telling):
    """What is told of an upload, and where."""

    title = "Output"

    results: Annotated[Path | None, option("Write each row's outcome (JSONL).", metavar="FILE")] = (
        None
    )
    rejects: Annotated[
        Path | None,
        option("Where rejected rows go.", otherwise="<stem>.rejects<ext> here", metavar="FILE"),
    ] = None
    report: Annotated[
        Path | None, option("Write a page about the run, to look at (HTML).", metavar="FILE")
    ] = None
    force: Annotated[
        bool, option("Overwrite the file that --rejects names, if it is there.", "--force")
    ] = False
    events: Annotated[
        str | None, option("Write NDJSON events while it runs.", metavar="FILE|-")
    ] = None


class State(Options):
    """What every command has."""

    title = "Connection"

    profile: Annotated[
        str | None,
        option(
            "Take what toloka-upload.toml says under this name.",
            metavar="NAME",
            variable="TOLOKA_PROFILE",
            callback=read_configuration,
            is_eager=True,
            autocompletion=complete.profiles,
        ),
    ] = None
    state_dir: Annotated[
        Path | None,
        option(
            "Where the journal lives, and the local emulator's data.",
            otherwise="the platform's user state directory",
            metavar="PATH",
            variable="TOLOKA_UPLOAD_STATE_DIR",
        ),
    ] = None

    def directory(self) -> Path:
        """The state directory."""
        from toloka_upload import configure

        return configure.state_dir(self.state_dir)


class Connection(State):
    """The API to speak to, and as whom."""

    title = "Connection"

    env: Annotated[
        str,
        option(
            "production, sandbox, yandex-tasks, or local: emulated.",
            metavar="NAME",
            variable="TOLOKA_ENV",
            autocompletion=complete.environments,
        ),
    ] = "production"
    url: Annotated[
        str | None,
        option(
            "Another base address, with or without /api/v1.", metavar="URL", variable="TOLOKA_URL"
        ),
    ] = None
    token_file: Annotated[
        Path | None,
        option(
            "File that holds the token (else: TOLOKA_TOKEN).",
            metavar="PATH",
            variable="TOLOKA_TOKEN_FILE",
        ),
    ] = None
    account: Annotated[
        str | None,
        option(
            "Act for this requester, who shared full access.",
            metavar="ID",
            variable="TOLOKA_ACCOUNT",
        ),
    ] = None
    token_command: Annotated[
        str | None,
        option(
            "Command that prints the token, as secret stores have them.",
            metavar="COMMAND",
            variable="TOLOKA_TOKEN_COMMAND",
        ),
    ] = None

    def target(self) -> "Target":
        """The API to speak to.

        Raises:
            UsageProblem: The options contradict each other.
            Denied: The token cannot be read.
        """
        import os

        from toloka_upload import configure

        return configure.target(
            self.env, self.url, self.account, self.token_file, os.environ, self.token_command
        )

    def target_of(self, endpoint: str, account: str) -> "Target":
        """The API that a past run spoke to.

        Raises:
            UsageProblem: The options name another one.
            Denied: The token cannot be read.
        """
        import os

        from toloka_upload import configure

        return configure.target_of_run(
            *(endpoint, account, self.env, self.url, self.account, self.token_file, os.environ)
        )


class UploadOptions(Where, What, Reading, Safety, Pace, Output, Connection):
    """The options of an upload, in the order of the help."""

    help_all: Annotated[bool, help_all_option(hidden=True)] = False
