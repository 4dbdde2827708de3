"""Small TCP and UDP servers on loopback, to stand behind a proxy."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from agent.proxy.table import Backend


@contextlib.contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[Backend]:
    """Call `serve(connection)` in a thread for each connection; the connection is closed when it returns."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(ConnectionError):
            serve(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield Backend(*listener.getsockname())
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)


def echo(connection: socket.socket) -> None:
    while data := connection.recv(65536):
        connection.sendall(data)


def greet(text: bytes) -> Callable[[socket.socket], None]:
    """A server that speaks first, then hangs up."""
    return lambda connection: connection.sendall(text)


def refusing() -> Backend:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return Backend(*gone.getsockname())


def receive_all(connection: socket.socket) -> bytes:
    """Everything until the peer's end."""
    parts = []
    while data := connection.recv(1 << 20):
        parts.append(data)
    return b"".join(parts)
