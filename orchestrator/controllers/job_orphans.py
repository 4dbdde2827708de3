"""Lets go of pods that no Job will count: their Job is gone or finished, or they belong to none."""

from __future__ import annotations

import logging

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Key, Object, controller_of, group_of, key, make_key, namespace, uid
from orchestrator.api.strategies.job_status import finished
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.indexes import controlled_by, index_by_controller
from orchestrator.controllers.job import release
from orchestrator.controllers.job_plan import is_managed_elsewhere
from orchestrator.controllers.job_pods import is_tracked

log = logging.getLogger(__name__)


class JobPodReleaser(Controller):
    """Keys are pods that carry the finalizer of Jobs."""

    name = "job-pod-releaser"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._jobs = self.informer(JOB)
        self._pods = self.informer(POD)
        index_by_controller(self._pods)
        self._jobs.add_handler(self._job_changed)
        self._pods.add_handler(self._pod_changed)

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or finished(new):
            for pod in controlled_by(self._pods, uid(new or old or {})):
                self._pod_changed(None, pod)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_tracked(new) and not _counts(self._cached_job(new), new):
            self.queue.add(key(new))

    def sync(self, key: Key) -> None:
        pod = self._pods.cache.get(key)
        if pod is None or not is_tracked(pod) or _counts(self._cached_job(pod) or self._live_job(pod), pod):
            return
        log.info("pod %s: no job counts it, taking the finalizer off", key)
        release(self.client, pod)

    def _cached_job(self, pod: Object) -> Object | None:
        return self._jobs.cache.get(_owner(pod))

    def _live_job(self, pod: Object) -> Object | None:
        """Ask the server: what follows cannot be taken back."""
        reference = controller_of(pod)
        if reference is None:
            return None
        try:
            return self.client.get(JOB, str(reference.get("name")), namespace(pod))
        except NotFound:
            return None


def _owner(pod: Object) -> Key:
    return make_key(namespace(pod), str((controller_of(pod) or {}).get("name") or ""))


def _counts(job: Object | None, pod: Object) -> bool:
    """Whether somebody will count the pod: its Job while it runs, or whoever else controls it or its Job."""
    reference = controller_of(pod)
    if reference is None:
        return False
    if (group_of(str(reference.get("apiVersion"))), reference.get("kind")) != (JOB.group, JOB.kind):
        return True
    if job is None or uid(job) != reference.get("uid"):
        return False
    return is_managed_elsewhere(job) or not finished(job)
