"""The threads that answer requests: as few as keep the processor busy, and as many more as wait for somebody."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

log = logging.getLogger(__name__)

#: Threads that serve or stand ready. More would only hand the interpreter to and fro: it runs one at a time.
SIZE = 2
#: Threads that serve at most, when those that do are held up.
MOST = 8
#: Threads at most, those that wait included.
LIMIT = 2000


class Line(Protocol):
    """Where the connections to serve come from; see `orchestrator.server.connections`."""

    def take(self, *, wait: bool) -> Any | None: ...

    def put(self, connection: Any) -> None: ...


class Workers:
    """The part of a thread pool that cheroot asks for: start and stop.

    A worker in `waiting` (for a slow client, or in a watch) does not count: if it is the last, another takes its
    place. One that is held up by anything else is noticed from outside, and `help_out` is called.
    """

    def __init__(self, line: Line, size: int = SIZE, most: int = MOST, limit: int = LIMIT) -> None:
        self._line = line
        self._size, self._most, self._limit = size, most, limit
        self._lock = threading.Lock()
        #: Each thread and the connection it serves.
        self._serving: dict[threading.Thread, Any] = {}
        self._waiting = 0
        self._stopping = False

    @property
    def threads(self) -> int:
        return len(self._serving)

    @property
    def waiters(self) -> int:
        """Threads that wait for somebody else."""
        return self._waiting

    def start(self) -> None:
        with self._lock:
            for _ in range(self._size):
                self._grow()

    def help_out(self) -> None:
        """Add a thread, within bounds: those that there are do not get on."""
        with self._lock:
            if self._active < self._most and len(self._serving) < self._limit and not self._stopping:
                self._grow()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The calling worker waits for somebody else. Raises ConnectionAbortedError when none could take its place."""
        with self._lock:
            if self._active <= 1 and not self._stopping:
                if len(self._serving) >= self._limit:
                    raise ConnectionAbortedError("the client is slow, and there are too many like it")
                self._grow()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def stop(self, timeout: float = 5) -> None:
        """Wait for the threads, which end when the line does; after `timeout` seconds, close their connections."""
        with self._lock:
            self._stopping = True
            threads = list(self._serving)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            connection = self._serving.get(thread)
            if connection is not None:
                with suppress(OSError):  # gone already
                    connection.socket.shutdown(socket.SHUT_RDWR)

    @property
    def _active(self) -> int:
        return len(self._serving) - self._waiting

    def _grow(self) -> None:
        thread = threading.Thread(target=self._work, name="api-worker", daemon=True)
        self._serving[thread] = None
        thread.start()

    def _work(self) -> None:
        me = threading.current_thread()
        try:
            while (connection := self._next(me)) is not None:
                self._serving[me] = connection
                self._serve(connection)
                self._serving[me] = None
        finally:
            with self._lock:
                self._serving.pop(me, None)

    def _next(self, me: threading.Thread) -> Any | None:
        """What to serve next; None when that is somebody else's to do."""
        while self._active > self._size:
            if (connection := self._line.take(wait=False)) is not None:
                return connection
            with self._lock:
                if self._active > self._size:
                    # Counted out at once: else all who finish now would think that they are too many.
                    del self._serving[me]
                    return None
        return self._line.take(wait=True)

    def _serve(self, connection: Any) -> None:
        try:
            if connection.communicate():
                self._line.put(connection)
                return
        except OSError as error:
            log.debug("connection from %s ended: %s", connection.remote_addr, error)
        connection.close()
