"""The emulator on a socket: the standard library's threaded server, and faults of the wire."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import select
import socket
import struct
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from toloka_upload.emulator.api import BASE
from toloka_upload.emulator.emulator import Emulator
from toloka_upload.emulator.faults import Faults
from toloka_upload.emulator.messages import ConnectionLost, Refusal, Request, Response

MOST_BODY_BYTES = 64 * 1024 * 1024
"""A body beyond is refused with 413, unread; the API's own limits are far below."""

IDLE_SECONDS = 300.0
"""A connection on which nothing arrives is closed."""

MOST_CONNECTIONS = 256
"""Connections at one time; each has a thread. For one more an idle one is closed; else it is answered with 503."""

_CROWDED = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_DRAINED_BYTES = 128 * 1024 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with a time of zero: close sends RST


def is_loopback(host: str) -> bool:
    """Whether a host is this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Server:
    """An emulator that listens, from the start of a `with` block to its end.

    Args:
        emulator: What answers. It is not closed with the server.
        host: The address to listen at.
        port: 0 picks a free one.

    Raises:
        OSError: The address cannot be had.
    """

    def __init__(self, emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> None:
        self.emulator = emulator
        self._http = _HttpServer(emulator, host, port)
        shown = f"[{host}]" if ":" in host else host
        self.root = f"http://{shown}:{self._http.server_address[1]}"
        self.url = self.root + BASE
        self._running = contextlib.ExitStack()
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def faults(self) -> Faults:
        """The weather, and the account of it."""
        return self.emulator.faults

    def __enter__(self) -> Self:
        self._running.enter_context(self.emulator.in_background())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.drop_connections()
        self._thread.join()
        self._running.close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, emulator: Emulator, host: str, port: int) -> None:
        self.emulator = emulator
        self.only_loopback = is_loopback(host)
        self.closing = threading.Event()
        self._connections: dict[
            socket.socket, bool
        ] = {}  # whether it has a request, the longest so first
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own asks the name service for this machine's name, which can take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self._connections) >= MOST_CONNECTIONS and not self._make_room():
            with contextlib.suppress(OSError):
                request.sendall(_CROWDED)
            self.shutdown_request(request)
            return
        self._connections[request] = False
        super().process_request(request, client_address)

    def _make_room(self) -> bool:
        """Close the connection that has been without a whole request for longest; whether there was one."""
        for connection, busy in list(self._connections.items()):
            if not busy and self._connections.pop(connection, None) is not None:
                _wake(connection)
                return True
        return False

    def mark(self, connection: socket.socket, *, busy: bool) -> None:
        """Say whether a connection has a request that is not answered yet."""
        if self._connections.pop(connection, None) is not None:
            self._connections[connection] = busy

    def shutdown_request(self, request: Any) -> None:
        self._connections.pop(request, None)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        """Wake the threads that wait for another request of a client that keeps its connection."""
        for connection in list(self._connections):
            _wake(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that leaves is the weather's business; anything else is a bug, and is shown.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Head(BufferedIOBase):
    """Hands lines on. `whole`: the last one was blank, and not the end of all that came."""

    def __init__(self, lines: BufferedIOBase) -> None:
        self._lines = lines
        self.whole = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self._lines.readline(size)
        self.whole = line in (b"\r\n", b"\n")
        return line


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # the head and a short body leave in one packet
    timeout = IDLE_SECONDS
    server: _HttpServer

    def parse_request(self) -> bool:
        """Read the head; one that ends before its blank line is dropped: what is missing may be what matters."""
        lines, head = self.rfile, _Head(self.rfile)
        self.rfile = head
        try:
            parsed = super().parse_request()
        finally:
            self.rfile = lines
        if parsed and not head.whole:
            self.close_connection = True
            return False
        return parsed

    def _serve(self) -> None:
        try:
            request = self._request()
            self.server.mark(self.connection, busy=True)
            response = self._guarded() or self._answered(request)
        except Refusal as refusal:
            self.close_connection = True
            self._send(refusal.response())
            self._drain()
        except ConnectionLost as lost:
            self._lose(lost)
        else:
            self._send(response)
        finally:
            self.server.mark(self.connection, busy=False)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _answered(self, request: Request) -> Response:
        try:
            return self.server.emulator.handle(request)
        except ConnectionLost:
            raise
        except Exception:  # noqa: BLE001  a bug of the emulator is an answer too, and is shown
            traceback.print_exc()
            message = "The emulator has a bug; see its output"
            return Refusal("INTERNAL_ERROR", message=message).response()

    def _guarded(self) -> Response | None:
        """Refuse pages from elsewhere: one that came under a name of its own, and one that sends a form or a script.

        Browsers say where what changes something comes from; other clients do not.
        """
        named = self.headers.get("Host", "")
        if self.server.only_loopback and not is_loopback(_host_of(f"//{named}") or "localhost"):
            return Refusal("ACCESS_DENIED", message=f"This is not {named[:100]}").response()
        origin = self.headers.get("Origin")
        elsewhere = origin is not None and origin.rpartition("/")[2] != named
        site = self.headers.get("Sec-Fetch-Site", "none")
        if self.command not in ("GET", "HEAD") and (
            elsewhere or site not in ("none", "same-origin")
        ):
            message = "A page from elsewhere may change nothing here"
            return Refusal("ACCESS_DENIED", message=message).response()
        return None

    def _request(self) -> Request:
        try:
            parts = urlsplit(self.path)
        except ValueError:
            raise Refusal("VALIDATION_ERROR", message="The target of the request is none") from None
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, unquote(parts.path), query, headers, self._body())

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal() and len(length) < 20):
            raise Refusal("VALIDATION_ERROR", message="Content-Length is no number")
        if int(length) > MOST_BODY_BYTES:
            raise _too_large()
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionLost("reset")
        return body

    def _chunks(self) -> Any:
        total = 0
        while size := self._chunk_size():
            total += size
            if total > MOST_BODY_BYTES:
                raise _too_large()
            yield self.rfile.read(size)
            self.rfile.readline(3)
        trailers = _Head(self.rfile)
        while trailers.readline(1024).strip():
            pass
        if not trailers.whole:
            raise ConnectionLost("reset")

    def _chunk_size(self) -> int:
        size = self.rfile.readline(64).partition(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(size):
            raise Refusal("VALIDATION_ERROR", message="A chunk has no size")
        return int(size, 16)

    def _send(self, response: Response, *, most: int | None = None) -> None:
        """Send an answer, or its head and the first `most` bytes of its body."""
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body[:most])
        self.wfile.flush()

    def _drain(self) -> None:
        """Read on for a while: a close with unread input would reset the connection, and the answer with it."""
        self.connection.settimeout(2.0)
        with contextlib.suppress(OSError):
            left = _DRAINED_BYTES
            while left > 0 and (some := self.rfile.read1(65536)):
                left -= len(some)

    def _lose(self, lost: ConnectionLost) -> None:
        self.close_connection = True
        if lost.how == "cut" and lost.response:
            self._send(lost.response, most=len(lost.response.body) // 2)
            return
        if lost.how == "hang":
            self._hang(lost.seconds)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # Closing the object would wait for the files made of it.
        os.close(self.connection.detach())

    def _hang(self, seconds: float) -> None:
        """Say nothing until the time is over, the client leaves, or the server ends."""
        step = 0.05
        while seconds > 0 and not self.server.closing.wait(step):
            seconds -= step
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def version_string(self) -> str:
        return "toloka-upload-emulator"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Requests are counted by the emulator; nothing is printed."""


def _wake(connection: socket.socket) -> None:
    """End a connection; the thread that reads it finds out."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _host_of(address: str) -> str | None:
    """The host of an address; an impossible one is a name that nobody has."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return "?"


def _too_large() -> Refusal:
    return Refusal("ENTITY_TOO_LARGE", message=f"The body has more than {MOST_BODY_BYTES} bytes")
