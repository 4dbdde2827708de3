"""A web server that shows what reached it. For a pod: `python web_program.py [CERTIFICATE KEY]`.

Port 8080 is for everybody, 8443 the same over TLS, 8081 for programs in the pod alone.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

PAGE = b'<html><body><a href="/other?a=1&amp;b=2">other</a> <img src="here.png"></body></html>'
_PIECE = b"x" * (1 << 16)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        answer = getattr(self, "page_" + path.strip("/"), None)
        if answer is not None:
            answer()
        else:
            self._whole(json.dumps({"method": self.command, "path": self.path, "headers": dict(self.headers)}).encode())

    do_HEAD = do_DELETE = do_OPTIONS = do_GET

    def do_POST(self) -> None:
        """The digest of the body, or with /echo each piece at once."""
        echo = self.path.startswith("/echo")
        digest = hashlib.md5()
        if echo:
            self._begin_chunks()
        for piece in self._pieces():
            digest.update(piece)
            if echo:
                self._chunk(piece)
        if echo:
            self._chunk(b"")
        else:
            self._whole(digest.hexdigest().encode())

    do_PUT = do_PATCH = do_POST

    def page_html(self) -> None:
        self._whole(PAGE, content_type="text/html; charset=utf-8")

    def page_gzip(self) -> None:
        self._whole(gzip.compress(PAGE), content_type="text/html", encoding="gzip")

    def page_moved(self) -> None:
        self._whole(b"", 302, location=f"http://{self.headers['Host']}/there?x=1")

    def page_download(self) -> None:
        """As many MiB as the query says, without a length and until the connection ends."""
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        for _ in range(int(urlsplit(self.path).query) * 16):
            self.wfile.write(_PIECE)

    def page_events(self) -> None:
        """One a tick, for as long as somebody listens."""
        self._begin_chunks("text/event-stream")
        while True:
            self._chunk(b"data: tick\n\n")
            time.sleep(0.1)

    def page_broken(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"some")
        self.close_connection = True

    def page_socket(self) -> None:
        """A WebSocket that gives back what it gets."""
        self.close_connection = True
        peer = WSConnection(ConnectionType.SERVER)
        peer.initiate_upgrade_connection([(k.encode(), v.encode()) for k, v in self.headers.items()], self.path)
        while True:
            for event in peer.events():
                if isinstance(event, Request):
                    self.wfile.write(peer.send(AcceptConnection()))
                elif isinstance(event, TextMessage):
                    self.wfile.write(peer.send(TextMessage(event.data, message_finished=event.message_finished)))
                elif isinstance(event, CloseConnection):
                    self.wfile.write(peer.send(event.response()))
                    return
            peer.receive_data(self.connection.recv(1 << 16) or None)

    def _pieces(self):  # type: ignore[no-untyped-def]
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left and (piece := self.rfile.read(min(left, 1 << 16))):
            left -= len(piece)
            yield piece

    def _whole(
        self,
        body: bytes,
        code: int = 200,
        content_type: str = "application/json",
        encoding: str = "",
        location: str = "",
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        for name, value in (("Content-Encoding", encoding), ("Location", location)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin_chunks(self, content_type: str = "text/plain") -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may leave at any time."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def start(host: str, port: int, certificate: tuple[str, str] | None = None) -> ThreadingHTTPServer:
    """`server_address` says where it listens."""
    server = _Server((host, port), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    start("127.0.0.1", 8081)
    start("0.0.0.0", 8443, (sys.argv[1], sys.argv[2]))
    start("0.0.0.0", 8080)
    threading.Event().wait()
