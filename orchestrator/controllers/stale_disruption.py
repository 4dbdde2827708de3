"""Takes the announcement of a disruption off pods that were not disrupted after all."""

from __future__ import annotations

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Key, Object, condition, is_deleting, key, status
from orchestrator.api.pods import is_terminal
from orchestrator.api.times import parse, rfc3339
from orchestrator.controllers.base import Context, Controller

TARGET = "DisruptionTarget"
#: Seconds, as in Kubernetes' disruption controller.
_PATIENCE = 120.0


class StaleDisruptionController(Controller):
    """Keys are pods."""

    name = "stale-disruption-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pods = self.informer(POD)
        self._pods.add_handler(self._pod_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and (wait := stale_after(new, self.clock.now())) is not None:
            self.look_again(key(new), wait)

    def sync(self, key: Key) -> None:
        pod = self._pods.cache.get(key)
        wait = None if pod is None else stale_after(pod, self.clock.now())
        if pod is None or wait is None:
            return
        if wait > 0:
            self.look_again(key, wait)
            return
        now = rfc3339(self.clock.now())
        others = [entry for entry in status(pod)["conditions"] if entry.get("type") != TARGET]
        over = {"type": TARGET, "status": "False", "lastTransitionTime": now}
        try:
            self.client.update_status(POD, {**pod, "status": {**status(pod), "conditions": [*others, over]}})
        except NotFound:
            return


def stale_after(pod: Object, now: float) -> float | None:
    """Seconds until the pod's announced disruption is known not to come; None where there is none, or it came."""
    announced = condition(pod, TARGET)
    if announced is None or announced.get("status") != "True" or is_deleting(pod) or is_terminal(pod):
        return None
    return max(0.0, parse(announced["lastTransitionTime"]) + _PATIENCE - now)
