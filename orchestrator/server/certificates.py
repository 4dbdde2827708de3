"""Who a client is, by its certificate."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from orchestrator.api.request import User


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
