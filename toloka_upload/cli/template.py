"""`toloka-upload template`: an empty task file for a pool."""

from enum import StrEnum
from typing import Annotated, Literal

import typer

from toloka_upload.cli.options import Account, Env, StateDir, TokenFile, Url


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
    env: Env = "production",
    url: Url = None,
    token_file: TokenFile = None,
    account: Account = None,
    state_dir: StateDir = None,
) -> None:
    """Print an empty task file with the columns of a pool's project, and one example row."""
    import os
    import sys

    from toloka_upload import configure
    from toloka_upload.check.template import template as make
    from toloka_upload.session.read_pool_once import read_once
    from toloka_upload.settings import pool_id

    target = configure.target(env, url, account, token_file, os.environ)
    found = read_once(target, configure.state_dir(state_dir), pool_id(pool))
    kind: Literal["task", "suite", "training"] = "training" if found.training else "task"
    kind = "suite" if found.kind == "task-suites" else kind
    sys.stdout.buffer.write(make(found.task_spec or {}, kind, format.value))
