"""The Job controller: runs pods until enough of them have succeeded, and counts each exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Key, Object, condition, controller_of, key, name, namespace, status, uid
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.api.strategies.job_status import SUSPENDED, finished
from orchestrator.client.client import Client
from orchestrator.controllers import job_plan as plans
from orchestrator.controllers.base import Context
from orchestrator.controllers.job_backoff import Backoff
from orchestrator.controllers.job_plan import Plan
from orchestrator.controllers.job_pods import TRACKING, is_tracked
from orchestrator.controllers.job_status import end_event, has_too_many, settled
from orchestrator.controllers.job_template import new_pod
from orchestrator.controllers.removals import Removals
from orchestrator.controllers.workload import WorkloadController


class JobController(WorkloadController):
    name = "job-controller"
    kind = JOB
    #: Each look goes through all pods of the Job.
    gather = 0.1

    def __init__(self, context: Context) -> None:
        super().__init__(context, finalizer=TRACKING)
        self._removals = Removals()
        self._backoffs: dict[Key, Backoff] = {}

    def _owner_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self._removals.forget(key(old))
        super()._owner_changed(old, new)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old or {}
        if new is None or not is_tracked(new):
            for owner in self._members.owners_of(pod) if controller_of(pod) else ():
                self._removals.observed(owner, uid(pod))
        super()._pod_changed(old, new)

    def sync(self, key: Key) -> None:
        job = self._owners.cache.get(key)
        if job is None or finished(job):
            self._backoffs.pop(key, None)
            return
        if plans.is_managed_elsewhere(job):
            return
        if not self._control.satisfied(key) or self._removals.pending(key):
            # What was done is not seen yet: counts made of this cache would be wrong. The event that is still missing
            # brings the key back.
            return
        pods = self._members.of(job)
        plan = plans.plan(job, pods, self._backoffs.get(key), self.clock.now())
        created, failure = self._control.create(job, [new_pod(job, birth) for birth in plan.create])
        self._remove(job, plan)
        job = self._write(job, _with_active(plan.status, created))
        self._backoffs[key] = plan.backoff
        self._settle(job, pods, plan)
        if plan.check_after is not None:
            self.look_again(key, plan.check_after)
        if failure is not None:
            raise failure

    def _remove(self, job: Object, plan: Plan) -> None:
        """Raises the first error: nothing may be counted as stopped that was not."""
        for kept in self._take_off(job, plan.drop):
            raise kept
        if error := self._control.delete(job, [*plan.drop, *plan.stop]):
            raise error

    def _take_off(self, job: Object, pods: Iterable[Object]) -> list[ApiError]:
        """Take the finalizer off; the errors of those that keep it."""
        tracked = [pod for pod in pods if is_tracked(pod)]
        self._removals.expect(key(job), map(uid, tracked))
        return self._control.for_each(tracked, lambda pod: self._take_off_one(job, pod))

    def _take_off_one(self, job: Object, pod: Object) -> None:
        try:
            release(self.client, pod)
        except ApiError:
            self._removals.observed(key(job), uid(pod))
            raise

    def _write(self, job: Object, fresh: Object) -> Object:
        if fresh == status(job):
            return job
        before = condition(job, SUSPENDED)
        written = self.client.update_status(JOB, {**job, "status": fresh})
        now = condition(written, SUSPENDED)
        if now is not None and now != before:
            self.record(job, "Normal", "Suspended" if now["status"] == "True" else "Resumed", str(now["message"]))
        return written

    def _settle(self, job: Object, pods: Sequence[Object], plan: Plan) -> None:
        errors = self._take_off(job, plan.release)
        if errors:
            # Some are off, some are not, and only the cache will tell which. Those noted are counted then.
            raise errors[0]
        tracked = {uid(pod) for pod in pods if is_tracked(pod)} - set(map(uid, plan.release))
        done = self._write(job, settled(job, tracked, self.clock.now(), whole=plan.whole))
        if finished(done):
            self._tell_end(done)

    def _tell_end(self, job: Object) -> None:
        if has_too_many(job):
            message = "Too many succeeded pods running after completion count reached"
            self.record(job, "Warning", "TooManySucceededPods", message)
        kind, reason, message = end_event(job)
        self.record(job, "Normal" if kind == "Normal" else "Warning", reason, message)


def release(client: Client, pod: Object) -> None:
    """Take the finalizer off. The pod may be gone or be without it already."""
    patch = {"metadata": {"uid": uid(pod), "$deleteFromPrimitiveList/finalizers": [TRACKING]}}
    try:
        client.patch(POD, name(pod), patch, namespace(pod), content_type=STRATEGIC_PATCH)
    except NotFound:
        return


def _with_active(fresh: Object, created: int) -> Object:
    """Pods made just now are active though nobody has seen them yet."""
    return fresh | {"active": int(fresh.get("active") or 0) + created} if created else fresh
