"""A loop whose waits take no time, and uploads on it: hours and days pass in microseconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from manual_clock import Clock

from toloka_upload.api.errors import ApiError
from toloka_upload.configure import target
from toloka_upload.emulator import Emulator, Request
from toloka_upload.emulator.messages import Response
from toloka_upload.report.observer import Observer, unobserved
from toloka_upload.report.summary import Report
from toloka_upload.run.upload import Upload
from toloka_upload.session.loop import Loop, Task, _Reply
from toloka_upload.settings import Pacing, Requests, Settings

Answer = Callable[[Request], Response | None]
"""What is answered in place of the emulator, or None."""


class QuickLoop(Loop):
    """Carries out calls at once, and moves the clock where there is nothing else to do."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self._manual = clock

    def _perform(self, function: Callable[[], Any], task: Task[Any]) -> None:
        try:
            self._ready.append(_Reply(task, function(), None))
        except ApiError as error:
            self._ready.append(_Reply(task, None, error))

    def _idle(self, timeout: float | None) -> None:
        if not self._inbox.empty():
            super()._idle(0)
            return
        assert timeout is not None, "nothing will ever happen again"
        self._manual.advance(timeout)


def refusal(status: int, **headers: str) -> Response:
    """An answer without a body; underscores in names of headers are dashes."""
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def quick_upload(
    folder: Path,
    clock: Clock,
    answer: Answer,
    rows: int = 100,
    observer: Observer = unobserved,
    **pacing: Any,
) -> Report:
    """
    Upload rows synchronously, in chunks of 10, in the time of a clock.

    Args:
        answer: What is answered in place of the emulator, which keeps no time here.
    """
    file = folder / "tasks.jsonl"
    lines = (json.dumps({"image": f"https://example.com/{number}.jpg"}) for number in range(rows))
    file.write_text("\n".join(lines))
    emulator = Emulator.in_memory(None)

    def handle(
        method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        request = Request(method, path, query, headers, body)
        response = answer(request) or emulator.handle(request)
        return response.status, response.headers, response.body

    settings = Settings(
        files=(str(file),),
        target=target("production", "http://127.0.0.1:1", None, None, {"TOLOKA_TOKEN": "t"}),
        pool="21",
        state_dir=folder / "state",
        rejects=folder / "rejects.jsonl",
        force=True,
        requests=Requests(mode="sync", chunk_size=10),
        pacing=Pacing(**pacing),
    )
    try:
        return Upload(settings, observer, handler=handle, loop=QuickLoop(clock), wall=clock).run()
    finally:
        emulator.close()
