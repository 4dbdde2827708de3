"""The threads that answer requests: a fixed number that work, and as many more as wait for their clients."""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

log = logging.getLogger(__name__)

#: Requests worked on at a time. More would only wait for each other: the interpreter runs one at a time.
SIZE = 8
#: Threads at most, those that wait included; beyond, new connections are turned away.
LIMIT = 2000


class Workers:
    """The contract of `cheroot.workers.threadpool.ThreadPool`: start, put, stop, and what the server's stats ask for.

    A worker in `waiting` (for a slow client, or in a watch) does not count, so a connection that comes then gets a
    thread of its own; threads there are too many of end when they are done.
    """

    def __init__(self, server: Any, size: int = SIZE, limit: int = LIMIT) -> None:
        self._server = server
        self._size, self._limit = size, limit
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        #: Each thread and the connection it serves.
        self._serving: dict[threading.Thread, Any] = {}
        self._waiting = 0
        #: Threads at the queue to which nothing has been given yet, and connections for which there was no thread.
        self._idle = 0
        self._backlog = 0
        self._stopping = False

    def start(self) -> None:
        """Threads come with the first connections."""

    @property
    def threads(self) -> int:
        return len(self._serving)

    def put(self, connection: Any) -> None:
        """Have a connection served. Raises queue.Full."""
        with self._lock:
            if self._idle:
                self._idle -= 1
            elif self._may_grow():
                self._grow()
            elif len(self._serving) >= self._limit:
                raise queue.Full
            else:
                self._backlog += 1
        self._queue.put(connection)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The calling worker waits for somebody else: it does not count meanwhile."""
        with self._lock:
            self._waiting += 1
            if self._backlog and self._may_grow():
                self._backlog -= 1
                self._grow()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def stop(self, timeout: float = 5) -> None:
        """End the threads, after what they do now; after `timeout` seconds, close their connections."""
        with self._lock:
            self._stopping = True
            threads = list(self._serving)
        for _ in threads:
            self._queue.put(None)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            connection = self._serving.get(thread)
            if connection is not None:
                with suppress(OSError):  # gone already
                    connection.socket.shutdown(socket.SHUT_RDWR)

    def _may_grow(self) -> bool:
        return len(self._serving) - self._waiting < self._size and len(self._serving) < self._limit

    def _grow(self) -> None:
        thread = threading.Thread(target=self._work, name="api-worker", daemon=True)
        self._serving[thread] = None
        thread.start()

    def _work(self) -> None:
        me = threading.current_thread()
        try:
            while (connection := self._queue.get()) is not None:
                self._serving[me] = connection
                self._serve(connection)
                self._serving[me] = None
                if not self._stay(me):
                    return
        finally:
            with self._lock:
                self._serving.pop(me, None)

    def _serve(self, connection: Any) -> None:
        try:
            if connection.communicate():
                self._server.put_conn(connection)
            else:
                connection.close()
        except OSError as error:
            log.debug("connection from %s ended: %s", connection.remote_addr, error)

    def _stay(self, me: threading.Thread) -> bool:
        """Take the next connection of the backlog, or be idle; False when there are threads enough."""
        with self._lock:
            if self._stopping:
                return True  # to take the end mark that is meant for this thread
            if len(self._serving) - self._waiting > self._size:
                # Counted out at once: else all who finish now would think that they are too many.
                del self._serving[me]
                return False
            if self._backlog:
                self._backlog -= 1
            else:
                self._idle += 1
            return True
