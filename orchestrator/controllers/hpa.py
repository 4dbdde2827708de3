"""The horizontal pod autoscaler: gives workloads as many pods as what they use asks for.

It looks at each autoscaler when its spec changes, and then every `autoscaler_sync` seconds, at the figures and the
scale of its target as they are then.
"""

from __future__ import annotations

import logging

from orchestrator.api.errors import ApiError, Conflict
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER
from orchestrator.api.groups.core import POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object, namespace, spec, split_key, status
from orchestrator.api.meta import key as key_of
from orchestrator.api.selectors import LabelSelector
from orchestrator.controllers import hpa_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.hpa_behavior import History, Moment, rescaled
from orchestrator.controllers.hpa_metrics import Sight
from orchestrator.controllers.hpa_plan import Plan
from orchestrator.controllers.hpa_target import BadSelector, selected, selector_of
from orchestrator.controllers.pod_usage import PodUsage
from orchestrator.controllers.scale_targets import ScaleTargets

log = logging.getLogger(__name__)


class HorizontalPodAutoscaling(Controller):
    """Keys are autoscalers'. What it remembers of each is gone with it, or with the process: a new one scales down no
    sooner than a whole window later, as Kubernetes' does."""

    name = "horizontal-pod-autoscaler"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._period = context.settings.autoscaler_sync
        self._autoscalers = self.informer(HORIZONTAL_POD_AUTOSCALER)
        self._pods = self.informer(POD)
        self._usage = PodUsage(context.client, context.clock, self._period / 3)
        self._histories: dict[Key, History] = {}
        self._selectors: dict[Key, LabelSelector] = {}
        self._targets = ScaleTargets()
        self._autoscalers.add_handler(self._changed)
        self.follow_custom(self._targets.begun, self._targets.ended)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or spec(old) != spec(new):
            self.queue.add(key_of(new or old or {}))

    def sync(self, key: Key) -> None:
        hpa = self._autoscalers.cache.get(key)
        if hpa is None:
            self._histories.pop(key, None)
            self._selectors.pop(key, None)
            return
        self.queue.add_after(key, self._period)
        target = spec(hpa)["scaleTargetRef"]
        try:
            kind = self._targets.kind_of(target)
            scale = self.client.get(kind, str(target["name"]), namespace(hpa), subresource="scale")
        except ApiError as error:
            self.record(hpa, "Warning", "FailedGetScale", str(error))
            self._write(hpa, plans.unreachable(hpa, str(error), self.clock.now()))
        else:
            self._follow(key, hpa, kind, scale)

    def _follow(self, key: Key, hpa: Object, kind: Kind, scale: Object) -> None:
        plan = self._plan(key, hpa, scale)
        self._histories[key] = plan.history
        if plan.rescales:
            self._rescale(key, hpa, kind, scale, plan)
        for event in plan.events:
            self.record(hpa, *event)
        self._write(hpa, plans.next_status(hpa, plan, self.clock.now()))

    def _plan(self, key: Key, hpa: Object, scale: Object) -> Plan:
        at, current = self.clock.monotonic(), plans.current_replicas(scale)
        # What a newly met target has is its first recommendation: it does not shrink before a window is over.
        history = self._histories.get(key) or History((Moment(at, current),))
        plan = plans.by_bounds(hpa, scale, history)
        if plan is not None:
            return plan
        try:
            pods = self._pods_of(key, scale)
        except BadSelector as error:
            return plans.without_selector(scale, history, error)
        return plans.by_metrics(hpa, self._sight(namespace(hpa), current, pods), history, at)

    def _pods_of(self, key: Key, scale: Object) -> list[Object]:
        """Raises BadSelector."""
        where = split_key(key)[0]
        selector = self._selectors[key] = selector_of(scale)
        others = {each: other for each, other in self._selectors.items() if split_key(each)[0] == where}
        return selected(str(status(scale)["selector"]), selector, self._pods.cache.list(where), others)

    def _sight(self, where: str, current: int, pods: list[Object]) -> Sight:
        try:
            metrics, blind = self._usage.of(where), ""
        except ApiError as error:
            metrics, blind = {}, str(error)
        return Sight(where, current, pods, metrics, blind, self.clock.now())

    def _rescale(self, key: Key, hpa: Object, kind: Kind, scale: Object, plan: Plan) -> None:
        wanted = {**scale, "spec": {"replicas": plan.replicas}}
        try:
            self.client.update(kind, wanted, subresource="scale")
        except Conflict:
            # Somebody else wrote the target: look again at once.
            raise
        except ApiError as error:
            plans.failed(plan, error)
            return
        by = (plan.replicas or 0) - plan.current
        log.info("%s %s: scaled by %+d: %s", kind.resource, key_of(scale), by, plan.reason)
        self._histories[key] = rescaled(plan.history, spec(hpa), by, self.clock.monotonic())
        plans.succeeded(plan)

    def _write(self, hpa: Object, fresh: Object) -> None:
        if fresh != status(hpa):
            self.client.update_status(HORIZONTAL_POD_AUTOSCALER, {**hpa, "status": fresh})
