"""`toloka-upload emulator`: the command line of the local stand-in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from toloka_upload.cli.options import Connection, option, with_options

if TYPE_CHECKING:
    from toloka_upload.api.target import Target
    from toloka_upload.emulator.world import World


class EmulatorOptions(Connection):
    """Options of `emulator`. Those of the connection name the API that `--like` copies from."""

    title = "Options"

    port: Annotated[int, option("Port to listen at; 0 picks a free one.", min=0, max=65535)] = 8080
    host: Annotated[str, option("Address to listen at. Beyond this machine: with a warning.")] = (
        "127.0.0.1"
    )
    db: Annotated[
        Path | None,
        option("Database file.", otherwise="that of --env local, in the state directory"),
    ] = None
    memory: Annotated[bool, option("Keep nothing on disk.", "--memory")] = False
    reset: Annotated[
        bool, option("Forget what the database holds, if nobody uses it.", "--reset")
    ] = False
    world: Annotated[Path | None, option("TOML file with projects and pools to add.")] = None
    like: Annotated[
        str | None,
        option(
            "Copy this pool and its project from the API that the connection's options name.",
            metavar="POOL",
        ),
    ] = None
    faults: Annotated[Path | None, option("TOML file with faults to bring on.")] = None
    switch: Annotated[
        list[str] | None,
        option("Read the documents otherwise; may be repeated.", metavar="NAME=VALUE"),
    ] = None
    operation_time: Annotated[
        float | None,
        option("How long an operation takes.", otherwise="1", min=0, metavar="SECONDS"),
    ] = None
    item_time: Annotated[
        float | None,
        option("How much longer for each item.", otherwise="0", min=0, metavar="SECONDS"),
    ] = None
    require_token: Annotated[
        str, option("Refuse any other token; * takes any.", metavar="TOKEN")
    ] = ""


@with_options
def emulator(*, options: EmulatorOptions) -> None:
    """Serve a local stand-in for the API.

    With a page to look at, and faults on demand.
    """
    import sqlite3

    from toloka_upload.emulator.local import local_database
    from toloka_upload.emulator.setup import Setup, parse_switches, run
    from toloka_upload.errors import CannotWrite, UsageProblem

    named = {
        "operation_seconds": options.operation_time,
        "operation_seconds_per_item": options.item_time,
        "require_token": options.require_token or None,
    }
    try:
        setup = Setup(
            database=None if options.memory else options.db or local_database(options.directory()),
            reset=options.reset,
            world=_readable(options.world),
            like=_world_like(options.like, options.target()) if options.like else None,
            faults=_readable(options.faults),
            switches={
                **{name: value for name, value in named.items() if value is not None},
                **parse_switches(options.switch or ()),
            },
        )
        server = setup.build()
    except ValueError as problem:
        raise UsageProblem(str(problem)) from problem
    except (OSError, sqlite3.Error) as problem:
        raise CannotWrite(f"The emulator's database cannot be used: {problem}") from problem
    try:
        run(server, options.host, options.port)
    except OSError as problem:
        raise UsageProblem(
            f"Nothing can listen at {options.host}:{options.port}: {problem.strerror}. Choose another --port; "
            "0 picks a free one."
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


def _world_like(pool: str, target: "Target") -> "World":
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
