"""The namespace controller: empties a namespace that is being deleted, then lets it go."""

from __future__ import annotations

import logging

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.errors import ApiError
from orchestrator.api.groups.core import EVENT, NAMESPACE, POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object, is_deleting, key, name, namespace, spec, status
from orchestrator.client.informer import Informer
from orchestrator.controllers import namespace_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.namespace_plan import FINALIZER, Remains

log = logging.getLogger(__name__)

#: Seconds until a namespace with content left is looked at again, should no event tell.
_LOOK_AGAIN = 5.0


class NamespaceController(Controller):
    name = "namespace-controller"
    workers = 2

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._namespaces = self.informer(NAMESPACE)
        self._namespaces.add_handler(self._namespace_changed)
        self._content = [kind for kind in BUILTIN.stored() if kind.namespaced]
        for kind in self._content:
            # Events need no informer here: they go at once, without grace or finalizers.
            if kind is not EVENT:
                self.informer(kind).add_handler(self._content_changed)
        self.follow_custom(self._begun, self._ended)

    def _begun(self, informer: Informer) -> None:
        if informer.kind.namespaced:
            self._content = [*self._content, informer.kind]
            informer.add_handler(self._content_changed)

    def _ended(self, informer: Informer) -> None:
        self._content = [kind for kind in self._content if kind is not informer.kind]

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_deleting(new):
            self.queue.add(key(new))

    def _content_changed(self, old: Object | None, new: Object | None) -> None:
        """The last of the content may be gone."""
        if new is None and old is not None:
            where = self._namespaces.cache.get(Key(namespace(old)))
            if where is not None and is_deleting(where):
                self.queue.add(key(where))

    def sync(self, key: Key) -> None:
        where = self._namespaces.cache.get(key)
        if where is None or not is_deleting(where) or FINALIZER not in (spec(where).get("finalizers") or []):
            return
        remains = self._empty(name(where))
        fresh = plans.next_status(where, remains, self.clock.now())
        if fresh != status(where):
            where = self.client.update_status(NAMESPACE, {**where, "status": fresh})
        if remains.none:
            log.info("namespace %s is empty: letting it go", key)
            self.client.update(NAMESPACE, plans.finalized(where), subresource="finalize")
        else:
            self.queue.add_after(key, _LOOK_AGAIN)

    def _empty(self, where: str) -> Remains:
        """Ask everything to go. Pods first, and nothing else before they have ended: they may need it to the last."""
        remains = Remains()
        self._remove(POD, where, remains)
        if remains.none:
            for kind in self._content:
                if kind is not POD:
                    self._remove(kind, where, remains)
        return remains

    def _remove(self, kind: Kind, where: str, remains: Remains) -> None:
        try:
            if self.client.list(kind, where, limit="1").items:
                # Else the pods of Jobs would be let go, not deleted.
                self.client.delete_collection(kind, where, propagationPolicy="Background")
                remains.add(kind.resource, self.client.list(kind, where).items)
        except ApiError as error:
            log.warning("namespace %s: cannot delete its %s, will be tried again: %s", where, kind.resource, error)
            remains.failures.append(f"{kind.resource}: {error}")
