"""`toloka-upload emulator`: the command line of the local stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toloka_upload.cli.options import Account, Env, StateDir, TokenFile, Url

if TYPE_CHECKING:
    from toloka_upload.api.target import Target
    from toloka_upload.emulator.world import World


def emulator(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen at; 0 picks a free one.")
    ] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to listen at. Beyond this machine: with a warning.")
    ] = "127.0.0.1",
    db: Annotated[
        Path | None,
        typer.Option(help="Database file. [default: that of --env local, in the state directory]"),
    ] = None,
    memory: Annotated[bool, typer.Option("--memory", help="Keep nothing on disk.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what the database holds.")] = False,
    world: Annotated[
        Path | None, typer.Option(help="TOML file with projects and pools of your own.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="POOL",
            help="Copy this pool and its project from the API that the next four options name.",
        ),
    ] = None,
    env: Env = "production",
    url: Url = None,
    token_file: TokenFile = None,
    account: Account = None,
    faults: Annotated[Path | None, typer.Option(help="TOML file with faults to bring on.")] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Read the documents otherwise; may be repeated."),
    ] = None,
    operation_time: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="How long an operation takes. [default: 1]"),
    ] = None,
    item_time: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="How much longer for each item. [default: 0]"),
    ] = None,
    require_token: Annotated[
        str, typer.Option(metavar="TOKEN", help="Refuse any other token; * takes any.")
    ] = "",
    state_dir: StateDir = None,
) -> None:
    """Serve a local stand-in for the API, with a page to look at and weather on demand."""
    import os
    import sqlite3

    from toloka_upload import configure
    from toloka_upload.emulator.local import local_database
    from toloka_upload.emulator.setup import Setup, parse_switches, run
    from toloka_upload.errors import CannotWrite, UsageProblem

    named = {
        "operation_seconds": operation_time,
        "operation_seconds_per_item": item_time,
        "require_token": require_token or None,
    }
    try:
        setup = Setup(
            database=None if memory else db or local_database(configure.state_dir(state_dir)),
            reset=reset,
            world=_readable(world),
            like=_world_like(like, configure.target(env, url, account, token_file, os.environ))
            if like
            else None,
            faults=_readable(faults),
            switches={
                **{name: value for name, value in named.items() if value is not None},
                **parse_switches(switch or ()),
            },
        )
        server = setup.build()
    except ValueError as problem:
        raise UsageProblem(str(problem)) from problem
    except (OSError, sqlite3.Error) as problem:
        raise CannotWrite(f"The emulator's database cannot be used: {problem}") from problem
    try:
        run(server, host, port)
    except OSError as problem:
        raise UsageProblem(
            f"Nothing can listen at {host}:{port}: {problem.strerror}. Choose another --port; 0 picks a free one."
        ) from problem


def _readable(path: Path | None) -> Path | None:
    from toloka_upload.errors import NoInput

    if path is None:
        return None
    try:
        path.open("rb").close()
    except OSError as problem:
        raise NoInput(f"{path}: {problem.strerror}") from problem
    return path


def _world_like(pool: str, target: Target) -> World:
    """The pool and its project, read from the API with the user's token."""
    from toloka_upload.api.client import Client
    from toloka_upload.api.errors import ApiError, NotFound
    from toloka_upload.emulator.world import like
    from toloka_upload.errors import Denied, UsageProblem
    from toloka_upload.settings import pool_id

    if target.env == "local":
        raise UsageProblem("--like copies from the API; it takes no --env local.")
    if not target.authorization:
        raise Denied(
            "--like reads the API: put the token into TOLOKA_TOKEN, or name a --token-file."
        )
    number, client = pool_id(pool), Client(target)
    try:
        try:
            found = client.pool(number)
        except ApiError as problem:
            if not isinstance(problem, NotFound) and problem.code != "POOL_IS_TRAINING":
                raise
            found = client.training(number)
        return like(found, client.project(str(found.get("project_id"))))
    except ApiError as problem:
        raise problem.as_upload_error() from problem
    finally:
        client.close()
