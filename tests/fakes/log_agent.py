"""An agent's HTTPS server, as far as the API server uses it: container logs, and connections that are upgraded."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

from orchestrator.api.meta import Object
from orchestrator.util.pki import Identity


@dataclass
class LogAgent:
    """`lines` are what it answers; with `follow` it then stays open until the client goes or `release` is set."""

    port: int = 0
    lines: list[bytes] = field(default_factory=lambda: [b"one\n", b"two\n"])
    #: Answered instead of a log, as a Status with this code, when set.
    refusal: tuple[int, str] | None = None
    requests: list[str] = field(default_factory=list)
    #: Headers of the requests to upgrade, names in lower case.
    asked: list[dict[str, str]] = field(default_factory=list)
    #: Common names of the clients' certificates.
    clients: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    #: Set when a follower's connection was seen to end.
    abandoned: threading.Event = field(default_factory=threading.Event)

    def node(self, name: str) -> Object:
        """The Node object of this agent."""
        return {
            "metadata": {"name": name},
            "status": {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            },
        }


@contextmanager
def log_agent(identity: Identity) -> Iterator[LogAgent]:
    """Listens under `identity` and asks for client certificates of its CA."""
    agent = LogAgent()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(agent))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    context.load_verify_locations(identity.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    agent.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield agent
    finally:
        agent.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(agent: LogAgent) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            agent.requests.append(self.path)
            subject = dict(pair for rdn in self.connection.getpeercert()["subject"] for pair in rdn)
            agent.clients.append(subject["commonName"])
            if agent.refusal is not None:
                self._refuse(*agent.refusal)
                return
            if "Upgrade" in self.headers:
                self._upgrade()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for line in agent.lines:
                self._chunk(line)
            if "follow=true" in self.path and not self._follow():
                self.close_connection = True
                return
            self.wfile.write(b"0\r\n\r\n")

        def do_POST(self) -> None:
            self.do_GET()

        def _upgrade(self) -> None:
            """Greet together with the answer's head, then give back what comes."""
            agent.asked.append({name.lower(): value for name, value in self.headers.items()})
            head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: Echo\r\nServer: agent\r\n\r\n"
            self.connection.sendall(head.encode() + b"welcome\n")
            while data := self.connection.recv(1 << 16):
                self.connection.sendall(data)
            self.close_connection = True
            agent.abandoned.set()

        def _follow(self) -> bool:
            """Hold the answer open. False when the client went, which shows as the end of its sending."""
            self.connection.settimeout(0.05)
            while not agent.release.is_set():
                try:
                    if self.connection.recv(1) == b"":
                        agent.abandoned.set()
                        return False
                except TimeoutError:
                    continue
            return True

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def _refuse(self, code: int, message: str) -> None:
            body = orjson.dumps({"kind": "Status", "message": message, "code": code})
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler
