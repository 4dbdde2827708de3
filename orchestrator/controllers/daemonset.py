"""The DaemonSet controller: a pod on every node that suits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

from orchestrator.api.errors import ApiError
from orchestrator.api.groups.apps import CONTROLLER_REVISION, DAEMON_SET
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import Key, Object, is_deleting, key, labels, name, status, uid
from orchestrator.api.pods import phase
from orchestrator.controllers import daemonset_plan as plans
from orchestrator.controllers import revision_plan
from orchestrator.controllers.availability import next_available
from orchestrator.controllers.backoff import Backoff
from orchestrator.controllers.base import Context
from orchestrator.controllers.claim import selector_of
from orchestrator.controllers.daemonset_nodes import facts, fitness
from orchestrator.controllers.daemonset_plan import Plan
from orchestrator.controllers.daemonset_pods import daemon_pod, target_node
from orchestrator.controllers.daemonset_status import next_status
from orchestrator.controllers.history import History
from orchestrator.controllers.replicaset_plan import min_ready_seconds
from orchestrator.controllers.revision_plan import POD_REVISION, revision_label
from orchestrator.controllers.workload import WorkloadController

log = logging.getLogger(__name__)

#: Seconds before a pod that failed on a node is replaced again: Kubernetes' first and longest delay.
_BACKOFF = (1.0, 900.0)


class DaemonSetController(WorkloadController):
    name = "daemonset-controller"
    kind = DAEMON_SET

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._nodes = self.informer(NODE)
        revisions = self.informer(CONTROLLER_REVISION)
        self._history = History(context.client, self._owners, revisions, POD_REVISION)
        self._backoff = Backoff(context.clock, *_BACKOFF)
        self._nodes.add_handler(self._node_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or facts(old) != facts(new):
            for ds in self._owners.cache.list():
                self.queue.add(key(ds))

    def sync(self, key: Key) -> None:
        ds = self._owners.cache.get(key)
        if ds is None or is_deleting(ds) or not self._control.satisfied(key):
            return
        if selector_of(ds).empty:
            message = "This daemon set is selecting all pods. A non-empty selector is required."
            self.record(ds, "Warning", "SelectingAll", message)
            return
        revisions = self._history.of(ds)
        current, collisions = self._history.current(ds, revisions)
        hashed = labels(current).get(POD_REVISION, "")
        pods = self._members.of(ds)
        if self._merge_duplicates(current, revisions, pods):
            return
        nodes = fitness(ds, self._nodes.cache.list())
        now = self.clock.now()
        patient = {node for pod in pods if self._backoff.remaining(_attempt(ds, node := target_node(pod)))}
        plan = plans.plan(ds, pods, nodes, hashed, patient, now)
        error = self._carry_out(ds, plan, hashed)
        self._write_status(ds, next_status(ds, pods, nodes, hashed, collisions, now))
        if error is not None:
            raise error
        self._come_back(ds, pods, plan)
        self._history.forget(ds, revisions, _live(current, revisions, pods))

    def _merge_duplicates(self, current: Object, revisions: Sequence[Object], pods: Sequence[Object]) -> bool:
        """Of several revisions with the same template one is kept, and takes the pods of the others. True when there
        was anything to do; the events bring the key back."""
        duplicates = revision_plan.duplicates(revisions, current)
        for duplicate in duplicates:
            hashed = labels(duplicate).get(POD_REVISION)
            for pod in pods:
                if revision_label(pod) == hashed:
                    mark = {POD_REVISION: labels(current).get(POD_REVISION)}
                    wanted = {**pod, "metadata": {**pod["metadata"], "labels": {**labels(pod), **mark}}}
                    self.client.update(POD, wanted)
            self._history.delete(duplicate)
        return bool(duplicates)

    def _carry_out(self, ds: Object, plan: Plan, hashed: str) -> ApiError | None:
        for pod in plan.ended:
            self._tell_ended(ds, pod)
        create = [daemon_pod(ds, node, hashed) for node in plan.create]
        return self._control.carry_out(ds, create, plan.delete)

    def _tell_ended(self, ds: Object, pod: Object) -> None:
        node = target_node(pod)
        kind: Literal["Normal", "Warning"] = "Normal"
        word, doing = "succeeded", "delete"
        if phase(pod) == "Failed":
            kind, word, doing = "Warning", "failed", "kill"
            self._backoff.failed(_attempt(ds, node))
        message = f"Found {word} daemon pod {key(pod)} on node {node}, will try to {doing} it"
        self.record(ds, kind, f"{word.capitalize()}DaemonPod", message)

    def _come_back(self, ds: Object, pods: Sequence[Object], plan: Plan) -> None:
        """When a pod becomes available, or a failed one may be replaced."""
        wait = next_available(pods, min_ready_seconds(ds), self.clock.now())
        waits = [self._backoff.remaining(_attempt(ds, node)) for node in plan.waiting]
        for seconds in [*waits, *([] if wait is None else [wait])]:
            self.look_again(key(ds), seconds)

    def _write_status(self, ds: Object, fresh: Object) -> None:
        if fresh != status(ds):
            self.client.update_status(DAEMON_SET, {**ds, "status": fresh})


def _attempt(ds: Object, node: str) -> str:
    """A changed DaemonSet gets new patience."""
    return f"{uid(ds)}/{ds['metadata'].get('generation')}/{node}"


def _live(current: Object, revisions: Sequence[Object], pods: Sequence[Object]) -> set[str]:
    """The names of the revisions in use."""
    hashes = set(map(revision_label, pods))
    return {name(current), *(name(each) for each in revisions if labels(each).get(POD_REVISION) in hashes)}
