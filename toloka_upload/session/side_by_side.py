"""Several procedures that share one piece of work."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any

from toloka_upload.session.loop import Loop, until


async def side_by_side(loop: Loop, most: int, steps: Iterator[Coroutine[Any, Any, None]]) -> None:
    """
    Take steps, up to `most` of them at once, each as one before it is done; return when there are no more.

    Raises:
        Exception: What the first step that failed raised: no new one is taken then, and those under way end.
    """
    failures: list[Exception] = []

    async def work() -> None:
        while not failures and (step := next(steps, None)) is not None:
            try:
                await step
            except Exception as error:  # noqa: BLE001  # raised below, where somebody waits for it
                failures.append(error)

    workers = [loop.spawn(work()) for _ in range(most)]
    await until(lambda: all(worker.done for worker in workers))
    if failures:
        raise failures[0]
