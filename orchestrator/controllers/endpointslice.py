"""The EndpointSlice controller: the pods behind each Service, in slices that proxies watch."""

from __future__ import annotations

from orchestrator.api.builtin import ENDPOINT_SLICE, POD, SERVICE
from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.meta import Key, Object, is_deleting, key, labels, make_key, name, namespace, uid
from orchestrator.controllers import endpointslice_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.endpoint import endpoints, has_endpoints
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.expectations import Expectations
from orchestrator.controllers.service_watch import ServiceWatch

_INDEX = "service"


class EndpointSliceController(Controller):
    name = "endpoint-slice-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._services = self.informer(SERVICE)
        self._slices = self.informer(ENDPOINT_SLICE)
        self._expectations = Expectations(context.clock)
        self._slices.add_index(_INDEX, lambda current: _services_of(current))
        self._watch = ServiceWatch(self._services, self.informer(POD), self.queue.add)
        self._slices.add_handler(self._slice_changed)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        for service in _services_of(new or old or {}):
            if old is None:
                self._expectations.creation_observed(Key(service))
            self.queue.add(Key(service))

    def sync(self, key: Key) -> None:
        service = self._services.cache.get(key)
        if service is None:
            # Its slices are the garbage collector's: they have an owner reference.
            self._expectations.forget(key)
            return
        if not has_endpoints(service) or is_deleting(service) or not self._expectations.satisfied(key):
            return
        slices = [current for current in self._slices.cache.by_index(_INDEX, key) if not is_deleting(current)]
        plan = plans.plan(service, endpoints(service, self._watch.pods_of(service)), slices)
        for wanted in plan.update:
            self.client.update(ENDPOINT_SLICE, wanted)
        self._create(service, plan.create)
        for gone in plan.delete:
            self._delete(gone)

    def _create(self, service: Object, slices: list[Object]) -> None:
        if not slices:
            return
        owner, left = key(service), len(slices)
        # Their names are made by the server: created twice they would stay twice.
        self._expectations.expect_creations(owner, left)
        try:
            for wanted in slices:
                self.client.create(ENDPOINT_SLICE, wanted)
                left -= 1
        except ApiError as error:
            self._expectations.creation_observed(owner, left)
            if namespace_is_terminating(error):
                return
            message = f"Error creating Endpoint Slices for Service {owner}: {error}"
            self.record(service, "Warning", "FailedToUpdateEndpointSlices", message)
            raise

    def _delete(self, gone: Object) -> None:
        try:
            self.client.delete(ENDPOINT_SLICE, name(gone), namespace(gone), uid=uid(gone))
        except NotFound:
            return


def _services_of(current: Object) -> tuple[str, ...]:
    """The key of the Service that a slice of ours is for."""
    service = labels(current).get(plans.SERVICE_NAME)
    if not service or labels(current).get(plans.MANAGED_BY) != plans.MANAGER:
        return ()
    return (make_key(namespace(current), service),)
