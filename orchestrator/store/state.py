"""The live objects, found by key and in key order. Not thread-safe."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.store.base import Entry, Event, Page


@dataclass(slots=True)
class State:
    revision: int
    entries: dict[str, Entry] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, revision: int, entries: Iterable[Entry]) -> State:
        by_key = {entry.key: entry for entry in entries}
        return cls(revision, by_key, sorted(by_key))

    def get(self, key: str) -> Entry | None:
        return self.entries.get(key)

    def apply(self, event: Event) -> None:
        key = event.entry.key
        if event.type == "DELETED":
            del self.entries[key]
            del self._keys[bisect_left(self._keys, key)]
        else:
            if key not in self.entries:
                insort(self._keys, key)
            self.entries[key] = event.entry
        self.revision = event.entry.revision

    def page(self, prefix: str, after: str, limit: int) -> Page:
        """What `Store.list` answers about the newest state."""
        begin = bisect_right(self._keys, after) if after > prefix else bisect_left(self._keys, prefix)
        end = bisect_left(self._keys, prefix_end(prefix), lo=begin) if prefix else len(self._keys)
        stop = min(end, begin + limit) if limit else end
        entries = [self.entries[key] for key in self._keys[begin:stop]]
        return Page(entries, self.revision, end - max(stop, begin))


def prefix_end(prefix: str) -> str:
    """The least string greater than all strings that start with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def undo(entries: Iterable[Entry], events: Sequence[Event]) -> dict[str, Entry]:
    """The entries by key as they were before `events` (oldest first), the last writes to `entries`."""
    before = {entry.key: entry for entry in entries}
    for event in reversed(events):
        if event.previous is None:
            del before[event.entry.key]
        else:
            before[event.entry.key] = event.previous
    return before
