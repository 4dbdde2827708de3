"""The proxy's one thread of work: an edge-triggered epoll loop with timers and calls from other threads."""

from __future__ import annotations

import heapq
import itertools
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
#: The peer has sent its last byte.
ENDED = select.EPOLLRDHUP
#: Always reported: both directions are over, or the socket has an error.
BROKEN = select.EPOLLHUP | select.EPOLLERR
EDGE = select.EPOLLET

#: Events of one poll. Small, because Python allocates room for all of them each time.
_BATCH = 128

Handler = Callable[[int], None]


class Timer:
    """One call in the future; `cancel` may be called at any time."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Handlers by file descriptor. Only `call_from_thread` may be called from another thread."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._closing: list[socket.socket] = []
        self._again: list[Callable[[], None]] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._calls: deque[Callable[[], None]] = deque()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._running = False
        self.add(self._wake, READ, self._woken)

    def add(self, fd: int, events: int, handler: Handler) -> None:
        """Call `handler(events)` when something happens on `fd`; level-triggered unless `events` has EDGE."""
        self._handlers[fd] = handler
        self._epoll.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def handle(self, fd: int, handler: Handler) -> None:
        """Give the events of `fd`, which must be known already, to another handler."""
        self._handlers[fd] = handler

    def dispose(self, sock: socket.socket) -> None:
        """Forget the socket now, and close it when the current batch of events is done.

        Closed at once, its number could go to a new socket, and an event of the old one that is still in the batch
        would be taken for the new one's.
        """
        self._handlers.pop(sock.fileno(), None)
        self._closing.append(sock)

    def again(self, call: Callable[[], None]) -> None:
        """Call after the other descriptors have had their turn: for whoever has more to do than is fair at once."""
        self._again.append(call)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        timer = Timer(call)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), timer))
        return timer

    def call_from_thread(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        os.eventfd_write(self._wake, 1)

    def stop(self) -> None:
        """End `run` after the current batch."""
        self._running = False

    def run(self) -> None:
        """Work until `stop`. An error that a handler raises leaves here."""
        self._running = True
        poll, handlers = self._epoll.poll, self._handlers
        while self._running:
            for fd, events in poll(self._timeout(), _BATCH):
                handler = handlers.get(fd)
                if handler is not None:
                    handler(events)
            if self._again:
                calls, self._again = self._again, []
                for call in calls:
                    call()
            if self._timers:
                self._fire()
            if self._closing:
                self._close()

    def close(self) -> None:
        """Close what the loop itself opened."""
        self._close()
        self._epoll.close()
        os.close(self._wake)

    def _timeout(self) -> float | None:
        if self._again or self._calls:
            return 0
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _fire(self) -> None:
        now = time.monotonic()
        while self._timers and (self._timers[0][2].call is None or self._timers[0][0] <= now):
            call = heapq.heappop(self._timers)[2].call
            if call is not None:
                call()

    def _close(self) -> None:
        for sock in self._closing:
            sock.close()
        self._closing.clear()

    def _woken(self, events: int) -> None:
        os.eventfd_read(self._wake)
        while self._calls:
            self._calls.popleft()()
