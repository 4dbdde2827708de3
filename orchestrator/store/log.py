"""The recent writes, bounded by age, number and size. Not thread-safe."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.store.base import Compacted, Event, Record

#: Bounds beside age, so that a storm of writes cannot fill the memory.
MAX_WRITES = 50_000
MAX_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Write:
    """An event with who caused it and when (seconds since the epoch)."""

    event: Event
    at: float
    by: str

    @property
    def revision(self) -> int:
        return self.event.entry.revision

    def record(self) -> Record:
        entry = self.event.entry
        return Record(entry.revision, self.at, self.event.type, entry.key, self.by, entry)


class Log:
    """Writes in revision order. All after `floor` are here, those up to it are forgotten."""

    def __init__(self, floor: int, seconds: float, *, max_writes: int = MAX_WRITES, max_bytes: int = MAX_BYTES) -> None:
        self.floor = floor
        self._seconds = seconds
        self._max_writes = max_writes
        self._max_bytes = max_bytes
        #: Those before `_first` are forgotten already; they are cut off now and then, not one by one.
        self._writes: list[Write] = []
        self._first = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._writes) - self._first

    def append(self, write: Write) -> None:
        self._writes.append(write)
        self._bytes += len(write.event.entry.data)
        self._trim(write.at)

    def forget(self, revision: int) -> None:
        """Forget the writes up to and including `revision`."""
        while len(self) and self._writes[self._first].revision <= revision:
            self._drop()
        self.floor = max(self.floor, revision)
        self._cut()

    def since(self, revision: int) -> Sequence[Event]:
        """The events after `revision`, oldest first. Raises Compacted."""
        if revision < self.floor:
            raise Compacted(revision, self.floor)
        begin = bisect_right(self._writes, revision, lo=self._first, key=lambda write: write.revision)
        return [write.event for write in self._writes[begin:]]

    def of(self, key: str) -> Sequence[Record]:
        """The writes to one key, oldest first."""
        return [write.record() for write in self._writes[self._first :] if write.event.entry.key == key]

    def _trim(self, now: float) -> None:
        while len(self) and self._too_much(now):
            self._drop()
        self._cut()

    def _too_much(self, now: float) -> bool:
        return (
            len(self) > self._max_writes
            or self._bytes > self._max_bytes
            or self._writes[self._first].at < now - self._seconds
        )

    def _drop(self) -> None:
        write = self._writes[self._first]
        self._first += 1
        self._bytes -= len(write.event.entry.data)
        self.floor = write.revision

    def _cut(self) -> None:
        if self._first > 1000 and self._first * 2 > len(self._writes):
            del self._writes[: self._first]
            self._first = 0
