"""One of a connection's two sockets, and the bytes that go from it to the other.

What happens for every chunk of bytes is `End.ready` and `End.pump`: one recv and one send. They are written for
speed; everything rarer goes to the connection. Sockets are edge-triggered, so an end is read until it is empty (a
chunk shorter than asked for says so, epoll(7)) or until the other end takes no more (`blocked`), and each of the two
has an event that goes on. Big transfers are spliced: the kernel moves them, this process never sees the bytes.
"""

from __future__ import annotations

import os
from socket import SocketType
from typing import Protocol

from agent.proxy.loop import BROKEN, EDGE, ENDED, READ, WRITE, Loop
from agent.proxy.pipes import CAPACITY, Pipe, Pipes
from agent.proxy.relay import Side

#: Bytes of one recv.
CHUNK = 64 << 10
#: So many full chunks in a row, and the direction is spliced.
_BULK_AFTER = 4
#: Splices of one end before the others have their turn.
_TURN = 8
_SPLICE = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK


class Owner(Protocol):
    """The connection, as its ends see it."""

    loop: Loop
    pipes: Pipes

    def ended(self, end: End) -> None:
        """`end` has sent its last byte, and its peer has all of them."""

    def undeliverable(self, end: End) -> None:
        """The peer of `end` takes nothing any more."""

    def failed(self) -> None:
        """An end was reset."""


class End:
    """One of the two sockets of a connection, and the direction from it to its `peer`."""

    __slots__ = ("blocked", "connection", "full", "held", "over", "peer", "pipe", "side", "sock", "waiting")

    peer: End

    def __init__(self, connection: Owner, side: Side, sock: SocketType) -> None:
        self.connection = connection
        self.side = side
        self.sock = sock
        #: Bytes that the peer has not taken yet, when not in the pipe.
        self.held = b""
        self.pipe: Pipe | None = None
        #: The peer takes no more for now.
        self.blocked = False
        #: No more bytes come from here.
        self.over = False
        #: Full chunks in a row.
        self.full = 0
        #: Its socket reports that it takes bytes again.
        self.waiting = side is Side.BACKEND

    def ready(self, events: int) -> None:
        """Something happened on this end's socket."""
        if events & WRITE and self.peer.blocked:
            self.peer.flush()
        if events & ~WRITE:
            if not self.over:
                self.pump(events)
            elif events & BROKEN:
                self.connection.failed()

    def pump(self, events: int) -> None:
        """Move what has arrived to the peer. `events` with ENDED: go on until the end."""
        if self.pipe is not None:
            self.splice()
            return
        if self.blocked:
            return
        recv, send = self.sock.recv, self.peer.sock.send
        while True:
            try:
                data = recv(CHUNK)
            except BlockingIOError:
                return
            except OSError:
                self.connection.failed()
                return
            if not data:
                self.connection.ended(self)
                return
            try:
                sent = send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.connection.undeliverable(self)
                return
            size = len(data)
            if sent < size:
                self.held = data[sent:]
                self._block()
                return
            if size < CHUNK:
                self.full = 0
                if not events & ENDED:
                    return
            else:
                self.full += 1
                if self.full == _BULK_AFTER:
                    self.splice()
                    return

    def flush(self) -> None:
        """The peer takes bytes again: give it what is left, then go on reading."""
        self.blocked = False
        if self.held:
            try:
                sent = self.peer.sock.send(self.held)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.connection.undeliverable(self)
                return
            self.held = self.held[sent:]
            if self.held:
                self._block()
                return
        self.pump(ENDED)

    def splice(self) -> None:
        """Move bytes without looking at them, one turn's worth."""
        if self.blocked or self.over:
            return
        connection = self.connection
        try:
            pipe = self.pipe = self.pipe or connection.pipes.take()
        except OSError:  # no descriptors left: the slow way, then
            self.full = 0
            connection.loop.again(self._go_on)
            return
        source, target = self.sock.fileno(), self.peer.sock.fileno()
        moved = 0
        for _ in range(_TURN):
            if not pipe.filled:
                try:
                    pipe.filled = os.splice(source, pipe.write, CAPACITY, flags=_SPLICE)
                except BlockingIOError:
                    if moved < CHUNK:  # so little at a time is faster copied
                        self._leave_bulk()
                    return
                except OSError:
                    connection.failed()
                    return
                if not pipe.filled:
                    connection.ended(self)
                    return
                moved += pipe.filled
            try:
                pipe.filled -= os.splice(pipe.read, target, pipe.filled, flags=_SPLICE)
            except BlockingIOError:
                self._block()
                return
            except OSError:
                connection.undeliverable(self)
                return
        connection.loop.again(self._go_on)

    def release(self) -> None:
        """The connection is over."""
        if self.pipe is not None:
            self.connection.pipes.give(self.pipe)
            self.pipe = None

    def _go_on(self) -> None:
        if not self.over:
            self.pump(ENDED)

    def _leave_bulk(self) -> None:
        self.full = 0
        self.release()

    def _block(self) -> None:
        self.blocked = True
        peer = self.peer
        if not peer.waiting:
            peer.waiting = True
            self.connection.loop.modify(peer.sock.fileno(), READ | WRITE | ENDED | EDGE)
