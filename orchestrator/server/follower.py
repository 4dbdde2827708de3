"""An index that is in step with a part of the store whenever it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from orchestrator.store.base import Compacted, Entry, Store, Watch


class Index(Protocol):
    """What is kept of the followed objects. Others read it meanwhile, so a change must never show half of itself."""

    def put(self, entry: Entry) -> None:
        """The object is new, or has changed."""

    def drop(self, entry: Entry) -> None:
        """The object is gone; `entry` is its last state."""


IndexT = TypeVar("IndexT", bound=Index)


class Follower(Generic[IndexT]):
    """Follows the keys that start with `prefix` by pulling: no thread, and whoever asks reads his own writes.

    While nothing was written anywhere, asking costs one comparison.
    """

    def __init__(self, store: Store, prefix: str, make: Callable[[], IndexT]) -> None:
        self._store, self._prefix, self._make = store, prefix, make
        self._lock = threading.Lock()
        self._index = make()
        self._watch: Watch | None = None
        self._seen = -1

    def index(self) -> IndexT:
        """With every write that was acknowledged before the call."""
        if self._store.revision > self._seen:
            with self._lock:
                self._seen = self._catch_up()
        return self._index

    def _catch_up(self) -> int:
        """Returns the revision that the index is at."""
        watch = self._watch or self._begin()
        try:
            self._pull(watch)
        except Compacted:
            watch = self._begin()  # nobody asked for so long that history is gone
        return watch.revision

    def _begin(self) -> Watch:
        """Read all, into a new index: the old one is whole until then."""
        page = self._store.list(self._prefix)
        index = self._make()
        for entry in page.entries:
            index.put(entry)
        self._watch = self._store.watch(self._prefix, page.revision)
        self._index = index
        return self._watch

    def _pull(self, watch: Watch) -> None:
        while event := watch.next(0):
            if event.type == "DELETED":
                self._index.drop(event.entry)
            else:
                self._index.put(event.entry)
