"""DNS over TCP (RFC 7766): messages with their length in front, several on one connection."""

from __future__ import annotations

import logging
import socket
import struct
from typing import Protocol

from agent.proxy.listen import bind
from agent.proxy.loop import READ, WRITE, Loop
from agent.proxy.table import Frontend

log = logging.getLogger(__name__)

#: Seconds a silent connection stays open.
IDLE = 10.0
#: Connections at once.
_MOST = 128
_SIZE = 65535
_LENGTH = struct.Struct("!H")


class Handler(Protocol):
    def handle(self, data: bytes, reply: Reply, *, tcp: bool) -> None: ...


class Reply(Protocol):
    def __call__(self, message: bytes, /) -> None: ...


class TcpServer:
    def __init__(self, loop: Loop, handler: Handler, ip: str, port: int, idle: float = IDLE) -> None:
        """Raises OSError when the address cannot be bound."""
        self.loop = loop
        self.handler = handler
        self.idle = idle
        self.connections: set[_Connection] = set()
        self._sock = bind(Frontend(ip, port, "TCP"))
        loop.add(self._sock.fileno(), READ, self._ready)

    @property
    def address(self) -> tuple[str, int]:
        ip, port = self._sock.getsockname()
        return ip, port

    def close(self) -> None:
        self.loop.dispose(self._sock)
        for connection in list(self.connections):
            connection.close()

    def _ready(self, events: int) -> None:
        try:
            sock, _ = self._sock.accept()
        except BlockingIOError:
            return
        except OSError as error:
            log.warning("a DNS connection is lost: %s", error)
            return
        if len(self.connections) >= _MOST:
            self.loop.dispose(sock)
            return
        sock.setblocking(False)
        self.connections.add(_Connection(self, sock))


class _Connection:
    def __init__(self, server: TcpServer, sock: socket.socket) -> None:
        self._server = server
        self._sock = sock
        self._received = b""
        self._unsent = b""
        self._closed = False
        self._timer = server.loop.call_later(server.idle, self.close)
        server.loop.add(sock.fileno(), READ, self._ready)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._timer.cancel()
            self._server.loop.dispose(self._sock)
            self._server.connections.discard(self)

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & ~WRITE and not self._closed:
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._touch()
        self._received += data
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            message, self._received = self._received[_LENGTH.size : end], self._received[end:]
            self._server.handler.handle(message, self._reply, tcp=True)

    def _reply(self, message: bytes) -> None:
        if not self._closed:
            self._unsent += _LENGTH.pack(len(message)) + message
            self._flush()

    def _flush(self) -> None:
        try:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        # A client that does not read its answers is not asked for more questions.
        self._server.loop.modify(self._sock.fileno(), WRITE if self._unsent else READ)

    def _touch(self) -> None:
        self._timer.cancel()
        self._timer = self._server.loop.call_later(self._server.idle, self.close)
