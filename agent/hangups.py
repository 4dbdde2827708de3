"""Notices that a client hung up while its answer waits for something to say."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.util import threads


class HangUps:
    """One thread for all, from the first use on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoll: select.epoll | None = None
        self._callbacks: dict[int, Callable[[], None]] = {}

    @contextmanager
    def watched(self, sock: socket.socket, hung_up: Callable[[], None]) -> Iterator[None]:
        """Inside, `hung_up` is called once, from another thread, when the client closes its end.

        The client has nothing more to send, so anything to read on the socket is its goodbye.
        """
        fd = sock.fileno()
        with self._lock:
            epoll = self._started()
            self._callbacks[fd] = hung_up
            epoll.register(fd, select.EPOLLIN | select.EPOLLRDHUP)
        try:
            yield
        finally:
            self._forget(fd)

    def _started(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
            threads.start("hang-ups", self._run)
        return self._epoll

    def _forget(self, fd: int) -> Callable[[], None] | None:
        with self._lock:
            callback = self._callbacks.pop(fd, None)
            if callback is not None and self._epoll is not None:
                self._epoll.unregister(fd)
            return callback

    def _run(self) -> None:
        assert self._epoll is not None
        while True:
            for fd, _ in self._epoll.poll():
                callback = self._forget(fd)
                if callback is not None:
                    callback()
