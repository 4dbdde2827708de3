"""What a request handler may know and do about the connection it answers on: the one way to the client's socket."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

from orchestrator.api.request import User

#: Where the WSGI server puts it in the environ.
ENVIRON_KEY = "podlab.connection"
#: Between the values of an `Impersonate-...` header that came several times: a value may have a comma, but no line end.
VALUE_SEPARATOR = "\n"


class ClientConnection(Protocol):
    socket: socket.socket
    #: Who the client's certificate says it is, None without one.
    certificate_user: User | None
    #: Set when the rest of the request cannot be read: the connection closes after the answer.
    broken: bool

    def take_over(self) -> bytes:
        """From now on the handler reads the socket: what was read of it already, beyond the request's head.

        The connection closes after the answer.
        """

    def detached(self) -> AbstractContextManager[None]:
        """The request stays open for long: meanwhile its thread does not count as a worker."""


def connection(environ: Mapping[str, Any]) -> ClientConnection:
    return cast(ClientConnection, environ[ENVIRON_KEY])
