"""`toloka-upload adopt`: learn what a pool has."""

from typing import TYPE_CHECKING, Annotated

from toloka_upload.cli.options import Connection, Telling, option, with_options

if TYPE_CHECKING:
    from toloka_upload.account.command import Command
    from toloka_upload.report.observer import Observer


class AdoptOptions(Telling, Connection):
    """Options of `adopt`."""

    title = "Options"

    pool: Annotated[
        str,
        option(
            "The pool: its number or its web address.",
            *("--pool", "-p"),
            metavar="ID",
            variable="TOLOKA_POOL",
        ),
    ]


@with_options
def adopt(*, options: AdoptOptions) -> int:
    """Learn what a pool has from elsewhere, so that it is not uploaded again."""
    from toloka_upload.account.commands import Caller, adopting
    from toloka_upload.cli.account import carry_out
    from toloka_upload.settings import pool_id

    target, state_dir, pool = options.target(), options.directory(), pool_id(options.pool)

    def begin(observer: "Observer") -> "Command":
        return adopting(Caller(target, state_dir, observer=observer), pool)

    return carry_out(begin, options)
