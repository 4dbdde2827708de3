"""Patience that grows with every failure, per key (client-go's `flowcontrol.Backoff`)."""

from __future__ import annotations

import threading

from orchestrator.client.workqueue import failure_delay
from orchestrator.util.clock import Clock


class Backoff:
    """Safe to use from any number of threads. A key that is quiet for twice the longest delay starts again."""

    def __init__(self, clock: Clock, base: float, longest: float) -> None:
        self._clock = clock
        self._base = base
        self._longest = longest
        self._lock = threading.Lock()
        #: key -> (failures, time of the last one).
        self._failures: dict[str, tuple[int, float]] = {}

    def remaining(self, key: str) -> float:
        """Seconds for which `key` should still be left alone."""
        with self._lock:
            failures, last = self._failures.get(key, (0, 0.0))
            wait = failure_delay(failures - 1, self._base, self._longest) if failures else 0.0
            return max(0.0, last + wait - self._clock.monotonic())

    def failed(self, key: str) -> None:
        now = self._clock.monotonic()
        with self._lock:
            quiet = 2 * self._longest
            self._failures = {known: entry for known, entry in self._failures.items() if now - entry[1] <= quiet}
            failures, _ = self._failures.get(key, (0, 0.0))
            self._failures[key] = (failures + 1, now)
