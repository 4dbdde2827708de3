from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.api.errors import Forbidden
from orchestrator.api.groups.apps import REPLICA_SET
from orchestrator.api.groups.core import POD, REPLICATION_CONTROLLER
from orchestrator.api.meta import Object, controller_of, labels, name, uid
from orchestrator.api.request import Request
from orchestrator.controllers.replicaset import ReplicaSetController, ReplicationManager
from tests.unit.orchestrator.controllers.objects import pod, replica_set
from tests.unit.orchestrator.controllers.world import World


def status_of(world: World, label: str = "web") -> Object:
    status: Object = world.client.get(REPLICA_SET, label, "default")["status"]
    return status


def has_pods(world: World, count: int, label: str = "web") -> bool:
    return status_of(world, label).get("availableReplicas", 0) == len(world.pods()) == count


def test_makes_exactly_as_many_pods_as_wanted() -> None:
    with World(ReplicaSetController).running() as world:
        world.create(REPLICA_SET, replica_set("web", 20))
        world.eventually(lambda: has_pods(world, 20))
        world.quiet()
        assert len(world.pods()) == 20
        assert len(world.events.messages("SuccessfulCreate")) == 20
        assert all(name(each).startswith("web-") for each in world.pods())
        assert status_of(world) == {
            "replicas": 20,
            "fullyLabeledReplicas": 20,
            "readyReplicas": 20,
            "availableReplicas": 20,
            "observedGeneration": 1,
        }


def test_scales_up_and_down_and_replaces_what_is_lost() -> None:
    with World(ReplicaSetController).running() as world:
        world.create(REPLICA_SET, replica_set("web", 5))
        world.eventually(lambda: has_pods(world, 5))
        world.client.patch(REPLICA_SET, "web", {"spec": {"replicas": 2}}, "default")
        world.eventually(lambda: has_pods(world, 2))
        assert len(world.events.messages("SuccessfulDelete")) == 3
        lost = world.pods()[0]
        world.client.delete(POD, name(lost), "default")
        world.eventually(lambda: has_pods(world, 2) and uid(lost) not in map(uid, world.pods()))
        world.quiet()
        assert len(world.events.messages("SuccessfulCreate")) == 6


def test_takes_in_orphans_and_lets_strays_go() -> None:
    with World(ReplicaSetController).running() as world:
        orphan = world.create(POD, pod("orphan", node=""))
        made = world.create(REPLICA_SET, replica_set("web", 2))
        world.eventually(lambda: has_pods(world, 2))
        adopted = world.client.get(POD, "orphan", "default")
        assert (controller_of(adopted) or {})["uid"] == uid(made)
        world.client.patch(POD, name(orphan), {"metadata": {"labels": {"app": "debug"}}}, "default")
        world.eventually(lambda: status_of(world)["replicas"] == 2 and len(world.pods()) == 3)
        stray = world.client.get(POD, "orphan", "default")
        assert (controller_of(stray), labels(stray)) == (None, {"app": "debug"})


def test_finished_pods_are_replaced() -> None:
    with World(ReplicaSetController).running() as world:
        world.create(REPLICA_SET, replica_set("web", 1))
        world.eventually(lambda: has_pods(world, 1))
        failed = world.pods()[0]
        world.client.update_status(POD, {**failed, "status": {**failed["status"], "phase": "Failed"}})
        world.eventually(lambda: len(world.pods()) == 2 and status_of(world).get("availableReplicas") == 1)


def test_min_ready_seconds_are_waited_for() -> None:
    with World(ReplicaSetController).running() as world:
        world.create(REPLICA_SET, replica_set("web", 2, minReadySeconds=10))
        world.eventually(lambda: status_of(world).get("readyReplicas") == 2)
        world.quiet()
        assert "availableReplicas" not in status_of(world)
        world.clock.advance(10)
        world.eventually(lambda: status_of(world).get("availableReplicas") == 2)


def test_what_cannot_be_created_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(ReplicaSetController)
    transport = world.client._transport
    call, refusing = transport.call, True

    def refuse(request: Request) -> Object:
        if refusing and request.verb == "create" and request.kind is POD:
            raise Forbidden("exceeded quota")
        return call(request)

    monkeypatch.setattr(transport, "call", refuse)
    with world.running():
        world.create(REPLICA_SET, replica_set("web", 8))
        conditions = world.eventually(lambda: status_of(world).get("conditions"))
        assert [(c["type"], c["reason"], c["message"]) for c in conditions] == [
            ("ReplicaFailure", "FailedCreate", "exceeded quota")
        ]
        attempts = len(world.events.messages("FailedCreate"))
        assert attempts < 8, "a creation that fails must not be tried for all the others too"
        refusing = False
        world.clock.advance(1000)
        world.eventually(lambda: has_pods(world, 8))
        assert "conditions" not in status_of(world)


def test_two_sets_with_one_selector_do_not_fight() -> None:
    with World(ReplicaSetController).running() as world:
        world.create(REPLICA_SET, replica_set("web", 2))
        world.create(REPLICA_SET, replica_set("also-web", 3))
        world.eventually(lambda: status_of(world).get("availableReplicas") == 2)
        world.eventually(lambda: status_of(world, "also-web").get("availableReplicas") == 3)
        world.quiet()
        owners = Counter(str((controller_of(pod) or {})["name"]) for pod in world.pods())
        assert owners == {"web": 2, "also-web": 3}
        before = world.revision()
        world.clock.advance(60)
        world.quiet()
        assert world.revision() == before


def test_a_replication_controller_selects_by_plain_labels() -> None:
    with World(ReplicationManager, ReplicaSetController).running() as world:
        old = {**replica_set("old", 3), "apiVersion": "v1", "kind": "ReplicationController"}
        old["spec"]["selector"] = {"app": "web"}
        world.create(POD, pod("orphan", node=""))
        made = world.create(REPLICATION_CONTROLLER, old)

        def ready() -> int:
            found: Object = world.client.get(REPLICATION_CONTROLLER, "old", "default")["status"]
            return int(found.get("availableReplicas", 0))

        world.eventually(lambda: ready() == len(world.pods()) == 3)
        assert all((controller_of(each) or {})["uid"] == uid(made) for each in world.pods())
        assert "orphan" in map(name, world.pods())
        world.client.patch(REPLICATION_CONTROLLER, "old", {"spec": {"replicas": 1}}, "default")
        world.eventually(lambda: ready() == len(world.pods()) == 1)
