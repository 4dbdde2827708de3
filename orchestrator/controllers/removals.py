"""Finalizers that a controller has taken off and its cache still shows.

Unlike other `Expectations` they never expire: acting on a pod that only seems to be held could count it twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from orchestrator.api.meta import Key


class Removals:
    """By the key of the owner. Safe to use from any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uids: dict[Key, set[str]] = {}

    def expect(self, key: Key, uids: Iterable[str]) -> None:
        """Call before taking them off: the event may arrive before the answer."""
        if waiting := set(uids):
            with self._lock:
                self._uids.setdefault(key, set()).update(waiting)

    def observed(self, key: Key, uid: str) -> None:
        """Seen without the finalizer, or gone; also when taking it off failed."""
        with self._lock:
            waiting = self._uids.get(key)
            if waiting is not None:
                waiting.discard(uid)
                if not waiting:
                    del self._uids[key]

    def pending(self, key: Key) -> bool:
        with self._lock:
            return key in self._uids

    def forget(self, key: Key) -> None:
        with self._lock:
            self._uids.pop(key, None)
