"""A session, put together from settings: the client, the account's limits, and what they need on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from toloka_upload.api.client import Client, Handler
from toloka_upload.directories import make_directory
from toloka_upload.errors import CannotWrite
from toloka_upload.policies.rate import RateLimit
from toloka_upload.report.observer import Observer
from toloka_upload.report.recorder import Recorder
from toloka_upload.session.loop import Loop
from toloka_upload.session.session import Session
from toloka_upload.settings import Settings


def open_session(
    settings: Settings,
    recorder: Recorder,
    stack: ExitStack,
    loop: Loop,
    observer: Observer,
    *,
    handler: Handler | None = None,
    wall: Callable[[], float] = time.time,
) -> Session:
    """
    Open what a run shares; `stack` closes it.

    Args:
        handler: An API in this process, in place of the network (`--env local` brings its own).

    Raises:
        CannotWrite: The state directory cannot be used.
    """
    client = Client(
        settings.target,
        timeout=settings.pacing.timeout,
        handler=handler or _local(settings, stack),
    )
    stack.callback(client.close)
    ledger = None if settings.dry_run else _made(settings.state_dir) / "rate.db"
    rate = RateLimit(ledger, _account(settings), settings.pacing.windows, wall)
    stack.callback(rate.close)
    return Session(settings, client, loop, recorder, rate, observer, wall=wall)


def _made(state_dir: Path) -> Path:
    """The state directory, private to the user."""
    try:
        make_directory(state_dir)
    except OSError as error:
        raise CannotWrite(
            f"The state directory {state_dir} cannot be made: {error.strerror}. Nothing is sent without it: name "
            "another one with --state-dir.",
            code="STATE_DIR",
        ) from error
    return state_dir


def _local(settings: Settings, stack: ExitStack) -> Handler | None:
    """The emulator inside this process, if that is where the upload goes."""
    if settings.target.env != "local":
        return None
    from toloka_upload.api.local import local_api

    return stack.enter_context(local_api(_made(settings.state_dir)))


def _account(settings: Settings) -> str:
    target = settings.target
    return f"{target.endpoint} {target.account or ''} {target.fingerprint}"
