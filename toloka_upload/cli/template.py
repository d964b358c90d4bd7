"""`toloka-upload template`: an empty task file for a pool."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer


class TemplateFormat(StrEnum):
    """Formats of templates."""

    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    tsv = "tsv"


def template(
    *,
    pool: Annotated[
        str,
        typer.Option(
            "--pool",
            "-p",
            metavar="ID",
            envvar="TOLOKA_POOL",
            help="The pool: its number or its web address.",
        ),
    ],
    format: Annotated[  # noqa: A002  # as in `upload`
        TemplateFormat, typer.Option(help="Format of the file.")
    ] = TemplateFormat.tsv,
    env: Annotated[
        str,
        typer.Option(
            metavar="NAME", envvar="TOLOKA_ENV", help="production, sandbox, yandex-tasks or local."
        ),
    ] = "production",
    url: Annotated[
        str | None, typer.Option(metavar="URL", envvar="TOLOKA_URL", help="Another base address.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            envvar="TOLOKA_TOKEN_FILE",
            help="File that holds the token (else: TOLOKA_TOKEN).",
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="ID", envvar="TOLOKA_ACCOUNT", help="Act for this requester."),
    ] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            envvar="TOLOKA_UPLOAD_STATE_DIR",
            help="Where the local emulator's data lives.",
        ),
    ] = None,
) -> None:
    """Print an empty task file with the columns of a pool's project, and one example row."""
    import os
    import sys

    from toloka_upload import configure
    from toloka_upload.ask import read_once
    from toloka_upload.settings import pool_id
    from toloka_upload.template import template as make

    target = configure.target(env, url, account, token_file, os.environ)
    found = read_once(target, configure.state_dir(state_dir), pool_id(pool))
    kind: Literal["task", "suite", "training"] = "training" if found.training else "task"
    kind = "suite" if found.kind == "task-suites" else kind
    sys.stdout.buffer.write(make(found.task_spec or {}, kind, format.value))
