"""A queue of object keys for a control loop, with client-go's guarantees (`k8s.io/client-go/util/workqueue`).

A key added many times before it is taken is handed out once; a key added while it is worked on is handed out again
only after `done`; so no two workers ever have the same key. Keys can be added later (`add_after`), and after a failure
with a growing delay (`add_rate_limited`) until `forget`.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque

from orchestrator.api.meta import Key
from orchestrator.util import threads
from orchestrator.util.clock import Clock, SystemClock

#: First and longest delay after failures, in seconds: client-go's ItemExponentialFailureRateLimiter.
BASE_DELAY = 0.005
MAX_DELAY = 1000.0


def failure_delay(failures: int, base: float = BASE_DELAY, limit: float = MAX_DELAY) -> float:
    """Seconds to wait after `failures` failures in a row before this one."""
    return min(limit, base * 2.0 ** min(failures, 63))


class WorkQueue:
    def __init__(self, clock: Clock | None = None, *, base_delay: float = BASE_DELAY, max_delay: float = MAX_DELAY):
        self._clock = clock or SystemClock()
        self._base_delay = base_delay
        self._max_delay = max_delay
        self._lock = threading.Lock()
        self._available = threading.Condition(self._lock)
        self._ready: deque[Key] = deque()
        #: Keys to hand out: those in `_ready`, and those that wait for `done`.
        self._dirty: set[Key] = set()
        self._taken: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._due: dict[Key, float] = {}
        #: (due, key); an entry that `_due` no longer agrees with is stale.
        self._heap: list[tuple[float, Key]] = []
        self._timer: threading.Thread | None = None
        self._timer_wake = threading.Event()
        self._closed = False

    def __len__(self) -> int:
        """The depth: keys ready to be taken."""
        with self._lock:
            return len(self._ready)

    def add(self, key: Key) -> None:
        with self._lock:
            self._add(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Add `key` when `seconds` have passed; when it is waiting already, the earlier time counts."""
        with self._lock:
            if seconds <= 0:
                self._add(key)
                return
            due = self._clock.monotonic() + seconds
            if self._closed or self._due.get(key, due + 1) <= due:
                return
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            if self._timer is None:
                self._timer = threads.start("workqueue-timer", self._run_timer)
            elif self._heap[0] == (due, key):
                self._timer_wake.set()

    def add_rate_limited(self, key: Key) -> None:
        """Add `key` after a delay that doubles with each call until `forget`."""
        with self._lock:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
        self.add_after(key, failure_delay(failures, self._base_delay, self._max_delay))

    def forget(self, key: Key) -> None:
        """The key's work succeeded (or is given up): its next failure starts at the first delay."""
        with self._lock:
            self._failures.pop(key, None)

    def failures(self, key: Key) -> int:
        """How often `add_rate_limited` was called since `forget`."""
        with self._lock:
            return self._failures.get(key, 0)

    def get(self) -> Key | None:
        """Wait for a key and take it; call `done` with it afterwards. None once the queue is shut down and empty."""
        with self._lock:
            self._add_due()
            while not self._ready and not self._closed:
                self._available.wait()
            if not self._ready:
                return None
            key = self._ready.popleft()
            self._dirty.discard(key)
            self._taken.add(key)
            return key

    def done(self, key: Key) -> None:
        """The work on a taken key is over; if it was added meanwhile it is handed out again."""
        with self._lock:
            self._taken.discard(key)
            if key in self._dirty:
                self._ready.append(key)
                self._available.notify()

    def shut_down(self) -> None:
        """Take no more keys; workers get what is ready, then None."""
        with self._lock:
            self._closed = True
            self._available.notify_all()
        self._timer_wake.set()

    def _add(self, key: Key) -> None:
        if self._closed or key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._taken:
            self._ready.append(key)
            self._available.notify()

    def _run_timer(self) -> None:
        while not self._closed:
            with self._lock:
                self._timer_wake.clear()
                pause = self._add_due()
                if self._closed:
                    return
            self._clock.wait(self._timer_wake, pause)

    def _add_due(self) -> float | None:
        """Add the keys whose time has come; seconds until the next one, None when none waits."""
        now = self._clock.monotonic()
        while self._heap:
            due, key = self._heap[0]
            if self._due.get(key) != due:
                heapq.heappop(self._heap)
            elif due <= now:
                heapq.heappop(self._heap)
                del self._due[key]
                self._add(key)
            else:
                return due - now
        return None
