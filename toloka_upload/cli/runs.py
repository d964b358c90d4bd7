"""`toloka-upload runs`: past and unfinished uploads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toloka_upload.cli import complete
from toloka_upload.cli.options import State, option, with_options

if TYPE_CHECKING:
    from toloka_upload.run.history import PastRun


class RunsOptions(State):
    """Options of `runs`."""

    title = "Options"

    limit: Annotated[
        int, option("List so many runs, the newest first; 0: all.", min=0, metavar="N")
    ] = 20
    pool: Annotated[
        str | None,
        option("Only runs of this pool.", *("--pool", "-p"), autocompletion=complete.pools),
    ] = None
    failed: Annotated[bool, option("Only runs that did not end with status 0.", "--failed")] = False
    since: Annotated[
        str | None, option("Only runs that began in this time (12h, 7d).", metavar="DURATION")
    ] = None
    follow: Annotated[
        bool,
        option("Show how far a running run is, until it ends; without RUN the newest.", "--follow"),
    ] = False
    health: Annotated[
        bool,
        option("Tell a monitor: ages of the last success and of unknown rows, quota.", "--health"),
    ] = False
    json_output: Annotated[bool, option("JSON on standard output.", "--json")] = False
    results: Annotated[
        Path | None,
        option("Write the run's results file again, from the journal alone.", metavar="FILE"),
    ] = None
    report: Annotated[
        Path | None, option("Write a page about the run, to look at (HTML).", metavar="FILE")
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
    from toloka_upload.cli.keep import to_keep
    from toloka_upload.errors import UsageProblem
    from toloka_upload.policies.durations import parse_duration
    from toloka_upload.report.outputs import Use, refuse_clashes
    from toloka_upload.run import history

    directory = options.directory()
    age = configure.read("--prune", options.prune, parse_duration)
    if age is not None:
        forgotten = history.prune(directory, age, time.time())
        typer.echo(f"Forgot {forgotten} runs. The rows that they created stay known.")
    elif options.health:
        _tell_health(directory, as_json=options.json_output)
    elif options.follow:
        from toloka_upload.cli.follow import follow

        follow(directory, run)
    elif options.report is not None:
        from toloka_upload.cli.report import write_page_of

        write_page_of(directory, run, options.report)
    elif options.results is not None:
        if run is None:
            raise UsageProblem(
                "--results needs to know of which run: toloka-upload runs RUN --results FILE."
            )
        found = history.past_run(directory, run)
        refuse_clashes([Use("--results", options.results)], to_keep(found.files))
        rows = history.write_results(found, options.results)
        typer.echo(f"{rows} rows written to {options.results}.")
    elif run is None:
        _list(_chosen(history.past_runs(directory), options), as_json=options.json_output)
    else:
        _show(history.past_run(directory, run), as_json=options.json_output)


def _chosen(found: "list[PastRun]", options: RunsOptions) -> "list[PastRun]":
    """The runs that are asked for."""
    import time

    from toloka_upload import configure
    from toloka_upload.policies.durations import parse_duration
    from toloka_upload.settings import pool_id

    if options.pool:
        pool = pool_id(options.pool)
        found = [run for run in found if pool in run.pools]
    if options.failed:
        found = [run for run in found if not run.running and run.exit_code != 0]
    age = configure.read("--since", options.since, parse_duration)
    if age is not None:
        found = [run for run in found if run.started >= time.time() - age]
    return found[: options.limit or None]


def _list(found: "list[PastRun]", *, as_json: bool) -> None:
    import json

    if as_json:
        typer.echo(json.dumps([run.as_json() for run in found]))
        return
    if not found:
        typer.echo("No uploads yet.")
        return
    lines: list[tuple[str, ...]] = [
        ("RUN", "STARTED", "TOOK", "POOLS", "STATE", "CREATED", "FILES")
    ]
    lines += [_line(run) for run in found]
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    for line in lines:
        cells = [text.ljust(width) for text, width in zip(line, widths, strict=False)]
        typer.echo("  ".join([*cells, line[6]]).rstrip())


def _line(run: "PastRun") -> tuple[str, ...]:
    from toloka_upload.text import duration, listed, plain

    value = run.as_json()
    counts = (run.report or {}).get("counts", {})
    took = "" if value["seconds"] is None else duration(value["seconds"])
    files = plain(" ".join(run.files)) or _what(run)
    created = str(counts.get("created", "?"))
    return run.id, str(value["started"]), took, listed(run.pools), run.state, created, files


def _what(run: "PastRun") -> str:
    """What a run without files did."""
    return f"({run.command} of {run.of})" if run.of else f"({run.command})"


def _show(run: "PastRun", *, as_json: bool) -> None:
    import json

    from toloka_upload.report.account import account_facts
    from toloka_upload.report.text import cost_words
    from toloka_upload.run import history
    from toloka_upload.text import duration, plain

    found = history.operations(run)
    value, typed = run.as_json(), run.logged.typed if run.logged else ""
    if as_json:
        typer.echo(json.dumps({**value, "command_line": typed or None, "operations": found}))
        return
    facts: list[tuple[str, Any]] = [
        ("run", f"{run.id} ({run.state})"),
        ("started", value["started"]),
    ]
    facts.append(
        ("ended", value["finished"] or ("still running" if run.running else "never: killed"))
    )
    if value["seconds"] is not None:
        facts.append(("took", duration(value["seconds"])))
    facts.append(("pools", f"{', '.join(value['pools'])} at {plain(str(value['url']))}"))
    facts.append(("files", plain(" ".join(run.files)) or _what(run)))
    facts += [(name.replace("_", " "), number) for name, number in _counts(run) if number]
    error = (run.report or {}).get("error")
    if error:
        facts.append(("error", f"{plain(error['code'])}: {plain(error['message'], 300)}"))
    if cost := ((run.report or {}).get("plan") or {}).get("cost"):
        facts.append(("cost", cost_words(cost)))
    facts += account_facts(run.account)
    facts.append(("next", run.next_step))
    if typed and "same command" in run.next_step:
        facts.append(("command", typed))
    width = max(len(name) for name, _ in facts)
    for name, fact in facts:
        typer.echo(f"{name:{width}}  {fact}")
    for operation in found:
        name = plain(operation["operation_id"] or "synchronous")
        typer.echo(
            f"  {name:36}  {operation['state']:9}  {operation['rows']:>6} rows  "
            f"{plain(str(operation['file']))}:{operation['first_line']}-{operation['last_line']}"
        )


def _counts(run: "PastRun") -> list[tuple[str, int]]:
    """What became of its rows, as the report says; of a run without one, how far it is."""
    if run.report is not None:
        return list(run.report.get("counts", {}).items())
    planned = (run.logged and run.logged.planned) or {}
    return [("rows to send", planned.get("read", 0)), *run.rows_so_far.items()]


def _tell_health(directory: Path, *, as_json: bool) -> None:
    import json
    import time

    from toloka_upload.run import history
    from toloka_upload.run.health import health
    from toloka_upload.text import count, duration, plain

    found = health(directory, history.past_runs(directory), time.time())
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name in ("last_run", "last_success", "oldest_unknown"):
        age = found[name]
        words = "none" if age is None else f"{duration(age)} ago"
        typer.echo(f"{name.replace('_', ' '):22}  {words}")
    typer.echo(f"failures since success  {count(found['failures_since_success'])}")
    typer.echo(f"quota used in 24 hours  {count(found['quota_used'])}")
    for pool in found["pools"]:
        typer.echo(
            f"pool {pool['pool']:17}  {count(pool['rows'])} rows from here  {plain(pool['url'])}"
        )
