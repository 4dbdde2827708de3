"""Asks the machine's resolvers, without waiting: a dead one holds up nobody but its asker."""

from __future__ import annotations

import errno
import logging
import os
import socket
import struct
from collections.abc import Callable, Sequence

from agent.dns import messages
from agent.proxy.loop import BROKEN, READ, WRITE, Loop

log = logging.getLogger(__name__)

#: Seconds for one attempt. All of them together must be less than the 5 s that clients wait (resolv.conf(5)).
TIMEOUT = 1.4
_ATTEMPTS = 3
_SIZE = 65535
PORT = 53

#: Gets the answer, with the asker's identifier, or None when no resolver gave one.
Done = Callable[[bytes | None], None]


class Lookup:
    """One question on its way: over UDP from resolver to resolver, over TCP when the answer was truncated."""

    def __init__(
        self, loop: Loop, query: bytes, servers: Sequence[tuple[str, int]], done: Done, timeout: float = TIMEOUT
    ) -> None:
        """`servers` must not be empty. `done` is called later, once, from the loop."""
        self._loop = loop
        self._identifier = query[:2]
        # An identifier of our own on a port of its own: hard to guess for who would forge an answer (RFC 5452).
        self._query = messages.with_identifier(query, os.urandom(2))
        self._servers = [servers[attempt % len(servers)] for attempt in range(max(_ATTEMPTS, len(servers)))]
        self._done = done
        self._timeout = timeout
        self._sock: socket.socket | None = None
        self._received = b""
        self._timer = loop.call_later(0, self._next)

    def cancel(self) -> None:
        self._timer.cancel()
        self._drop()

    def _next(self) -> None:
        """Ask the next resolver, or give up."""
        self._drop()
        if not self._servers:
            self._done(None)
            return
        self._server = self._servers.pop(0)
        self._open(socket.SOCK_DGRAM, READ, self._udp_ready)
        if self._sock is not None:
            self._send(self._query)

    def _open(self, kind: int, events: int, handler: Callable[[int], None]) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_later(self._timeout, self._next)
        try:
            sock = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
        except OSError as error:
            log.warning("a DNS question cannot be passed on: %s", error)
            return
        self._sock = sock
        self._loop.add(sock.fileno(), events, handler)
        if sock.connect_ex(self._server) not in (0, errno.EINPROGRESS):
            self._soon(self._next)

    def _udp_ready(self, events: int) -> None:
        assert self._sock is not None
        try:
            message = self._sock.recv(_SIZE)
        except BlockingIOError:
            return
        except OSError:  # refused
            self._next()
            return
        if not messages.answers(message, self._query):
            return
        if messages.is_truncated(message):
            self._drop()
            self._open(socket.SOCK_STREAM, WRITE, self._tcp_connected)
        else:
            self._finish(message)

    def _tcp_connected(self, events: int) -> None:
        assert self._sock is not None
        if events & BROKEN:
            self._next()
            return
        self._loop.modify(self._sock.fileno(), READ)
        self._loop.handle(self._sock.fileno(), self._tcp_ready)
        self._received = b""
        self._send(struct.pack("!H", len(self._query)) + self._query)

    def _tcp_ready(self, events: int) -> None:
        assert self._sock is not None
        try:
            data = self._sock.recv(_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._next()
            return
        self._received += data
        size = int.from_bytes(self._received[:2], "big")
        if len(self._received) >= 2 + size and len(self._received) > 2:
            message = self._received[2 : 2 + size]
            if messages.answers(message, self._query):
                self._finish(message)
            else:
                self._next()

    def _send(self, data: bytes) -> None:
        assert self._sock is not None
        try:
            self._sock.send(data)  # a fresh socket has room for it
        except OSError:
            self._soon(self._next)

    def _soon(self, call: Callable[[], None]) -> None:
        self._timer.cancel()
        self._timer = self._loop.call_later(0, call)

    def _finish(self, message: bytes) -> None:
        self.cancel()
        self._done(messages.with_identifier(message, self._identifier))

    def _drop(self) -> None:
        if self._sock is not None:
            self._loop.dispose(self._sock)
            self._sock = None
