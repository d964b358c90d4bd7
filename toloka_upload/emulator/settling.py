"""Who works operations off: each request, what is due before it; or a thread, and no request waits for it long.

The work of an operation is done in two parts. Reading and judging its items needs nobody's leave and takes most of the
time; creating them is short, and is done under the lock, in one transaction.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator

from toloka_upload.emulator.context import Context
from toloka_upload.emulator.pools import Pool
from toloka_upload.emulator.store import OperationRow

PATIENCE = 0.25
"""Seconds that a request waits for operations that are due; then it is answered as things stand."""

_LOOK = 0.25
_AFTER_TROUBLE = 1.0


class Settling:
    """Operations whose time is over. `lock` is the emulator's; nobody who calls holds it."""

    def __init__(self, context: Context, lock: threading.RLock, clock: Callable[[], float]) -> None:
        self._context = context
        self._lock = lock
        self._clock = clock
        self._settled = threading.Condition(lock)
        self._due = threading.Event()
        self._over = threading.Event()
        self._background = False

    def catch_up(self, now: float, only: str = "") -> None:
        """See to what is due at a moment: to all, or to the operation of an id alone.

        In the background it is waited for, `PATIENCE` seconds at most; else it is done.
        """
        if self._background:
            with self._settled:
                if self._next(now, only):
                    self._due.set()
                    self._settled.wait_for(lambda: not self._next(now, only), PATIENCE)
            return
        while row := self._next(now, only):
            self._work(row)

    @contextlib.contextmanager
    def in_background(self) -> Iterator[None]:
        """Let a thread see to what is due, until the end of a `with` block."""
        thread = threading.Thread(target=self._run, name="settling", daemon=True)
        self._over.clear()
        self._background = True
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._due.set()
            thread.join()
            self._background = False

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                row = self._next(self._clock())
                if row is None:
                    self._due.wait(_LOOK)
                    self._due.clear()
                else:
                    self._work(row)
            except Exception:  # noqa: BLE001  such as a full disk: shown, and tried again
                traceback.print_exc()
                self._over.wait(_AFTER_TROUBLE)

    def _next(self, now: float, only: str = "") -> OperationRow | None:
        with self._lock:
            return self._context.operations.next_due(now, only)

    def _work(self, row: OperationRow) -> None:
        operations = self._context.operations
        with self._lock:
            switches, body = self._context.switches, operations.body(row)
        judged = operations.judge(row, body, switches, self._pool)
        with self._settled:
            operations.settle(row, body, judged, switches)
            self._settled.notify_all()

    def _pool(self, number: int) -> Pool | None:
        with self._lock:
            return self._context.pool(number)
