"""The CronJob controller: starts Jobs by a schedule."""

from __future__ import annotations

import logging

from orchestrator.api.errors import AlreadyExists, ApiError, NotFound
from orchestrator.api.groups.batch import CRON_JOB, JOB
from orchestrator.api.meta import (
    Key,
    Object,
    controller_of,
    group_of,
    key,
    make_key,
    name,
    namespace,
    split_key,
    status,
    uid,
)
from orchestrator.controllers import cronjob_plan as plans
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.cronjob_plan import Plan
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.indexes import controlled_by, index_by_controller

log = logging.getLogger(__name__)


class CronJobController(Controller):
    name = "cronjob-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._cron_jobs = self.informer(CRON_JOB)
        self._jobs = self.informer(JOB)
        index_by_controller(self._jobs)
        self._cron_jobs.add_handler(lambda old, new: self.queue.add(key(new or old or {})))
        self._jobs.add_handler(self._job_changed)

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        for job in (old, new):
            reference = controller_of(job or {}) or {}
            kind = group_of(str(reference.get("apiVersion"))), reference.get("kind")
            if job is not None and kind == (CRON_JOB.group, CRON_JOB.kind):
                self.queue.add(make_key(namespace(job), str(reference.get("name"))))

    def sync(self, key: Key) -> None:
        cron_job = self._cron_jobs.cache.get(key)
        if cron_job is None:
            return
        jobs = controlled_by(self._jobs, uid(cron_job))
        if plans.unexpected(cron_job, jobs):
            # Made by this controller just now, most likely, which the cache does not know yet.
            cron_job = self._live(cron_job, key)
            if cron_job is None:
                return
        plan = plans.plan(cron_job, [*jobs, *self._uncached(cron_job, jobs)], self.clock.now())
        for job in plan.forget:
            self._delete(cron_job, job)
        fresh = self._start(cron_job, plan)
        if fresh != status(cron_job):
            self.client.update_status(CRON_JOB, {**cron_job, "status": fresh})
        for event in plan.events:
            self.record(cron_job, event.type, event.reason, event.message)
        if plan.check_after is not None:
            self.look_again(key, plan.check_after)

    def _live(self, cron_job: Object, key: Key) -> Object | None:
        where, called = split_key(key)
        try:
            live = self.client.get(CRON_JOB, called, where)
        except NotFound:
            return None
        return live if uid(live) == uid(cron_job) else None

    def _uncached(self, cron_job: Object, jobs: list[Object]) -> list[Object]:
        """The active Jobs that the cache does not know yet, or does not any more."""
        cached = {uid(job) for job in jobs}
        found = []
        for reference in plans.active(cron_job):
            if reference.get("uid") in cached:
                continue
            try:
                job = self.client.get(JOB, str(reference.get("name")), namespace(cron_job))
            except NotFound:
                continue
            if uid(job) == reference.get("uid"):
                found.append(job)
        return found

    def _start(self, cron_job: Object, plan: Plan) -> Object:
        """Start what is due; returns the status to write."""
        for job in plan.replace:
            self._delete(cron_job, job)
        if plan.start is None:
            return plan.status
        try:
            job = self.client.create(JOB, plan.start)
        except AlreadyExists:
            # Made before, by this controller, which died or failed before it could say so; or by somebody else.
            job = self.client.get(JOB, name(plan.start), namespace(plan.start))
            if (controller_of(job) or {}).get("uid") != uid(cron_job):
                raise
            log.info("cronjob %s: job %s was made before", key(cron_job), name(job))
        except ApiError as error:
            if namespace_is_terminating(error):
                return plan.status
            self.record(cron_job, "Warning", "FailedCreate", f"Error creating job: {error}")
            raise
        else:
            self.record(cron_job, "Normal", "SuccessfulCreate", f"Created job {name(job)}")
        return plans.started(plan.status, job, plan.at)

    def _delete(self, cron_job: Object, job: Object) -> None:
        try:
            self.client.delete(JOB, name(job), namespace(job), propagation="Background", uid=uid(job))
        except NotFound:
            return
        except ApiError as error:
            self.record(cron_job, "Warning", "FailedDelete", f"Deleted job: {error}")
            raise
        self.record(cron_job, "Normal", "SuccessfulDelete", f"Deleted job {name(job)}")
