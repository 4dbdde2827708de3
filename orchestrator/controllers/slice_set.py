"""The slices that one controller manages, by Service, and writing what a plan says."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.meta import Key, Object, is_deleting, labels, make_key, name, namespace, uid
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.expectations import Expectations
from orchestrator.controllers.slices import MANAGED_BY, SERVICE_NAME, Plan
from orchestrator.util.clock import Clock


class SliceSet:
    """Slices labelled as `manager`'s. Calls `enqueue` with the key of the Service whose slices changed."""

    def __init__(
        self, client: Client, slices: Informer, manager: str, clock: Clock, enqueue: Callable[[Key], None]
    ) -> None:
        self._client = client
        self._slices = slices
        self._manager = manager
        self._enqueue = enqueue
        self._expectations = Expectations(clock)
        slices.add_index(manager, self._services_of)
        slices.add_handler(self._slice_changed)

    def _services_of(self, current: Object) -> tuple[Key, ...]:
        service = labels(current).get(SERVICE_NAME)
        if not service or labels(current).get(MANAGED_BY) != self._manager:
            return ()
        return (make_key(namespace(current), service),)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        for service in self._services_of(new or old or {}):
            if old is None:
                self._expectations.creation_observed(service)
            self._enqueue(service)

    def is_current(self, service: Key) -> bool:
        """False while a slice that was created is not seen yet: its name is made by the server, so one created twice
        would stay twice. The key comes again when it is seen."""
        return self._expectations.satisfied(service)

    def of(self, service: Key) -> list[Object]:
        slices = self._slices.cache.by_index(self._manager, service)
        return [current for current in slices if not is_deleting(current)]

    def forget(self, service: Key) -> None:
        self._expectations.forget(service)

    def carry_out(self, service: Key, plan: Plan) -> None:
        """Raises ApiError; what is done then stays done, and the next plan goes on from there."""
        for wanted in plan.update:
            self._client.update(ENDPOINT_SLICE, wanted)
        if plan.create:
            self._create(service, plan.create)
        for gone in plan.delete:
            self._delete(gone)

    def _create(self, service: Key, slices: list[Object]) -> None:
        left = len(slices)
        self._expectations.expect(service, creations=left)
        try:
            for wanted in slices:
                self._client.create(ENDPOINT_SLICE, wanted)
                left -= 1
        except ApiError as error:
            self._expectations.creation_observed(service, left)
            if not namespace_is_terminating(error):
                raise

    def _delete(self, gone: Object) -> None:
        try:
            self._client.delete(ENDPOINT_SLICE, name(gone), namespace(gone), uid=uid(gone))
        except NotFound:
            return
