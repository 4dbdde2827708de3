"""Follows the Services and EndpointSlices of the API server, and tells the loop which Services have changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from agent.proxy.catalog import Catalog, Published
from agent.proxy.loop import Loop
from agent.proxy.table import service_of
from orchestrator.api.groups.core import SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.meta import Key, Object, key
from orchestrator.client.informers import Informers
from orchestrator.util import threads

#: Seconds that a change waits for others: a rollout's burst is applied in one go.
COALESCE = 0.005

_BY_SERVICE = "service"


class Listener(Protocol):
    """Called in the loop's thread."""

    def synced(self, services: Catalog) -> None:
        """All that the API server has; whatever was known before is void."""

    def changed(self, services: Mapping[Key, Published | None]) -> None:
        """These Services are like this now; None: it is gone."""


class Feed:
    """From the informers' threads to the loop's. Nothing is told before both kinds are known: half of the truth would
    look like Services without endpoints."""

    def __init__(self, loop: Loop, informers: Informers, listener: Listener) -> None:
        self._loop = loop
        self._listener = listener
        self._informers = informers
        self._services = informers.of(SERVICE)
        self._slices = informers.of(ENDPOINT_SLICE)
        self._slices.add_index(_BY_SERVICE, lambda obj: (service_of(obj),))
        self._lock = threading.Lock()
        self._dirty: set[Key] = set()
        self._ready = False

    def start(self) -> None:
        self._services.add_handler(self._on_change(key))
        self._slices.add_handler(self._on_change(service_of))
        self._informers.start()
        threads.start("feed-sync", self._await_sync)

    def stop(self) -> None:
        self._informers.stop()

    def _on_change(self, service: Callable[[Object], Key]) -> Callable[[Object | None, Object | None], None]:
        """A handler that marks the Service that the object is, or belongs to; if it was moved, both."""

        def handler(old: Object | None, new: Object | None) -> None:
            self._mark({service(obj) for obj in (old, new) if obj is not None})

        return handler

    def _mark(self, services: set[Key]) -> None:
        with self._lock:
            first = not self._dirty
            self._dirty |= services
        if first and self._ready:
            self._loop.call_from_thread(self._schedule)

    def _schedule(self) -> None:
        self._loop.call_later(COALESCE, self._flush)

    def _await_sync(self) -> None:
        self._services.wait_synced()
        self._slices.wait_synced()
        self._loop.call_from_thread(self._sync)

    def _sync(self) -> None:
        with self._lock:
            self._dirty.clear()
            self._ready = True
        services = self._look_up(map(key, self._services.cache.list()))
        self._listener.synced({name: entry for name, entry in services.items() if entry is not None})

    def _flush(self) -> None:
        with self._lock:
            dirty, self._dirty = self._dirty, set()
        self._listener.changed(self._look_up(dirty))

    def _look_up(self, services: Iterable[Key]) -> dict[Key, Published | None]:
        found: dict[Key, Published | None] = {}
        for name in services:
            service = self._services.cache.get(name)
            slices = self._slices.cache.by_index(_BY_SERVICE, name)
            found[name] = Published(service, slices) if service is not None else None
        return found
