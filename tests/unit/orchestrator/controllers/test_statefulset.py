from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.apps import CONTROLLER_REVISION, STATEFUL_SET
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.meta import Object, labels, name, owner_references, spec, uid
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.statefulset import StatefulSetController
from tests.unit.orchestrator.controllers.objects import pod, stateful_set
from tests.unit.orchestrator.controllers.world import World


def status_of(world: World) -> Object:
    status: Object = world.client.get(STATEFUL_SET, "web", "default")["status"]
    return status


def names(world: World) -> list[str]:
    return sorted(map(name, world.all(POD)))


def images(world: World) -> dict[str, str]:
    return {name(each): spec(each)["containers"][0]["image"] for each in world.pods()}


def settled(world: World, replicas: int) -> bool:
    status = status_of(world)
    seen = (
        status.get("observedGeneration") == world.client.get(STATEFUL_SET, "web", "default")["metadata"]["generation"]
    )
    done = status.get("currentRevision") == status.get("updateRevision")
    return seen and done and status.get("availableReplicas") == status.get("replicas") == replicas


def set_image(world: World, image: str) -> None:
    container = {"name": "app", "image": image}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    world.client.patch(STATEFUL_SET, "web", {"spec": {"template": template}}, "default")


def set_spec(world: World, **fields: Any) -> None:
    world.client.patch(STATEFUL_SET, "web", {"spec": fields}, "default")


CLAIM = {
    "metadata": {"name": "data", "labels": {"tier": "db"}},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def test_pods_have_a_number_each_and_come_in_order() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(3))
        world.eventually(lambda: settled(world, 3))
        first = world.client.get(POD, "web-0", "default")
        revision = status_of(world)["currentRevision"]
        assert labels(first) == {
            "app": "web",
            "statefulset.kubernetes.io/pod-name": "web-0",
            "apps.kubernetes.io/pod-index": "0",
            "controller-revision-hash": revision,
        }
        assert (spec(first)["hostname"], spec(first)["subdomain"]) == ("web-0", "peers")
        assert world.events.messages("SuccessfulCreate") == [
            f"create Pod web-{number} in StatefulSet web successful" for number in range(3)
        ]
        assert status_of(world) == {
            "observedGeneration": 1,
            "replicas": 3,
            "readyReplicas": 3,
            "currentReplicas": 3,
            "updatedReplicas": 3,
            "availableReplicas": 3,
            "currentRevision": revision,
            "updateRevision": revision,
            "collisionCount": 0,
        }
        set_spec(world, replicas=1)
        world.eventually(lambda: settled(world, 1))
        assert world.events.messages("SuccessfulDelete") == [
            f"delete Pod web-{number} in StatefulSet web successful" for number in (2, 1)
        ]


def test_an_ordered_set_waits_for_a_pod_that_is_not_ready_and_a_parallel_one_does_not() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(3, image="nginx:sick"))
        world.eventually(lambda: names(world) == ["web-0"])
        world.quiet()
        assert names(world) == ["web-0"]
        world.create(STATEFUL_SET, stateful_set(3, name="all", image="nginx:sick", podManagementPolicy="Parallel"))
        world.eventually(lambda: len(names(world)) == 4)


def test_a_rolling_update_goes_from_the_highest_down_and_undo_brings_the_old_revision_back() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(3))
        world.eventually(lambda: settled(world, 3))
        before = status_of(world)["currentRevision"]
        set_image(world, "nginx:2")
        world.eventually(lambda: settled(world, 3) and set(images(world).values()) == {"nginx:2"})
        deleted = world.events.messages("SuccessfulDelete")
        assert deleted == [f"delete Pod web-{number} in StatefulSet web successful" for number in (2, 1, 0)]
        after = status_of(world)["currentRevision"]
        assert after != before
        set_image(world, "nginx:1")
        world.eventually(lambda: settled(world, 3) and status_of(world)["currentRevision"] == before)
        numbers = {name(each): each["revision"] for each in world.all(CONTROLLER_REVISION)}
        assert numbers == {before: 3, after: 2}


def test_pods_below_the_partition_stay_of_the_old_revision_even_when_they_are_lost() -> None:
    with World(StatefulSetController).running() as world:
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
        world.create(STATEFUL_SET, stateful_set(3, updateStrategy=rolling))
        world.eventually(lambda: settled(world, 3))
        set_image(world, "nginx:2")
        world.eventually(lambda: status_of(world).get("updatedReplicas") == 1)
        world.client.delete(POD, "web-0", "default")
        old = {"web-0": "nginx:1", "web-1": "nginx:1", "web-2": "nginx:2"}
        world.eventually(lambda: images(world) == old and status_of(world)["availableReplicas"] == 3)
        assert status_of(world)["currentReplicas"] == 2
        set_spec(world, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
        world.eventually(lambda: settled(world, 3) and set(images(world).values()) == {"nginx:2"})


def test_on_delete_waits_for_the_user() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(2, updateStrategy={"type": "OnDelete"}))
        world.eventually(lambda: status_of(world).get("availableReplicas") == 2)
        set_image(world, "nginx:2")
        world.quiet()
        assert set(images(world).values()) == {"nginx:1"}
        world.client.delete(POD, "web-1", "default")
        world.eventually(lambda: images(world) == {"web-0": "nginx:1", "web-1": "nginx:2"})


def test_the_first_ordinal_may_be_moved() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(2, ordinals={"start": 5}))
        world.eventually(lambda: names(world) == ["web-5", "web-6"])
        set_spec(world, ordinals={"start": 6})
        world.eventually(lambda: names(world) == ["web-6", "web-7"])


def test_lost_and_ended_pods_come_back_under_their_names() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(2))
        world.eventually(lambda: settled(world, 2))
        ended = world.client.get(POD, "web-1", "default")
        world.client.update_status(POD, {**ended, "status": {**ended["status"], "phase": "Failed"}})
        world.eventually(lambda: settled(world, 2) and uid(world.client.get(POD, "web-1", "default")) != uid(ended))
        assert world.events.messages("RecreatingFailedPod") == [
            "StatefulSet default/web is recreating failed Pod web-1"
        ]


def test_takes_in_pods_of_its_names_only_and_restores_their_labels() -> None:
    with World(StatefulSetController).running() as world:
        world.create(POD, pod("web-0", node=""))
        world.create(POD, pod("stranger", node=""))
        made = world.create(STATEFUL_SET, stateful_set(1))
        world.eventually(lambda: status_of(world).get("readyReplicas") == 1)
        world.eventually(lambda: labels(world.client.get(POD, "web-0", "default")).get("apps.kubernetes.io/pod-index"))
        assert uid(made) in [ref["uid"] for ref in owner_references(world.client.get(POD, "web-0", "default"))]
        assert owner_references(world.client.get(POD, "stranger", "default")) == []


def test_claims_are_made_for_each_ordinal_and_outlive_their_pods() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(2, volumeClaimTemplates=[CLAIM]))
        world.eventually(lambda: settled(world, 2))
        claims = {name(each): each for each in world.all(PERSISTENT_VOLUME_CLAIM)}
        assert sorted(claims) == ["data-web-0", "data-web-1"]
        assert labels(claims["data-web-0"]) == {"tier": "db", "app": "web"}
        assert owner_references(claims["data-web-0"]) == []
        assert "create Claim data-web-0 Pod web-0 in StatefulSet web success" in world.events.messages(
            "SuccessfulCreate"
        )
        volumes = spec(world.client.get(POD, "web-1", "default"))["volumes"]
        assert {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}} in volumes
        set_spec(world, replicas=0)
        world.eventually(lambda: not world.all(POD))
        assert len(world.all(PERSISTENT_VOLUME_CLAIM)) == 2


@pytest.mark.parametrize("when", ["whenScaled", "whenDeleted"])
def test_the_retention_policy_lets_claims_go(when: str) -> None:
    policy = {"whenScaled": "Retain", "whenDeleted": "Retain", when: "Delete"}
    with World(StatefulSetController, GarbageCollector).running() as world:
        made = stateful_set(2, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
        world.create(STATEFUL_SET, made)
        world.eventually(lambda: settled(world, 2))
        set_spec(world, replicas=1)
        left = ["data-web-0"] if when == "whenScaled" else ["data-web-0", "data-web-1"]
        world.eventually(lambda: names(world) == ["web-0"])
        world.eventually(lambda: sorted(map(name, world.all(PERSISTENT_VOLUME_CLAIM))) == left)
        world.client.delete(STATEFUL_SET, "web", "default", propagation="Background")
        world.eventually(lambda: not world.all(POD))
        kept = 1 if when == "whenScaled" else 0
        world.eventually(lambda: len(world.all(PERSISTENT_VOLUME_CLAIM)) == kept)


def test_only_as_many_revisions_are_kept_as_wanted() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(1, revisionHistoryLimit=1))
        for number in range(1, 5):
            set_image(world, f"nginx:{number}")
            world.eventually(lambda: settled(world, 1))
        world.eventually(lambda: sorted(each["revision"] for each in world.all(CONTROLLER_REVISION)) == [3, 4])


def test_min_ready_seconds_slow_the_start() -> None:
    with World(StatefulSetController).running() as world:
        world.create(STATEFUL_SET, stateful_set(2, minReadySeconds=10))
        world.eventually(lambda: status_of(world).get("readyReplicas") == 1)
        world.quiet()
        assert names(world) == ["web-0"]
        world.advance(12)
        world.eventually(lambda: names(world) == ["web-0", "web-1"])


def test_a_pod_of_somebody_else_in_the_way_is_told_of() -> None:
    with World(StatefulSetController).running() as world:
        world.create(POD, pod("web-0", labels={"app": "other"}, node=""))
        world.create(STATEFUL_SET, stateful_set(1))
        world.eventually(lambda: world.events.messages("FailedCreate"))
        message = 'create Pod web-0 in StatefulSet web failed error: pods "web-0" already exists'
        assert world.events.messages("FailedCreate")[0] == message
        world.client.delete(POD, "web-0", "default")
        world.eventually(lambda: settled(world, 1))
