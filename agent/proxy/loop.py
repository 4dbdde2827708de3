"""The proxy's one thread of work: an edge-triggered epoll loop with timers and calls from other threads."""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import select
import time
from collections import deque
from collections.abc import Callable
from socket import SocketType

log = logging.getLogger(__name__)

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
#: The peer has sent its last byte.
ENDED = select.EPOLLRDHUP
#: Always reported: both directions are over, or the socket has an error.
BROKEN = select.EPOLLHUP | select.EPOLLERR
EDGE = select.EPOLLET

#: Events of one poll. Small, because Python allocates room for all of them each time.
_BATCH = 128
#: Seconds without events for a descriptor whose handler failed: a defect must not become a busy loop.
_PAUSE = 1.0

Handler = Callable[[int], None]


class Timer:
    """One call in the future; `cancel` may be called at any time."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Loop:
    """Handlers by file descriptor. Only `call_from_thread` may be called from another thread.

    A handler that fails is logged, and the others go on: one connection's defect must not end all connections.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._events: dict[int, int] = {}
        self._closing: list[SocketType] = []
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
        self._events[fd] = events
        self._epoll.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        self._events[fd] = events
        self._epoll.modify(fd, events)

    def handle(self, fd: int, handler: Handler) -> None:
        """Give the events of `fd`, which must be known already, to another handler."""
        self._handlers[fd] = handler

    def dispose(self, sock: SocketType) -> None:
        """Forget the socket now, and close it when the current batch of events is done.

        Closed at once, its number could go to a new socket, and an event of the old one that is still in the batch
        would be taken for the new one's.
        """
        fd = sock.fileno()
        self._handlers.pop(fd, None)
        self._events.pop(fd, None)
        self._closing.append(sock)

    def dispose_now(self, sock: SocketType) -> None:
        """As `dispose`, but the socket is closed at once; only its number is kept until the batch is done."""
        os.dup2(self._wake, sock.fileno(), inheritable=False)
        self.dispose(sock)

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
        """Work until `stop`."""
        self._running = True
        poll, handlers = self._epoll.poll, self._handlers
        while self._running:
            for fd, events in poll(self._timeout(), _BATCH):
                handler = handlers.get(fd)
                if handler is not None:
                    try:
                        handler(events)
                    except Exception:
                        log.exception("a handler failed; its descriptor is heard again in %s s", _PAUSE)
                        self._pause(fd)
            if self._again:
                calls, self._again = self._again, []
                for call in calls:
                    _run(call)
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
                _run(call)

    def _close(self) -> None:
        for sock in self._closing:
            sock.close()
        self._closing.clear()

    def _woken(self, events: int) -> None:
        os.eventfd_read(self._wake)
        while self._calls:
            _run(self._calls.popleft())

    def _pause(self, fd: int) -> None:
        if fd in self._handlers:
            self._epoll.modify(fd, 0)
            self.call_later(_PAUSE, lambda: self._resume(fd))

    def _resume(self, fd: int) -> None:
        if fd in self._handlers:
            self._epoll.modify(fd, self._events[fd])


def _run(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:
        log.exception("a call failed; the loop goes on")
