"""The EndpointSlice controller: the pods behind each Service, in slices that proxies watch."""

from __future__ import annotations

from orchestrator.api.errors import ApiError, Conflict
from orchestrator.api.groups.core import POD, SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.meta import Key, is_deleting
from orchestrator.controllers import endpointslice_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.endpoint import endpoints, has_endpoints
from orchestrator.controllers.service_watch import ServiceWatch
from orchestrator.controllers.slice_set import SliceSet


class EndpointSliceController(Controller):
    name = "endpoint-slice-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._services = self.informer(SERVICE)
        enqueue = self.queue.add
        self._slices = SliceSet(self.client, self.informer(ENDPOINT_SLICE), plans.MANAGER, self.clock, enqueue)
        self._watch = ServiceWatch(self._services, self.informer(POD), enqueue)

    def sync(self, key: Key) -> None:
        service = self._services.cache.get(key)
        if service is None:
            # Its slices are the garbage collector's: they have an owner reference.
            self._slices.forget(key)
            return
        if not has_endpoints(service) or is_deleting(service) or not self._slices.is_current(key):
            return
        plan = plans.plan(service, endpoints(service, self._watch.pods_of(service)), self._slices.of(key))
        try:
            self._slices.carry_out(key, plan)
        except ApiError as error:
            if not isinstance(error, Conflict):
                message = f"Error updating Endpoint Slices for Service {key}: {error}"
                self.record(service, "Warning", "FailedToUpdateEndpointSlices", message)
            raise
