"""TLS for the servers of a cluster, on cheroot: certificates of the cluster's CA, and handshakes that stall nobody."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from cheroot.ssl import Adapter

from orchestrator.util.identity import Identity


def server_context(identity: Identity, clients: ssl.VerifyMode) -> ssl.SSLContext:
    """Shows `identity`; `clients` says whether its clients must show a certificate of the same CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(identity.certificate, identity.key)
    context.load_verify_locations(identity.ca)
    context.verify_mode = clients
    return context


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

    def makefile(self, sock: socket.socket, mode: str = "r", bufsize: int = -1) -> Any:
        """None: for connections that make their own file of the socket."""
        return None
