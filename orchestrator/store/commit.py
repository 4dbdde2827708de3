"""Group commit: writers that come while the disk is busy share the next fsync; a lone writer never waits for others.

There is no thread for it: the first that waits for its write and finds the disk idle writes for all that have gathered
(it leads), and when it is done one of those that gathered meanwhile leads next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from orchestrator.store.base import StoreUnavailable
from orchestrator.store.journal import line
from orchestrator.store.log import Write


class Batch:
    """Writes that become durable together, or not at all."""

    def __init__(self, lock: threading.RLock) -> None:
        self.writes: list[Write] = []
        self.lines: list[bytes] = []
        self.keys: set[str] = set()
        self.finished = False
        #: Why the writes did not happen; "" when they did.
        self.error = ""
        self.changed = threading.Condition(lock)

    def add(self, write: Write) -> None:
        self.writes.append(write)
        self.lines.append(line(write))
        self.keys.add(write.event.entry.key)

    def finish(self, error: str) -> None:
        self.finished = True
        self.error = error
        self.changed.notify_all()


class GroupCommit:
    """All methods are called with the store's lock held; they let go of it while they wait and while the disk works."""

    def __init__(
        self,
        lock: threading.RLock,
        persist: Callable[[Sequence[Write], bytes], None],
        publish: Callable[[Sequence[Write]], None],
    ) -> None:
        """`persist` makes writes and their lines durable, without the lock, or raises StoreUnavailable; `publish` shows
        them to readers, with the lock."""
        self._lock = lock
        self._persist = persist
        self._publish = publish
        self._gathering = Batch(lock)
        self._writing: Batch | None = None

    @property
    def pending(self) -> int:
        """How many writes are on their way to the disk."""
        return len(self._gathering.writes) + (len(self._writing.writes) if self._writing else 0)

    def add(self, write: Write) -> Batch:
        """Have `write` made durable and published with others: when somebody waits for the batch."""
        self._gathering.add(write)
        return self._gathering

    def wait(self, batch: Batch) -> None:
        """Return when `batch` has finished."""
        while not batch.finished:
            if self._writing is None:
                self._lead()
            else:
                batch.changed.wait()

    def wait_for_all(self) -> None:
        """Return when no write is pending."""
        while batch := self._writing or (self._gathering if self._gathering.writes else None):
            self.wait(batch)

    def pending_batch(self, key: str) -> Batch | None:
        """The batch with a write to `key` that has not finished."""
        if self._writing and key in self._writing.keys:
            return self._writing
        return self._gathering if key in self._gathering.keys else None

    def _lead(self) -> None:
        batch = self._writing = self._gathering
        self._gathering = Batch(self._lock)
        error = "the write was interrupted: try again"
        self._lock.release()
        try:
            self._persist(batch.writes, b"".join(batch.lines))
            error = ""
        except StoreUnavailable as failure:
            error = str(failure)
        finally:
            self._lock.acquire()
            self._writing = None
            self._finish(batch, error)

    def _finish(self, batch: Batch, error: str) -> None:
        if not error:
            self._publish(batch.writes)
        batch.finish(error)
        if error:
            # Those that gathered meanwhile have revisions that follow on the failed ones.
            self._gathering.finish(error)
            self._gathering = Batch(self._lock)
        else:
            self._gathering.changed.notify()
