"""A store that forgets everything with its process: for tests and for labs that need no disk."""

from __future__ import annotations

from orchestrator.store.base import Written
from orchestrator.store.changes import Change
from orchestrator.store.core import FIRST_REVISION, HISTORY, CoreStore
from orchestrator.store.log import Log, Write
from orchestrator.store.state import State
from orchestrator.util.clock import Clock


class MemoryStore(CoreStore):
    def __init__(self, clock: Clock, history_seconds: float = HISTORY) -> None:
        super().__init__(State(FIRST_REVISION), Log(0, history_seconds), clock)

    def _begin(self, key: str, change: Change, by: str) -> Written:
        with self._lock:
            self._check_open()
            event = change(self._state.get(key), self._state.revision + 1)
            self._publish([Write(event, self._clock.now(), by)])
        return Written(event.entry, _done)


def _done() -> None:
    """There is nothing to wait for."""
