from __future__ import annotations

from typing import Any

from orchestrator.api.groups.apps import CONTROLLER_REVISION, DAEMON_SET
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import Object, labels, name, spec
from orchestrator.controllers.daemonset import DaemonSetController
from tests.unit.orchestrator.controllers.objects import daemon_set, template
from tests.unit.orchestrator.controllers.world import World


def status_of(world: World) -> Object:
    status: Object = world.client.get(DAEMON_SET, "agent", "default")["status"]
    return status


def places(world: World) -> list[str]:
    return sorted(str(spec(each).get("nodeName")) for each in world.pods())


def images(world: World) -> set[str]:
    return {spec(each)["containers"][0]["image"] for each in world.pods()}


def set_spec(world: World, **fields: Any) -> None:
    world.client.patch(DAEMON_SET, "agent", {"spec": fields}, "default")


def set_node(world: World, node: str, **fields: Any) -> None:
    world.client.patch(NODE, node, fields)


def world_of(*nodes: str) -> World:
    world = World(DaemonSetController)
    for node in nodes:
        world.add_node(node)
    return world


def complete(world: World, count: int) -> bool:
    status = status_of(world)
    fields = ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable", "currentNumberScheduled")
    seen = (
        status.get("observedGeneration") == world.client.get(DAEMON_SET, "agent", "default")["metadata"]["generation"]
    )
    return seen and all(status.get(field) == count for field in fields) and len(world.pods()) == count


def test_one_pod_on_every_node_as_nodes_come_and_go() -> None:
    with world_of("node-1", "node-2").running() as world:
        world.create(DAEMON_SET, daemon_set())
        world.eventually(lambda: complete(world, 2))
        assert places(world) == ["node-1", "node-2"]
        world.add_node("node-3")
        world.eventually(lambda: complete(world, 3))
        world.quiet()
        assert len(world.events.messages("SuccessfulCreate")) == 3
        assert status_of(world) == {
            "currentNumberScheduled": 3,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 3,
            "numberReady": 3,
            "observedGeneration": 1,
            "updatedNumberScheduled": 3,
            "numberAvailable": 3,
        }
        (revision,) = world.all(CONTROLLER_REVISION)
        hashed = labels(revision)["controller-revision-hash"]
        assert name(revision) == f"agent-{hashed}"
        assert labels(world.pods()[0]) == {
            "app": "web",
            "controller-revision-hash": hashed,
            "pod-template-generation": "1",
        }


def test_follows_labels_and_taints() -> None:
    with world_of("node-1", "node-2").running() as world:
        chosen = template()
        chosen["spec"]["nodeSelector"] = {"disk": "ssd"}
        world.create(DAEMON_SET, daemon_set(template=chosen))
        world.eventually(lambda: status_of(world).get("observedGeneration") == 1)
        assert places(world) == []
        for node in ("node-1", "node-2"):
            set_node(world, node, metadata={"labels": {"disk": "ssd"}})
        world.eventually(lambda: complete(world, 2))
        set_node(world, "node-1", metadata={"labels": {"disk": None}})
        world.eventually(lambda: places(world) == ["node-2"])
        taint = {"key": "own", "value": "x", "effect": "NoSchedule"}
        set_node(world, "node-2", spec={"taints": [taint]})
        world.eventually(lambda: status_of(world).get("numberMisscheduled") == 1)
        assert places(world) == ["node-2"], "only a NoExecute taint drives pods away"
        set_node(world, "node-2", spec={"taints": [{**taint, "effect": "NoExecute"}]})
        world.eventually(lambda: places(world) == [] and status_of(world)["numberMisscheduled"] == 0)


def test_runs_on_cordoned_and_unreachable_nodes() -> None:
    with world_of("node-1").running() as world:
        unreachable = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
        cordoned = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
        set_node(world, "node-1", spec={"unschedulable": True, "taints": [unreachable, cordoned]})
        world.create(DAEMON_SET, daemon_set())
        world.eventually(lambda: complete(world, 1))


def test_a_rolling_update_replaces_one_after_the_other() -> None:
    with world_of("node-1", "node-2", "node-3").running() as world:
        world.create(DAEMON_SET, daemon_set())
        world.eventually(lambda: complete(world, 3))
        set_spec(world, template=template("nginx:2"))
        world.eventually(lambda: complete(world, 3) and images(world) == {"nginx:2"})
        assert len(world.events.messages("SuccessfulDelete")) == 3
        assert sorted(each["revision"] for each in world.all(CONTROLLER_REVISION)) == [1, 2]
        set_spec(world, template=template("nginx:1"))
        world.eventually(lambda: complete(world, 3) and images(world) == {"nginx:1"})
        assert sorted(each["revision"] for each in world.all(CONTROLLER_REVISION)) == [2, 3]


def test_a_broken_update_stops_at_the_pods_that_may_be_missing() -> None:
    with world_of("node-1", "node-2", "node-3").running() as world:
        world.create(DAEMON_SET, daemon_set())
        world.eventually(lambda: complete(world, 3))
        set_spec(world, template=template("nginx:sick"))
        world.eventually(lambda: status_of(world).get("numberUnavailable") == 1 and len(world.pods()) == 3)
        world.quiet()
        assert status_of(world)["numberAvailable"] == 2
        set_spec(world, template=template("nginx:3"))
        world.eventually(lambda: complete(world, 3) and images(world) == {"nginx:3"})


def test_with_surge_the_new_pod_serves_before_the_old_one_goes() -> None:
    with world_of("node-1", "node-2").running() as world:
        world.create(DAEMON_SET, daemon_set(surge=1, unavailable=0, minReadySeconds=10))
        world.eventually(lambda: status_of(world).get("numberReady") == 2)
        world.advance(12)
        world.eventually(lambda: complete(world, 2))
        set_spec(world, template=template("nginx:2"))
        world.eventually(lambda: len(world.pods()) == 3)
        world.quiet()
        assert len(world.pods()) == 3
        world.advance(12)
        world.eventually(lambda: status_of(world).get("updatedNumberScheduled") == 1)
        world.advance(12)
        world.eventually(lambda: complete(world, 2) and images(world) == {"nginx:2"})


def test_on_delete_waits_for_the_user() -> None:
    with world_of("node-1").running() as world:
        world.create(DAEMON_SET, daemon_set(updateStrategy={"type": "OnDelete"}))
        world.eventually(lambda: complete(world, 1))
        set_spec(world, template=template("nginx:2"))
        world.quiet()
        assert images(world) == {"nginx:1"}
        world.client.delete(POD, name(world.pods()[0]), "default")
        world.eventually(lambda: complete(world, 1) and images(world) == {"nginx:2"})


def test_failed_pods_are_replaced_with_growing_patience() -> None:
    with world_of("node-1").running() as world:
        world.create(DAEMON_SET, daemon_set())

        def fail() -> str:
            world.eventually(lambda: complete(world, 1))
            (pod,) = world.pods()
            world.client.update_status(POD, {**pod, "status": {**pod["status"], "phase": "Failed"}})
            return name(pod)

        def replaced(failed: str) -> bool:
            return [name(pod) for pod in world.pods() if name(pod) != failed] != []

        first = fail()
        world.eventually(lambda: replaced(first))
        second = fail()
        world.quiet()
        assert [name(pod) for pod in world.pods()] == [second], "the node was given no rest"
        world.advance(2)
        world.eventually(lambda: replaced(second))
        assert world.events.messages("FailedDaemonPod")[0] == (
            f"Found failed daemon pod default/{first} on node node-1, will try to kill it"
        )
