"""The threads that answer requests: as few as keep the processor busy, and as many more as wait for somebody."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from orchestrator.util import waits

log = logging.getLogger(__name__)

#: Threads that serve or stand ready. More would only hand the interpreter to and fro: it runs one at a time.
SIZE = 1
#: Threads that serve at most, when those that do are held up; and threads that wait for the disk at most.
MOST = 16
#: Seconds after which a request is held up: longer than the interpreter lets a thread run while others want to.
PATIENCE = 0.01
#: Threads at most, those that wait included.
LIMIT = 2000


class Line(Protocol):
    """Where the connections to serve come from; see `orchestrator.server.connections`."""

    def take(self, *, wait: bool) -> Any | None: ...

    def leave(self) -> None: ...

    def put(self, connection: Any) -> None: ...

    def pause(self, connection: Any) -> None: ...


class Workers:
    """The part of a thread pool that cheroot asks for: start and stop.

    A worker in `waiting` (for a slow client, or in a watch) does not count: another takes its place. So it is with one
    that says by `orchestrator.util.waits` that it waits. One that is held up by anything else is noticed from outside,
    and `help_out` is called. Workers that are too many rest until they are called, or end.
    """

    def __init__(self, line: Line, size: int = SIZE, most: int = MOST, limit: int = LIMIT) -> None:
        self._line = line
        self._size, self._most, self._limit = size, most, limit
        self._lock = threading.Lock()
        #: How many should serve or stand ready: more than `size` as long as `help_out` finds reason.
        self._places = size
        #: Each thread and the connection it serves.
        self._serving: dict[threading.Thread, Any] = {}
        self._waiting = 0
        self._pausing = 0
        self._resting = 0
        self._calls = threading.Semaphore(0)
        self._stopping = False

    @property
    def threads(self) -> int:
        """Threads that serve or stand ready."""
        return len(self._serving) - self._waiting - self._pausing - self._resting

    @property
    def waiters(self) -> int:
        """Threads that wait for somebody else."""
        return self._waiting

    @property
    def spare(self) -> int:
        """Threads that rest until they are called."""
        return self._resting

    def start(self) -> None:
        with self._lock:
            for _ in range(self._size):
                self._call()

    def help_out(self) -> None:
        """Make one more place, within bounds: those who serve do not get on."""
        with self._lock:
            if self._places < self._most:
                self._places += 1
                self._call()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The calling worker waits for somebody else. Raises ConnectionAbortedError when none could take its place."""
        with self._lock:
            if self.threads <= self._places and not self._call():
                raise ConnectionAbortedError("the client is slow, and there are too many like it")
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """The same for a wait that is soon over: it needs nobody to take the worker's place."""
        with self._lock:
            if self.threads <= self._places and self._pausing < self._most:
                self._call()
            self._pausing += 1
        try:
            yield
        finally:
            with self._lock:
                self._pausing -= 1

    def stop(self, timeout: float = 5) -> None:
        """Wait for the threads, which end when the line does; after `timeout` seconds, close their connections."""
        with self._lock:
            self._stopping = True
            self._calls.release(self._resting + 1)
            self._resting = 0
            threads = list(self._serving)
        deadline = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            connection = self._serving.get(thread)
            if connection is not None:
                with suppress(OSError):  # gone already
                    connection.socket.shutdown(socket.SHUT_RDWR)

    def _call(self) -> bool:
        """Have one more thread serve; False when there are too many. Called with the lock held."""
        if self._stopping:
            return True
        if self._resting:
            self._resting -= 1
            self._calls.release()
            return True
        if len(self._serving) >= self._limit:
            return False
        thread = threading.Thread(target=self._work, name="api-worker", daemon=True)
        self._serving[thread] = None
        thread.start()
        return True

    def _work(self) -> None:
        me = threading.current_thread()
        waits.tell(self.pausing)
        try:
            while (connection := self._next(me)) is not None:
                self._serving[me] = connection
                begun = time.monotonic()
                self._serve(connection)
                self._serving[me] = None
                if time.monotonic() - begun > PATIENCE:
                    self._give_up_a_place()  # the one that was made because of this
        finally:
            with self._lock:
                self._serving.pop(me, None)

    def _next(self, me: threading.Thread) -> Any | None:
        """What to serve next; None when the thread is to end."""
        while self._has_place(me):
            wait = self._places <= self._size
            if (connection := self._line.take(wait=wait)) is not None or wait:
                return connection
            self._give_up_a_place()
        return None

    def _give_up_a_place(self) -> None:
        with self._lock:
            self._places = max(self._size, self._places - 1)

    def _has_place(self, me: threading.Thread) -> bool:
        """True when the thread is to serve on, for which it may have rested."""
        with self._lock:
            if self._stopping or self.threads <= self._places:
                return True
            # Counted out at once: else all who finish now would think that they are too many.
            rests = self._resting < self._most
            if rests:
                self._resting += 1
            else:
                del self._serving[me]
        self._line.leave()
        if rests:
            self._calls.acquire()
        return rests and not self._stopping

    def _serve(self, connection: Any) -> None:
        try:
            stays = connection.communicate()
            if connection.pause is not None:
                self._line.pause(connection)
                return
            if stays:
                self._line.put(connection)
                return
        except OSError as error:
            log.debug("connection from %s ended: %s", connection.remote_addr, error)
        connection.close()
