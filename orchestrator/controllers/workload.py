"""What the controllers of all workloads share: their objects wake them, and so do the pods of these."""

from __future__ import annotations

from typing import ClassVar

from orchestrator.api.groups.core import POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, controller_of, key
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.claim import Belongs, anyone
from orchestrator.controllers.indexes import number_controlled_by
from orchestrator.controllers.members import Members
from orchestrator.controllers.pod_control import PodControl

#: Seconds for which news of a pod wait for more, for each pod that its owner has beyond the first `_FEW`. Each look
#: goes through all of them: without a pause a thousand pods would take the square of a thousand steps to start.
_PAUSE = 0.0002
_FEW = 100


class WorkloadController(Controller):
    """Keys are those of the objects of `kind`. `belongs` and `finalizer` are as `Members` has them."""

    kind: ClassVar[Kind]
    workers = 2
    #: Seconds in which the news of an object's pods are gathered at least.
    gather: ClassVar[float] = 0.0

    def __init__(self, context: Context, *, belongs: Belongs = anyone, finalizer: str = "") -> None:
        super().__init__(context)
        self._owners = self.informer(self.kind)
        self._pods = self.informer(POD)
        self._members = Members(context.client, self._owners, self._pods, belongs, finalizer=finalizer)
        self._control = self._pod_control()
        self._owners.add_handler(self._owner_changed)
        self._pods.add_handler(self._pod_changed)

    def stop(self) -> None:
        super().stop()
        self._control.stop()

    def _pod_control(self) -> PodControl:
        return PodControl(self.name, self.client, self.clock, self.record)

    def _owner_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self._control.forget(key(old))
        self.queue.add(key(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        self._control.observe(self._members, old, new)
        for pod in (old, new):
            for owner in self._members.owners_of(pod) if pod is not None else ():
                self.queue.add_after(owner, self._pause(pod))

    def _pause(self, pod: Object | None) -> float:
        controller = controller_of(pod or {}) or {}
        crowd = number_controlled_by(self._pods, str(controller.get("uid")))
        return max(self.gather, _PAUSE * (crowd - _FEW))
