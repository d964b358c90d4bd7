"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Env = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        envvar="TOLOKA_ENV",
        help="production, sandbox, yandex-tasks, or local (the embedded emulator: no token, no server).",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="TOLOKA_URL",
        help="Another base address, with or without /api/v1.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        envvar="TOLOKA_TOKEN_FILE",
        help="File that holds the token (else: TOLOKA_TOKEN).",
    ),
]
Account = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        envvar="TOLOKA_ACCOUNT",
        help="Act for this requester, who shared full access.",
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        envvar="TOLOKA_UPLOAD_STATE_DIR",
        help="Where the journal lives, and the local emulator's data. [default: the platform's user state directory]",
    ),
]
