"""Connections on which all that is read must come by one deadline: a server that trickles gets no more time."""

from __future__ import annotations

import functools
import socket
import ssl
import time
from typing import Any


class _Timed(socket.socket):
    #: Monotonic.
    deadline: float

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(*arguments, **options)


class _TimedTls(ssl.SSLSocket):
    deadline: float

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(*arguments, **options)


def connect(host: str, port: int, deadline: float, *, tls: bool) -> socket.socket:
    """`deadline` is monotonic. With `tls` no certificate is checked. Raises TimeoutError, OSError."""
    plain = socket.create_connection((host, port), _left(deadline))
    made: _Timed | _TimedTls
    if tls:
        with plain:
            made = _trusting().wrap_socket(plain, server_hostname=host)  # type: ignore[assignment]
    else:
        made = _Timed(fileno=plain.detach())
        made.settimeout(_left(deadline))
    made.deadline = deadline
    return made


def _left(deadline: float) -> float:
    """Raises TimeoutError when it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


@functools.cache
def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslsocket_class = _TimedTls
    return context
