"""HTTPS for the agent's few clients: cheroot with mutual TLS, a port of the kernel's choice, a thread a connection."""

from __future__ import annotations

import io
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

from cheroot import makefile, wsgi

from agent.pool import Pool
from orchestrator.util import threads
from orchestrator.util.identity import Identity
from orchestrator.util.server_tls import DeferredHandshake, server_context

log = logging.getLogger(__name__)

#: Connections served at one time; a `logs -f` keeps one for as long as it lasts.
CONNECTIONS = 200
#: Seconds an idle connection is kept.
KEEP_ALIVE = 30
#: Where the connection's socket is in the WSGI environment.
SOCKET = "podlab.socket"
#: Where the function is that sends the answer's status and headers, before the body has anything to say.
SEND_HEAD = "podlab.send_head"


class HttpsServer:
    """`port` is known, and connections are taken, once this is made; they are answered after `start`.

    Only holders of a certificate of the cluster's CA get as far as the application.
    """

    def __init__(self, app: Callable[..., Any], identity: Identity, host: str = "0.0.0.0") -> None:
        self._server = _Server((host, 0), app, server_name="podlab-agent", timeout=KEEP_ALIVE)
        self._server.gateway = _Gateway
        self._server.requests = _Connections(self._server)
        self._server.ssl_adapter = _Tls(server_context(identity, ssl.CERT_REQUIRED))
        self._server.prepare()
        self.port = int(self._server.bind_addr[1])

    def start(self) -> None:
        threads.start("https", self._server.serve)

    def stop(self) -> None:
        """Connections are refused within a second; nobody waits for that."""
        threads.start("https-stop", self._server.stop)


class _Server(wsgi.Server):
    nodelay = True
    #: Seconds between looks for connections that are idle too long; each wakes the process.
    expiration_interval = 1

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(level, "%s", msg, exc_info=traceback)


class _Gateway(wsgi.Gateway_10):
    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        return environ | {SOCKET: self.req.conn.socket, SEND_HEAD: self.req.ensure_headers_sent}

    def start_response(self, *arguments: Any) -> Callable[[bytes], None]:
        # Behind an upgrade no other request comes.
        self.req.close_connection = self.req.close_connection or arguments[0].startswith("101")
        return super().start_response(*arguments)  # type: ignore[no-any-return]


class _Connections:
    """cheroot's contract of a worker pool."""

    def __init__(self, http: _Server) -> None:
        self._server, self._pool = http, Pool("https-connection", CONNECTIONS)

    def start(self) -> None:
        """Threads come with connections."""

    def stop(self, timeout: float = 5) -> None:
        """They end with the process."""

    def put(self, connection: Any) -> None:
        self._pool.submit(lambda: self._serve(connection))

    def _serve(self, connection: Any) -> None:
        try:
            if connection.communicate():
                self._server.put_conn(connection)
            else:
                connection.close()
        except OSError as error:
            log.debug("connection from %s ended: %s", connection.remote_addr, error)


class _Tls(DeferredHandshake):
    """With cheroot's own files of the socket."""

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        return makefile.MakeFile(sock, mode, bufsize if bufsize > 0 else io.DEFAULT_BUFFER_SIZE)
