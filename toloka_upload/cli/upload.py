"""`toloka-upload FILE...`: options in, exit status out."""

from typing import Annotated

import typer

from toloka_upload.cli.options import UploadOptions, with_options


@with_options
def upload(
    ctx: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Task files, one after the other; - is standard input.",
            show_default=False,
        ),
    ],
    *,
    options: UploadOptions,
) -> int:
    """Upload task files into a pool, each row exactly once. Run it again after any failure: it goes on from there."""
    from toloka_upload.cli.run import run_upload
    from toloka_upload.cli.typed import command_line

    return run_upload(files, options, command_line(ctx, files))
