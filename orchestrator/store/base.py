"""The store's contract: versioned JSON objects under keys, with compare-and-swap, history and watches.

Every write gets the next revision, one counter for the whole store; the revision of an object's last write is its
`metadata.resourceVersion`, which the store itself puts into the object. A write is acknowledged (the call returns)
only when it would survive `kill -9` and power loss, where the implementation persists at all. Watches deliver every
write under their prefix, in revision order, none twice and none left out.

Keys are `/<group or "core">/<plural>/<namespace or nothing>/<name>`; see `orchestrator.server.keys`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import orjson

from orchestrator.api.meta import Object

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one object. `data` is its JSON, with `metadata.resourceVersion` equal to `revision`."""

    key: str
    revision: int
    data: bytes

    def object(self) -> Object:
        """A fresh copy that the caller may change."""
        return orjson.loads(self.data)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Event:
    """One write. For DELETED `entry` is the last state, under the revision of the deletion."""

    type: EventType
    entry: Entry
    previous: Entry | None


@dataclass(frozen=True, slots=True)
class Written:
    """A write that has its place in the order, and is not acknowledged yet: nobody may be told of it, or can read it.

    Whoever began it must `wait`; other writers may begin theirs before, and share what it takes to be durable.
    """

    entry: Entry
    #: Returns when the write is acknowledged. Raises StoreUnavailable; then it did not happen.
    wait: Callable[[], None]

    def acknowledged(self) -> Entry:
        """The entry, after `wait`."""
        self.wait()
        return self.entry


@dataclass(frozen=True, slots=True)
class Filed:
    """The objects that `under` gives `value` for. Watches share the work when their `under` is the same."""

    under: Callable[[Object], str]
    value: str


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in key order, as they were at `revision`. `remaining` counts those after the page's end."""

    entries: Sequence[Entry]
    revision: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Record:
    """One line of history: who wrote what, when (seconds since the epoch)."""

    revision: int
    at: float
    type: EventType
    key: str
    by: str
    entry: Entry


class StoreError(Exception):
    """Base of the store's errors."""


class KeyNotFound(StoreError):
    """There is no object under the key."""


class KeyExists(StoreError):
    """There is an object under the key already."""


class RevisionConflict(StoreError):
    """The object's revision is not the expected one; `current` is its entry."""

    def __init__(self, current: Entry) -> None:
        super().__init__(f"{current.key} is at revision {current.revision}")
        self.current = current


class Compacted(StoreError):
    """History before the asked-for revision is gone: list again. `oldest` is the first revision still watchable."""

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(f"revision {revision} is compacted; the oldest is {oldest}")
        self.oldest = oldest


class FutureRevision(StoreError):
    """The asked-for revision has not happened yet."""


class StoreUnavailable(StoreError):
    """The write could not be made durable (disk full, peer gone) and did not happen; the message says what to do."""


class StoreDamaged(StoreError):
    """What is on disk cannot be trusted; the message names the file, the line and what to do."""


class Watch(Protocol):
    """A running watch. One reader at a time."""

    def next(self, timeout: float | None = None) -> Event | None:
        """The next event, or None when none came within `timeout` seconds or the watch is closed.

        Raises Compacted when the reader fell so far behind that events are gone.
        """

    def notify(self, news: Callable[[], None]) -> None:
        """Have `news` called once, as soon as there is an event to read or the watch is closed: maybe at once.

        It must not wait, nor use the store. Asking again before that replaces it.
        """

    @property
    def revision(self) -> int:
        """Everything up to this revision has been delivered or does not concern the prefix (for bookmarks)."""

    @property
    def closed(self) -> bool: ...

    def close(self) -> None: ...


class Store(Protocol):
    @property
    def revision(self) -> int:
        """The revision of the last acknowledged write."""

    def get(self, key: str) -> Entry:
        """Raises KeyNotFound."""

    def list(self, prefix: str, *, limit: int = 0, after: str = "", revision: int = 0) -> Page:
        """Entries whose key starts with `prefix` and is greater than `after`; `limit` 0 means all.

        `revision` 0 reads the newest state, another one the state as of then. Raises Compacted, FutureRevision.
        """

    def create(self, key: str, obj: Object, *, by: str = "") -> Entry:
        """Raises KeyExists, StoreUnavailable. `obj` is not kept and not changed."""

    def update(self, key: str, obj: Object, expected: int, *, by: str = "") -> Entry:
        """Write `obj` if the key is still at revision `expected`. Raises KeyNotFound, RevisionConflict,
        StoreUnavailable."""

    def delete(self, key: str, expected: int, *, by: str = "") -> Entry:
        """Remove the key if it is still at revision `expected`; returns the last state under the deletion's
        revision. Raises KeyNotFound, RevisionConflict, StoreUnavailable."""

    def begin_create(self, key: str, obj: Object, *, by: str = "") -> Written:
        """`create`, but for the wait. Raises KeyExists, StoreUnavailable."""

    def begin_update(self, key: str, obj: Object, expected: int, *, by: str = "") -> Written:
        """`update`, but for the wait. Raises KeyNotFound, RevisionConflict, StoreUnavailable."""

    def watch(self, prefix: str, since: int, filed: Filed | None = None) -> Watch:
        """Events with revision > `since` under `prefix`, then new ones as they happen; with `filed` only those of
        objects that are, or were until then, among these. Raises Compacted, FutureRevision."""

    def history(self, key: str) -> Sequence[Record]:
        """The writes to `key` that are still kept, oldest first."""

    def compact(self, revision: int) -> None:
        """Forget history up to and including `revision`; live objects stay."""

    def close(self) -> None:
        """Finish pending writes, end all watches, release files."""
