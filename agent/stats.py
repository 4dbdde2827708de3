"""What containers use: the engine's counters as rates."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from agent.runtime.base import Runtime, Stats


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in cores, averaged over `window` seconds up to `at` (since the epoch); memory in bytes."""

    cpu: float
    memory: int
    at: float
    window: float


def usage(before: Stats, after: Stats) -> Usage | None:
    """The use between two samples of one container, or None when they are of the same moment or it began anew."""
    window = after.at - before.at
    spent = after.cpu_nanoseconds - before.cpu_nanoseconds
    if window <= 0 or spent < 0:
        return None
    return Usage(spent / 1e9 / window, after.memory_working_set, after.at, window)


class UsageMeter:
    """Remembers each container's last sample. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._last: dict[str, Stats] = {}

    def measure(self, id: str) -> Usage | None:
        """The container's use since it was last measured; None the first time.

        Raises NoSuchContainer, EngineUnreachable.
        """
        now = self._runtime.stats(id)
        with self._lock:
            before, self._last[id] = self._last.get(id), now
        return None if before is None else usage(before, now)

    def keep(self, ids: Collection[str]) -> None:
        """Forget all other containers."""
        with self._lock:
            for id in self._last.keys() - set(ids):
                del self._last[id]
