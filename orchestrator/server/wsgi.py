"""The WSGI server: cheroot, with its own streams, workers and handshake (docs/adr/001-wsgi-server.md)."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from cheroot import server, wsgi

from orchestrator.api.request import User
from orchestrator.server.certificates import certificate_user
from orchestrator.server.connections import Connections
from orchestrator.server.http1 import Gateway, Request
from orchestrator.server.pause import Pause
from orchestrator.server.streams import HANDSHAKE_TIMEOUT, Channel, Reader, Writer
from orchestrator.server.workers import Workers
from orchestrator.util.server_tls import DeferredHandshake

log = logging.getLogger(__name__)

_BACKLOG = 1024
#: Bytes of request line and headers at most.
_MAX_HEADERS = 64 * 1024
#: Seconds an idle connection is kept. Longer than clients keep theirs (Go: 90), so that they close first.
_KEEP_ALIVE = 180
_READ_BUFFER = 16 * 1024
_PLAIN_HTTP = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
)


class Connection(server.HTTPConnection):
    """A client's connection. The first time a thread serves it, it only shakes hands."""

    remote_addr: str

    def __init__(self, http: Server, sock: socket.socket, _makefile: object = None) -> None:
        self.server = http
        self.socket = sock
        self.requests_seen = 0
        self.certificate_user: User | None = None
        self.broken = False
        self._request: Request | None = None
        self._channel = Channel(sock, self._waiting)
        self._detached = False
        self._established = not isinstance(sock, ssl.SSLSocket)
        self.rfile = Reader(self._channel, _READ_BUFFER)
        self.wfile = Writer(self._channel)

    @property
    def patience(self) -> float:
        """Seconds that it may be idle."""
        return _KEEP_ALIVE if self._established else HANDSHAKE_TIMEOUT

    def RequestHandlerClass(self, http: Server, _: Connection) -> Request:
        """The request to serve next; cheroot asks for it under this name."""
        if self.pause is None:
            self._request = Request(http, self)
        assert self._request is not None
        return self._request

    @property
    def pause(self) -> Pause | None:
        """The wait that the answer to the last request has come to: whoever serves the connection next goes on."""
        return self._request.pause if self._request is not None else None

    @contextmanager
    def detached(self) -> Iterator[None]:
        with self.server.requests.waiting():
            self._detached = True
            try:
                yield
            finally:
                self._detached = False

    def take_over(self) -> bytes:
        self.broken = True
        return bytes(self.rfile.ahead())

    def _waiting(self) -> AbstractContextManager[None]:
        return nullcontext() if self._detached else self.server.requests.waiting()

    def communicate(self) -> bool:
        """Answer one request, up to a `pause`; True when the connection stays."""
        if self._established:
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        try:
            self._channel.handshake()
        except OSError as error:
            log.debug("handshake with %s: %s", self.remote_addr, error)
            self._explain(error.__cause__)
            return False
        self.certificate_user = certificate_user(self.socket)
        self._established = True
        return True

    def _explain(self, error: BaseException | None) -> None:
        """Answer a client that speaks HTTP without TLS in its own tongue."""
        if isinstance(error, ssl.SSLError) and error.reason == "HTTP_REQUEST":
            os.write(self.socket.fileno(), _PLAIN_HTTP)


class CannotListen(Exception):
    """The address cannot be listened on; the message says why and what to do."""


class Server(wsgi.Server):
    """Serves a WSGI application on one address; HTTPS with a TLS context."""

    ConnectionClass = Connection
    max_request_header_size = _MAX_HEADERS
    can_add_keepalive_connection = True
    nodelay = True

    def __init__(
        self, address: tuple[str, int], app: Callable[..., Any], context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(address, app, server_name="podlab", request_queue_size=_BACKLOG, timeout=_KEEP_ALIVE)
        self.gateway = Gateway
        self._line = Connections(self._connect)
        self.requests = Workers(self._line)
        if context is not None:
            self.ssl_adapter = DeferredHandshake(context)

    def prepare(self) -> None:
        """Listen. Raises CannotListen."""
        super().prepare()
        self._connections.close()
        self._connections: Any = self._line
        self._line.listen(self.socket)

    def serve(self) -> None:
        """Until `stop`, in another thread than those of the workers."""
        self._line.run(self.requests.help_out)

    def _connect(self, sock: socket.socket, address: tuple[str, int]) -> Connection:
        if self.ssl_adapter is not None:
            sock, _ = self.ssl_adapter.wrap(sock)
        connection = Connection(self, sock)
        connection.remote_addr, connection.remote_port = address[:2]
        return connection

    @staticmethod
    def bind_socket(listener: socket.socket, address: tuple[str, int]) -> socket.socket:
        """Raises CannotListen."""
        try:
            listener.bind(address)
        except OSError as error:
            listener.close()
            host, port = address
            raise CannotListen(
                f"cannot listen on {host}:{port} ({error.strerror}): end what uses the port, or choose another api_port"
            ) from error
        return listener

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """cheroot's own complaints; a client that broke off is not worth a traceback."""
        log.log(level, "%s", msg, exc_info=traceback)
