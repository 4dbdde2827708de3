"""The connections that nobody serves at the moment: whichever has something to say goes to the next free worker.

The workers wait at one epoll, so a request wakes the thread that answers it and no other.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from orchestrator.server.workers import PATIENCE

log = logging.getLogger(__name__)

_READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
#: Seconds between looks for connections that are idle too long.
_EVERY = 1.0
#: Answers that are postponed at one time at most, and for how many seconds while others have something to say.
_TOGETHER = 16
_POSTPONED = 0.005


class Connections:
    """What it needs of a connection: `socket`, `rfile.has_data`, `close`, and `patience`, its idle seconds at most.

    The other half of the contract is `cheroot.connections.ConnectionManager`'s: put, stop, close.
    """

    def __init__(self, connect: Callable[[socket.socket, Any], Any]) -> None:
        """`connect` makes a connection of what was accepted; it raises OSError when there is none to be made."""
        self._connect = connect
        self._listener: socket.socket | None = None
        self._epoll = select.epoll()
        self._end = os.eventfd(0)
        self._epoll.register(self._end, select.EPOLLIN)
        #: Written to wake one thread that waits.
        self._call = os.eventfd(0)
        self._epoll.register(self._call, select.EPOLLIN | select.EPOLLET)
        #: By descriptor, with the moment when it became idle. Whoever removes a connection from here has it.
        self._idle: dict[int, tuple[Any, float]] = {}
        #: Those that have an answer to give when no other has something to say, with the moment since when; the first
        #: one first. `_answers` can be read as long as there are some.
        self._postponed: deque[tuple[Any, float]] = deque()
        self._answers = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
        #: How many of them are given now, one after the other: the wait of the first has served them all.
        self._given = 0
        self._lock = threading.Lock()
        self._taken = 0
        self._stopped = threading.Event()

    def __len__(self) -> int:
        return len(self._idle)

    def listen(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._epoll.register(listener, _READABLE)

    def take(self, *, wait: bool) -> Any | None:
        """A connection to serve; None when there is none and `wait` is False, or after `stop`.

        One that has an answer to give is taken last: the wait before it serves all that were taken before.
        """
        while not self._stopped.is_set():
            if (postponed := self._answer(due=self._is_due())) is not None:
                return postponed
            events = self._epoll.poll(-1 if wait and not self._postponed else 0, 1)
            if not events:
                if (postponed := self._answer(due=True)) is not None or not wait:
                    return postponed
                continue
            descriptor = events[0][0]
            self._taken += 1
            if (idle := self._idle.pop(descriptor, None)) is not None:
                return idle[0]
            if self._listener is not None and descriptor == self._listener.fileno():
                self._accept(self._listener)
        return self._answer(due=True)

    def put(self, connection: Any) -> None:
        """Have a connection taken when it has something to say. Raises OSError."""
        descriptor = connection.socket.fileno()
        ready = connection.rfile.has_data()
        self._idle[descriptor] = (connection, time.monotonic())
        # What was read already is no event of the socket: then a socket that can be written to is one.
        self._epoll.modify(descriptor, _READABLE | (select.EPOLLOUT if ready else 0))

    def postpone(self, connection: Any) -> None:
        """Have a connection taken when no other has something to say, or soon: it has an answer to give."""
        with self._lock:
            self._postponed.append((connection, time.monotonic()))
            os.eventfd_write(self._answers, 1)

    def leave(self) -> None:
        """The calling thread takes no more: if there are postponed answers, another must know of them."""
        if self._postponed:
            os.eventfd_write(self._call, 1)

    def run(self, help_out: Callable[[], None]) -> None:
        """Until `stop`: close connections that are idle too long; call `help_out` when nobody takes a ready one."""
        ready = select.poll()
        ready.register(self._epoll.fileno(), select.POLLIN)
        ready.register(self._answers, select.POLLIN)
        swept = time.monotonic()
        while not self._stopped.is_set():
            if ready.poll(_EVERY * 1000):
                taken = self._taken
                self._stopped.wait(PATIENCE)
                if taken == self._taken and ready.poll(0):
                    help_out()
            if time.monotonic() - swept > _EVERY:
                self._sweep()
                swept = time.monotonic()

    def stop(self) -> None:
        """Nothing more is taken."""
        self._stopped.set()
        os.eventfd_write(self._end, 1)

    def close(self) -> None:
        """Close the idle connections."""
        for descriptor in list(self._idle):
            if (found := self._idle.pop(descriptor, None)) is not None:
                found[0].close()

    def _is_due(self) -> bool:
        """Whether no more answers should be postponed."""
        try:
            return len(self._postponed) >= _TOGETHER or time.monotonic() - self._postponed[0][1] > _POSTPONED
        except IndexError:
            return False

    def _answer(self, *, due: bool) -> Any | None:
        """A connection with a postponed answer, if those are given now or are `due`."""
        with self._lock:
            if due and not self._given:
                self._given = len(self._postponed)
            if not self._given:
                return None
            self._given -= 1
            self._taken += 1
            os.eventfd_read(self._answers)
            return self._postponed.popleft()[0]

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except BlockingIOError:
            self._epoll.modify(listener, _READABLE)
            return
        except OSError as error:
            # Most likely there are no descriptors left. The next look makes room, and listens again.
            log.warning("cannot accept a connection, trying again in a second: %s", error)
            return
        self._epoll.modify(listener, _READABLE)
        try:
            connection = self._connect(sock, address)
        except OSError as error:
            log.debug("connection from %s ended: %s", address, error)
            sock.close()
            return
        descriptor = connection.socket.fileno()
        self._idle[descriptor] = (connection, time.monotonic())
        self._epoll.register(descriptor, _READABLE)

    def _sweep(self) -> None:
        now = time.monotonic()
        for descriptor, (connection, since) in list(self._idle.items()):
            if now - since > connection.patience and self._idle.pop(descriptor, None) is not None:
                connection.close()
        if self._listener is not None and not self._stopped.is_set():
            self._epoll.modify(self._listener, _READABLE)
