"""The end of a request: how long it may take in all, however little of it moves at a time.

A time-out of the network is about silence, and each byte begins it anew: an answer that drips, headers without end or a
peer that reads a byte now and then would keep a request for ever. So every read and write gets no more than what is
left of the request's time.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

SLOWEST = 8 * 1024
"""Bytes a second on the average, from when the time-out is over: 64 kbit/s, the slowest line one would upload over. A
large body over a slow line is honest work, a drip is not, and only the amount tells them apart."""
MOST = 12
"""A request takes at most so many time-outs, whatever it moves: a peer must not keep it for hours at just that pace. By
default 12 minutes, in which that line carries the largest request, of 5 MiB."""
_RECORD = 16 * 1024
"""Bytes that TLS encrypts at once. It is given no more, or a whole body would have to leave within one time-out."""


class OutOfTime(Exception):
    """The request's time is over."""


class Deadline:
    """
    The time of one request.

    Args:
        timeout: Seconds that it may take, and longer only as it moves `SLOWEST` bytes a second.
        patience: Seconds that it may take at most, whatever it moves.
        clock: Monotonic seconds.

    Attributes:
        moved: Bytes that were sent and received.
    """

    def __init__(
        self,
        timeout: float,
        patience: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout = timeout
        self._most = min(MOST * timeout, patience)
        self._clock = clock
        self._began = clock()
        self.moved = 0

    @property
    def left(self) -> float:
        """Seconds that are left; none: zero or less."""
        allowed = min(self._timeout + self.moved / SLOWEST, self._most)
        return self._began + allowed - self._clock()

    def bound(self, timeout: float | None) -> float:
        """A time-out that is no longer than what is left.

        Raises:
            OutOfTime: Nothing is.
        """
        left = self.left
        if left <= 0:
            raise OutOfTime(self.words())
        return left if timeout is None else min(timeout, left)

    def words(self) -> str:
        """What to say when it is over."""
        seconds = self._clock() - self._began
        return f"not at an end after {seconds:.3g} s, with {self.moved:,} bytes sent and received"


_present: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """What this thread does over a `TimedNetwork` ends in time while the block runs."""
    token = _present.set(deadline)
    try:
        yield
    finally:
        _present.reset(token)


class TimedNetwork(httpcore.NetworkBackend):
    """A network whose connections keep the deadline of whoever uses them."""

    def __init__(self, network: httpcore.NetworkBackend) -> None:
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """As the network does it, which would give each address of the host the whole time-out."""
        options = list(socket_options or ())
        for address in _addresses(host, port):
            try:
                stream = self._network.connect_tcp(
                    address, port, _bound(timeout), local_address, options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream)
        raise failure

    def sleep(self, seconds: float) -> None:
        """As the network does it."""
        self._network.sleep(seconds)


class _TimedStream(httpcore.NetworkStream):
    """A connection. It is used by one request after the other, each with a deadline of its own."""

    def __init__(self, stream: httpcore.NetworkStream, *, tls: bool = False) -> None:
        self._stream = stream
        self._tls = tls

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, _bound(timeout))
        _moved(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write it all, as much at a time as the next layer takes at once: it would give each part the whole time."""
        rest = memoryview(buffer)
        while rest:
            sent = (self._encrypt if self._tls else self._send)(rest, _bound(timeout))
            _moved(sent)
            rest = rest[sent:]

    def _encrypt(self, data: memoryview, timeout: float | None) -> int:
        record = bytes(data[:_RECORD])
        self._stream.write(record, timeout)
        return len(record)

    def _send(self, data: memoryview, timeout: float | None) -> int:
        connection: socket.socket = self._stream.get_extra_info("socket")
        try:
            connection.settimeout(timeout)
            return connection.send(data)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(error) from error
        except OSError as error:
            raise httpcore.WriteError(error) from error

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _bound(timeout))
        return _TimedStream(stream, tls=True)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, each once. How long that takes is up to the system's resolver."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(error) from error
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _bound(timeout: float | None) -> float | None:
    deadline = _present.get()
    return deadline.bound(timeout) if deadline else timeout


def _moved(size: int) -> None:
    if deadline := _present.get():
        deadline.moved += size
