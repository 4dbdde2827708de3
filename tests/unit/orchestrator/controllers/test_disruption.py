from __future__ import annotations

import threading
from typing import Any

import pytest

from orchestrator.api.errors import ApiError, BadRequest, NotFound, TooManyRequests
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.groups.apps import DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from orchestrator.api.groups.core import POD
from orchestrator.api.groups.policy import POD_DISRUPTION_BUDGET
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, condition, is_deleting, name
from orchestrator.api.times import rfc3339
from orchestrator.controllers.crd import CustomResourceDefinitionController
from orchestrator.controllers.daemonset import DaemonSetController
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.disruption import DisruptionController
from orchestrator.controllers.replicaset import ReplicaSetController
from orchestrator.controllers.stale_disruption import StaleDisruptionController
from orchestrator.controllers.statefulset import StatefulSetController
from tests.unit.orchestrator.controllers.objects import daemon_set, deployment, pod, replica_set, stateful_set
from tests.unit.orchestrator.controllers.world import World

WORKLOADS = (DeploymentController, ReplicaSetController, StatefulSetController)


def budget(**fields: Any) -> Object:
    return {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, **fields}}


def create(world: World, **fields: Any) -> None:
    made = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", **budget(**fields)}
    made["metadata"]["namespace"] = "default"
    world.client.create(POD_DISRUPTION_BUDGET, made)


def status_of(world: World) -> Object:
    status: Object = world.client.get(POD_DISRUPTION_BUDGET, "web", "default")["status"]
    return status


def counts(world: World) -> tuple[int, ...]:
    """(allowed, healthy, desired, expected)."""
    status = status_of(world)
    assert status.get("observedGeneration")
    return tuple(status[f] for f in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"))


def evict(world: World, pod: str, **options: Any) -> Object:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "default"}}
    return world.client.create_subresource(POD, pod, "eviction", body | {"deleteOptions": options}, "default")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"minAvailable": 2}, (1, 3, 2, 3)),
        ({"minAvailable": "50%"}, (1, 3, 2, 3)),
        ({"minAvailable": "100%"}, (0, 3, 3, 3)),
        ({"maxUnavailable": 1}, (1, 3, 2, 3)),
        ({"maxUnavailable": "34%"}, (2, 3, 1, 3)),
        ({"maxUnavailable": 5}, (3, 3, 0, 3)),
        ({"minAvailable": 7}, (0, 3, 7, 3)),
    ],
)
def test_what_a_budget_allows(fields: Object, expected: tuple[int, ...]) -> None:
    with World(*WORKLOADS, DisruptionController).running() as world:
        world.create(DEPLOYMENT, deployment(3))
        create(world, **fields)
        world.eventually(lambda: counts(world) == expected)
        found = condition(world.client.get(POD_DISRUPTION_BUDGET, "web", "default"), "DisruptionAllowed") or {}
        wanted = ("True", "SufficientPods") if expected[0] else ("False", "InsufficientPods")
        assert (found["status"], found["reason"]) == wanted


def test_a_share_is_of_what_all_controllers_want() -> None:
    with World(*WORKLOADS, DisruptionController).running() as world:
        world.create(DEPLOYMENT, deployment(4, image="nginx:sick"))
        world.create(STATEFUL_SET, stateful_set(2, name="peers", podManagementPolicy="Parallel"))
        create(world, minAvailable="50%")
        world.eventually(lambda: counts(world) == (0, 2, 3, 6))


def test_evictions_take_from_the_budget_until_nothing_is_left() -> None:
    with World(*WORKLOADS, DisruptionController).running() as world:
        world.create(STATEFUL_SET, stateful_set(3))
        create(world, maxUnavailable=1)
        world.eventually(lambda: counts(world) == (1, 3, 2, 3))
        for controller in world.controllers:
            controller.queue.shut_down()
        world.client.patch(POD, "web-0", {"metadata": {"finalizers": ["example.com/hold"]}}, "default")
        evict(world, "web-0")
        leaving = world.client.get(POD, "web-0", "default")
        target = condition(leaving, "DisruptionTarget") or {}
        assert is_deleting(leaving)
        assert (target["status"], target["reason"], target["message"]) == (
            "True",
            "EvictionByEvictionAPI",
            "Eviction API: evicting",
        )
        assert status_of(world)["disruptionsAllowed"] == 0
        assert list(status_of(world)["disruptedPods"]) == ["web-0"]
        with pytest.raises(TooManyRequests) as refused:
            evict(world, "web-1")
        assert refused.value.message == "Cannot evict pod as it would violate the pod's disruption budget."
        assert refused.value.details["causes"] == [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget web needs 2 healthy pods and has 3 currently",
            }
        ]
        evict(world, "web-0")  # goes already: no budget minds


def test_the_budget_recovers_when_the_pod_is_back() -> None:
    with World(*WORKLOADS, DisruptionController).running() as world:
        world.create(DEPLOYMENT, deployment(3))
        create(world, minAvailable=2)
        world.eventually(lambda: counts(world) == (1, 3, 2, 3))
        gone = name(world.pods()[0])
        evict(world, gone)
        world.eventually(lambda: counts(world) == (1, 3, 2, 3) and gone not in map(name, world.pods()))
        assert "disruptedPods" not in status_of(world)


def test_of_many_evictions_at_once_only_as_many_succeed_as_are_allowed() -> None:
    with World(ReplicaSetController, DisruptionController).running() as world:
        world.create(REPLICA_SET, replica_set("web", 10))
        create(world, minAvailable=7)
        world.eventually(lambda: counts(world) == (3, 10, 7, 10))
        for controller in world.controllers:
            controller.queue.shut_down()
        done: list[str] = []

        def attempt(pod: str) -> None:
            try:
                evict(world, pod)
            except ApiError:
                return
            done.append(pod)

        threads = [threading.Thread(target=attempt, args=(name(each),)) for each in world.pods()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == 3
        assert status_of(world)["disruptionsAllowed"] == 0


def sick_world(policy: str) -> World:
    world = World(ReplicaSetController, DisruptionController)
    world.create(REPLICA_SET, replica_set("sick", 1, image="nginx:sick"))
    extra = {"unhealthyPodEvictionPolicy": policy} if policy else {}
    create(world, minAvailable=1, **extra)
    return world


@pytest.mark.parametrize(("policy", "goes"), [("", False), ("IfHealthyBudget", False), ("AlwaysAllow", True)])
def test_unhealthy_pods_of_an_unhealthy_budget(policy: str, goes: bool) -> None:
    with sick_world(policy).running() as world:
        world.eventually(lambda: counts(world) == (0, 0, 1, 1))
        world.eventually(lambda: world.pods()[0]["status"]["phase"] == "Running")
        sick = name(world.pods()[0])
        if goes:
            evict(world, sick)
            assert status_of(world)["disruptionsAllowed"] == 0
        else:
            with pytest.raises(TooManyRequests):
                evict(world, sick)


def test_unhealthy_pods_of_a_healthy_budget_go_uncounted() -> None:
    with sick_world("").running() as world:
        world.create(REPLICA_SET, replica_set("fine", 1))
        world.eventually(lambda: counts(world) == (0, 1, 1, 2))
        sick = next(name(each) for each in world.pods() if name(each).startswith("sick"))
        world.eventually(lambda: world.client.get(POD, sick, "default")["status"]["phase"] == "Running")
        evict(world, sick)


def test_what_cannot_be_worked_out_allows_nothing_and_says_so() -> None:
    with World(DaemonSetController, DisruptionController).running() as world:
        world.add_node("node-1")
        world.create(DAEMON_SET, daemon_set())
        create(world, maxUnavailable=1)

        def reason() -> str:
            found = condition(world.client.get(POD_DISRUPTION_BUDGET, "web", "default"), "DisruptionAllowed") or {}
            return str(found.get("message"))

        world.eventually(lambda: reason() == "daemonsets.apps does not implement the scale subresource")
        world.eventually(lambda: world.pods()[0]["status"]["phase"] == "Running")
        world.client.patch(
            POD_DISRUPTION_BUDGET, "web", {"status": {"observedGeneration": 1}}, "default", subresource="status"
        )
        with pytest.raises(TooManyRequests, match="violate") as refused:
            evict(world, name(world.pods()[0]))
        assert "because it failed sync: daemonsets.apps" in refused.value.details["causes"][0]["message"]


def test_a_budget_that_is_not_looked_at_yet_asks_to_come_back() -> None:
    world = World()
    with world.running():
        world.create(POD, pod("web-1", node=""))
        world.eventually(lambda: world.pods()[0]["status"]["phase"] == "Running")
        create(world, minAvailable=0)
        with pytest.raises(TooManyRequests) as refused:
            evict(world, "web-1")
        assert refused.value.details["retryAfterSeconds"] == 10
        cause = refused.value.details["causes"][0]["message"]
        assert cause == "The disruption budget web is still being processed by the server."


def test_unmanaged_pods_and_pods_that_stay_after_their_eviction_are_told_of() -> None:
    with World(DisruptionController).running() as world:
        world.create(POD, pod("web-1", node=""))
        create(world, minAvailable="50%")
        world.eventually(lambda: world.events.messages("UnmanagedPods"))
        assert "(selector: app=web)" in world.events.messages("UnmanagedPods")[0]
        world.client.patch(POD_DISRUPTION_BUDGET, "web", {"spec": {"minAvailable": 0}}, "default")
        world.eventually(lambda: counts(world) == (1, 1, 0, 1))
        taken = {**status_of(world), "disruptedPods": {"web-1": "2001-01-01T00:00:00Z"}}
        current = world.client.get(POD_DISRUPTION_BUDGET, "web", "default")
        world.client.update_status(POD_DISRUPTION_BUDGET, {**current, "status": taken})
        world.eventually(lambda: world.events.messages("NotDeleted"))
        world.eventually(lambda: counts(world) == (1, 1, 0, 1) and "disruptedPods" not in status_of(world))


def test_a_dry_run_takes_nothing_and_a_pod_of_two_budgets_stays() -> None:
    with World(ReplicaSetController, DisruptionController).running() as world:
        world.create(REPLICA_SET, replica_set("web", 1))
        create(world, minAvailable=0)
        world.eventually(lambda: counts(world) == (1, 1, 0, 1))
        target = name(world.pods()[0])
        evict(world, target, dryRun=["All"])
        assert counts(world) == (1, 1, 0, 1)
        assert name(world.pods()[0]) == target
        second = {"metadata": {"name": "other", "namespace": "default"}, "spec": budget(minAvailable=0)["spec"]}
        world.client.create(POD_DISRUPTION_BUDGET, second)
        with pytest.raises(ApiError, match="more than one PodDisruptionBudget"):
            evict(world, target)


def test_an_eviction_names_its_pod() -> None:
    with World().running() as world:
        world.create(POD, pod("web-1", node=""))
        with pytest.raises(NotFound):
            evict(world, "nobody")
        with pytest.raises(BadRequest, match="name in URL does not match"):
            world.client.create_subresource(POD, "web-1", "eviction", {"metadata": {"name": "web-2"}}, "default")


def test_a_disruption_that_did_not_come_is_taken_back() -> None:
    with World(StaleDisruptionController).running() as world:
        world.create(POD, pod("web-1", node=""))
        world.quiet()
        marked = world.client.get(POD, "web-1", "default")
        moment = rfc3339(world.clock.now())
        announced = {"type": "DisruptionTarget", "status": "True", "reason": "x", "lastTransitionTime": moment}
        marked["status"]["conditions"].append(announced)
        world.client.update_status(POD, marked)

        def target() -> Object:
            return condition(world.client.get(POD, "web-1", "default"), "DisruptionTarget") or {}

        world.advance(100)
        assert target()["status"] == "True"
        world.advance(25)
        world.eventually(lambda: target()["status"] == "False")
        assert "reason" not in target()


def test_a_custom_kind_counts_by_its_scale() -> None:
    with World(DisruptionController, CustomResourceDefinitionController).running() as world:
        world.client.create(CUSTOM_RESOURCE_DEFINITION, definition())
        world.eventually(
            lambda: condition(world.client.get(CUSTOM_RESOURCE_DEFINITION, "crews.example.com"), "Established")
        )
        crew = {"apiVersion": "example.com/v1", "kind": "Crew", "metadata": {"name": "web", "namespace": "default"}}
        owner = world.eventually(lambda: world.client.create(CREW, {**crew, "spec": {"replicas": 4}}))
        world.create(POD, pod("web-1", node="", owner=owner))
        create(world, minAvailable="50%")
        world.eventually(lambda: counts(world) == (0, 1, 2, 4))


CREW = Kind("example.com", "v1", "Crew", "crews")


def definition() -> Object:
    counted = {"type": "object", "properties": {"replicas": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"spec": counted, "status": counted}}
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "crews.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "crews", "kind": "Crew", "singular": "crew", "listKind": "CrewList"},
            "versions": [{**version, "subresources": {"scale": paths, "status": {}}}],
        },
    }
