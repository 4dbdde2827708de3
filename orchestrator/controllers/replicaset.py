"""The ReplicaSet controller: keeps as many pods as `spec.replicas` says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.apps import REPLICA_SET
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Key, Object, controller_of, is_deleting, key, name, namespace, status, uid
from orchestrator.api.pods import is_active
from orchestrator.controllers import replicaset_plan as plans
from orchestrator.controllers.availability import next_available
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.batches import all_at_once, slow_start
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.expectations import Expectations
from orchestrator.controllers.indexes import controlled_by, index_by_controller
from orchestrator.controllers.members import Members
from orchestrator.controllers.replicaset_plan import Failure

#: Pods created or deleted at the same time, over all ReplicaSets.
_PARALLEL = 8


class ReplicaSetController(Controller):
    name = "replicaset-controller"
    workers = 2

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._sets = self.informer(REPLICA_SET)
        self._pods = self.informer(POD)
        self._members = Members(context.client, self._sets, self._pods)
        index_by_controller(self._sets)
        self._expectations = Expectations(context.clock)
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix=self.name)
        self._sets.add_handler(self._set_changed)
        self._pods.add_handler(self._pod_changed)

    def stop(self) -> None:
        super().stop()
        self._pool.shutdown()

    def _set_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self._expectations.forget(key(old))
        self.queue.add(key(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None and new is not None and not is_deleting(new):
            for owner in self._controllers(new):
                self._expectations.creation_observed(owner)
        if new is None or is_deleting(new):
            gone = new or old or {}
            for owner in self._controllers(gone):
                self._expectations.deletion_observed(owner, uid(gone))
        for pod in (old, new):
            if pod is not None:
                for owner in self._members.owners_of(pod):
                    self.queue.add(owner)

    def _controllers(self, pod: Object) -> Iterable[Key]:
        return self._members.owners_of(pod) if controller_of(pod) else ()

    def sync(self, key: Key) -> None:
        replica_set = self._sets.cache.get(key)
        if replica_set is None:
            return
        if not self._expectations.satisfied(key):
            # What was done is not seen yet: neither a decision nor a status made of this cache would be true. The
            # event that is still missing brings the key back.
            return
        pods = [pod for pod in self._members.of(replica_set) if is_active(pod)]
        if is_deleting(replica_set):
            self._write_status(replica_set, pods, None)
            return
        plan = plans.plan(replica_set, pods, self._related(replica_set, pods), self.clock.now())
        error = self._create(replica_set, plan.create) or self._delete(replica_set, plan.delete)
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
        siblings = controlled_by(self._sets, str(controller.get("uid")))
        return [pod for rs in siblings for pod in controlled_by(self._pods, uid(rs)) if is_active(pod)]

    def _create(self, replica_set: Object, count: int) -> ApiError | None:
        if count == 0:
            return None
        owner = key(replica_set)
        self._expectations.expect_creations(owner, count)
        done, error = slow_start(self._pool, count, lambda: self._create_one(replica_set))
        # Nobody will see those that failed or were not tried.
        self._expectations.creation_observed(owner, count - done)
        return None if error is None or namespace_is_terminating(error) else error

    def _create_one(self, replica_set: Object) -> None:
        try:
            pod = self.client.create(POD, plans.new_pod(replica_set))
        except ApiError as error:
            if not namespace_is_terminating(error):
                self.record(replica_set, "Warning", "FailedCreate", f"Error creating: {error}")
            raise
        self.record(replica_set, "Normal", "SuccessfulCreate", f"Created pod: {name(pod)}")

    def _delete(self, replica_set: Object, pods: Sequence[Object]) -> ApiError | None:
        if not pods:
            return None
        self._expectations.expect_deletions(key(replica_set), [uid(pod) for pod in pods])
        errors = all_at_once(self._pool, pods, lambda pod: self._delete_one(replica_set, pod))
        return next(iter(errors), None)

    def _delete_one(self, replica_set: Object, pod: Object) -> None:
        try:
            self.client.delete(POD, name(pod), namespace(pod), uid=uid(pod))
        except ApiError as error:
            self._expectations.deletion_observed(key(replica_set), uid(pod))
            if isinstance(error, NotFound):
                return
            message = f"Error deleting: {error}"
            self.record(replica_set, "Warning", "FailedDelete", message)
            raise
        self.record(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name(pod)}")

    def _write_status(self, replica_set: Object, pods: Sequence[Object], failure: Failure | None) -> None:
        now = self.clock.now()
        wait = next_available(pods, plans.min_ready_seconds(replica_set), now)
        if wait is not None:
            self.queue.add_after(key(replica_set), wait)
        fresh = plans.next_status(replica_set, pods, failure, now)
        if fresh != status(replica_set):
            self.client.update_status(REPLICA_SET, {**replica_set, "status": fresh})
