"""The sockets that clients connect to."""

from __future__ import annotations

import errno
import socket
from socket import SocketType

from agent.proxy.balance import Balancer
from agent.proxy.loop import READ, Loop
from agent.proxy.table import Frontend
from agent.proxy.tcp import Connections

_BACKLOG = 4096
#: Connections accepted before other descriptors have their turn.
_ACCEPTS = 64
#: Seconds without accepting when there are no descriptors left.
_PAUSE = 0.1
#: ip(7); not in the socket module.
_IP_FREEBIND = 15
#: errno values of accept(2) that concern the one connection only.
_LOST = (errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.EINTR)


def bind(frontend: Frontend) -> socket.socket:
    """A non-blocking socket on the frontend's address, listening if it is TCP. Raises OSError.

    Other proxies on this machine may bind the same address (SO_REUSEPORT). It is bound even while the address is not
    the machine's (IP_FREEBIND): the AnyIP route may come later.
    """
    kind = socket.SOCK_STREAM if frontend.protocol == "TCP" else socket.SOCK_DGRAM
    sock = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        sock.bind((frontend.ip, frontend.port))
        if frontend.protocol == "TCP":
            sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class TcpListener:
    """Accepts a frontend's connections."""

    def __init__(self, loop: Loop, frontend: Frontend, balancer: Balancer, connections: Connections) -> None:
        """Raises OSError when the address cannot be bound."""
        self.balancer = balancer
        self._loop = loop
        self._connections = connections
        self._sock = bind(frontend)
        # Accepted sockets inherit these.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        loop.add(self._sock.fileno(), READ, self._ready)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is the kernel's choice when the frontend's is 0."""
        ip, port = self._sock.getsockname()
        return ip, port

    def close(self) -> None:
        """Take what has connected already, then listen no more, and at once: a closed listener resets what waits in
        its queue."""
        for _ in range(_BACKLOG):
            if not self._accept():
                break
        self._loop.dispose_now(self._sock)

    def _ready(self, events: int) -> None:
        for _ in range(_ACCEPTS):
            if not self._accept():
                return

    def _accept(self) -> bool:
        """False when nobody waits, or nobody can be let in now."""
        try:
            # What socket.accept() does, without its lookups of enum members: they cost as much as the call itself.
            fd, (ip, _) = self._sock._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _LOST:
                return True
            self._connections.complain(error)
            self._pause()
            return False
        client = SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, fd)
        client.setblocking(False)
        if self.balancer.route.admits(ip):
            self._connections.open(client, ip, self.balancer)
        else:
            self._loop.dispose(client)
        return True

    def _pause(self) -> None:
        fd = self._sock.fileno()
        self._loop.modify(fd, 0)
        self._loop.call_later(_PAUSE, lambda: self._resume(fd))

    def _resume(self, fd: int) -> None:
        if self._sock.fileno() == fd:
            self._loop.modify(fd, READ)
