"""The TTL controller: deletes Jobs, with their pods, so many seconds after they have finished."""

from __future__ import annotations

import logging

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.batch import JOB
from orchestrator.api.meta import Key, Object, condition, is_deleting, name, namespace, resource_version, spec, uid
from orchestrator.api.meta import key as key_of
from orchestrator.api.strategies.job_status import COMPLETE, FAILED, has
from orchestrator.api.times import parse
from orchestrator.controllers.base import Context, Controller

log = logging.getLogger(__name__)


def expires_at(job: Object) -> float | None:
    """When the Job is to go, in seconds since the epoch; None while nothing says so."""
    ttl = spec(job).get("ttlSecondsAfterFinished")
    ended = next((condition(job, kind) for kind in (COMPLETE, FAILED) if has(job, kind)), None)
    if ttl is None or ended is None or is_deleting(job):
        return None
    return parse(ended["lastTransitionTime"]) + float(ttl)


class TTLAfterFinishedController(Controller):
    name = "ttl-after-finished-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._jobs = self.informer(JOB)
        self._jobs.add_handler(self._job_changed)

    def _job_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and expires_at(new) is not None:
            self.queue.add(key_of(new))

    def sync(self, key: Key) -> None:
        job = self._jobs.cache.get(key)
        if job is None or not self._is_due(job):
            return
        # Ask the server: the time to live may have been made longer.
        try:
            live = self.client.get(JOB, name(job), namespace(job))
            if uid(live) == uid(job) and self._is_due(live):
                self._delete(live)
        except NotFound:
            return

    def _is_due(self, job: Object) -> bool:
        """When it is not yet, it is looked at again."""
        expires = expires_at(job)
        if expires is None:
            return False
        left = expires - self.clock.now()
        if left > 0:
            self.look_again(key_of(job), left)
        return left <= 0

    def _delete(self, job: Object) -> None:
        log.info("job %s: finished, and its time to live is over, deleting it", key_of(job))
        version = resource_version(job)
        where = namespace(job)
        self.client.delete(JOB, name(job), where, propagation="Foreground", uid=uid(job), resource_version=version)
