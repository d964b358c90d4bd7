"""`toloka-upload undo`: take back what a run uploaded."""

from typing import TYPE_CHECKING, Annotated

import typer

from toloka_upload.cli.options import Connection, Telling, option, with_options

if TYPE_CHECKING:
    from toloka_upload.account.command import Command
    from toloka_upload.report.observer import Observer


class UndoOptions(Telling, Connection):
    """Options of `undo`."""

    title = "Options"

    yes: Annotated[bool, option("Do not ask.", "--yes", "-y")] = False
    dry_run: Annotated[
        bool, option("Say what would be done, and do nothing.", "--dry-run", "-n")
    ] = False
    close_pool: Annotated[
        bool,
        option("Close the pool first: work on all of its tasks stops at once.", "--close-pool"),
    ] = False


@with_options
def undo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its beginning.")],
    *,
    options: UndoOptions,
) -> int:
    """Take back what an upload created: nobody more gets it."""
    from toloka_upload.account.commands import Caller, undoing
    from toloka_upload.account.undo import standing
    from toloka_upload.cli.account import carry_out
    from toloka_upload.cli.confirm import Confirmation
    from toloka_upload.errors import UsageProblem
    from toloka_upload.run.history import past_run
    from toloka_upload.text import counted, listed

    state_dir = options.directory()
    found = past_run(state_dir, run)
    target = options.target_of(found.destination.endpoint, found.destination.account)
    now = standing(found)
    what = f"{counted(now.to_do, 'item')} of run {found.id} from {listed(now.pools) or 'no pool'}"
    if now.to_do and not options.yes and not options.dry_run:
        ask = Confirmation()
        if not ask.possible:
            raise UsageProblem(f"This takes back {what}. Say --yes, or --dry-run to look first.")
        typer.echo("What somebody has begun stays with them; the API deletes nothing.", err=True)
        if not ask(f"Take back {what}?"):
            raise UsageProblem("Nothing was done.")

    def begin(observer: "Observer") -> "Command":
        caller = Caller(target, state_dir, observer=observer)
        return undoing(caller, found, dry_run=options.dry_run, close_pool=options.close_pool)

    return carry_out(begin, options)
