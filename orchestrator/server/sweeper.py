"""Events are kept for a while only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import EVENT
from orchestrator.api.meta import Object
from orchestrator.api.times import parse
from orchestrator.server import keys
from orchestrator.server.backend import Backend
from orchestrator.server.bootstrap import APISERVER
from orchestrator.store.base import RevisionConflict, StoreUnavailable

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

#: Events removed in one sweep at most, so that a sweep never holds up other writes for long.
_AT_ONCE = 500


def last_seen(event: Object) -> float:
    """When the event, or its last repetition, happened."""
    series = event.get("series") or {}
    moments = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"].get("creationTimestamp"),
    )
    return max((parse(moment) for moment in moments if moment), default=0.0)


def sweep(backend: Backend, ttl: float) -> int:
    """Remove Events last seen more than `ttl` seconds ago, oldest keys first; returns how many."""
    horizon = backend.clock.now() - ttl
    removed = 0
    for entry in backend.store.list(keys.prefix(EVENT)).entries:
        if removed == _AT_ONCE:
            break
        if last_seen(entry.object()) >= horizon:
            continue
        try:
            backend.remove(EVENT, entry, APISERVER)
        except (NotFound, RevisionConflict):
            continue  # deleted, or seen again, in this moment
        removed += 1
    return removed


class EventSweeper:
    def __init__(self, backend: Backend, ttl: float) -> None:
        self._backend = backend
        self._ttl = ttl
        self._scheduler: BackgroundScheduler | None = None

    def start(self) -> None:
        # Its import takes a while, and nothing waits for the first sweep.
        from apscheduler.schedulers.background import BackgroundScheduler

        self._scheduler = BackgroundScheduler()
        self._scheduler.add_job(self._sweep, "interval", seconds=max(1.0, min(60.0, self._ttl / 2)), coalesce=True)
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)

    def _sweep(self) -> None:
        try:
            removed = sweep(self._backend, self._ttl)
        except StoreUnavailable as error:
            log.warning("events cannot be removed now, trying again later: %s", error)
            return
        if removed:
            log.debug("%d events were older than %.0f s and are gone", removed, self._ttl)
