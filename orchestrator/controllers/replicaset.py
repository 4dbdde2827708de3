"""The ReplicaSet controller: keeps as many pods as `spec.replicas` says. So does the ReplicationController's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.api.groups.apps import REPLICA_SET
from orchestrator.api.groups.core import REPLICATION_CONTROLLER
from orchestrator.api.meta import Key, Object, controller_of, is_deleting, key, status, uid
from orchestrator.api.pods import is_active
from orchestrator.controllers import replicaset_plan as plans
from orchestrator.controllers.availability import next_available
from orchestrator.controllers.base import Context
from orchestrator.controllers.indexes import controlled_by, index_by_controller
from orchestrator.controllers.replicaset_plan import Failure
from orchestrator.controllers.workload import WorkloadController


class ReplicaSetController(WorkloadController):
    name = "replicaset-controller"
    kind = REPLICA_SET

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        index_by_controller(self._owners)

    def sync(self, key: Key) -> None:
        replica_set = self._owners.cache.get(key)
        if replica_set is None:
            return
        if not self._control.satisfied(key):
            # What was done is not seen yet: neither a decision nor a status made of this cache would be true. The
            # event that is still missing brings the key back.
            return
        pods = [pod for pod in self._members.of(replica_set) if is_active(pod)]
        if is_deleting(replica_set):
            self._write_status(replica_set, pods, None)
            return
        plan = plans.plan(replica_set, pods, self._related(replica_set, pods), self.clock.now())
        new = [plans.new_pod(replica_set) for _ in range(plan.create)]
        error = self._control.carry_out(replica_set, new, plan.delete)
        if error is not None:
            reason = "FailedCreate" if plan.create else "FailedDelete"
            self._write_status(replica_set, pods, Failure(reason, str(error)))
            raise error
        if not plan.create and not plan.delete:
            self._write_status(replica_set, pods, None)

    def _related(self, replica_set: Object, pods: Sequence[Object]) -> Iterable[Object]:
        """The active pods of all ReplicaSets of the same Deployment."""
        controller = controller_of(replica_set)
        if controller is None:
            return pods
        siblings = controlled_by(self._owners, str(controller.get("uid")))
        return (pod for rs in siblings for pod in controlled_by(self._pods, uid(rs)) if is_active(pod))

    def _write_status(self, replica_set: Object, pods: Sequence[Object], failure: Failure | None) -> None:
        now = self.clock.now()
        wait = next_available(pods, plans.min_ready_seconds(replica_set), now)
        if wait is not None:
            self.look_again(key(replica_set), wait)
        fresh = plans.next_status(replica_set, pods, failure, now)
        if fresh != status(replica_set):
            self.client.update_status(self.kind, {**replica_set, "status": fresh})


class ReplicationManager(ReplicaSetController):
    name = "replication-controller"
    workers = 1
    kind = REPLICATION_CONTROLLER
