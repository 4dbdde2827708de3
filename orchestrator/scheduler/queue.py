"""The pods that wait for a node, most important first.

As in Kubernetes' scheduling queue: a pod that no node would take is parked until something changes that may help it,
and tried again no sooner than its back-off, which doubles from one second to ten. After five minutes it is tried
anyway. Pods are told apart by uid, so that one made anew under an old name is another one.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.util.clock import Clock

#: Seconds.
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 10.0
LONGEST_PARKED = 300.0


@dataclass(slots=True, eq=False)
class Entry:
    """A waiting pod. `moved` tells that something changed while it was being tried."""

    pod: PodInfo
    #: When it was first seen: among pods of one priority the oldest goes first.
    order: int
    attempts: int = 0
    backoff_until: float = 0.0
    moved: bool = False
    #: When it goes back to the ready ones, while it is parked or backs off.
    due: float = field(default=0.0)


class SchedulingQueue:
    """`pop` is for one thread, all else for any. A popped pod stays known until `done`, `park` or `retry`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._numbers = itertools.count()
        self._ready: list[tuple[int, int, Entry]] = []
        #: (due, number, entry); an entry whose own `due` differs has been moved since.
        self._later: list[tuple[float, int, Entry]] = []
        self._entries: dict[str, Entry] = {}
        self._in_flight: set[str] = set()
        self._waiting: dict[str, Entry] = {}

    def add(self, pod: PodInfo) -> None:
        """A new pod, or one that was changed in a way that may let it be scheduled."""
        with self._lock:
            known = self._entries.get(pod.uid)
            if known is None:
                known = self._entries[pod.uid] = Entry(pod, next(self._numbers))
                self._make_ready(known)
            else:
                known.pod = pod
                self._move(known)

    def refresh(self, pod: PodInfo) -> None:
        """A pod whose object changed, but not what decides on its node."""
        with self._lock:
            if known := self._entries.get(pod.uid):
                known.pod = pod

    def remove(self, uid: str) -> None:
        """The pod needs no node any more."""
        with self._lock:
            self._entries.pop(uid, None)
            self._waiting.pop(uid, None)
            self._in_flight.discard(uid)

    def move(self, helped: Callable[[PodInfo], bool] = lambda _: True) -> None:
        """Something changed that may let the parked pods be scheduled which `helped` tells."""
        with self._lock:
            for entry in [entry for entry in self._waiting.values() if helped(entry.pod)]:
                self._move(entry)
            for uid in self._in_flight:
                self._entries[uid].moved = True

    def pop(self) -> Entry | None:
        """Wait for the next pod to try; None once the queue is shut down."""
        while True:
            with self._lock:
                if self._closed:
                    return None
                pause = self._release_due()
                if entry := self._take():
                    return entry
                self._wake.clear()
            self._clock.wait(self._wake, pause)

    def done(self, entry: Entry) -> None:
        """The pod has its node."""
        self.remove(entry.pod.uid)

    def park(self, entry: Entry) -> None:
        """No node will do: wait for a change."""
        self._put_back(entry, parked=True)

    def retry(self, entry: Entry) -> None:
        """Something went wrong: try again after the back-off."""
        self._put_back(entry, parked=False)

    def shut_down(self) -> None:
        with self._lock:
            self._closed = True
        self._wake.set()

    def __len__(self) -> int:
        """All pods that have no node yet."""
        return len(self._entries)

    def _put_back(self, entry: Entry, *, parked: bool) -> None:
        with self._lock:
            uid = entry.pod.uid
            if uid not in self._in_flight:
                # It was deleted, or got its node from somebody else, while it was being tried.
                return
            self._in_flight.discard(uid)
            now = self._clock.monotonic()
            entry.backoff_until = now + min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** (entry.attempts - 1))
            self._waiting[uid] = entry
            self._schedule(entry, entry.backoff_until if entry.moved or not parked else now + LONGEST_PARKED)
            self._wake.set()

    def _move(self, entry: Entry) -> None:
        if entry.pod.uid in self._in_flight:
            entry.moved = True
        elif entry.pod.uid in self._waiting:
            if entry.backoff_until <= self._clock.monotonic():
                del self._waiting[entry.pod.uid]
                self._make_ready(entry)
            elif entry.due != entry.backoff_until:
                self._schedule(entry, entry.backoff_until)
                self._wake.set()

    def _schedule(self, entry: Entry, due: float) -> None:
        entry.due = due
        heapq.heappush(self._later, (due, next(self._numbers), entry))
        if len(self._later) > 2 * len(self._waiting) + 64:
            self._later = [(waiting.due, next(self._numbers), waiting) for waiting in self._waiting.values()]
            heapq.heapify(self._later)

    def _make_ready(self, entry: Entry) -> None:
        heapq.heappush(self._ready, (-entry.pod.priority, entry.order, entry))
        self._wake.set()

    def _release_due(self) -> float | None:
        """Ready the entries whose time has come; seconds until the next one, None when none waits."""
        now = self._clock.monotonic()
        while self._later:
            due, _, entry = self._later[0]
            current = self._waiting.get(entry.pod.uid) is entry and entry.due == due
            if current and due > now:
                return due - now
            heapq.heappop(self._later)
            if current:
                del self._waiting[entry.pod.uid]
                self._make_ready(entry)
        return None

    def _take(self) -> Entry | None:
        while self._ready:
            entry = heapq.heappop(self._ready)[2]
            if self._entries.get(entry.pod.uid) is entry:
                self._in_flight.add(entry.pod.uid)
                entry.attempts += 1
                entry.moved = False
                return entry
        return None
