"""The taint eviction controller: deletes pods from nodes with NoExecute taints, when their toleration ends."""

from __future__ import annotations

import threading

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import Key, Object, is_deleting, key, name, namespace, spec, status, uid
from orchestrator.api.taints import NO_EXECUTE
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.indexes import index_by_node, on_node
from orchestrator.controllers.taint_eviction_plan import evicted_status, patience


class TaintEvictionController(Controller):
    """Keys are pods'. Only pods on tainted nodes are ever waited for."""

    name = "taint-eviction-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        #: Since when (monotonic seconds) a pod has been on a node that it must leave sooner or later, by uid.
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()
        self._nodes = self.informer(NODE)
        self._pods = self.informer(POD)
        index_by_node(self._pods)
        self._nodes.add_handler(self._node_changed)
        self._pods.add_handler(self._pod_changed)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if _taints(old) != _taints(new):
            for pod in on_node(self._pods, name(new or old or {})):
                self.queue.add(key(pod))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self._settle(old or {})
        elif _taints(self._nodes.cache.get(Key(_node(new)))):
            self.queue.add(key(new))

    def sync(self, key: Key) -> None:
        pod = self._pods.cache.get(key)
        if pod is None or is_deleting(pod):
            return
        allowed = patience(pod, _taints(self._nodes.cache.get(Key(_node(pod)))))
        if allowed is None:
            if self._settle(pod):
                message = f"Cancelling deletion of Pod {key}"
                self.record(pod, "Normal", "TaintManagerEviction", message)
            return
        left = allowed - self._waited(pod)
        if left > 0:
            self.queue.add_after(key, left)
        else:
            self._evict(pod)

    def _waited(self, pod: Object) -> float:
        now = self.clock.monotonic()
        with self._lock:
            return now - self._since.setdefault(uid(pod), now)

    def _settle(self, pod: Object) -> bool:
        """The pod need not leave (or is gone); True when it was to leave until now."""
        with self._lock:
            return self._since.pop(uid(pod), None) is not None

    def _evict(self, pod: Object) -> None:
        message = f"Marking for deletion Pod {key(pod)}"
        fresh = evicted_status(pod, self.clock.now())
        if fresh != status(pod):
            self.client.update_status(POD, {**pod, "status": fresh})
            self.record(pod, "Normal", "TaintManagerEviction", message)
        try:
            self.client.delete(POD, name(pod), namespace(pod), uid=uid(pod))
        except NotFound:
            return


def _node(pod: Object) -> str:
    return str(spec(pod).get("nodeName") or "")


def _taints(node: Object | None) -> list[Object]:
    """The NoExecute taints; when they were added does not matter."""
    taints = (spec(node).get("taints") or []) if node else []
    return [{**taint, "timeAdded": ""} for taint in taints if taint.get("effect") == NO_EXECUTE]
