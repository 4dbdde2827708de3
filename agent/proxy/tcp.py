"""TCP connections through the proxy: the sockets around `agent.proxy.relay`."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import struct
import time
from collections.abc import Callable, Collection
from socket import SocketType

from agent.proxy.balance import Balancer
from agent.proxy.end import End
from agent.proxy.loop import BROKEN, EDGE, ENDED, READ, WRITE, Loop
from agent.proxy.pipes import Pipes
from agent.proxy.relay import Close, Command, Connect, Finish, Pump, Relay, Side
from agent.proxy.table import Backend

log = logging.getLogger(__name__)

#: SYNs sent again before a connection attempt has failed: with the kernel's one-second timer, 3 to 7 seconds.
_SYN_RETRIES = 2
#: Probing of connections to what is no endpoint any more: after so many idle seconds, every so many, so many times.
_IDLE, _INTERVAL, _PROBES = 10, 5, 3

#: Seconds between complaints of the same kind.
_COMPLAIN_EVERY = 10.0

_ABORT = struct.pack("ii", 1, 0)


class Connection:
    """One client's connection: does what its relay says."""

    __slots__ = ("_backend", "_client", "_ends", "_owner", "_relay", "loop", "pipes")

    def __init__(
        self, owner: Connections, client: SocketType, choose: Callable[[Collection[Backend]], Backend | None]
    ) -> None:
        self.loop = owner.loop
        self.pipes = owner.pipes
        self._owner = owner
        self._client = client
        self._backend: SocketType | None = None
        self._ends: tuple[End, ...] = ()
        self._relay = Relay(choose)
        owner.add(self)
        self._do(self._relay.accepted())

    @property
    def backend(self) -> Backend | None:
        """The backend it is connected or being connected to."""
        return self._relay.tried[-1] if self._relay.tried else None

    def ended(self, end: End) -> None:
        """`end` has sent its last byte, and its peer has all of them."""
        end.over = True
        end.release()
        self._do(self._relay.ended(end.side))

    def undeliverable(self, end: End) -> None:
        """The peer of `end` takes nothing any more; what it had to say before is still to be heard."""
        peer = end.peer
        self.ended(end)
        if not peer.over:
            peer.pump(ENDED)

    def failed(self) -> None:
        if self._ends:  # not closed yet
            self._do(self._relay.failed())

    def expire(self) -> None:
        self._do(self._relay.expired())

    def probe(self) -> None:
        """Let the kernel find out whether the backend is still there, even if nobody sends anything."""
        if self._backend is None:
            return
        self._backend.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE)
        self._backend.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL)
        self._backend.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
        self._backend.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def _do(self, command: Command | None) -> None:
        while isinstance(command, Connect):
            command = self._connect(command.backend)
        match command:
            case Finish(side):
                self._finish(side)
            case Close(reset):
                self._close(reset)
            case Pump():
                self._pump()

    def _connect(self, backend: Backend) -> Command | None:
        """None when an event will tell how it went."""
        try:
            sock = SocketType(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            self._owner.complain(error)
            return self._relay.failed()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, _SYN_RETRIES)
        self._backend = sock
        if sock.connect_ex(backend) not in (0, errno.EINPROGRESS):
            return self._connect_failed()
        self.loop.add(sock.fileno(), READ | WRITE | ENDED | EDGE, self._connecting)
        return None

    def _connect_failed(self) -> Command:
        assert self._backend is not None
        self.loop.dispose(self._backend)
        self._backend = None
        return self._relay.connect_failed()

    def _connecting(self, events: int) -> None:
        assert self._backend is not None
        if events & BROKEN and self._backend.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._do(self._connect_failed())
            return
        self._do(self._relay.connected())
        if events & ~WRITE and self._ends:
            self._ends[1].pump(events)

    def _pump(self) -> None:
        assert self._backend is not None
        client = End(self, Side.CLIENT, self._client)
        backend = End(self, Side.BACKEND, self._backend)
        client.peer, backend.peer = backend, client
        self._ends = (client, backend)
        self.loop.handle(self._backend.fileno(), backend.ready)
        self.loop.add(self._client.fileno(), READ | ENDED | EDGE, client.ready)
        client.pump(0)

    def _finish(self, side: Side) -> None:
        sock = self._client if side is Side.CLIENT else self._backend
        assert sock is not None
        with contextlib.suppress(OSError):  # gone already: reading from it tells, and ends the connection
            sock.shutdown(socket.SHUT_WR)

    def _close(self, reset: bool) -> None:
        for sock in (self._client, self._backend):
            if sock is not None:
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                self.loop.dispose(sock)
        for end in self._ends:
            end.over = True
            end.release()
            del end.peer  # no cycles: reference counts free it all at once
        self._ends = ()
        self._owner.remove(self)


class Connections:
    """All connections of the proxy, and what they share."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.pipes = Pipes()
        self._all: set[Connection] = set()
        self._complain_after = 0.0
        #: Called when the last connection has ended.
        self.on_idle: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def open(self, client: SocketType, address: str, balancer: Balancer) -> None:
        Connection(self, client, lambda tried: balancer.choose(address, tried, time.monotonic()))

    def add(self, connection: Connection) -> None:
        self._all.add(connection)

    def remove(self, connection: Connection) -> None:
        self._all.discard(connection)
        if not self._all and self.on_idle is not None:
            self.on_idle()

    def complain(self, error: OSError) -> None:
        """Log that there are no descriptors (or memory) for a connection: seldom, for it comes in thousands."""
        now = time.monotonic()
        if now >= self._complain_after:
            self._complain_after = now + _COMPLAIN_EVERY
            log.warning("connections wait or are refused, %d are open: %s", len(self), error)

    def probe(self, backends: Collection[Backend]) -> None:
        """The `backends` get no more connections; see to it that those to vanished ones end."""
        for connection in self._all:
            if connection.backend in backends:
                connection.probe()

    def expire(self) -> None:
        """Close what is still open."""
        for connection in list(self._all):
            connection.expire()
