"""Reads what pods refer to from the API; while that is away, what was last read must do."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable

from orchestrator.api.errors import InternalError, NotFound, ServiceUnavailable, Timeout, TooManyRequests
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer

log = logging.getLogger(__name__)

#: Objects kept for bad times.
REMEMBERED = 256

_AWAY = (ServiceUnavailable, Timeout, TooManyRequests, InternalError)


class ApiLookup:
    """An `agent.lookup.Lookup`. Never older than the call, unless the API does not answer: so a container can be
    restarted with its ConfigMap's values while the master is down."""

    def __init__(self, client: Client, services: Informer) -> None:
        self._client, self._services = client, services
        self._lock = threading.Lock()
        self._last: OrderedDict[tuple[Kind, str, str], Object] = OrderedDict()

    def __call__(self, kind: Kind, namespace: str, name: str) -> Object | None:
        place = (kind, namespace, name)
        try:
            found = self._client.get(kind, name, namespace)
        except NotFound:
            self._forget(place)
            return None
        except _AWAY as error:
            known = self._last.get(place)
            if known is None:
                raise
            log.warning("%s %s/%s: using what was last read: %s", kind.resource, namespace, name, error)
            return known
        self._remember(place, found)
        return found

    def services(self, namespace: str) -> Iterable[Object]:
        return self._services.cache.list(namespace)

    def _remember(self, place: tuple[Kind, str, str], found: Object) -> None:
        with self._lock:
            self._last[place] = found
            self._last.move_to_end(place)
            if len(self._last) > REMEMBERED:
                self._last.popitem(last=False)

    def _forget(self, place: tuple[Kind, str, str]) -> None:
        with self._lock:
            self._last.pop(place, None)
