"""`toloka-upload template`: an empty task file for a pool."""

from enum import StrEnum
from typing import Annotated, Literal

from toloka_upload.cli import complete
from toloka_upload.cli.options import Connection, option, with_options


class TemplateFormat(StrEnum):
    """Formats of templates."""

    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    tsv = "tsv"


class TemplateOptions(Connection):
    """Options of `template`."""

    title = "Options"

    pool: Annotated[
        str,
        option(
            "The pool: its number or its web address.",
            *("--pool", "-p"),
            metavar="ID",
            variable="TOLOKA_POOL",
            autocompletion=complete.pools,
        ),
    ]
    format: Annotated[TemplateFormat, option("Format of the file.")] = TemplateFormat.tsv


@with_options
def template(*, options: TemplateOptions) -> None:
    """Print an empty task file for a pool.

    It has the columns of the pool's project, and one example row.
    """
    import sys

    from toloka_upload.check.template import template as make
    from toloka_upload.session.read_pool_once import read_once
    from toloka_upload.settings import pool_id

    found = read_once(options.target(), options.directory(), pool_id(options.pool))
    kind: Literal["task", "suite", "training"] = "training" if found.training else "task"
    kind = "suite" if found.kind == "task-suites" else kind
    sys.stdout.buffer.write(make(found.task_spec or {}, kind, options.format.value))
