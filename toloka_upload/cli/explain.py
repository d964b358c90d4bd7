"""`toloka-upload explain`: what a code or an exit status means, and what to do."""

from typing import TYPE_CHECKING, Annotated

import typer

from toloka_upload.cli import complete
from toloka_upload.cli.options import Options, option, with_options

if TYPE_CHECKING:
    from toloka_upload.explanations import Explanation


class ExplainOptions(Options):
    """Options of `explain`."""

    json_output: Annotated[bool, option("JSON on standard output.", "--json")] = False


@with_options
def explain(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE|STATUS]",
            help="A code as messages have it, or an exit status. Without any: all of them, a line each.",
            show_default=False,
            autocompletion=complete.codes,
        ),
    ] = None,
    *,
    options: ExplainOptions,
) -> None:
    """Say what a code or an exit status means, with an example and the fix."""
    from toloka_upload.errors import UsageProblem
    from toloka_upload.explanations import explanation_of, similar

    if name is None:
        _list_all(as_json=options.json_output)
        return
    found = explanation_of(name)
    if found is None:
        meant = similar(name)
        guess = (
            f"Did you mean {', '.join(meant)}?" if meant else "`toloka-upload explain` lists them."
        )
        raise UsageProblem(f"There is no code or exit status {name!r}. {guess}")
    if options.json_output:
        _print_json(_record(*found))
        return
    code, explanation = found
    typer.echo(
        f"{code}: {explanation.cause}\n  for example  {explanation.example}\n  to fix it    {explanation.fix}"
    )


def _list_all(*, as_json: bool) -> None:
    from toloka_upload.explanations import EXPLANATIONS, GROUPS, STATUSES

    statuses = {f"{int(status)} {status.reason}": text for status, text in STATUSES.items()}
    if as_json:
        _print_json([_record(*one) for one in (*EXPLANATIONS.items(), *statuses.items())])
        return
    width = max(map(len, EXPLANATIONS))
    for title, codes in {**GROUPS, "Exit statuses": statuses}.items():
        typer.echo(f"{title}")
        for code, explanation in codes.items():
            typer.echo(f"  {code:{width}}  {explanation.cause}")


def _record(code: str, explanation: "Explanation") -> dict[str, str]:
    return {"code": code, **explanation._asdict()}


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value))
