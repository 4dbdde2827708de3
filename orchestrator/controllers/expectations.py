"""What a controller has just done and its cache does not show yet (Kubernetes' `UIDTrackingControllerExpectations`).

A controller that acts on a cache older than its own last writes would act twice. So it notes how many creations and
which deletions it is waiting to see, and does not act on a key until it has seen them all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestrator.api.meta import Key
from orchestrator.util.clock import Clock

#: After this long without the events the cache is believed anyway: better to act twice than never again.
TIMEOUT = 300.0


@dataclass(slots=True)
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """Safe to use from any number of threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._expected: dict[Key, _Expected] = {}

    def satisfied(self, key: Key) -> bool:
        """True when everything expected for `key` was seen, or is overdue."""
        with self._lock:
            expected = self._expected.get(key)
            if expected is None:
                return True
            seen = expected.creations <= 0 and not expected.deletions
            return seen or self._clock.monotonic() - expected.since > TIMEOUT

    def expect(self, key: Key, *, creations: int = 0, deletions: Iterable[str] = ()) -> None:
        """Call before acting: an event may arrive before the call returns. `deletions` are uids."""
        with self._lock:
            self._expected[key] = _Expected(self._clock.monotonic(), creations, set(deletions))

    def creation_observed(self, key: Key, count: int = 1) -> None:
        """Also for creations that failed, which nobody will see."""
        with self._lock:
            if expected := self._expected.get(key):
                expected.creations -= count

    def deletion_observed(self, key: Key, uid: str) -> None:
        with self._lock:
            if expected := self._expected.get(key):
                expected.deletions.discard(uid)

    def forget(self, key: Key) -> None:
        with self._lock:
            self._expected.pop(key, None)
