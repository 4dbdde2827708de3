"""Events: what a component tells users about an object, written in the background."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Literal

from orchestrator.api.errors import AlreadyExists, ApiError, NotFound, ServiceUnavailable, TooManyRequests
from orchestrator.api.groups.core import EVENT
from orchestrator.api.meta import Object, name, object_reference
from orchestrator.api.times import rfc3339
from orchestrator.client.backoff import Backoff
from orchestrator.client.client import Client
from orchestrator.client.event_correlation import Correlator, Happening, Report
from orchestrator.util import threads
from orchestrator.util.clock import Clock, SystemClock

log = logging.getLogger(__name__)

#: Events that wait to be written; more are dropped.
QUEUE = 1000
#: How often a write is tried while the server cannot be reached, and the delays between, in seconds.
TRIES = 12
FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class _Item:
    reference: Object
    happening: Happening
    at: float


class EventRecorder:
    """Records events of one source: `component`, on `host` if it is one of many. Any thread may use it."""

    def __init__(self, client: Client, component: str, host: str = "", *, clock: Clock | None = None) -> None:
        self._client = client
        self._component = component
        self._host = host
        self._clock = clock or SystemClock()
        self._correlator = Correlator()
        self._queue: queue.Queue[_Item | None] = queue.Queue(QUEUE)
        self._overflowing = False
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last_suffix = 0

    def event(
        self, obj: Object, type: EventType, reason: str, message: str, *, field_path: str = "", component: str = ""
    ) -> None:
        """Tell something about `obj`. Never waits and never fails: what cannot be written is logged and dropped.

        `field_path` points at a part of it, as `spec.containers{web}`. `component` tells it under another name than
        the recorder's own, where several parts share one recorder.
        """
        reference = object_reference(obj)
        if field_path:
            reference["fieldPath"] = field_path
        target = tuple(reference.get(part, "") for part in ("apiVersion", "kind", "namespace", "name", "uid"))
        happening = Happening(component or self._component, target, field_path, type, reason, message)
        item = _Item(reference, happening, self._clock.now())
        try:
            self._queue.put_nowait(item)
            self._overflowing = False
        except queue.Full:
            if not self._overflowing:
                self._overflowing = True
                log.warning("%s: dropping events, too many wait: %s %s", name(obj), reason, message)
        self._ensure_started()

    def stop(self, timeout: float = 2.0) -> None:
        """Write what waits, for `timeout` seconds at most, and end."""
        thread = self._thread
        if thread is None:
            return
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            log.warning("%d events are dropped: the API server did not take them", self._queue.qsize())
        thread.join(timeout)
        self._stopped.set()

    def _ensure_started(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threads.start(f"events-{self._component}", self._run)

    def _run(self) -> None:
        while not self._stopped.is_set() and (item := self._queue.get()):
            report = self._correlator.correlate(item.happening, self._new_name(item), item.at)
            if report:
                self._write(item, report)

    def _write(self, item: _Item, report: Report) -> None:
        """Keep trying while the server is away; give up on what it refuses."""
        backoff = Backoff(FIRST_DELAY, LONGEST_DELAY)
        for _ in range(TRIES):
            try:
                self._write_once(item, report)
                return
            except AlreadyExists:
                # An earlier try got through though its answer did not.
                return
            except (ServiceUnavailable, TooManyRequests) as error:
                failure: ApiError = error
            except ApiError as error:
                failure = error
                break
            if self._clock.wait(self._stopped, backoff.next()):
                break
        log.warning("%s: event %s is dropped: %s", "/".join(item.happening.target[1:4]), item.happening.reason, failure)

    def _write_once(self, item: _Item, report: Report) -> None:
        if report.count > 1:
            patch = {"count": report.count, "lastTimestamp": rfc3339(report.last), "message": report.message}
            try:
                self._client.patch(EVENT, report.name, patch, _namespace(item))
                return
            except NotFound:
                # It has expired: make it anew, with its count.
                log.debug("event %s has expired", report.name)
        self._client.create(EVENT, self._object(item, report))

    def _object(self, item: _Item, report: Report) -> Object:
        source = {"component": item.happening.component, "host": self._host}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": report.name, "namespace": _namespace(item)},
            "involvedObject": item.reference,
            "reason": item.happening.reason,
            "message": report.message,
            "source": {part: text for part, text in source.items() if text},
            "firstTimestamp": rfc3339(report.first),
            "lastTimestamp": rfc3339(report.last),
            "count": report.count,
            "type": item.happening.type,
            "eventTime": None,
            "reportingComponent": item.happening.component,
            "reportingInstance": self._host,
        }

    def _new_name(self, item: _Item) -> str:
        """Unique for this recorder, and in practice for all: the time in nanoseconds."""
        self._last_suffix = max(self._last_suffix + 1, int(item.at * 1e9))
        return f"{item.reference.get('name', '')}.{self._last_suffix:x}"


def _namespace(item: _Item) -> str:
    """An event lives beside its object; about a cluster-scoped object, in `default`."""
    return str(item.reference.get("namespace") or "default")
