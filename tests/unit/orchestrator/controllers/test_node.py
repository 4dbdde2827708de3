from __future__ import annotations

from orchestrator.api.groups.apps import REPLICA_SET
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import condition, is_deleting, name, spec
from orchestrator.api.pods import is_ready
from orchestrator.api.times import rfc3339
from orchestrator.controllers.node import NodeController
from orchestrator.controllers.podgc import PodGarbageCollector
from orchestrator.controllers.replicaset import ReplicaSetController
from orchestrator.controllers.taint_eviction import TaintEvictionController
from tests.unit.orchestrator.controllers.objects import pod, replica_set
from tests.unit.orchestrator.controllers.world import World


def world() -> World:
    return World(NodeController, TaintEvictionController, PodGarbageCollector, ReplicaSetController, kubelet=False)


def readiness(w: World, node: str) -> str:
    return str((condition(w.client.get(NODE, node), "Ready") or {})["status"])


def taints(w: World, node: str) -> set[str]:
    return {f"{t['key']}:{t['effect']}" for t in spec(w.client.get(NODE, node)).get("taints") or []}


def come_back(w: World, node: str) -> None:
    """What an agent does when it runs again."""
    w.beat(node)
    made = w.client.get(NODE, node)
    conditions = [c for c in made["status"]["conditions"] if c["type"] != "Ready"]
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": rfc3339(w.clock.now())}
    w.client.update_status(NODE, {**made, "status": {"conditions": [*conditions, ready]}})


UNREACHABLE = {"node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"}


def test_a_silent_node_is_lost_and_comes_back() -> None:
    with world().running() as w:
        w.add_node("node-1")
        w.add_node("node-2")
        w.create(POD, pod("p", node="node-2"))
        w.advance(6, beating=("node-1",))
        assert readiness(w, "node-2") == "True", "the grace is not over"
        w.advance(3, beating=("node-1",))
        w.eventually(lambda: taints(w, "node-2") == UNREACHABLE)
        assert readiness(w, "node-2") == "Unknown"
        lost = condition(w.client.get(NODE, "node-2"), "Ready") or {}
        assert (lost["reason"], lost["message"]) == ("NodeStatusUnknown", "Kubelet stopped posting node status.")
        w.eventually(lambda: not is_ready(w.client.get(POD, "p", "default")))
        assert readiness(w, "node-1") == "True"
        w.eventually(lambda: "Node node-2 status is now: NodeNotReady" in w.events.messages("NodeNotReady"))
        come_back(w, "node-2")
        w.eventually(lambda: taints(w, "node-2") == set())
        w.eventually(lambda: w.events.messages("NodeReady") == ["Node node-2 status is now: NodeReady"])
        w.eventually(lambda: w.events.messages("TaintManagerEviction") == ["Cancelling deletion of Pod default/p"])
        w.advance(20, beating=("node-1", "node-2"))
        assert w.client.get(POD, "p", "default")


def test_a_last_word_of_a_lost_agent_does_not_stand() -> None:
    with world().running() as w:
        w.add_node("node-1")
        made = w.create(POD, pod("p", node="node-1"))
        w.advance(9)
        w.eventually(lambda: not is_ready(w.client.get(POD, "p", "default")))
        current = w.client.get(POD, "p", "default")
        w.client.update_status(POD, {**current, "status": made["status"]})
        w.advance(3)
        w.eventually(lambda: not is_ready(w.client.get(POD, "p", "default")))


def test_a_jump_of_the_wall_clock_loses_nobody() -> None:
    with world().running() as w:
        w.add_node("node-1")
        lease = w._lease("node-1")["spec"] | {"renewTime": "1999-01-01T00:00:00.000000Z"}
        for second in range(12):
            renewed = lease | {"renewTime": f"1999-01-01T00:00:{second:02d}.000000Z"}
            w.client.patch(LEASE, "node-1", {"spec": renewed}, "kube-node-lease")
            w.advance(1)
        assert readiness(w, "node-1") == "True"


def test_a_standstill_of_the_observer_is_not_held_against_the_nodes() -> None:
    with world().running() as w:
        w.add_node("node-1")
        w.quiet()
        w.clock.advance(3600)
        w.advance(4, beating=("node-1",))
        w.quiet()
        assert readiness(w, "node-1") == "True"


def test_pods_stay_when_there_is_no_better_node() -> None:
    with world().running() as w:
        w.add_node("node-1")
        w.create(POD, pod("p", node="node-1", tolerations=[]))
        w.advance(9)
        w.eventually(lambda: readiness(w, "node-1") == "Unknown")
        w.eventually(lambda: taints(w, "node-1") == {"node.kubernetes.io/unreachable:NoSchedule"})
        w.advance(30)
        assert not is_deleting(w.client.get(POD, "p", "default"))


def test_pods_leave_a_lost_node_when_their_toleration_ends_and_are_replaced() -> None:
    with world().running() as w:
        w.add_node("node-1")
        w.add_node("node-2")
        patient = [{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}]
        w.create(POD, pod("patient", node="node-2", labels={"app": "other"}, tolerations=patient))
        w.create(REPLICA_SET, replica_set("web", 1))
        (first,) = w.eventually(lambda: [p for p in w.pods() if name(p) != "patient"])
        w.client.bind(first, "node-2", POD)
        w.advance(9, beating=("node-1",))
        w.eventually(lambda: taints(w, "node-2") == UNREACHABLE)
        w.quiet()
        assert not is_deleting(w.client.get(POD, name(first), "default")), "tolerated for eviction_seconds"
        w.advance(11, beating=("node-1",))
        w.eventually(lambda: is_deleting(w.client.get(POD, name(first), "default")))
        replacement = w.eventually(lambda: [p for p in w.pods() if name(p) not in ("patient", name(first))])
        assert len(replacement) == 1
        assert w.events.messages("TaintManagerEviction") == [f"Marking for deletion Pod default/{name(first)}"]
        gone = w.client.get(POD, name(first), "default")
        assert (condition(gone, "DisruptionTarget") or {})["reason"] == "DeletionByTaintManager"
        assert not is_deleting(w.client.get(POD, "patient", "default"))

        w.client.delete(NODE, "node-2")
        w.advance(9, beating=("node-1",))
        w.eventually(lambda: {name(p) for p in w.all(POD)} == {name(replacement[0])})


def test_nodes_that_fail_together_lose_their_pods_one_after_the_other() -> None:
    """One every ten seconds; and none when they are most of their zone."""
    with world().running() as w:
        for number in range(1, 6):
            w.add_node(f"node-{number}")
        w.advance(9, beating=("node-1", "node-2", "node-3"))
        failed = ("node-4", "node-5")
        w.eventually(lambda: sorted(len(taints(w, node)) for node in failed) == [1, 2])
        w.advance(8, beating=("node-1", "node-2", "node-3"))
        assert sorted(len(taints(w, node)) for node in failed) == [1, 2]
        w.advance(3, beating=("node-1", "node-2", "node-3"))
        w.eventually(lambda: all(taints(w, node) == UNREACHABLE for node in failed))
        w.advance(9, beating=("node-1", "node-2"))
        w.eventually(lambda: readiness(w, "node-3") == "Unknown")
        w.advance(30, beating=("node-1", "node-2"))
        assert taints(w, "node-3") == {"node.kubernetes.io/unreachable:NoSchedule"}
        come_back(w, "node-4")
        w.advance(3, beating=("node-1", "node-2", "node-4"))
        w.eventually(lambda: taints(w, "node-3") == UNREACHABLE)


def test_when_all_nodes_are_gone_their_pods_stay() -> None:
    with world().running() as w:
        w.add_node("node-1")
        w.add_node("node-2")
        w.advance(9, beating=("node-1",))
        w.eventually(lambda: taints(w, "node-2") == UNREACHABLE)
        w.advance(9)
        for node in ("node-1", "node-2"):
            w.eventually(lambda node=node: taints(w, node) == {"node.kubernetes.io/unreachable:NoSchedule"})


def test_pods_of_a_node_out_of_service_are_not_waited_for() -> None:
    """Those that do not tolerate that; and not while an agent is there."""
    out = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}
    stays = [{"operator": "Exists"}]
    with world().running() as w:
        w.add_node("node-1")
        w.add_node("node-2")
        w.create(POD, pod("goes", node="node-2", tolerations=[]))
        w.create(POD, pod("stays", node="node-2", tolerations=stays))
        w.change(NODE, "node-2", lambda node: node.update(spec={"taints": [out]}))
        w.eventually(lambda: is_deleting(w.client.get(POD, "goes", "default")))
        w.advance(3, beating=("node-1", "node-2"))
        assert {name(p) for p in w.all(POD)} == {"goes", "stays"}
        w.advance(9, beating=("node-1",))
        w.eventually(lambda: {name(p) for p in w.all(POD)} == {"stays"})


def test_cordoned_nodes_are_tainted() -> None:
    with world().running() as w:
        w.add_node("node-1")
        w.client.patch(NODE, "node-1", {"spec": {"unschedulable": True}})
        w.eventually(lambda: taints(w, "node-1") == {"node.kubernetes.io/unschedulable:NoSchedule"})
        w.client.patch(NODE, "node-1", {"spec": {"unschedulable": None}})
        w.eventually(lambda: taints(w, "node-1") == set())


def test_pods_of_a_node_that_never_was_are_removed() -> None:
    with world().running() as w:
        w.create(POD, pod("p", node="nowhere"))
        w.quiet()
        assert w.pods(), "quarantine"
        w.advance(9)
        w.eventually(lambda: not w.all(POD))
