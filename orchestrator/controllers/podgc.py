"""The pod garbage collector: pods that no agent will ever finish, and finished ones beyond a number.

Of a node that is not ready and that somebody has declared out of service, nobody waits for the pods to end.
"""

from __future__ import annotations

import logging

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import (
    Key,
    Object,
    condition,
    is_deleting,
    key,
    name,
    namespace,
    set_condition,
    spec,
    split_key,
    status,
)
from orchestrator.api.meta import uid as uid_of
from orchestrator.api.pods import is_terminal
from orchestrator.api.taints import OUT_OF_SERVICE
from orchestrator.api.times import rfc3339
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.indexes import index_by_node, on_node

log = logging.getLogger(__name__)

#: Finished pods are kept for their logs and status; beyond this number the oldest go (Kubernetes' default).
TERMINATED_THRESHOLD = 12_500
_TERMINATED = "terminated"
_ORPHANED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByPodGC",
    "message": "PodGC: node no longer exists",
}


def is_out_of_service(node: Object) -> bool:
    """Declared so, and not ready: an agent that is there ends its pods itself."""
    declared = any(taint.get("key") == OUT_OF_SERVICE for taint in spec(node).get("taints") or [])
    return declared and (condition(node, "Ready") or {}).get("status") != "True"


class PodGarbageCollector(Controller):
    """Keys are nodes that do not exist or are out of service (no slash), or pods that may have to go."""

    name = "pod-garbage-collector"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        #: A node may come back under its name, and the cache may be behind: wait before its pods are given up.
        self._quarantine = context.settings.node_grace
        self._nodes = self.informer(NODE)
        self._pods = self.informer(POD)
        index_by_node(self._pods)
        self._pods.add_index(_TERMINATED, lambda pod: ("",) if is_terminal(pod) else ())
        self._nodes.add_handler(self._node_changed)
        self._pods.add_handler(self._pod_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None:
            self.queue.add_after(key(old), self._quarantine)
        elif new is not None and is_out_of_service(new):
            self.queue.add(key(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            return
        node = str(spec(new).get("nodeName") or "")
        if node:
            self._look_at_node_of(new, Key(node))
        ended = is_terminal(new) and not (old and is_terminal(old))
        if ended or (is_deleting(new) and not node):
            self.queue.add(key(new))

    def _look_at_node_of(self, pod: Object, node: Key) -> None:
        found = self._nodes.cache.get(node)
        if found is None:
            self.queue.add_after(node, self._quarantine)
        elif is_deleting(pod) and is_out_of_service(found):
            self.queue.add(node)

    def sync(self, key: Key) -> None:
        if not split_key(key)[0]:
            node = self._nodes.cache.get(key)
            if node is None:
                self._collect_orphans(str(key))
            elif is_out_of_service(node):
                self._collect_terminating(str(key))
            return
        pod = self._pods.cache.get(key)
        if pod is not None and is_deleting(pod) and not spec(pod).get("nodeName"):
            self._remove(self._mark_failed(pod), "was deleted before it had a node")
        self._collect_terminated()

    def _collect_orphans(self, node: str) -> None:
        pods = on_node(self._pods, node)
        if not pods or self._exists(node):
            return
        for pod in pods:
            self._remove(self._mark_failed(pod, _ORPHANED), f"is on node {node}, which does not exist")

    def _collect_terminating(self, node: str) -> None:
        for pod in on_node(self._pods, node):
            if is_deleting(pod):
                self._remove(self._mark_failed(pod), f"ends on node {node}, which is out of service")

    def _exists(self, node: str) -> bool:
        """Ask the server: what follows cannot be taken back."""
        try:
            self.client.get(NODE, node)
        except NotFound:
            return False
        return True

    def _mark_failed(self, pod: Object, reason: Object | None = None) -> Object:
        """Say that it has ended, and in the condition `reason` why, so that nobody waits for an agent to report it.

        A finalizer may keep the pod until its end is known.
        """
        if is_terminal(pod):
            return pod
        conditions = [dict(entry) for entry in status(pod).get("conditions") or []]
        if reason:
            set_condition(conditions, reason, rfc3339(self.clock.now()))
        fresh = {**status(pod), "phase": "Failed", "conditions": conditions}
        return self.client.update_status(POD, {**pod, "status": fresh})

    def _collect_terminated(self) -> None:
        terminated = self._pods.cache.by_index(_TERMINATED, "")
        surplus = len(terminated) - TERMINATED_THRESHOLD
        if surplus <= 0:
            return
        terminated.sort(key=lambda pod: (pod["metadata"].get("creationTimestamp") or "", name(pod)))
        for pod in terminated[:surplus]:
            self._remove(pod, f"is one of more than {TERMINATED_THRESHOLD} finished pods")

    def _remove(self, pod: Object, why: str) -> None:
        if pod["metadata"].get("deletionGracePeriodSeconds") == 0:
            # Only a finalizer holds it now.
            return
        log.info("pod %s %s: removing it", key(pod), why)
        try:
            self.client.delete(POD, name(pod), namespace(pod), grace_seconds=0, uid=uid_of(pod))
        except NotFound:
            return
