"""What every store of ours shares: the state, the log of recent writes and the watches, in memory.

A store decides how a write becomes durable (`_begin`); everything that reads sees only what `_publish` was given.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence

from orchestrator.api.meta import Object
from orchestrator.store import changes
from orchestrator.store.base import (
    Compacted,
    Entry,
    Filed,
    FutureRevision,
    KeyNotFound,
    Page,
    Record,
    StoreUnavailable,
    Written,
)
from orchestrator.store.log import Log, Write
from orchestrator.store.state import State, undo
from orchestrator.store.watch import Hub, Scope, StoreWatch
from orchestrator.util import waits
from orchestrator.util.clock import Clock

#: The revision of an empty store, as etcd's: 0 would mean "any" to the API.
FIRST_REVISION = 1
#: Seconds.
HISTORY = 3600.0
#: The watches let go of forgotten events when there are this many, not one by one.
_FORGET_EVERY = 1000


class CoreStore(ABC):
    """See `orchestrator.store.base.Store`."""

    def __init__(self, state: State, log: Log, clock: Clock) -> None:
        self._clock = clock
        # Reentrant, as the garbage collector may close a forgotten watch at any moment, in any thread.
        self._lock = threading.RLock()
        self._state = state
        self._log = log
        self._hub = Hub(self._lock, state.revision)
        self._closed = False

    @property
    def revision(self) -> int:
        return self._state.revision

    def get(self, key: str) -> Entry:
        entry = self._state.get(key)
        if entry is None:
            raise KeyNotFound(f"there is no {key}")
        return entry

    def list(self, prefix: str, *, limit: int = 0, after: str = "", revision: int = 0) -> Page:
        with self._lock:
            self._check_revision(revision)
            if revision in (0, self._state.revision):
                return self._state.page(prefix, after, limit)
            past = self._state_at(prefix, revision)
        return past.page(prefix, after, limit)

    def create(self, key: str, obj: Object, *, by: str = "") -> Entry:
        return _acknowledged(self.begin_create(key, obj, by=by))

    def update(self, key: str, obj: Object, expected: int, *, by: str = "") -> Entry:
        return _acknowledged(self.begin_update(key, obj, expected, by=by))

    def delete(self, key: str, expected: int, *, by: str = "") -> Entry:
        return _acknowledged(self._begin(key, changes.delete(key, expected), by))

    def begin_create(self, key: str, obj: Object, *, by: str = "") -> Written:
        return self._begin(key, changes.create(key, obj), by)

    def begin_update(self, key: str, obj: Object, expected: int, *, by: str = "") -> Written:
        return self._begin(key, changes.update(key, obj, expected), by)

    def watch(self, prefix: str, since: int, filed: Filed | None = None) -> StoreWatch:
        with self._lock:
            self._check_open()
            self._check_revision(since)
            return self._hub.open(Scope(prefix, filed), since, self._log.since(since))

    def history(self, key: str) -> Sequence[Record]:
        with self._lock:
            return self._log.of(key)

    def compact(self, revision: int) -> None:
        with self._lock:
            self._check_open()
            self._check_revision(revision)
            self._log.forget(revision)
            self._hub.forget(self._log.floor)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._hub.close()

    @abstractmethod
    def _begin(self, key: str, change: changes.Change, by: str) -> Written:
        """Give a write its revision. When its `wait` returns it is durable, and has been published."""

    def _publish(self, writes: Sequence[Write]) -> None:
        """Show durable writes to readers and watches. Called with the lock held."""
        for write in writes:
            self._state.apply(write.event)
            self._log.append(write)
        self._hub.publish([write.event for write in writes])
        if self._log.floor - self._hub.floor >= _FORGET_EVERY:
            self._hub.forget(self._log.floor)

    def _state_at(self, prefix: str, revision: int) -> State:
        """The objects under `prefix` as of `revision`. Called with the lock held."""
        events = [event for event in self._log.since(revision) if event.entry.key.startswith(prefix)]
        return State.of(revision, undo(self._state.page(prefix, "", 0).entries, events).values())

    def _check_revision(self, revision: int) -> None:
        if revision > self._state.revision:
            raise FutureRevision(f"revision {revision} has not happened; the last is {self._state.revision}")
        if 0 < revision < self._log.floor:
            raise Compacted(revision, self._log.floor)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed: the server is shutting down, try again in a moment")


def _acknowledged(written: Written) -> Entry:
    with waits.waiting():
        return written.acknowledged()
