"""The garbage collector: deletes what only owners that are gone still refer to.

The graph of owners is the informers' caches, indexed by owner. An event may tell of a dependent before its owner or of
an owner's end before its dependent's beginning; so an owner that is not cached is asked for at the server,
and so are the dependents of one that leaves them as orphans.
"""

from __future__ import annotations

import logging

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import EVENT
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import (
    Key,
    Object,
    finalizers,
    group_of,
    is_deleting,
    key,
    make_key,
    name,
    namespace,
    owner_references,
    resource_version,
    uid,
)
from orchestrator.client.informer import Informer
from orchestrator.controllers import garbagecollector_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.garbagecollector_plan import State
from orchestrator.controllers.indexes import index_by_owner, owned_by, with_uid

log = logging.getLogger(__name__)


class GarbageCollector(Controller):
    """Keys are uids."""

    name = "garbage-collector-controller"
    workers = 2

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._by_type: dict[tuple[str, str], Informer] = {}
        #: Kinds that were served, and are no more: of their objects none is left.
        self._ended: set[tuple[str, str]] = set()
        for kind in BUILTIN.stored():
            # Events own nothing, are owned by nothing, and expire by themselves.
            if kind is not EVENT:
                self._begun(self.informer(kind))
        self.follow_custom(self._begun, self._gone_for_good)

    def _begun(self, informer: Informer) -> None:
        type = (informer.kind.group, informer.kind.kind)
        index_by_owner(informer)
        # A new table for each change: the workers go through it meanwhile.
        self._by_type = {**self._by_type, type: informer}
        self._ended -= {type}
        informer.add_handler(self._changed)

    def _gone_for_good(self, informer: Informer) -> None:
        """What is left in the cache is gone too, though nothing will tell of it any more."""
        type = (informer.kind.group, informer.kind.kind)
        if self._by_type.get(type) is not informer:
            return  # its definition has moved to another version
        self._by_type = {known: other for known, other in self._by_type.items() if known != type}
        self._ended |= {type}
        for obj in informer.cache.list():
            self._gone(obj)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._gone(old or {})
        elif old is None or _facts(old) != _facts(new):
            if owner_references(new) or is_deleting(new):
                self.queue.add(Key(uid(new)))
            self._revisit_owners(old, new)

    def _gone(self, obj: Object) -> None:
        for _, dependent in self._dependents(uid(obj)):
            self.queue.add(Key(uid(dependent)))
        self._revisit_owners(obj, None)

    def _revisit_owners(self, old: Object | None, new: Object | None) -> None:
        """An owner may have waited for this one."""
        kept = {_reference(ref) for ref in owner_references(new or {})}
        for ref in owner_references(old or {}):
            if _reference(ref) not in kept:
                self.queue.add(Key(str(ref.get("uid"))))

    def sync(self, key: Key) -> None:
        found = self._find(str(key))
        if found is None:
            return
        informer, obj = found
        dependents = self._listed_dependents(obj) if plans.orphans(obj) else self._dependents(uid(obj))
        kinds = {uid(each): kind for kind, each in dependents} | {uid(obj): informer.kind}
        owners: dict[str, State] = {}
        if not is_deleting(obj):
            owners = {str(ref.get("uid")): self._state(obj, ref) for ref in owner_references(obj)}
        plan = plans.plan(obj, owners, [each for _, each in dependents], self._dependents_of)
        for wanted in plan.write:
            self._write(kinds[uid(wanted)], wanted)
        for other in plan.revisit:
            self.queue.add(Key(uid(other)))
        if plan.delete:
            self._delete(informer.kind, obj, plan.delete)

    def _find(self, uid: str) -> tuple[Informer, Object] | None:
        for informer in self._by_type.values():
            if (obj := with_uid(informer, uid)) is not None:
                return informer, obj
        return None

    def _dependents(self, uid: str) -> list[tuple[Kind, Object]]:
        return [(informer.kind, obj) for informer in self._by_type.values() for obj in owned_by(informer, uid)]

    def _listed_dependents(self, obj: Object) -> list[tuple[Kind, Object]]:
        """As the server has them: one that no cache has yet would lose its owner unnoticed, and be deleted."""
        found: list[tuple[Kind, Object]] = []
        for informer in self._by_type.values():
            if namespace(obj) and not informer.kind.namespaced:
                continue  # nothing outside of a namespace has its owner within
            try:
                listed = self.client.list(informer.kind, namespace(obj)).items
            except NotFound:
                continue  # the kind is served no more
            found += ((informer.kind, each) for each in listed if _refers_to(each, uid(obj)))
        return found

    def _dependents_of(self, obj: Object) -> list[Object]:
        return [each for _, each in self._dependents(uid(obj))]

    def _state(self, obj: Object, ref: Object) -> State:
        type = (group_of(str(ref.get("apiVersion"))), str(ref.get("kind")))
        if type in self._ended:
            return "absent"
        informer = self._by_type.get(type)
        if informer is None or (informer.kind.namespaced and not namespace(obj)):
            # An owner of a kind that nobody serves, or out of reach of its dependent: nobody can tell that it is gone.
            return "live"
        owner = self._owner(informer, obj, ref)
        if owner is None:
            self._warn_of_other_namespace(informer, obj, ref)
            return "absent"
        return "waiting" if plans.waits_for_dependents(owner) and plans.blocks(ref, owner) else "live"

    def _owner(self, informer: Informer, obj: Object, ref: Object) -> Object | None:
        where = namespace(obj) if informer.kind.namespaced else ""
        cached = informer.cache.get(make_key(where, str(ref.get("name"))))
        if cached is not None and uid(cached) == ref.get("uid"):
            return cached
        try:
            live = self.client.get(informer.kind, str(ref.get("name")), where)
        except NotFound:
            return None
        return live if uid(live) == ref.get("uid") else None

    def _warn_of_other_namespace(self, informer: Informer, obj: Object, ref: Object) -> None:
        owner = with_uid(informer, str(ref.get("uid")))
        if owner is None or namespace(owner) == namespace(obj):
            return
        what = f"{ref.get('apiVersion')}/{ref.get('kind')}, namespace: {namespace(obj)}, name: {ref.get('name')}"
        message = f'ownerRef [{what}, uid: {ref.get("uid")}] does not exist in namespace "{namespace(obj)}"'
        self.record(obj, "Warning", "OwnerRefInvalidNamespace", message)

    def _write(self, kind: Kind, wanted: Object) -> None:
        try:
            self.client.update(kind, wanted)
        except NotFound:
            return

    def _delete(self, kind: Kind, obj: Object, propagation: str) -> None:
        """Only as it was when judged: an owner added meanwhile makes this a Conflict."""
        log.info("%s %s: its owners are gone, deleting it", kind.resource, key(obj))
        where, version = namespace(obj), resource_version(obj)
        try:
            self.client.delete(kind, name(obj), where, propagation=propagation, uid=uid(obj), resource_version=version)
        except NotFound:
            return


def _facts(obj: Object) -> tuple[object, ...]:
    """What of an object the collector looks at."""
    return owner_references(obj), is_deleting(obj), finalizers(obj)


def _refers_to(obj: Object, owner: str) -> bool:
    return any(ref.get("uid") == owner for ref in owner_references(obj))


def _reference(ref: Object) -> tuple[str, bool]:
    return str(ref.get("uid")), bool(ref.get("blockOwnerDeletion"))
