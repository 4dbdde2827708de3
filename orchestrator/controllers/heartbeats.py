"""Which nodes were heard of lately, by the observer's own monotonic clock.

The times inside a heartbeat are not looked at: clocks differ and jump. What counts is when a *new* heartbeat was seen.
Every node starts with a whole grace period, so neither a restart of the observer nor a new node is held against it.
"""

from __future__ import annotations

import threading


class Heartbeats:
    """`now` is in monotonic seconds throughout. Safe to use from any number of threads."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._lost: set[str] = set()

    def beat(self, node: str, now: float) -> bool:
        """A sign of life; True when the node was lost until now."""
        with self._lock:
            self._seen[node] = now
            returned = node in self._lost
            self._lost.discard(node)
            return returned

    def forget(self, node: str) -> None:
        with self._lock:
            self._seen.pop(node, None)
            self._lost.discard(node)

    def is_lost(self, node: str) -> bool:
        with self._lock:
            return node in self._lost

    def silent(self, now: float) -> list[str]:
        """Nodes not yet lost whose grace period is over."""
        with self._lock:
            return [node for node, seen in self._alive() if now - seen >= self._grace]

    def lose(self, node: str) -> None:
        with self._lock:
            if node in self._seen:
                self._lost.add(node)

    def excuse(self, now: float) -> None:
        """Nothing could be heard until now: all nodes that are not lost yet get a whole grace period."""
        with self._lock:
            for node, _ in self._alive():
                self._seen[node] = now

    def pause(self, now: float) -> float:
        """Seconds until the next node may turn silent; the grace period when there is none, so that one that comes
        meanwhile is not late."""
        with self._lock:
            return max(0.0, min((seen for _, seen in self._alive()), default=now) + self._grace - now)

    def _alive(self) -> list[tuple[str, float]]:
        return [(node, seen) for node, seen in self._seen.items() if node not in self._lost]
