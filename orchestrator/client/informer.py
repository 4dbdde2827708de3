"""Informers: a cache of one kind that follows the server, and handlers that are told of every change."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, key, resource_version, uid
from orchestrator.client.cache import Cache, IndexFunction
from orchestrator.client.client import Client
from orchestrator.client.reflector import Reflector
from orchestrator.util import threads
from orchestrator.util.clock import Clock, SystemClock

log = logging.getLogger(__name__)

#: (old, new): an addition when old is None, a deletion when new is None.
Handler = Callable[[Object | None, Object | None], None]


class Informer:
    """Objects of one kind, in one namespace or all, optionally selected.

    Handlers are called one at a time and in order, from the informer's thread; a handler that comes late gets the
    objects there are as additions, from the thread that adds it. An object that was deleted and made anew between two
    looks is told as a deletion and an addition. Objects are shared: never change one, copy it first.
    """

    def __init__(
        self,
        client: Client,
        kind: Kind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        options = {option: text for option, text in selectors.items() if text}
        self.kind = kind
        self.cache = Cache()
        self._reflector = Reflector(
            client, kind, namespace, options, self, clock or SystemClock(), rng or random.Random()
        )
        self._handlers: list[Handler] = []
        #: Held while handlers run, so that a new one misses nothing and sees nothing twice.
        self._dispatch = threading.RLock()
        self._synced = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def add_handler(self, handler: Handler) -> None:
        with self._dispatch:
            self._handlers.append(handler)
            for obj in self.cache.list():
                self._call(handler, None, obj)

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Make `cache.by_index(name, value)` find the objects for which `function` gives `value`."""
        self.cache.add_index(name, function)

    def start(self) -> None:
        """Begin to follow the server. Starting twice is harmless."""
        with self._dispatch:
            if self._thread is None and not self._stopped:
                self._thread = threads.start(f"informer-{self.kind.plural}", self._reflector.run)

    def stop(self) -> None:
        """Once this returns no handler is called any more."""
        with self._dispatch:
            self._stopped = True
        self._reflector.stop()

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def has_synced(self) -> bool:
        """The first list is in the cache, and the handlers have been told."""
        return self._synced.is_set()

    def wait_synced(self, timeout: float | None = None) -> bool:
        """Wait until `has_synced`, `timeout` seconds at most."""
        return self._synced.wait(timeout)

    # What the reflector calls.

    def replace(self, objects: Sequence[Object]) -> None:
        with self._dispatch:
            gone = set(self.cache.keys()) - {key(obj) for obj in objects}
            for lost in gone:
                self._tell(self.cache.remove(lost), None)
            for obj in objects:
                self.changed(obj)
        self._synced.set()

    def changed(self, obj: Object) -> None:
        with self._dispatch:
            old = self.cache.put(key(obj), obj)
            if old is not None and uid(old) != uid(obj):
                self._tell(old, None)
                old = None
            if old is None or resource_version(old) != resource_version(obj):
                self._tell(old, obj)

    def deleted(self, obj: Object) -> None:
        with self._dispatch:
            self.cache.remove(key(obj))
            self._tell(obj, None)

    def _tell(self, old: Object | None, new: Object | None) -> None:
        for handler in tuple(self._handlers):
            self._call(handler, old, new)

    def _call(self, handler: Handler, old: Object | None, new: Object | None) -> None:
        if self._stopped:
            return
        try:
            handler(old, new)
        except Exception:
            # One handler's defect must not blind the others.
            log.exception("%s %s: a handler failed", self.kind.resource, key(new or old or {}))
