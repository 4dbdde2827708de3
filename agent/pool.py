"""A bounded pool of threads that costs nothing when there is nothing to do."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from orchestrator.util import threads

log = logging.getLogger(__name__)

Task = Callable[[], None]

#: Seconds after which a thread without work ends.
IDLE = 5.0


class Pool:
    """Runs tasks on at most `size` threads, in the order they came; threads come and go with the work."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._changed = threading.Condition()
        self._tasks: deque[Task] = deque()
        self._threads = 0
        self._idle = 0

    @property
    def threads(self) -> int:
        """How many there are now, working or waiting for work."""
        return self._threads

    def submit(self, task: Task) -> None:
        """Never blocks. A task that raises is logged; it takes no thread with it."""
        with self._changed:
            self._tasks.append(task)
            if self._idle >= len(self._tasks) or self._threads == self._size:
                self._changed.notify()
                return
            self._threads += 1
        threads.start(self._name, self._work)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task()
            except Exception:
                log.exception("%s: a task failed; going on with the next", self._name)

    def _next(self) -> Task | None:
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._tasks, timeout=IDLE)
            self._idle -= 1
            if self._tasks:
                return self._tasks.popleft()
            self._threads -= 1
            return None
