"""Watches: readers with a cursor in the events of their prefix.

The watches of one prefix share one list of events and one condition, so a write costs the same for one watch and for
five hundred, and wakes only those that wait for its prefix. All of it is guarded by the store's lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.store.base import Compacted, Event


@dataclass(slots=True, eq=False)
class _Channel:
    """The events under one prefix. Positions count from the channel's beginning; `base` is that of `events[0]`."""

    prefix: str
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
        self._channels: dict[str, _Channel] = {}
        #: The last published revision, and the last forgotten one.
        self.revision = revision
        self.floor = 0
        self.closed = False

    def open(self, prefix: str, since: int, past: Iterable[Event]) -> StoreWatch:
        """A watch that first delivers those events of `past` (all after revision `since`) that concern it."""
        channel = self._channels.get(prefix)
        if channel is None:
            channel = self._channels[prefix] = _Channel(prefix, threading.Condition(self._lock))
        channel.watches += 1
        missed = [event for event in past if event.entry.key.startswith(prefix)]
        if len(missed) > len(channel.events):
            # The channel began after the asked-for revision: put the older events in front.
            older = missed[: len(missed) - len(channel.events)]
            channel.events[:0] = older
            channel.base -= len(older)
        return StoreWatch(self, channel, channel.end - len(missed), since)

    def publish(self, events: Sequence[Event]) -> None:
        """Give new events to their watches."""
        self.revision = events[-1].entry.revision
        for channel in tuple(self._channels.values()):
            if new := [event for event in events if event.entry.key.startswith(channel.prefix)]:
                channel.events += new
                channel.tell()

    def forget(self, floor: int) -> None:
        """Drop the events up to revision `floor`: a watch that has not read them yet ends with Compacted."""
        self.floor = floor
        for channel in tuple(self._channels.values()):
            channel.forget(floor)

    def leave(self, watch: StoreWatch, channel: _Channel) -> None:
        channel.watches -= 1
        channel.changed.notify_all()
        if (news := channel.waiting.pop(watch, None)) is not None:
            news()
        if not channel.watches:
            del self._channels[channel.prefix]

    def close(self) -> None:
        """End all watches."""
        self.closed = True
        for channel in tuple(self._channels.values()):
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
