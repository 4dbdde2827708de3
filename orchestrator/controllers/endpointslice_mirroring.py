"""The EndpointSlice mirroring controller: Endpoints that users write for Services without a selector, as slices.

Proxies watch slices only; the older Endpoints are how external addresses are put behind a Service by hand.
"""

from __future__ import annotations

from orchestrator.api.groups.core import ENDPOINTS, SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.meta import Key, Object, is_deleting, key, spec
from orchestrator.controllers import endpointslice_mirroring_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.slice_set import SliceSet
from orchestrator.controllers.slices import Plan


class EndpointSliceMirroringController(Controller):
    name = "endpoint-slice-mirroring-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._services = self.informer(SERVICE)
        self._endpoints = self.informer(ENDPOINTS)
        enqueue = self.queue.add
        self._slices = SliceSet(self.client, self.informer(ENDPOINT_SLICE), plans.MANAGER, self.clock, enqueue)
        for informer in (self._services, self._endpoints):
            informer.add_handler(lambda old, new: self.queue.add(key(new or old or {})))

    def sync(self, key: Key) -> None:
        if not self._slices.is_current(key):
            return
        endpoints = self._endpoints.cache.get(key)
        current = self._slices.of(key)
        if endpoints is not None and self._is_mirrored(endpoints):
            plan = plans.plan(endpoints, current)
        else:
            plan = Plan(delete=current)
        self._slices.carry_out(key, plan)

    def _is_mirrored(self, endpoints: Object) -> bool:
        service = self._services.cache.get(key(endpoints))
        if service is None or spec(service).get("selector") or is_deleting(endpoints):
            return False
        return plans.wants_mirror(endpoints)
