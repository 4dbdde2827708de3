"""How long who failed to pull an image waits before the next try."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass

from orchestrator.util.clock import Clock

#: The kubelet's back-off after failed pulls, in seconds.
FIRST = 10.0
LONGEST = 300.0


@dataclass(frozen=True, slots=True)
class Setback:
    """`message` is the last failure's. Times are monotonic."""

    message: str
    delay: float
    until: float


class PullBackoff:
    """By key: who pulls, and what. A failure long after the last one begins anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._setbacks: dict[Hashable, Setback] = {}

    def left(self, key: Hashable) -> tuple[float, str]:
        """Seconds still to wait, 0 for none, and why."""
        with self._lock:
            setback = self._setbacks.get(key)
        if setback is None:
            return 0.0, ""
        return max(0.0, setback.until - self._clock.monotonic()), setback.message

    def failed(self, key: Hashable, message: str) -> None:
        now = self._clock.monotonic()
        with self._lock:
            self._setbacks = {known: old for known, old in self._setbacks.items() if now <= old.until + LONGEST}
            last = self._setbacks.get(key)
            delay = FIRST if last is None else min(2 * last.delay, LONGEST)
            self._setbacks[key] = Setback(message, delay, now + delay)

    def succeeded(self, key: Hashable) -> None:
        with self._lock:
            self._setbacks.pop(key, None)
