"""Which Services a change concerns: the watching half that Endpoints and EndpointSlices share."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.api.meta import Key, Object, key, namespace
from orchestrator.client.informer import Informer
from orchestrator.controllers.endpoint import facts, selects


class ServiceWatch:
    """Calls `enqueue` with the key of every Service whose endpoints may have changed."""

    def __init__(self, services: Informer, pods: Informer, enqueue: Callable[[Key], None]) -> None:
        self._services = services
        self._pods = pods
        self._enqueue = enqueue
        services.add_handler(lambda old, new: enqueue(key(new or old or {})))
        pods.add_handler(self._pod_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and facts(old) == facts(new):
            return
        pods = [pod for pod in (old, new) if pod is not None]
        for service in self._services.cache.list(namespace(pods[0])):
            if any(selects(service, pod) for pod in pods):
                self._enqueue(key(service))

    def pods_of(self, service: Object) -> list[Object]:
        return [pod for pod in self._pods.cache.list(namespace(service)) if selects(service, pod)]
