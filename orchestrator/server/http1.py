"""One request of HTTP/1.1 and its answer: cheroot's, but the heads of both are read and written here."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cheroot import server, wsgi
from cheroot.errors import MaxSizeExceeded

from orchestrator.server import requestline
from orchestrator.server.chunked import ChunkedBody
from orchestrator.server.connection import ENVIRON_KEY
from orchestrator.server.headers import read_headers, variable
from orchestrator.server.pause import Pause

if TYPE_CHECKING:
    from orchestrator.server.wsgi import Connection

#: Of an answer without a body, which says nothing about its length.
_BODILESS = (204, 304)
#: What the environ of every request says.
_ENVIRON: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class _Head:
    """The lines of a request's head, `limit` bytes at most. Raises cheroot's MaxSizeExceeded."""

    def __init__(self, rfile: Any, limit: int) -> None:
        self._readline = rfile.readline
        self._left = limit

    def readline(self) -> bytes:
        line: bytes = self._readline(self._left + 1)
        self._left -= len(line)
        if self._left < 0:
            raise MaxSizeExceeded
        return line


class Request(server.HTTPRequest):
    header_reader = staticmethod(read_headers)

    def __init__(self, http: Any, connection: Connection) -> None:
        super().__init__(http, connection)
        #: Of the answer, once the application has given them.
        self.headers: list[tuple[str, str]] = []
        self._gateway: Gateway | None = None
        #: The wait that the answer has come to.
        self.pause: Pause | None = None

    def parse_request(self) -> None:
        if self._gateway is not None:
            return  # its answer has begun
        self.conn.rfile.begin()
        self.rfile = _Head(self.conn.rfile, self.server.max_request_header_size)
        try:
            self.ready = self.read_request_line() and self.read_request_headers()
        except MaxSizeExceeded:
            status = "413 Request Entity Too Large" if self.started_request else "414 Request-URI Too Long"
            self.simple_response(status, "The head of the request is too long.")

    def read_request_line(self) -> bool:
        """False when the client went, or it cannot be read and the client has been told."""
        line = self.rfile.readline()
        if line == b"\r\n":
            line = self.rfile.readline()  # one too many behind the request before
        self.started_request = True
        if not line:
            return False
        try:
            parsed = requestline.parse(line)
        except requestline.UnknownVersion as error:
            self.simple_response("505 HTTP Version Not Supported", str(error))
            return False
        except ValueError as error:
            self.simple_response("400 Bad Request", str(error))
            return False
        self.method, self.uri, self.path, self.qs = parsed.method, parsed.uri, parsed.path, parsed.query
        self.response_protocol = f"HTTP/{parsed.version}"
        return True

    def read_request_headers(self) -> bool:
        """False when they cannot be read, and the client has been told."""
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if b"Transfer-Encoding" in self.inheaders and not self.chunked_read:
            # In HTTP/1.0 there is no such thing; what it meant is anybody's guess.
            self.simple_response("400 Bad Request", "Transfer-Encoding cannot be understood here.")
            return False
        return True

    def respond(self) -> None:
        """Answer, up to the next `pause` if there is one; called again, go on."""
        if self._gateway is None:
            if not self.chunked_read:
                self.rfile = server.KnownLengthRFile(self.conn.rfile, int(self.inheaders.get(b"Content-Length", 0)))
            self._gateway = self.server.gateway(self)
        self.pause = None
        self.pause = self._gateway.proceed()
        if self.pause is None and self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")

    def send_headers(self) -> None:
        names = {name.lower() for name, _ in self.headers}
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        lines += self._framing(names)
        self._drain()
        if "date" not in names:
            lines.append(_date(int(time.time())))
        if "server" not in names:
            lines.append(f"Server: {self.server.server_name}")
        self.conn.wfile.hold()
        self.conn.wfile.write("\r\n".join([*lines, "\r\n"]).encode("latin-1"))

    def _framing(self, names: set[str]) -> list[str]:
        """How the client knows where the answer ends, and whether the connection stays."""
        lines: list[str] = []
        code = int(self.status[:3])
        recent = self.response_protocol == "HTTP/1.1"
        if "content-length" not in names and code >= 200 and code not in _BODILESS:
            if recent and self.method != b"HEAD":
                self.chunked_write = True
                lines.append("Transfer-Encoding: chunked")
            else:
                self.close_connection = True
        if "connection" not in names and self.close_connection == recent:
            lines.append("Connection: close" if recent else "Connection: Keep-Alive")
        return lines

    def _drain(self) -> None:
        """Read the rest of the body: behind it comes the next request."""
        if not self.close_connection and not self.chunked_read and self.rfile.remaining:
            self.rfile.read(self.rfile.remaining)


class Gateway(wsgi.Gateway):
    """Between a request and the WSGI application."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        request, connection = self.req, self.req.conn
        if request.chunked_read:
            request.rfile = ChunkedBody(connection.rfile)
        environ = {
            **_ENVIRON,
            "REQUEST_METHOD": request.method.decode("latin-1"),
            "PATH_INFO": request.path.decode("latin-1"),
            "QUERY_STRING": request.qs.decode("latin-1"),
            "REQUEST_URI": request.uri.decode("latin-1"),
            "REMOTE_ADDR": connection.remote_addr,
            "SERVER_NAME": request.server.server_name,
            "SERVER_PORT": str(request.server.bind_addr[1]),
            "SERVER_PROTOCOL": request.response_protocol,
            "wsgi.url_scheme": request.scheme.decode("latin-1"),
            "wsgi.input": request.rfile,
            "wsgi.input_terminated": request.chunked_read,
            ENVIRON_KEY: connection,
        }
        for name, value in request.inheaders.items():
            environ[variable(name)] = value.decode("latin-1")
        return environ

    def start_response(
        self, status: str, headers: list[tuple[str, str]], _error: Any = None
    ) -> Callable[[bytes], None]:
        request = self.req
        request.status, request.headers = status, headers
        # The rest of the body cannot be read, or behind an upgrade no other request comes.
        if request.conn.broken or status.startswith("101"):
            request.close_connection = True
        return self.write

    def write(self, chunk: bytes) -> None:
        self.req.ensure_headers_sent()
        self.req.write(chunk)

    _answer: Iterable[bytes] | None = None
    _pieces: Iterator[bytes]

    def proceed(self) -> Pause | None:
        """Write the answer up to its next pause, or its end. Another empty piece sends the headers."""
        if self._answer is None:
            self._answer = self.req.server.wsgi_app(self.env, self.start_response)
            self._pieces = iter(self._answer)
        pause = None
        try:
            for piece in self._pieces:
                if isinstance(piece, Pause):
                    pause = piece
                    return pause
                if piece:
                    self.write(piece)
                else:
                    self._send_head()
            self._send_head()
        finally:
            if pause is None and hasattr(self._answer, "close"):
                self._answer.close()
        self._finish_body()
        return None

    def _send_head(self) -> None:
        self.req.ensure_headers_sent()
        self.req.conn.wfile.flush()

    def _finish_body(self) -> None:
        """Leave the connection where the next request begins: behind the trailers of a chunked body."""
        if not self.req.chunked_read:
            return
        if self.req.rfile.closed:
            for _ in self.req.rfile.read_trailer_lines():
                continue
        else:
            self.req.close_connection = True


@lru_cache(1)
def _date(second: int) -> str:
    """The header of all answers within that second."""
    return f"Date: {formatdate(second, usegmt=True)}"
