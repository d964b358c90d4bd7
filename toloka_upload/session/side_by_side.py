"""Several procedures that share one piece of work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from toloka_upload.session.loop import Loop, until


async def side_by_side(loop: Loop, workers: int, work: Callable[[], Awaitable[None]]) -> None:
    """
    Call `work` so many times at once, and wait until all of them are done.

    Raises:
        Exception: The first that one of them raised, once none is at work any more. The others are not told: what
            fails for one of them must end the work that they share, or not matter to them.
    """
    failures: list[Exception] = []

    async def guarded() -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # raised below, where somebody waits for it
            failures.append(error)

    procedures = [loop.spawn(guarded()) for _ in range(workers)]
    await until(lambda: all(procedure.done for procedure in procedures))
    if failures:
        raise failures[0]
