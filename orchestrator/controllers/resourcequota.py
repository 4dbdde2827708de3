"""The resourcequota controller: measures what a namespace uses, and writes it into the status of its quotas.

Admission charges a quota before the object is written (`orchestrator.server.admission.quotas`), so a quota may be ahead
of what is there. What goes away, or was charged and not written, is taken off here.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.groups.core import EVENT, RESOURCE_QUOTA
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object, key, namespace, status
from orchestrator.api.quota.ledger import lowers, measured
from orchestrator.api.quota.usage import usage
from orchestrator.client.informer import Informer
from orchestrator.controllers.base import Context, Controller

#: Seconds since the last charge after which all that was charged is written or was refused. A quota that is full takes
#: no charge, so that room is made in it at once.
_SETTLED = 1.0
#: Seconds after which a quota is measured in any case.
_MEASURE_AGAIN = 300.0


class ResourceQuotaController(Controller):
    """Keys are quotas'."""

    name = "resourcequota-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._quotas = self.informer(RESOURCE_QUOTA)
        self._counted: dict[Kind, Informer] = {}
        #: When a quota's usage was last seen to rise, on the monotonic clock.
        self._charged: dict[Key, float] = {}
        self._quotas.add_handler(self._quota_changed)
        for kind in BUILTIN.stored():
            if kind is not EVENT:
                self._count(self.informer(kind))
        self.follow_custom(self._count, self._forget)

    def _count(self, informer: Informer) -> None:
        """Have the quotas measured that the kind's objects may concern, whenever these use more or less."""
        kind = informer.kind
        if not kind.namespaced:
            return

        def changed(old: Object | None, new: Object | None) -> None:
            if old is None or new is None or usage(kind, old) != usage(kind, new):
                for quota in self._quotas.cache.list(namespace(new or old or {})):
                    self.queue.add(key(quota))

        # A new table for each change: the worker goes through it meanwhile.
        self._counted = {**self._counted, kind: informer}
        informer.add_handler(changed)

    def _forget(self, informer: Informer) -> None:
        self._counted = {kind: other for kind, other in self._counted.items() if other is not informer}

    def _quota_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._charged.pop(key(old or {}), None)
            return
        used, before = status(new).get("used") or {}, status(old or {}).get("used") or {}
        if before and lowers(before, used):
            self._charged[key(new)] = self.clock.monotonic()
        self.queue.add(key(new))

    def sync(self, key: Key) -> None:
        quota = self._quotas.cache.get(key)
        if quota is None:
            return
        fresh = measured(quota, self._objects(namespace(quota)))
        self.queue.add_after(key, _MEASURE_AGAIN)
        if fresh == status(quota):
            return
        unsettled = self._unsettled(key)
        if unsettled > 0 and lowers(fresh["used"], status(quota).get("used") or {}):
            self.queue.add_after(key, unsettled)
        else:
            self.client.update_status(RESOURCE_QUOTA, {**quota, "status": fresh})

    def _unsettled(self, key: Key) -> float:
        """Seconds for which what was charged to the quota may still be on its way."""
        charged = self._charged.get(key)
        return 0.0 if charged is None else charged + _SETTLED - self.clock.monotonic()

    def _objects(self, where: str) -> Iterator[tuple[Kind, Object]]:
        return ((kind, obj) for kind, informer in self._counted.items() for obj in informer.cache.list(where))
