"""A small event loop: straight-line code that waits, on one thread, with the blocking calls elsewhere.

A procedure is a coroutine that awaits what this module offers:

    async def settle(client, operation_id) -> Operation:
        while True:
            operation = await call(client.operation, operation_id)   # on a worker thread
            if operation.finished:
                return operation
            await sleep(1.0)

Everything between two awaits runs on the one thread that called `Loop.run`, so state needs no locks; only the calls
leave it. What the calls return, how long they take and in which order they end is all that is not determined, which is
why a test can put its own loop in place, with a simulated clock, and try every order and every crash.

Why not asyncio: its HTTP clients lose the API's answer where a request of a megabyte is refused before it was read
(httpx over TLS: always), and take twice the CPU a request; with blocking calls on threads, what is left of it is this
much. It waits for a condition (`until`) where asyncio has locks and events that somebody must remember to set, so
there is no order in which two procedures can miss each other, and a simulation sees at once when nobody can move.
"""

from __future__ import annotations

import heapq
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Call(NamedTuple):
    """Run `function` on a worker thread; whoever awaits it receives what it returns or raises."""

    function: Callable[[], Any]

    def __await__(self) -> Generator[Effect, Any, Any]:
        return (yield self)


class Sleep(NamedTuple):
    """Go on after `seconds`."""

    seconds: float

    def __await__(self) -> Generator[Effect, None, None]:
        yield self


class Wait(NamedTuple):
    """Go on once `condition()` is true, at the latest after `seconds`. It is asked whenever anything else has moved."""

    condition: Callable[[], bool]
    seconds: float = math.inf

    def __await__(self) -> Generator[Effect, None, None]:
        yield self


Effect = Call | Sleep | Wait
Steps = Coroutine[Effect, Any, T]


async def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function on a worker thread and return what it returns."""
    result: T = await Call(lambda: function(*args, **kwargs))
    return result


async def sleep(seconds: float) -> None:
    """Wait for `seconds`; other procedures go on meanwhile."""
    await Sleep(seconds)


async def until(condition: Callable[[], bool], seconds: float = math.inf) -> None:
    """Wait until `condition()` is true, but no longer than `seconds`."""
    if seconds > 0 and not condition():
        await Wait(condition, seconds)


class Task(Generic[T]):
    """A procedure that runs beside others. `done` is true once it has returned."""

    def __init__(self, steps: Steps[T]) -> None:
        self.steps = steps
        self.done = False
        self.result: T | None = None


class _Reply(NamedTuple):
    task: Task[Any]
    value: Any
    error: BaseException | None


class Workers:
    """Daemon threads for blocking calls, made when needed. Daemons: a hanging request never delays the exit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._waiting = 0  # jobs handed over and not yet begun, less the threads that are free

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job` on the next free thread."""
        with self._lock:
            self._waiting += 1
            if self._waiting > 0 and self._threads < self._most:
                self._threads += 1
                self._waiting -= 1
                threading.Thread(target=self._work, daemon=True, name="toloka-upload").start()
        self._jobs.put(job)

    def close(self) -> None:
        """Let the threads end, each once it is free."""
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # and what it holds: the next one may be long in coming
            with self._lock:
                self._waiting -= 1


class Loop:
    """Runs procedures until the first one handed to `run` returns.

    Attributes:
        clock: Seconds that only go forward.
    """

    def __init__(self, *, workers: int = 24, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._workers = Workers(workers)
        self._inbox: queue.SimpleQueue[_Reply | Callable[[], None]] = queue.SimpleQueue()
        self._ready: deque[_Reply] = deque()
        self._timers: list[tuple[float, int, Task[Any] | None]] = []
        self._waits: list[tuple[Callable[[], bool], float, Task[Any]]] = []
        self._tasks: set[Task[Any]] = set()
        self._sequence = 0

    def spawn(self, steps: Steps[T]) -> Task[T]:
        """Start a procedure beside the others. What it raises ends the whole loop."""
        task = Task(steps)
        self._tasks.add(task)
        self._ready.append(_Reply(task, None, None))
        return task

    def post(self, function: Callable[[], None]) -> None:
        """Have `function` called on the loop's thread soon. Safe from threads and signal handlers."""
        self._inbox.put(function)

    def close(self) -> None:
        """Let the worker threads end. The loop runs nothing any more."""
        self._workers.close()

    def run(self, steps: Steps[T]) -> T:
        """Run a procedure to its end, and whatever it spawns meanwhile; return its result.

        What it spawned and did not wait for is closed where it stands.
        """
        main = self.spawn(steps)
        try:
            self._run_until(main)
        finally:
            for task in self._tasks:
                task.steps.close()
            self._tasks.clear()
        return main.result  # type: ignore[return-value]  # done says that it is there

    def _run_until(self, main: Task[Any]) -> None:
        while True:
            while self._ready:
                self._advance(self._ready.popleft())
            if main.done:
                break
            self._wake_waits()
            if not self._ready:
                self._idle(self._due_in())
            self._wake_timers()

    def _advance(self, reply: _Reply) -> None:
        task = reply.task
        try:
            steps = task.steps
            effect = steps.throw(reply.error) if reply.error else steps.send(reply.value)
        except StopIteration as end:
            task.done, task.result = True, end.value
            self._tasks.discard(task)
            return
        if isinstance(effect, Call):
            self._perform(effect.function, task)
        elif isinstance(effect, Sleep):
            self._set_timer(self.clock() + effect.seconds, task)
        else:
            due = self.clock() + effect.seconds
            self._waits.append((effect.condition, due, task))
            if due < math.inf:
                self._set_timer(due, None)  # it wakes the loop, which then looks at the waits

    def _set_timer(self, due: float, task: Task[Any] | None) -> None:
        self._sequence += 1
        heapq.heappush(self._timers, (due, self._sequence, task))

    def _wake_waits(self) -> None:
        waits, self._waits = self._waits, []
        now = self.clock()
        for condition, due, task in waits:
            if now >= due or condition():
                self._ready.append(_Reply(task, None, None))
            else:
                self._waits.append((condition, due, task))

    def _wake_timers(self) -> None:
        now = self.clock()
        while self._timers and self._timers[0][0] <= now:
            task = heapq.heappop(self._timers)[2]
            if task:
                self._ready.append(_Reply(task, None, None))

    def _due_in(self) -> float | None:
        return max(0.0, self._timers[0][0] - self.clock()) if self._timers else None

    # The two places where the world outside comes in; a simulation puts its own here.

    def _perform(self, function: Callable[[], Any], task: Task[Any]) -> None:
        def job() -> None:
            try:
                reply = _Reply(task, function(), None)
            except BaseException as error:  # noqa: BLE001  # it is raised again where the call was made
                reply = _Reply(task, None, error)
            self._inbox.put(reply)

        self._workers.submit(job)

    def _idle(self, timeout: float | None) -> None:
        try:
            item = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return
        if isinstance(item, _Reply):
            self._ready.append(item)
        else:
            item()
