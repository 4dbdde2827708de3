"""TCP connections to programs that belong to users: whoever answers is taken for it."""

from __future__ import annotations

import socket
import ssl

#: Seconds for a connection to be made.
TIMEOUT = 5.0


class DialError(Exception):
    """Nobody answers; the sentence is as Go's `net` has it, which is what users know."""


def dial(address: str, port: int, *, tls: bool = False) -> socket.socket:
    """With `tls`, the other end's certificate is not looked at. Raises DialError."""
    where = f"{address}:{port}"
    try:
        sock = socket.create_connection((address, port), TIMEOUT)
    except TimeoutError:
        raise DialError(f"dial tcp {where}: i/o timeout") from None
    except OSError as error:
        raise DialError(f"dial tcp {where}: connect: {(error.strerror or str(error)).lower()}") from None
    return _secured(sock, where) if tls else sock


def _secured(sock: socket.socket, where: str) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        return context.wrap_socket(sock)
    except OSError as error:
        sock.close()
        raise DialError(f"tls: handshake with {where}: {(error.strerror or str(error))}") from None
