"""The loop: procedures that wait side by side on one thread, with blocking calls on others."""

from __future__ import annotations

import threading
import time

import pytest

from toloka_upload.session.loop import Loop, call, sleep, until


class Slow:
    """A blocking call that ends when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> int:
        """Block, and return the thread's id."""
        self.begun.set()
        assert self.may_end.wait(5)
        return threading.get_ident()


async def value(result: int) -> int:
    """A procedure that waits for nothing."""
    return result


def test_a_procedure_returns_its_result() -> None:
    """Also one that never yields."""
    assert Loop().run(value(7)) == 7


def test_calls_leave_the_thread_and_their_results_come_back() -> None:
    """All else stays on the thread that runs the loop."""

    async def steps() -> tuple[int, int]:
        elsewhere = await call(threading.get_ident)
        return elsewhere, threading.get_ident()

    elsewhere, here = Loop().run(steps())
    assert here == threading.get_ident()
    assert elsewhere != here


def test_what_a_call_raises_is_raised_where_it_was_made() -> None:
    """A procedure handles errors of its calls as if it had called by itself; also those that are no Exceptions."""

    class Odd(BaseException):
        pass

    def fail() -> None:
        raise Odd("odd")

    async def steps() -> str:
        try:
            await call(fail)
        except Odd as error:
            return f"caught {error}"
        return "nothing came"

    assert Loop().run(steps()) == "caught odd"


def test_what_nobody_catches_ends_the_loop() -> None:
    """An error of ours must not go under in a procedure beside the main one."""

    async def broken() -> None:
        await sleep(0)
        raise ZeroDivisionError

    async def main(loop: Loop) -> None:
        loop.spawn(broken())
        await sleep(60)

    loop = Loop()
    with pytest.raises(ZeroDivisionError):
        loop.run(main(loop))


def test_others_go_on_while_one_waits_for_a_call() -> None:
    """A request that hangs holds up nobody else."""
    slow, order = Slow(), []

    async def hanging() -> None:
        await call(slow)
        order.append("slow")

    async def main(loop: Loop) -> None:
        waiting = loop.spawn(hanging())
        await call(slow.begun.wait, 5)
        order.append("quick")
        slow.may_end.set()
        await until(lambda: waiting.done)

    loop = Loop()
    loop.run(main(loop))
    assert order == ["quick", "slow"]


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    """Whatever the order in which they went to sleep; equal times keep that order."""
    order = []

    async def sleeper(seconds: float, name: str) -> None:
        await sleep(seconds)
        order.append(name)

    async def main(loop: Loop) -> None:
        tasks = [
            loop.spawn(sleeper(seconds, name))
            for seconds, name in ((0.03, "late"), (0.0, "first"), (0.0, "second"), (0.01, "early"))
        ]
        await until(lambda: all(task.done for task in tasks))

    loop = Loop()
    loop.run(main(loop))
    assert order == ["first", "second", "early", "late"]


def test_a_condition_that_holds_is_not_waited_for() -> None:
    """And one that comes to hold is noticed whenever anything has moved."""
    moved = []

    async def mover() -> None:
        await sleep(0.01)
        moved.append(1)

    async def main(loop: Loop) -> float:
        await until(lambda: True)
        loop.spawn(mover())
        await until(lambda: bool(moved))
        return loop.clock()

    loop = Loop()
    started = loop.clock()
    assert loop.run(main(loop)) - started < 2


def test_a_function_posted_from_elsewhere_runs_on_the_loops_thread() -> None:
    """Signals and other threads reach the loop so, even while it sleeps."""
    ran = []

    async def main(loop: Loop) -> None:
        threading.Timer(0.02, loop.post, [lambda: ran.append(threading.get_ident())]).start()
        await until(lambda: bool(ran))

    loop = Loop()
    started = time.monotonic()
    loop.run(main(loop))
    assert ran == [threading.get_ident()]
    assert time.monotonic() - started < 2


def test_calls_beyond_the_number_of_workers_take_their_turn() -> None:
    """Threads are bounded, and no call is lost."""
    names = set()

    def work() -> None:
        names.add(threading.current_thread().ident)
        time.sleep(0.002)

    async def one(done: list[int], number: int) -> None:
        await call(work)
        done.append(number)

    async def main(loop: Loop) -> list[int]:
        done: list[int] = []
        for number in range(20):
            loop.spawn(one(done, number))
        await until(lambda: len(done) == 20)
        return done

    loop = Loop(workers=3)
    assert sorted(loop.run(main(loop))) == list(range(20))
    assert len(names) <= 3


def test_hanging_calls_do_not_hold_up_the_exit() -> None:
    """The main procedure's end is the end; workers are daemons."""
    slow = Slow()

    async def hanging() -> None:
        await call(slow)

    async def main(loop: Loop) -> str:
        loop.spawn(hanging())
        await call(slow.begun.wait, 5)
        return "over"

    loop = Loop()
    assert loop.run(main(loop)) == "over"
    daemons = [thread for thread in threading.enumerate() if thread.name == "toloka-upload"]
    assert daemons
    assert all(thread.daemon for thread in daemons)
    slow.may_end.set()


def test_a_wait_may_have_an_end() -> None:
    """A condition is waited for no longer than it is said, and not at all where there is no time."""

    async def main(loop: Loop) -> list[float]:
        waited = []
        for seconds in (0.0, 0.02):
            began = loop.clock()
            await until(lambda: False, seconds)
            waited.append(loop.clock() - began)
        return waited

    loop = Loop()
    none, some = loop.run(main(loop))
    assert none < 0.01
    assert 0.02 <= some < 2
