"""TLS as the API server speaks it: client certificates of the cluster's CA are welcome, not required."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from cheroot.ssl import Adapter

from orchestrator.api.request import User
from orchestrator.util.identity import Identity


def server_context(identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(identity.certificate, identity.key)
    context.load_verify_locations(identity.ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def certificate_user(sock: socket.socket) -> User | None:
    """The user a client certificate stands for: its common name, in the groups of its organizations."""
    certificate = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    if not certificate:
        return None
    subject: Any = certificate.get("subject", ())
    fields = [pair for rdn in subject for pair in rdn]
    names = [value for field, value in fields if field == "commonName"]
    groups = tuple(value for field, value in fields if field == "organizationName")
    return User(names[0], groups) if names and names[0] else None


class DeferredHandshake(Adapter):
    """Leaves the handshake to the thread that serves the connection.

    cheroot's own adapter does it where connections are accepted, so that one client that stalls would stall all.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context

    def bind(self, sock: socket.socket) -> socket.socket:
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, self.get_environ()

    def get_environ(self) -> dict[str, str]:
        return {"wsgi.url_scheme": "https"}

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> None:
        """The connection makes its own (`orchestrator.server.streams`)."""
