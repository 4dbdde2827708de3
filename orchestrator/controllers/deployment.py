"""The Deployment controller: rolls pods over from one template to the next, a ReplicaSet each."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from orchestrator.api.errors import AlreadyExists, ApiError, NotFound
from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import (
    Key,
    Object,
    controller_of,
    generation,
    is_deleting,
    key,
    make_key,
    name,
    namespace,
    resource_version,
    spec,
    status,
    uid,
)
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.selectors import label_selector
from orchestrator.controllers import deployment_plan as plans
from orchestrator.controllers import deployment_status as statuses
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.deployment_plan import Change, Plan
from orchestrator.controllers.deployment_revision import REVISION, same_template
from orchestrator.controllers.deployment_sizes import is_rolling
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.indexes import controlled_by, index_by_controller
from orchestrator.controllers.members import Members
from orchestrator.controllers.replicaset_plan import replicas

log = logging.getLogger(__name__)


class DeploymentController(Controller):
    name = "deployment-controller"
    workers = 2

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._deployments = self.informer(DEPLOYMENT)
        self._sets = self.informer(REPLICA_SET)
        self._pods = self.informer(POD)
        index_by_controller(self._pods)
        self._members = Members(context.client, self._deployments, self._sets)
        self._deployments.add_handler(lambda old, new: self.queue.add(key(new or old or {})))
        self._sets.add_handler(self._set_changed)
        self._pods.add_handler(self._pod_changed)

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        for rs in (old, new):
            if rs is not None:
                for owner in self._members.owners_of(rs):
                    self.queue.add(owner)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """The Recreate strategy waits for the end of the last old pod."""
        controller = controller_of(old) if old is not None and new is None else None
        if old is None or controller is None:
            return
        rs = self._sets.cache.get(make_key(namespace(old), str(controller.get("name"))))
        if rs is not None and uid(rs) == controller.get("uid"):
            for owner in self._members.owners_of(rs):
                self.queue.add(owner)

    def sync(self, key: Key) -> None:
        deployment = self._deployments.cache.get(key)
        if deployment is None:
            return
        if label_selector(spec(deployment).get("selector")).empty:
            self._refuse(deployment)
            return
        sets = self._members.of(deployment)
        plan = plans.plan(deployment, sets, self._pods_of(deployment, sets), self.clock.now())
        if plan.create is not None and not self._create(deployment, plan.create, plan):
            return
        for change in plan.update:
            self._update(deployment, change)
        for outdated in plan.delete:
            self._forget(deployment, outdated)
        self._write(deployment, plan)

    def _refuse(self, deployment: Object) -> None:
        message = "This deployment is selecting all pods. A non-empty selector is required."
        self.record(deployment, "Warning", "SelectingAll", message)
        if int(status(deployment).get("observedGeneration") or 0) < generation(deployment):
            seen = {**status(deployment), "observedGeneration": generation(deployment)}
            self.client.update_status(DEPLOYMENT, {**deployment, "status": seen})

    def _pods_of(self, deployment: Object, sets: Iterable[Object]) -> Sequence[Object]:
        if is_rolling(deployment):
            return ()
        return [pod for rs in sets for pod in controlled_by(self._pods, uid(rs))]

    def _create(self, deployment: Object, wanted: Object, plan: Plan) -> bool:
        """True when the ReplicaSet is there now; raises ApiError when it cannot be made."""
        try:
            created = self.client.create(REPLICA_SET, wanted)
        except AlreadyExists:
            self._resolve_collision(deployment, wanted)
            return False
        except ApiError as error:
            if namespace_is_terminating(error):
                return False
            self._report_failure(deployment, plan, f'Failed to create new replica set "{name(wanted)}": {error}')
            raise
        if size := replicas(created):
            self._record_scale(deployment, created, 0, size)
        return True

    def _resolve_collision(self, deployment: Object, wanted: Object) -> None:
        """The name is taken: by our own ReplicaSet that the cache does not show yet (its event is on its way), or by
        another template with the same hash, and then the count of collisions makes another hash."""
        try:
            there = self.client.get(REPLICA_SET, name(wanted), namespace(wanted))
        except NotFound:
            self.queue.add_rate_limited(key(deployment))
            return
        controller = controller_of(there) or {}
        if controller.get("uid") == uid(deployment) and same_template(deployment, there):
            return
        collisions = int(status(deployment).get("collisionCount") or 0) + 1
        log.info("%s: hash collision on %s, the next hash counts %d", key(deployment), name(wanted), collisions)
        counted = {**status(deployment), "collisionCount": collisions}
        self.client.update_status(DEPLOYMENT, {**deployment, "status": counted})

    def _report_failure(self, deployment: Object, plan: Plan, message: str) -> None:
        self.record(deployment, "Warning", "ReplicaSetCreateError", message)
        if statuses.deadline(deployment) is None:
            return
        fresh = plan.status
        statuses.note_create_failure(fresh, message, self.clock.now())
        self._write_status(deployment, fresh)

    def _update(self, deployment: Object, change: Change) -> None:
        self.client.update(REPLICA_SET, change.new)
        before, after = replicas(change.old), replicas(change.new)
        if before != after:
            self._record_scale(deployment, change.new, before, after)

    def _record_scale(self, deployment: Object, rs: Object, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        message = f"Scaled {direction} replica set {name(rs)} from {before} to {after}"
        self.record(deployment, "Normal", "ScalingReplicaSet", message)

    def _forget(self, deployment: Object, outdated: Object) -> None:
        log.info("%s: removing old replica set %s", key(deployment), name(outdated))
        try:
            self.client.delete(REPLICA_SET, name(outdated), namespace(outdated), uid=uid(outdated))
        except NotFound:
            log.debug("%s: replica set %s is gone already", key(deployment), name(outdated))

    def _write(self, deployment: Object, plan: Plan) -> None:
        if plan.revision and annotations_of(deployment).get(REVISION) != plan.revision and not is_deleting(deployment):
            meta = {"annotations": {REVISION: plan.revision}, "resourceVersion": resource_version(deployment)}
            deployment = self.client.patch(DEPLOYMENT, name(deployment), {"metadata": meta}, namespace(deployment))
        self._write_status(deployment, plan.status)
        if plan.check_after is not None:
            self.look_again(key(deployment), plan.check_after)

    def _write_status(self, deployment: Object, fresh: Object) -> None:
        if fresh != status(deployment):
            self.client.update_status(DEPLOYMENT, {**deployment, "status": fresh})
