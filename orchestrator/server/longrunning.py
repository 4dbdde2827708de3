"""Requests that stay open (watch, logs -f, exec): counted, bounded, ended when their client goes or the server does."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.api.errors import TooManyRequests
from orchestrator.util import threads

#: Open at a time at most. All but watches cost a thread, about 32 KiB.
LIMIT = 1500


class LongRunning:
    """One thread waits for the hang-up of all clients at once, by epoll: nothing is polled, nothing must be written."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._ends: dict[int, Callable[[], None]] = {}
        self._epoll = select.epoll()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def __len__(self) -> int:
        return len(self._ends)

    @contextmanager
    def running(self, client: socket.socket, end: Callable[[], None]) -> Iterator[None]:
        """The body is such a request; `end` makes it finish, from any thread. Raises TooManyRequests."""
        descriptor = client.fileno()
        with self._lock:
            if len(self._ends) >= self._limit or self._stopping:
                raise TooManyRequests(
                    f"{len(self._ends)} watches, logs and other streams are open, which is the limit: try again later",
                    details={"retryAfterSeconds": 1},
                )
            self._ends[descriptor] = end
            self._epoll.register(descriptor, select.EPOLLRDHUP | select.EPOLLONESHOT)
            if self._thread is None:
                self._thread = threads.start("api-hangups", self._watch)
        try:
            yield
        finally:
            with self._lock:
                del self._ends[descriptor]
                self._epoll.unregister(descriptor)

    def stop(self) -> None:
        """End all of them, and let no other begin."""
        with self._lock:
            self._stopping = True
            ends = list(self._ends.values())
        for end in ends:
            end()

    def _watch(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                with self._lock:
                    end = self._ends.get(descriptor)
                if end is not None:
                    end()
