"""`toloka-upload runs`: past and unfinished uploads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toloka_upload.cli.options import State, option, with_options

if TYPE_CHECKING:
    from toloka_upload.run.history import PastRun


class RunsOptions(State):
    """Options of `runs`."""

    title = "Options"

    json_output: Annotated[bool, option("JSON on standard output.", "--json")] = False
    results: Annotated[
        Path | None,
        option("Write the run's results file again, from the journal alone.", metavar="FILE"),
    ] = None
    prune: Annotated[
        str | None,
        option(
            "Forget the reports of runs older than that (90d); rows they created stay known.",
            metavar="AGE",
        ),
    ] = None


@with_options
def runs(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run's id, or its beginning.", show_default=False),
    ] = None,
    *,
    options: RunsOptions,
) -> None:
    """List past uploads, or show one."""
    import time

    from toloka_upload import configure
    from toloka_upload.errors import UsageProblem
    from toloka_upload.policies.durations import parse_duration
    from toloka_upload.report.outputs import Use, inputs, refuse_clashes, streams
    from toloka_upload.run import history

    directory = options.directory()
    age = configure.read("--prune", options.prune, parse_duration)
    if age is not None:
        forgotten = history.prune(directory, age, time.time())
        typer.echo(f"Forgot {forgotten} runs. The rows that they created stay known.")
    elif options.results is not None:
        if run is None:
            raise UsageProblem(
                "--results needs to know of which run: toloka-upload runs RUN --results FILE."
            )
        found = history.past_run(directory, run)
        refuse_clashes([Use("--results", options.results)], [*inputs(found.files), *streams(1)])
        rows = history.write_results(found, options.results)
        typer.echo(f"{rows} rows written to {options.results}.")
    elif run is None:
        _list(history.past_runs(directory), as_json=options.json_output)
    else:
        _show(history.past_run(directory, run), as_json=options.json_output)


def _list(found: "list[PastRun]", *, as_json: bool) -> None:
    import json

    from toloka_upload.text import plain

    if as_json:
        typer.echo(json.dumps([run.as_json() for run in found]))
        return
    if not found:
        typer.echo("No uploads yet.")
        return
    lines = [("RUN", "STARTED", "POOLS", "STATE", "CREATED", "FILES")]
    for run in found:
        value = run.as_json()
        counts = (run.report or {}).get("counts", {})
        lines.append(
            (
                run.id,
                str(value["started"]),
                ",".join(value["pools"]),
                run.state,
                str(counts.get("created", "?")),
                plain(" ".join(run.files)) or _what(run),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    for line in lines:
        cells = [text.ljust(width) for text, width in zip(line, widths, strict=False)]
        typer.echo("  ".join([*cells, line[5]]).rstrip())


def _what(run: "PastRun") -> str:
    """What a run without files did."""
    of = run.as_json()["of"]
    return f"({run.command} of {of})" if of else f"({run.command})"


def _show(run: "PastRun", *, as_json: bool) -> None:
    import json

    from toloka_upload.run import history
    from toloka_upload.text import plain

    found = history.operations(run)
    value = run.as_json()
    if as_json:
        typer.echo(json.dumps({**value, "operations": found}))
        return
    typer.echo(f"run      {run.id} ({run.state})")
    typer.echo(f"started  {value['started']}")
    typer.echo(f"ended    {value['finished'] or 'not in order'}")
    typer.echo(f"pools    {', '.join(value['pools'])} at {plain(str(value['url']))}")
    typer.echo(f"files    {plain(' '.join(run.files))}")
    for name, count in (run.report or {}).get("counts", {}).items():
        if count:
            typer.echo(f"{name.replace('_', ' '):8} {count}")
    typer.echo(f"next     {run.next_step}")
    for operation in found:
        name = plain(operation["operation_id"] or "synchronous")
        typer.echo(
            f"  {name:36}  {operation['state']:9}  {operation['rows']:>6} rows  "
            f"{plain(str(operation['file']))}:{operation['first_line']}-{operation['last_line']}"
        )
