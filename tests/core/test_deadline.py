"""How long a request may take in all: with time that is handed in."""

from __future__ import annotations

import math
from typing import Any

import httpcore
import pytest

from toloka_upload.api.deadline import MOST, SLOWEST, Deadline, OutOfTime, TimedNetwork, within


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_moves_nothing_has_the_time_out() -> None:
    """Reads and writes get what is left of it, at most what was asked for; then nothing."""
    clock = _Clock()
    deadline = Deadline(60.0, clock=clock)
    assert deadline.bound(10.0) == 10.0
    assert deadline.bound(None) == 60.0
    clock.now += 55
    assert deadline.bound(60.0) == 5.0
    clock.now += 5
    with pytest.raises(OutOfTime, match="not at an end after 60 s, with 0 bytes"):
        deadline.bound(60.0)


def test_what_moves_well_has_longer() -> None:
    """A mebibyte at 64 kbit/s takes 128 s, and those are added."""
    clock = _Clock()
    deadline = Deadline(60.0, clock=clock)
    deadline.moved += 2**20
    assert deadline.left == 60 + 2**20 / SLOWEST == 188


def test_nothing_has_more_than_twelve_time_outs() -> None:
    """Enough, by default, for the largest request: 5 MiB at 64 kbit/s."""
    clock = _Clock()
    deadline = Deadline(60.0, clock=clock)
    deadline.moved += 5 * 2**20
    assert deadline.left == 700
    deadline.moved += 2**30
    assert deadline.left == MOST * 60 == 720


@pytest.mark.parametrize(("patience", "left"), [(math.inf, 60), (90.0, 60), (7.0, 7)])
def test_patience_is_never_outlasted(patience: float, left: float) -> None:
    """Whatever the time-out is, and whatever moves."""
    deadline = Deadline(60.0, patience, clock=_Clock())
    assert deadline.left == left
    deadline.moved += 2**30
    assert deadline.left == min(patience, 720)


class _Line(httpcore.NetworkStream):
    """A connection that takes 16 KiB a second and gives a byte a second, and notes each time-out."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self.asked: list[tuple[int, float | None]] = []

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.asked.append((len(buffer), timeout))
        self._clock.now += len(buffer) / 16_384

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.asked.append((max_bytes, timeout))
        self._clock.now += 1
        return b"x"

    def start_tls(self, *_: Any, timeout: float | None = None, **__: Any) -> httpcore.NetworkStream:
        self.asked.append((0, timeout))
        return self

    def close(self) -> None:
        """Nothing to do."""


class _Network(httpcore.NetworkBackend):
    def __init__(self, line: _Line) -> None:
        self._line = line

    def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        return self._line


class _Silence(httpcore.NetworkBackend):
    """Nobody answers, and each try takes all of its time-out."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self.tried: list[tuple[str, float | None]] = []

    def connect_tcp(
        self, host: str, _port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.NetworkStream:
        self.tried.append((host, timeout))
        self._clock.now += timeout or 0
        raise httpcore.ConnectTimeout("timed out")


def test_all_addresses_of_a_host_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five addresses that do not answer take no longer than one would: the time-out, in all."""
    found = [(0, 0, 0, "", (f"192.0.2.{number}", 443)) for number in (1, 2, 2, 3, 4, 5)]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    clock = _Clock()
    nobody = _Silence(clock)
    with within(Deadline(25.0, clock=clock)), pytest.raises(OutOfTime):
        TimedNetwork(nobody).connect_tcp("api.example", 443, 10.0)
    assert nobody.tried == [("192.0.2.1", 10.0), ("192.0.2.2", 10.0), ("192.0.2.3", 5.0)]
    with pytest.raises(httpcore.ConnectTimeout):
        TimedNetwork(nobody).connect_tcp("api.example", 443, 10.0)
    assert len(nobody.tried) == 3 + 5


def test_a_host_without_an_address_is_no_connection() -> None:
    """As a connection that is refused: nothing was sent."""
    with pytest.raises(httpcore.ConnectError):
        TimedNetwork(_Silence(_Clock())).connect_tcp("nowhere.invalid", 443, 10.0)


def _encrypted(line: _Line) -> httpcore.NetworkStream:
    connection = TimedNetwork(_Network(line)).connect_tcp("127.0.0.1", 443)
    return connection.start_tls(None)  # type: ignore[arg-type]  # nothing is encrypted here


def test_what_is_encrypted_leaves_a_record_at_a_time() -> None:
    """Given a whole body, TLS would have to send all of it within one time-out, however well the line moves."""
    clock = _Clock()
    line = _Line(clock)
    with within(Deadline(1.5, clock=clock)):
        _encrypted(line).write(b" " * 40_000, 20.0)
    assert [size for size, _ in line.asked[1:]] == [16_384, 16_384, 7_232]
    assert [seconds for _, seconds in line.asked[1:]] == [1.5, 2.5, 3.5], (
        "2 s more a record, less 1 s"
    )


def test_a_read_gets_what_is_left_and_then_nothing() -> None:
    """Each byte comes a second after the one before, and the third one is the last."""
    clock = _Clock()
    line = _Line(clock)
    with within(Deadline(2.5, clock=clock)):
        connection = _encrypted(line)
        for _ in range(3):
            connection.read(100, 2.0)
        with pytest.raises(OutOfTime):
            connection.read(100, 2.0)
    assert [timeout for _, timeout in line.asked[1:]] == pytest.approx([2, 1.5, 0.5], abs=0.01)


def test_without_a_deadline_the_time_outs_are_those_that_were_asked_for() -> None:
    """What is not part of a request, such as closing a connection in order, is left as it is."""
    line = _Line(_Clock())
    assert _encrypted(line).read(100, 2.0) == b"x"
    assert line.asked[-1] == (100, 2.0)
