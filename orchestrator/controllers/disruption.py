"""The disruption controller: works out what PodDisruptionBudgets allow; evictions take from it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.errors import NotFound
from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from orchestrator.api.groups.core import POD, REPLICATION_CONTROLLER
from orchestrator.api.groups.policy import POD_DISRUPTION_BUDGET
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import (
    Key,
    Object,
    controller_of,
    group_of,
    key,
    labels,
    make_key,
    namespace,
    spec,
    status,
    uid,
)
from orchestrator.api.selectors import label_selector, selector_text
from orchestrator.client.informer import Informer
from orchestrator.controllers import disruption_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.disruption_plan import Scale
from orchestrator.controllers.replicaset_plan import replicas

log = logging.getLogger(__name__)

_SCALED = (REPLICA_SET, DEPLOYMENT, STATEFUL_SET, REPLICATION_CONTROLLER)


class Unscalable(Exception):
    """A share cannot be worked out, as nobody says how many pods there should be. `missing` when the controller is
    not there."""

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


class DisruptionController(Controller):
    name = "controllermanager"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._budgets = self.informer(POD_DISRUPTION_BUDGET)
        self._pods = self.informer(POD)
        self._scaled = {(kind.group, kind.kind): self.informer(kind) for kind in _SCALED}
        self._custom: dict[tuple[str, str], Informer] = {}
        self.follow_custom(self._begun, self._ended)
        self._budgets.add_handler(lambda old, new: self.queue.add(key(new or old or {})))
        self._pods.add_handler(self._pod_changed)

    def _begun(self, informer: Informer) -> None:
        self._custom[informer.kind.group, informer.kind.kind] = informer
        # Pods of the kind may have been there before their kind was known.
        for budget in self._budgets.cache.list():
            self.queue.add(key(budget))

    def _ended(self, informer: Informer) -> None:
        type = (informer.kind.group, informer.kind.kind)
        if self._custom.get(type) is informer:
            del self._custom[type]

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for pod in (old, new):
            if pod is not None:
                for budget in self._budgets.cache.list(namespace(pod)):
                    if _selects(budget, pod):
                        self.queue.add(key(budget))

    def sync(self, key: Key) -> None:
        budget = self._budgets.cache.get(key)
        if budget is None:
            return
        pods = [pod for pod in self._pods.cache.list(namespace(budget)) if _selects(budget, pod)]
        if not pods:
            self.record(budget, "Normal", "NoPods", "No matching pods found")
        try:
            scales = self._scales(pods) if plans.needs_scale(budget) else {}
        except Unscalable as error:
            self._give_up(budget, error)
            return
        plan = plans.plan(budget, pods, scales, self.clock.now())
        if plan.unmanaged:
            self._warn_of_unmanaged(budget)
        for pod in plan.overdue:
            self.record(pod, "Warning", "NotDeleted", f"Pod was expected by PDB {key} to be deleted but it wasn't")
        self._write_status(budget, plan.status)
        if plan.check_after is not None:
            self.look_again(key, plan.check_after)

    def _scales(self, pods: Iterable[Object]) -> dict[str, Scale]:
        """By the uid of each controller of the pods. Raises Unscalable."""
        found: dict[str, Scale] = {}
        for pod in pods:
            controller = controller_of(pod)
            if controller is not None and str(controller.get("uid")) not in found:
                found[str(controller.get("uid"))] = self._scale(pod, controller)
        return found

    def _scale(self, pod: Object, controller: Object) -> Scale:
        owner = self._owner(pod, controller)
        above = controller_of(owner)
        if owner["kind"] == REPLICA_SET.kind and above is not None and above.get("kind") == DEPLOYMENT.kind:
            owner = self._owner(pod, above)
        return Scale(uid(owner), replicas(owner))

    def _owner(self, pod: Object, reference: Object) -> Object:
        """The object that `reference` is to; of a custom kind its Scale, which has the replicas at the same place."""
        type = (group_of(str(reference.get("apiVersion"))), str(reference.get("kind")))
        informer, custom = self._scaled.get(type), self._custom.get(type)
        where = make_key(namespace(pod), str(reference.get("name")))
        try:
            if informer is not None:
                cached = informer.cache.get(where)
                owner = cached or self.client.get(informer.kind, str(reference.get("name")), namespace(pod))
            elif custom is not None:
                owner = self.client.get(custom.kind, str(reference.get("name")), namespace(pod), subresource="scale")
            else:
                raise Unscalable(_why_not(type, pod))
        except NotFound:
            if custom is not None and custom.cache.get(where) is not None:
                raise Unscalable(_no_scale(custom.kind)) from None
            raise Unscalable(_none_for(pod), missing=True) from None
        if uid(owner) != reference.get("uid"):
            raise Unscalable(_none_for(pod), missing=True)
        return owner

    def _give_up(self, budget: Object, error: Unscalable) -> None:
        if error.missing:
            self.record(budget, "Warning", "NoControllers", str(error))
        message = f"Failed to calculate the number of expected pods: {error}"
        self.record(budget, "Warning", "CalculateExpectedPodCountFailed", message)
        self._write_status(budget, plans.failed(budget, str(error), self.clock.now()))

    def _warn_of_unmanaged(self, budget: Object) -> None:
        message = (
            f"Pods selected by this PodDisruptionBudget (selector: {selector_text(spec(budget).get('selector') or {})})"
            " were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may "
            'result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the '
            "PDB to an integer value."
        )
        self.record(budget, "Warning", "UnmanagedPods", message)

    def _write_status(self, budget: Object, fresh: Object) -> None:
        if fresh != status(budget):
            self.client.update_status(POD_DISRUPTION_BUDGET, {**budget, "status": fresh})


def _selects(budget: Object, pod: Object) -> bool:
    return label_selector(spec(budget).get("selector")).matches(labels(pod))


def _none_for(pod: Object) -> str:
    return f'found no controllers for pod "{pod["metadata"]["name"]}"'


def _why_not(type: tuple[str, str], pod: Object) -> str:
    kind = next((kind for kind in BUILTIN if (kind.group, kind.kind) == type), None)
    return _no_scale(kind) if kind else _none_for(pod)


def _no_scale(kind: Kind) -> str:
    return f"{kind.resource} does not implement the scale subresource"
