"""The Job controller: runs pods until enough of them have succeeded, and counts each exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Key, Object, condition, controller_of, is_deleting, key, name, namespace, status, uid
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.api.strategies.job_status import SUSPENDED, finished
from orchestrator.client.client import Client
from orchestrator.controllers import job_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.batches import all_at_once, slow_start
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.expectations import Expectations
from orchestrator.controllers.job_backoff import Backoff
from orchestrator.controllers.job_plan import Plan
from orchestrator.controllers.job_pods import TRACKING, is_tracked
from orchestrator.controllers.job_status import end_event, has_too_many, settled
from orchestrator.controllers.job_steps import Birth
from orchestrator.controllers.job_template import new_pod
from orchestrator.controllers.members import Members
from orchestrator.controllers.removals import Removals

#: Calls about pods at the same time, over all Jobs.
_PARALLEL = 8
#: Seconds in which the news of a Job's pods are gathered: each look goes through all of them.
_GATHER = 0.1


class JobController(Controller):
    name = "job-controller"
    workers = 2

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._jobs = self.informer(JOB)
        self._pods = self.informer(POD)
        self._members = Members(context.client, self._jobs, self._pods, finalizer=TRACKING)
        self._expectations = Expectations(context.clock)
        self._removals = Removals()
        self._backoffs: dict[Key, Backoff] = {}
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix=self.name)
        self._jobs.add_handler(self._job_changed)
        self._pods.add_handler(self._pod_changed)

    def stop(self) -> None:
        super().stop()
        self._pool.shutdown()

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self._expectations.forget(key(old))
            self._removals.forget(key(old))
        self.queue.add(key(new or old or {}))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old or {}
        for owner in self._members.owners_of(pod) if controller_of(pod) else ():
            self._observe(owner, old, new)
        for each in (old, new):
            for owner in self._members.owners_of(each) if each is not None else ():
                self.queue.add_after(owner, _GATHER)

    def _observe(self, owner: Key, old: Object | None, new: Object | None) -> None:
        pod = new or old or {}
        if old is None and not is_deleting(pod):
            self._expectations.creation_observed(owner)
        if new is None or is_deleting(new):
            self._expectations.deletion_observed(owner, uid(pod))
        if new is None or not is_tracked(new):
            self._removals.observed(owner, uid(pod))

    def sync(self, key: Key) -> None:
        job = self._jobs.cache.get(key)
        if job is None or finished(job):
            self._backoffs.pop(key, None)
            return
        if plans.is_managed_elsewhere(job):
            return
        if not self._expectations.satisfied(key) or self._removals.pending(key):
            # What was done is not seen yet: counts made of this cache would be wrong. The event that is still missing
            # brings the key back.
            return
        pods = self._members.of(job)
        plan = plans.plan(job, pods, self._backoffs.get(key), self.clock.now())
        created, failure = self._create(job, plan.create)
        self._remove(job, plan)
        job = self._write(job, _with_active(plan.status, created))
        self._backoffs[key] = plan.backoff
        self._settle(job, pods, plan)
        if plan.check_after is not None:
            self.queue.add_after(key, plan.check_after)
        if failure is not None:
            raise failure

    def _create(self, job: Object, births: Sequence[Birth]) -> tuple[int, ApiError | None]:
        """How many pods were made, and why not more. A pod that cannot be made does not keep others from being
        counted."""
        if not births:
            return 0, None
        self._expectations.expect(key(job), creations=len(births))
        done, error = slow_start(self._pool, births, lambda birth: self._create_one(job, birth))
        # Nobody will see those that failed or were not tried.
        self._expectations.creation_observed(key(job), len(births) - done)
        return done, None if error is None or namespace_is_terminating(error) else error

    def _create_one(self, job: Object, birth: Birth) -> None:
        try:
            pod = self.client.create(POD, new_pod(job, birth))
        except ApiError as error:
            if not namespace_is_terminating(error):
                self.record(job, "Warning", "FailedCreate", f"Error creating: {error}")
            raise
        self.record(job, "Normal", "SuccessfulCreate", f"Created pod: {name(pod)}")

    def _remove(self, job: Object, plan: Plan) -> None:
        """Raises the first error: nothing may be counted as stopped that was not."""
        pods = [*plan.drop, *plan.stop]
        if not pods:
            return
        self._expectations.expect(key(job), deletions=map(uid, pods))
        errors = self._take_off(job, plan.drop) or all_at_once(self._pool, pods, lambda pod: self._delete(job, pod))
        for error in errors:
            # Those that were not reached will never be seen to go.
            self._expectations.forget(key(job))
            raise error

    def _delete(self, job: Object, pod: Object) -> None:
        try:
            self.client.delete(POD, name(pod), namespace(pod), uid=uid(pod))
        except NotFound:
            self._expectations.deletion_observed(key(job), uid(pod))
            return
        except ApiError as error:
            self.record(job, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        self.record(job, "Normal", "SuccessfulDelete", f"Deleted pod: {name(pod)}")

    def _take_off(self, job: Object, pods: Iterable[Object]) -> list[ApiError]:
        """Take the finalizer off; the errors of those that keep it."""
        tracked = [pod for pod in pods if is_tracked(pod)]
        self._removals.expect(key(job), map(uid, tracked))
        return all_at_once(self._pool, tracked, lambda pod: self._take_off_one(job, pod))

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
