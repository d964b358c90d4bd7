"""A peer that is no proper server: each connection is handed to a function that does with it as it likes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def raw_peer(behave: Behaviour, buffer: int | None = None) -> Iterator[str]:
    """
    Listen on loopback, and yield the address; connections end with the block.

    Args:
        buffer: Bytes that the kernel may take in before they are read; None: megabytes.
    """
    open_connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                behave(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    open_connections.append(connection)
                    threading.Thread(target=serve, args=[connection], daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for connection in [*open_connections, listener]:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def read_head(connection: socket.socket) -> bytes:
    """A request's head, and what came with it of its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the client is gone")
        data += more
    return data
