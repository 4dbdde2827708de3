"""Watches: readers with a cursor in the events of their scope.

The watches of one scope share one list of events and one condition, so a write costs the same for one watch and for
five hundred, and wakes only those that wait for it. Scopes that file objects in the same way are looked up by what the
object is filed under, so a pod's write costs the same for one node's watch and for those of five hundred nodes. All of
it is guarded by the store's lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.api.meta import Object
from orchestrator.store.base import Compacted, Event, Filed


@dataclass(frozen=True, slots=True)
class Scope:
    """What a watch is about: see `orchestrator.store.base.Store.watch`."""

    prefix: str
    filed: Filed | None = None

    @property
    def under(self) -> _Under:
        return self.filed.under if self.filed is not None else None

    @property
    def value(self) -> str:
        return self.filed.value if self.filed is not None else ""

    def concerns(self, event: Event) -> bool:
        return event.entry.key.startswith(self.prefix) and self.value in _values(self.under, event)


#: How a scope files objects; None puts all in one place.
_Under = Callable[[Object], str] | None


def _values(under: _Under, event: Event) -> set[str]:
    """What the object is filed under, and what it was before."""
    if under is None:
        return {""}
    return {under(entry.object()) for entry in (event.entry, event.previous) if entry is not None}


@dataclass(slots=True, eq=False)
class _Channel:
    """The events of one scope. Positions count from the channel's beginning; `base` is that of `events[0]`."""

    scope: Scope
    changed: threading.Condition
    events: list[Event] = field(default_factory=list)
    base: int = 0
    watches: int = 0
    #: What to call when there are more events, by the watch that wants to know.
    waiting: dict[StoreWatch, Callable[[], None]] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.base + len(self.events)

    def tell(self) -> None:
        """There are more events, or it has ended."""
        self.changed.notify_all()
        waiting, self.waiting = self.waiting, {}
        for news in waiting.values():
            news()

    def forget(self, floor: int) -> None:
        """Drop the events up to revision `floor`."""
        gone = 0
        while gone < len(self.events) and self.events[gone].entry.revision <= floor:
            gone += 1
        del self.events[:gone]
        self.base += gone


class Hub:
    """All watches of a store. Its methods are called with the store's lock held.

    `leave` may come in the middle of any other method: the garbage collector closes forgotten watches.
    """

    def __init__(self, lock: threading.RLock, revision: int) -> None:
        self._lock = lock
        #: By prefix, by how they file objects, and by what under.
        self._channels: dict[str, dict[_Under, dict[str, _Channel]]] = {}
        #: The last published revision, and the last forgotten one.
        self.revision = revision
        self.floor = 0
        self.closed = False

    def open(self, scope: Scope, since: int, past: Iterable[Event]) -> StoreWatch:
        """A watch that first delivers those events of `past` (all after revision `since`) that concern it."""
        channel = self._enter(scope)
        missed = [event for event in past if scope.concerns(event)]
        if len(missed) > len(channel.events):
            # The channel began after the asked-for revision: put the older events in front.
            older = missed[: len(missed) - len(channel.events)]
            channel.events[:0] = older
            channel.base -= len(older)
        return StoreWatch(self, channel, channel.end - len(missed), since)

    def publish(self, events: Sequence[Event]) -> None:
        """Give new events to their watches."""
        self.revision = events[-1].entry.revision
        for prefix, families in tuple(self._channels.items()):
            if new := [event for event in events if event.entry.key.startswith(prefix)]:
                for under, channels in tuple(families.items()):
                    _hand_out(new, under, channels)

    def forget(self, floor: int) -> None:
        """Drop the events up to revision `floor`: a watch that has not read them yet ends with Compacted."""
        self.floor = floor
        for channel in self._all():
            channel.forget(floor)

    def leave(self, watch: StoreWatch, channel: _Channel) -> None:
        channel.watches -= 1
        channel.changed.notify_all()
        if (news := channel.waiting.pop(watch, None)) is not None:
            news()
        if not channel.watches:
            self._remove(channel.scope)

    def close(self) -> None:
        """End all watches."""
        self.closed = True
        for channel in self._all():
            channel.tell()

    def _enter(self, scope: Scope) -> _Channel:
        # All is made before it is needed: were anything allocated in between, garbage collection could empty a level.
        families: dict[_Under, dict[str, _Channel]] = {}
        channels: dict[str, _Channel] = {}
        made = _Channel(scope, threading.Condition(self._lock))
        found = self._channels.setdefault(scope.prefix, families).setdefault(scope.under, channels)
        channel = found.setdefault(scope.value, made)
        channel.watches += 1
        return channel

    def _remove(self, scope: Scope) -> None:
        families = self._channels[scope.prefix]
        del families[scope.under][scope.value]
        if not families[scope.under]:
            del families[scope.under]
        if not families:
            del self._channels[scope.prefix]

    def _all(self) -> list[_Channel]:
        return [
            channel
            for families in tuple(self._channels.values())
            for channels in tuple(families.values())
            for channel in tuple(channels.values())
        ]


def _hand_out(events: Sequence[Event], under: _Under, channels: dict[str, _Channel]) -> None:
    changed: set[_Channel] = set()
    for event in events:
        for value in _values(under, event):
            if channel := channels.get(value):
                channel.events.append(event)
                changed.add(channel)
    for channel in changed:
        channel.tell()


class StoreWatch:
    """See `orchestrator.store.base.Watch`."""

    def __init__(self, hub: Hub, channel: _Channel, position: int, since: int) -> None:
        self._hub = hub
        self._channel = channel
        self._position = position
        self._delivered = since
        self._left = False

    def next(self, timeout: float | None = None) -> Event | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        channel = self._channel
        with channel.changed:
            while not self.closed:
                if self._position < channel.base:
                    raise Compacted(self._delivered, self._hub.floor)
                if self._position < channel.end:
                    return self._take()
                remaining = None if deadline is None else deadline - time.monotonic()
                if remaining is not None and remaining <= 0:
                    return None
                channel.changed.wait(remaining)
        return None

    def notify(self, news: Callable[[], None]) -> None:
        channel = self._channel
        with channel.changed:
            if self.closed or self._position < channel.end:
                news()
            else:
                channel.waiting[self] = news

    @property
    def revision(self) -> int:
        channel = self._channel
        with channel.changed:
            if self._position == channel.end:
                return self._hub.revision
            if self._position < channel.base:
                return self._delivered
            return channel.events[self._position - channel.base].entry.revision - 1

    @property
    def closed(self) -> bool:
        return self._left or self._hub.closed

    def close(self) -> None:
        with self._channel.changed:
            if not self._left:
                self._left = True
                self._hub.leave(self, self._channel)

    def _take(self) -> Event:
        event = self._channel.events[self._position - self._channel.base]
        self._position += 1
        self._delivered = event.entry.revision
        return event
