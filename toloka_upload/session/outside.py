"""Calls that last for as long as somebody outside of the run likes: a pipe that nobody writes to, or no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

from toloka_upload.session.loop import call
from toloka_upload.session.session import Session

P = ParamSpec("P")
T = TypeVar("T")


async def call_outside(
    session: Session, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """
    Run a function on a worker thread and return what it returns, unless the run stops before.

    It cannot be ended, so it is left behind then, and what it returns after all is closed.

    Raises:
        UploadError: What stops the run; else what the function raises.
    """
    work = _Work(lambda: function(*args, **kwargs))
    task = session.loop.spawn(work.carry())
    await session.quiet(lambda: task.done)
    if not task.done:
        work.abandoned = True
        session.raise_if_stopping()
    if work.error:
        raise work.error
    return work.results[0]


class _Work(Generic[T]):
    """A call and what came of it: an error beside it must not end the loop."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self.results: list[T] = []
        self.error: Exception | None = None
        self.abandoned = False

    async def carry(self) -> None:
        try:
            result = await call(self._function)
        except Exception as error:  # noqa: BLE001  # it is raised where the result is waited for
            self.error = error
            return
        self.results.append(result)
        if self.abandoned and hasattr(result, "close"):
            result.close()
