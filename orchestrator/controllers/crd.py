"""CustomResourceDefinitions: gives them their names, and empties them before they go."""

from __future__ import annotations

import logging

from orchestrator.api.custom.definition import FINALIZER, client_kind
from orchestrator.api.custom.naming import next_status
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import (
    Key,
    Object,
    finalizers,
    is_deleting,
    key,
    name,
    namespace,
    resource_version,
    spec,
    status,
)
from orchestrator.api.times import rfc3339
from orchestrator.client.informer import Informer
from orchestrator.controllers import crd_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.garbagecollector_plan import without_finalizer

log = logging.getLogger(__name__)

#: Seconds until a definition with objects left is looked at again, should no event tell.
_LOOK_AGAIN = 5.0


class CustomResourceDefinitionController(Controller):
    """One worker: who is first gets a name."""

    name = "customresourcedefinition-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._definitions = self.informer(CUSTOM_RESOURCE_DEFINITION)
        self._definitions.add_handler(self._changed)
        #: Definitions as last written here, until the cache has them.
        self._written: dict[str, Object] = {}
        self.follow_custom(self._begun, lambda _: None)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        """It may have taken a name that others of its group ask for, or given one up."""
        group = spec(new or old or {}).get("group")
        for crd in self._definitions.cache.list():
            if spec(crd).get("group") == group:
                self.queue.add(key(crd))

    def _begun(self, informer: Informer) -> None:
        crd = Key(informer.kind.resource)
        # The last of its objects may be gone.
        informer.add_handler(lambda _, new: self.queue.add(crd) if new is None else None)

    def sync(self, key: Key) -> None:
        crd = next((each for each in self._newest() if name(each) == key), None)
        if crd is None:
            return
        if is_deleting(crd):
            self._finalize(crd)
        else:
            self._write_status(crd, next_status(crd, self._newest(), rfc3339(self.clock.now())))

    def _newest(self) -> list[Object]:
        cached = self._definitions.cache.list()
        self._written = {
            name(each): self._written[name(each)]
            for each in cached
            if name(each) in self._written and _version(self._written[name(each)]) > _version(each)
        }
        return [self._written.get(name(each), each) for each in cached]

    def _write_status(self, crd: Object, fresh: Object) -> Object:
        if fresh == status(crd):
            return crd
        written = self.client.update_status(CUSTOM_RESOURCE_DEFINITION, {**crd, "status": fresh})
        self._written[name(crd)] = written
        return written

    def _finalize(self, crd: Object) -> None:
        if FINALIZER not in finalizers(crd):
            return
        crd = self._write_status(crd, plans.terminating(crd, plans.IN_PROGRESS, self.clock.now()))
        kind = client_kind(crd)
        if kind is not None and (left := self._empty(kind)):
            log.info("%s: %d of its objects are left, waiting for them", name(crd), left)
            self.queue.add_after(key(crd), _LOOK_AGAIN)
            return
        crd = self._write_status(crd, plans.terminating(crd, plans.COMPLETED, self.clock.now()))
        self.client.update(CUSTOM_RESOURCE_DEFINITION, without_finalizer(crd, FINALIZER))

    def _empty(self, kind: Kind) -> int:
        """Ask all objects to go; how many are left."""
        for where in sorted({namespace(obj) for obj in self.client.list(kind).items}):
            self.client.delete_collection(kind, where)
        return len(self.client.list(kind).items)


def _version(obj: Object) -> int:
    return int(resource_version(obj) or 0)
