"""List, then watch: what keeps a cache equal to the server's state (client-go's Reflector)."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from typing import Protocol

from orchestrator.api.errors import ApiError, ServiceUnavailable, TooManyRequests, from_status
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, resource_version
from orchestrator.api.request import WatchEvent
from orchestrator.client.backoff import Backoff
from orchestrator.client.client import Client, WatchStream
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Seconds after which a watch is renewed, chosen between one and two times this (client-go: 5 to 10 minutes).
WATCH_SECONDS = 300
#: Delays after failures, in seconds. The longest is short, so that a lab is whole again soon after its server is.
FIRST_DELAY, LONGEST_DELAY = 0.1, 2.0

#: The server is not there now; the watch can go on from the last revision when it is back.
_OUTAGES = (ServiceUnavailable, TooManyRequests)


class Sink(Protocol):
    """Where a reflector puts what it sees; called from its thread."""

    def replace(self, objects: Sequence[Object]) -> None:
        """These are all objects now."""

    def changed(self, obj: Object) -> None: ...

    def deleted(self, obj: Object) -> None:
        """`obj` is the last state."""


class Reflector:
    """Follows one selection of one kind. `run` works until `stop`; an outage is logged once, however long."""

    def __init__(
        self,
        client: Client,
        kind: Kind,
        namespace: str,
        options: dict[str, str],
        sink: Sink,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._client = client
        self._kind = kind
        self._namespace = namespace
        self._options = options
        self._sink = sink
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(FIRST_DELAY, LONGEST_DELAY, rng=rng)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._stream: WatchStream | None = None
        #: The last revision seen; "" when the next step is to list.
        self._revision = ""
        self._failing = False

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                if not self._revision:
                    self._list()
                self._watch()
            except ApiError as error:
                self._failed(error)

    def stop(self) -> None:
        """May be called from any thread; a running watch ends."""
        self._stopped.set()
        with self._lock:
            if self._stream is not None:
                self._stream.close()

    def _list(self) -> None:
        found = self._client.list(self._kind, self._namespace, **self._options)
        if self._stopped.is_set():
            return
        self._sink.replace([_lighter(item) for item in found.items])
        self._revision = found.resource_version
        self._worked()

    def _watch(self) -> None:
        """One watch, until it ends. Raises ApiError when it fails."""
        stream = self._client.watch(self._kind, self._namespace, **self._watch_options())
        with self._lock:
            self._stream = stream
            if self._stopped.is_set():
                stream.close()
        try:
            for event in stream:
                if self._stopped.is_set():
                    return
                self._handle(event)
        finally:
            with self._lock:
                self._stream = None
            stream.close()

    def _watch_options(self) -> dict[str, str]:
        seconds = int(WATCH_SECONDS * (1 + self._rng.random()))
        return {
            **self._options,
            "resourceVersion": self._revision,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }

    def _handle(self, event: WatchEvent) -> None:
        if event.type == "ERROR":
            raise from_status(event.object, int(event.object.get("code") or 500))
        if event.type in ("ADDED", "MODIFIED"):
            self._sink.changed(_lighter(event.object))
        elif event.type == "DELETED":
            self._sink.deleted(_lighter(event.object))
        self._revision = resource_version(event.object)
        self._worked()

    def _failed(self, error: ApiError) -> None:
        if self._stopped.is_set():
            return
        if not isinstance(error, _OUTAGES) and self._revision:
            # Expired, or a revision that the server does not know: only a list tells the truth again.
            log.info("%s: listing again: %s", self._kind.resource, error)
            self._revision = ""
        elif not self._failing:
            self._failing = True
            log.warning("%s: cannot list or watch, will keep trying: %s", self._kind.resource, error)
        self._clock.wait(self._stopped, self._backoff.next())

    def _worked(self) -> None:
        self._backoff.reset()
        if self._failing:
            self._failing = False
            log.info("%s: in step with the server again", self._kind.resource)


def _lighter(obj: Object) -> Object:
    """Without its managedFields, in place: of a cached object they would be half, and no reader of a cache asks.

    An object that is written back without them keeps them.
    """
    obj["metadata"].pop("managedFields", None)
    return obj
