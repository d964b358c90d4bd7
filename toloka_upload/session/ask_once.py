"""Asking for what an upload is better off knowing, and waits for no longer than a moment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

from toloka_upload.api.errors import ApiError
from toloka_upload.session.loop import call, until
from toloka_upload.session.session import Session
from toloka_upload.session.timesheet import Cause

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE = 5.0
"""Seconds that an upload waits for the answer."""


async def ask_once(
    session: Session, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T | None:
    """What a request answers; None if it fails, or does not answer soon. It is made once, and only reads."""
    found: list[T] = []

    async def look() -> None:
        with suppress(ApiError):
            found.append(await call(function, *args, **kwargs))

    looking = session.loop.spawn(look())
    with session.sheet.during(Cause.NETWORK):
        await until(lambda: looking.done or session.stopping is not None, _PATIENCE)
    return next(iter(found), None)
