"""The node controller: notices nodes whose agent went silent, and taints nodes for what their conditions say.

The agent renews its Lease in `kube-node-lease`; here one thread waits for the moment the first of them may be overdue.
"""

from __future__ import annotations

import logging

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import Key, Object, condition, key, make_key, name, namespace, spec, status
from orchestrator.api.pods import is_ready
from orchestrator.controllers import node_plan as plans
from orchestrator.controllers import zones
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.heartbeats import Heartbeats
from orchestrator.controllers.indexes import index_by_node, on_node
from orchestrator.controllers.zones import Evictions
from orchestrator.util import threads

log = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"


class NodeController(Controller):
    name = "node-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._grace = context.settings.node_grace
        self._retry = context.settings.lease_renew
        self._heartbeats = Heartbeats(self._grace)
        self._evictions = Evictions()
        #: How fast pods leave the nodes of each zone.
        self._rates: dict[str, float] = {}
        #: True while the API server does not answer.
        self._blind = False
        self._nodes = self.informer(NODE)
        self._leases = self.informer(LEASE)
        self._pods = self.informer(POD)
        index_by_node(self._pods)
        self._nodes.add_handler(self._node_changed)
        self._leases.add_handler(self._lease_changed)
        self._pods.add_handler(self._pod_changed)

    def start(self) -> None:
        super().start()
        self._threads.append(threads.start(f"{self.name}-heartbeats", self._watch_heartbeats))

    # What is seen.

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        node = new or old or {}
        if new is None:
            self._heartbeats.forget(name(node))
            self._tell(node, "RemovingNode", f"Removing Node {name(node)} from Controller")
        elif old is None or _reported(old) != _reported(new):
            self._beat(name(node))
        if new is not None:
            self._tell_story(old, new)
        self.queue.add(key(node))
        self._follow_zones()

    def _tell_story(self, old: Object | None, new: Object) -> None:
        before, after = plans.readiness(old), plans.readiness(new)
        if old is None:
            self._tell(new, "RegisteredNode", f"Registered Node {name(new)} in Controller")
        elif before != "True" and after == "True":
            self.record(new, "Normal", "NodeReady", f"Node {name(new)} status is now: NodeReady")
        elif before == "True" and after != "True":
            self.record(new, "Normal", "NodeNotReady", f"Node {name(new)} status is now: NodeNotReady")

    def _tell(self, node: Object, reason: str, what: str) -> None:
        self.record(node, "Normal", reason, f"Node {name(node)} event: {what}")

    def _follow_zones(self) -> None:
        """Whether pods have to leave a node depends on how its zone is, too."""
        rates = self._measure_zones()
        if rates != self._rates:
            log.info("zones have changed; nodes a second that their pods are evicted from: %s", rates)
            self._rates = rates
            for node in self._nodes.cache.list():
                self.queue.add(key(node))

    def _measure_zones(self) -> dict[str, float]:
        return zones.rates((zones.zone_of(node), self._is_well(node)) for node in self._nodes.cache.list())

    def _lease_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or namespace(new) != LEASE_NAMESPACE:
            return
        if old is None or _renewed(old) != _renewed(new):
            self._beat(name(new))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """A last word of an agent may come after its node was lost. Not at once: should the agent live after all, the
        two would write against each other without a pause."""
        if new is not None and is_ready(new) and self._heartbeats.is_lost(node := str(spec(new).get("nodeName"))):
            self.queue.add_after(Key(node), self._retry)

    def _beat(self, node: str) -> None:
        if self._heartbeats.beat(node, self.clock.monotonic()):
            log.info("node %s is heard of again", node)
            self.queue.add(Key(node))

    # What is not heard.

    def _watch_heartbeats(self) -> None:
        pause = self._heartbeats.pause(self.clock.monotonic())
        while True:
            due = self.clock.monotonic() + pause
            if self.clock.wait(self._stopped, pause):
                return
            now = self.clock.monotonic()
            if now - due > self._grace / 2:
                log.warning("stood still for %.0f s: every node gets a new grace period", now - due)
                self._heartbeats.excuse(now)
            pause = self._look(now)

    def _look(self, now: float) -> float:
        """Lose the nodes whose time is over; seconds until the next look."""
        silent = self._heartbeats.silent(now)
        try:
            renewed = {node for node in silent if self._was_renewed(node)}
        except ApiError as error:
            # Where the API server does not answer, agents cannot renew either.
            if not self._blind:
                log.warning("no node is judged while the API server does not answer: %s", error)
            self._blind = True
            return self._retry
        if self._blind:
            self._blind = False
            self._heartbeats.excuse(now)
            return self._grace
        for node in silent:
            if node in renewed:
                self._heartbeats.beat(node, now)
            else:
                log.warning("node %s was not heard of for %.1f s: it is lost", node, self._grace)
                self._heartbeats.lose(node)
        # After all of them are known to be lost: it matters to each how many there are.
        for node in silent:
            self.queue.add(Key(node))
        return self._heartbeats.pause(now)

    def _was_renewed(self, node: str) -> bool:
        """Ask the server: the lease may be newer than the watch has told."""
        try:
            live = self.client.get(LEASE, node, LEASE_NAMESPACE)
        except NotFound:
            return False
        cached = self._leases.cache.get(make_key(LEASE_NAMESPACE, node))
        return _renewed(live) != _renewed(cached or {})

    # What follows.

    def sync(self, key: Key) -> None:
        node = self._nodes.cache.get(key)
        if node is None:
            self._heartbeats.forget(key)
            return
        lost = self._heartbeats.is_lost(name(node))
        if lost:
            node = self._mark_lost(node)
        self._taint(node)
        if lost:
            self._mark_pods(name(node))

    def _mark_lost(self, node: Object) -> Object:
        fresh = plans.lost_status(node, self.clock.now())
        if fresh == status(node):
            return node
        return self.client.update_status(NODE, {**node, "status": fresh})

    def _taint(self, node: Object) -> None:
        wanted = plans.taints(node, evict=self._evicts(node), now=self.clock.now())
        if wanted == (spec(node).get("taints") or []):
            return
        written = self.client.update(NODE, {**node, "spec": {**spec(node), "taints": wanted}})
        if plans.is_being_left(written) and not plans.is_being_left(node):
            self._evictions.began(zones.zone_of(node), self.clock.monotonic())

    def _evicts(self, node: Object) -> bool:
        """Whether pods have to leave the node. If it is only not its turn, it is looked at again when it is."""
        rates = self._measure_zones()
        if plans.readiness(node) in ("", "True") or not any(rates.values()):
            return False
        if plans.is_being_left(node):
            return True
        wait = self._evictions.wait(zones.zone_of(node), rates, self.clock.monotonic())
        if wait:
            self.queue.add_after(key(node), wait)
        return wait == 0.0

    def _is_well(self, node: Object) -> bool:
        return plans.readiness(node) == "True" and not self._heartbeats.is_lost(name(node))

    def _mark_pods(self, node: str) -> None:
        """Take the pods of a lost node out of service. An agent that is alive but not ready reports its pods itself."""
        for pod in on_node(self._pods, node):
            if is_ready(pod):
                self.client.update_status(POD, {**pod, "status": plans.not_ready_status(pod, self.clock.now())})
                self.record(pod, "Warning", "NodeNotReady", "Node is not ready")


def _reported(node: Object) -> object:
    return (condition(node, "Ready") or {}).get("lastHeartbeatTime")


def _renewed(lease: Object) -> object:
    return spec(lease).get("renewTime")
