"""The Endpoints controller: the pods behind each Service, in one object of the Service's name."""

from __future__ import annotations

from orchestrator.api.errors import AlreadyExists, ApiError, NotFound
from orchestrator.api.groups.core import ENDPOINTS, POD, SERVICE
from orchestrator.api.meta import Key, Object, key, labels, split_key
from orchestrator.controllers import endpoints_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.endpoint import endpoints, has_endpoints
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.service_watch import ServiceWatch


class EndpointsController(Controller):
    name = "endpoint-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._services = self.informer(SERVICE)
        self._endpoints = self.informer(ENDPOINTS)
        self._watch = ServiceWatch(self._services, self.informer(POD), self.queue.add)
        # Puts right what somebody else wrote, and cleans up after Services that went while nobody looked.
        self._endpoints.add_handler(lambda old, new: self.queue.add(key(new or old or {})))

    def sync(self, key: Key) -> None:
        service = self._services.cache.get(key)
        current = self._endpoints.cache.get(key)
        if service is None:
            if current is not None and plans.MANAGED_BY in labels(current):
                self._remove(key)
            return
        if not has_endpoints(service):
            return
        wanted = plans.wanted(service, endpoints(service, self._watch.pods_of(service)), current)
        if current is None:
            self._create(service, wanted)
        elif not plans.is_current(wanted, current):
            self.client.update(ENDPOINTS, wanted)

    def _remove(self, key: Key) -> None:
        namespace, name = split_key(key)
        try:
            self.client.delete(ENDPOINTS, name, namespace)
        except NotFound:
            return

    def _create(self, service: Object, wanted: Object) -> None:
        try:
            self.client.create(ENDPOINTS, wanted)
        except ApiError as error:
            if namespace_is_terminating(error):
                return
            if not isinstance(error, AlreadyExists):
                message = f"Failed to create endpoint: {error}"
                self.record(service, "Warning", "FailedToCreateEndpoint", message)
            raise
