"""A gRPC server on this machine that answers each call in one given way, over real HTTP/2."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded


@dataclass
class GrpcServer:
    """`reply` None never answers; else it is the message's bytes, and `trailers` follow."""

    reply: bytes | None
    trailers: Mapping[str, str]
    port: int = 0
    #: (path, message) of each call.
    calls: list[tuple[str, bytes]] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        http, path, body = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8")), "", b""
        http.initiate_connection()
        with connection:
            while True:
                connection.sendall(http.data_to_send())
                data = connection.recv(65536)
                if not data:
                    return
                for event in http.receive_data(data):
                    if isinstance(event, RequestReceived):
                        path = dict(event.headers or ())[":path"]  # type: ignore[index]
                    elif isinstance(event, DataReceived):
                        body += event.data or b""
                    elif isinstance(event, StreamEnded):
                        self.calls.append((str(path), body))
                        self._answer(http, event.stream_id or 1)

    def _answer(self, http: H2Connection, stream: int) -> None:
        if self.reply is None:
            return
        http.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        http.send_data(stream, b"\0" + len(self.reply).to_bytes(4, "big") + self.reply)
        http.send_headers(stream, list(self.trailers.items()), end_stream=True)


@contextmanager
def grpc_server(reply: bytes | None, **trailers: str) -> Iterator[GrpcServer]:
    """Trailers with `_` for `-`; `grpc_status` is 0 unless given."""
    named = {"grpc-status": "0"} | {name.replace("_", "-"): value for name, value in trailers.items()}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = GrpcServer(reply, named, listener.getsockname()[1])
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        yield server
