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
#: Answers that are put off at one time at most, and for how many seconds while others have something to say.
_TOGETHER = 16
_PUT_OFF = 0.005


class Connections:
    """What it needs of a connection: `socket`, `rfile.has_data`, `close`, `pause`; and `patience` for idle seconds.

    The other half of the contract is `cheroot.connections.ConnectionManager`'s: put, stop, close.
    """

    def __init__(self, connect: Callable[[socket.socket, Any], Any]) -> None:
        """`connect` makes a connection of what was accepted; it raises OSError when there is none to be made."""
        self._connect = connect
        self._listener: socket.socket | None = None
        self._epoll = select.epoll()
        self._end = os.eventfd(0)
        self._epoll.register(self._end, select.EPOLLIN)
        #: By descriptor, with the moment when it became idle. Whoever removes a connection from here has it.
        self._idle: dict[int, tuple[Any, float]] = {}
        #: Those whose answer has come to a wait, with the moment when that is over at the latest.
        self._paused: dict[Any, float] = {}
        #: Those that can go on with their answer, with the moment since when; the first one first.
        self._answers: deque[tuple[Any, float]] = deque()
        #: How many of them go on now, one after the other: the wait of the first has served them all.
        self._given = 0
        #: False until a look for new requests follows on those: many answers must not keep them out.
        self._looked = True
        #: Can be read as long as there are some; each time it is written a thread that waits is woken.
        self._answering = os.eventfd(0, os.EFD_NONBLOCK)
        self._epoll.register(self._answering, select.EPOLLIN | select.EPOLLET)
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

        One that can go on with its answer is taken last: the wait before that may serve all that were taken before.
        """
        while not self._stopped.is_set():
            if (answering := self._answer(due=self._looked and self._is_due())) is not None:
                return answering
            self._looked = True
            events = self._epoll.poll(-1 if wait and not self._answers else 0, 1)
            if not events:
                if (answering := self._answer(due=True)) is not None or not wait:
                    return answering
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

    def pause(self, connection: Any) -> None:
        """Have a connection taken again when its `pause` is over."""
        pause = connection.pause
        pause.honoured = True
        self._paused[connection] = pause.due
        if pause.news is None:
            self._resume(connection)
        else:
            pause.news(lambda: self._resume(connection))

    def leave(self) -> None:
        """The calling thread takes no more: if some can go on with their answer, another must know of them."""
        with self._lock:
            if self._answers:
                os.eventfd_write(self._answering, 1)

    def run(self, help_out: Callable[[], None]) -> None:
        """Until `stop`: close connections that are idle too long; call `help_out` when nobody takes a ready one."""
        ready = select.poll()
        ready.register(self._epoll.fileno(), select.POLLIN)
        ready.register(self._answering, select.POLLIN)
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
        """Close the connections that nobody serves."""
        for connection in list(self._paused):
            if self._paused.pop(connection, None) is not None:
                connection.close()
        for descriptor in list(self._idle):
            if (found := self._idle.pop(descriptor, None)) is not None:
                found[0].close()

    def _resume(self, connection: Any) -> None:
        """Once only, whoever says it first: its pause is over."""
        if self._paused.pop(connection, None) is None:
            return
        with self._lock:
            if not self._answers:
                os.eventfd_write(self._answering, 1)
            self._answers.append((connection, time.monotonic()))

    def _is_due(self) -> bool:
        """Whether answers should be put off no more."""
        try:
            return len(self._answers) >= _TOGETHER or time.monotonic() - self._answers[0][1] > _PUT_OFF
        except IndexError:
            return False

    def _answer(self, *, due: bool) -> Any | None:
        """A connection that can go on with its answer, if those are given now or are `due`."""
        with self._lock:
            if due and not self._given:
                self._given, self._looked = min(len(self._answers), _TOGETHER), False
            if not self._given:
                return None
            self._given -= 1
            self._taken += 1
            connection, _ = self._answers.popleft()
            if not self._answers:
                os.eventfd_read(self._answering)
            return connection

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
        for connection, due in list(self._paused.items()):
            if now >= due:
                self._resume(connection)
        for descriptor, (connection, since) in list(self._idle.items()):
            if now - since > connection.patience and self._idle.pop(descriptor, None) is not None:
                connection.close()
        if self._listener is not None and not self._stopped.is_set():
            self._epoll.modify(self._listener, _READABLE)
