"""UDP services: each client's datagrams go to one backend, through a socket of their own (a flow)."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from agent.proxy.balance import Balancer
from agent.proxy.listen import bind
from agent.proxy.loop import READ, Loop, Timer
from agent.proxy.table import Backend, Frontend

log = logging.getLogger(__name__)

#: Seconds without a datagram after which a flow is forgotten.
IDLE = 60.0
#: Datagrams of one socket before the others have their turn.
_TURN = 64
_SIZE = 65535
#: ip(7): which of our addresses a datagram came to. Not in the socket module.
_IP_PKTINFO = 8
#: struct in_pktinfo: interface, our address to answer from, destination in the header.
_PKTINFO = struct.Struct("i4s4s")


class _Peer(NamedTuple):
    """A client, and the address of ours that it sends to: answers must come from there."""

    address: tuple[str, int]
    local: bytes


class UdpListener:
    """Answers on a frontend's address."""

    def __init__(self, loop: Loop, frontend: Frontend, balancer: Balancer, idle: float = IDLE) -> None:
        """Raises OSError when the address cannot be bound."""
        self.balancer = balancer
        self._loop = loop
        self._frontend = frontend
        self._idle = idle
        self._flows: dict[_Peer, _Flow] = {}
        self._sweeper: Timer | None = None
        self._sock = bind(frontend)
        self._sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        loop.add(self._sock.fileno(), READ, self._ready)

    @property
    def address(self) -> tuple[str, int]:
        ip, port = self._sock.getsockname()
        return ip, port

    def __len__(self) -> int:
        return len(self._flows)

    def drop(self, stays: Callable[[Backend], bool]) -> None:
        """Forget the flows whose backend does not stay: a datagram has no connection that could be drained."""
        for flow in [flow for flow in self._flows.values() if not stays(flow.backend)]:
            self.forget(flow)

    def close(self) -> None:
        self.drop(lambda _: False)
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._loop.dispose(self._sock)

    def answer(self, data: bytes, peer: _Peer) -> None:
        """Send a backend's datagram to the client."""
        source = _PKTINFO.pack(0, peer.local, b"\0\0\0\0")
        try:
            self._sock.sendmsg([data], [(socket.IPPROTO_IP, _IP_PKTINFO, source)], 0, peer.address)
        except OSError as error:
            log.debug("a datagram from %s to %s is lost: %s", self._frontend, peer.address, error)

    def _ready(self, events: int) -> None:
        for _ in range(_TURN):
            try:
                data, ancillary, _flags, address = self._sock.recvmsg(_SIZE, socket.CMSG_SPACE(_PKTINFO.size))
            except BlockingIOError:
                return
            except OSError as error:  # an ICMP error about an earlier answer
                log.debug("%s: %s", self._frontend, error)
                continue
            if self.balancer.route.admits(address[0]):
                self._forward(data, _Peer(address, _local(ancillary)))

    def _forward(self, data: bytes, peer: _Peer) -> None:
        """To the client's backend; when that refuses, to the next."""
        tried: list[Backend] = []
        while (flow := self._flows.get(peer) or self._open(peer, tried)) is not None:
            flow.used = time.monotonic()
            try:
                flow.sock.send(data)
                return
            except BlockingIOError:
                return  # its buffer is full: datagrams may be lost
            except OSError:
                tried.append(flow.backend)
                self.forget(flow)

    def _open(self, peer: _Peer, tried: list[Backend]) -> _Flow | None:
        backend = self.balancer.choose(peer.address[0], tried, time.monotonic())
        if backend is None:
            return None
        try:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            log.warning("a datagram to %s is lost: %s", self._frontend, error)
            return None
        if sock.connect_ex(backend):
            sock.close()
            return self._open(peer, [*tried, backend])
        flow = self._flows[peer] = _Flow(self, peer, backend, sock)
        self._loop.add(sock.fileno(), READ, flow.ready)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._idle, self._sweep)
        return flow

    def forget(self, flow: _Flow) -> None:
        """End a flow; the client's next datagram begins another, with the backend whose turn it is."""
        del self._flows[flow.peer]
        self._loop.dispose(flow.sock)

    def _sweep(self) -> None:
        oldest = time.monotonic() - self._idle
        for flow in [flow for flow in self._flows.values() if flow.used <= oldest]:
            self.forget(flow)
        self._sweeper = self._loop.call_later(self._idle / 2, self._sweep) if self._flows else None


class _Flow:
    """One client's datagrams to one backend and back."""

    __slots__ = ("_listener", "backend", "peer", "sock", "used")

    def __init__(self, listener: UdpListener, peer: _Peer, backend: Backend, sock: socket.socket) -> None:
        self._listener = listener
        self.peer = peer
        self.backend = backend
        self.sock = sock
        #: When it was last used, monotonic.
        self.used = time.monotonic()

    def ready(self, events: int) -> None:
        for _ in range(_TURN):
            try:
                data = self.sock.recv(_SIZE)
            except BlockingIOError:
                return
            except OSError:  # refused
                self._listener.forget(self)
                return
            self.used = time.monotonic()
            self._listener.answer(data, self.peer)


def _local(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            return bytes(_PKTINFO.unpack(data)[1])
    return b"\0\0\0\0"
