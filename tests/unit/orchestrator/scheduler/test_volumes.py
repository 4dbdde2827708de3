from __future__ import annotations

import random
from typing import Any

import pytest

from orchestrator.api.claims import SELECTED_NODE
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM
from orchestrator.api.meta import Object, annotations, key, name, owner_reference, spec
from orchestrator.scheduler import volumes
from orchestrator.scheduler.cluster import Cluster
from orchestrator.scheduler.decide import Refusal, decide
from orchestrator.scheduler.podinfo import PodInfo, pod_info
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot
from orchestrator.scheduler.volumes import Storage
from tests.fakes.volumes import claim, storage_class, volume
from tests.unit.orchestrator.scheduler.objects import node, pod_object

BY_HAND = storage_class("by-hand", "kubernetes.io/no-provisioner")


def storage(*objects: Object) -> Storage:
    by_kind: dict[str, dict[Any, Object]] = {"PersistentVolumeClaim": {}, "PersistentVolume": {}, "": {}}
    for obj in (*objects, storage_class(), BY_HAND):
        by_kind[obj.get("kind", "")][key(obj)] = obj
    return Storage(by_kind["PersistentVolumeClaim"], by_kind["PersistentVolume"], by_kind[""])


def user(*claims: str, on: str = "", name: str = "web") -> PodInfo:
    wanted = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in claims]
    obj = pod_object(name, volumes=wanted)
    if on:
        obj["spec"]["nodeName"] = on
    return pod_info(obj)


def refusal(pod: PodInfo, storage: Storage, *nodes: NodeInfo) -> str:
    outcome = decide(pod, Snapshot(nodes or (node("n1"),), {}, storage), random.Random(1))
    assert isinstance(outcome, Refusal)
    return outcome.message.removeprefix(f"0/{max(1, len(nodes))} nodes are available: ")


def bound(name: str = "data", volume: str = "pv", **fields: Any) -> Object:
    return claim(name, volume=volume, bound=True, **fields)


def lost() -> Object:
    obj = bound()
    obj["status"]["phase"] = "Lost"
    return obj


def going() -> Object:
    obj = bound()
    obj["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return obj


def waiting(name: str = "data", size: str = "1Gi", class_name: str = "standard", **fields: Any) -> Object:
    return claim(name, size, storage_class=class_name, **fields)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ([], 'persistentvolumeclaim "data" not found.'),
        ([lost()], 'persistentvolumeclaim "data" bound to non-existent persistentvolume "pv".'),
        ([going()], 'persistentvolumeclaim "data" is being deleted.'),
        ([claim()], "pod has unbound immediate PersistentVolumeClaims."),
        ([waiting(volume="pv")], "pod has unbound immediate PersistentVolumeClaims."),
        ([bound()], "1 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)."),
        ([bound(), volume(node="n2")], "1 node(s) had volume node affinity conflict."),
        ([waiting(class_name="by-hand")], "1 node(s) didn't find available persistent volumes to bind."),
        (
            [waiting(annotations={SELECTED_NODE: "n2"})],
            "1 node(s) didn't find available persistent volumes to bind.",
        ),
    ],
)
def test_why_a_pod_cannot_run(known: list[Object], why: str) -> None:
    assert refusal(user("data"), storage(*known)) == why


@pytest.mark.parametrize(
    "known",
    [
        [bound(), volume()],
        [bound(), volume(node="n1")],
        [waiting()],
        [waiting(annotations={SELECTED_NODE: "n1"})],
        [waiting(class_name="by-hand"), volume(storage_class="by-hand", node="n1")],
    ],
)
def test_where_a_pod_can_run(known: list[Object]) -> None:
    outcome = decide(user("data"), Snapshot((node("n1"), node("n2")), {}, storage(*known)), random.Random(1))
    assert not isinstance(outcome, Refusal)


def test_a_pod_follows_its_volume() -> None:
    known = storage(bound(), volume(node="n2"))
    for seed in range(5):
        outcome = decide(user("data"), Snapshot((node("n1"), node("n2")), {}, known), random.Random(seed))
        assert not isinstance(outcome, Refusal) and outcome.node == "n2"


def test_a_claim_for_one_pod_only() -> None:
    known = storage(bound(modes=("ReadWriteOncePod",)), volume(modes=("ReadWriteOncePod",)))
    first = user("data", on="n1", name="first")
    why = "1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode."
    assert refusal(user("data"), known, node("n1", first)) == why
    assert decide(user("data"), Snapshot((node("n1"),), {}, known), random.Random(1)) is not None


def test_an_ephemeral_claim_must_be_the_pods_own() -> None:
    obj = pod_object("web", volumes=[{"name": "v", "ephemeral": {"volumeClaimTemplate": {}}}])
    pod = pod_info(obj)
    wait = 'waiting for ephemeral volume controller to create the persistentvolumeclaim "web-v".'
    assert refusal(pod, storage()) == wait
    foreign = waiting("web-v")
    assert "was not created for pod default/web" in refusal(pod, storage(foreign))
    foreign["metadata"]["ownerReferences"] = [owner_reference({**obj, "apiVersion": "v1", "kind": "Pod"})]
    assert volumes.unready(pod, storage(foreign)) == ""


def needed(pod: PodInfo, known: Storage, on: str = "n1") -> volumes.Bindings:
    found = volumes.bindings(pod, node(on).place, known)
    assert found is not None
    return found


def test_what_is_written_before_a_pod_is_bound() -> None:
    made = needed(user("data"), storage(waiting()))
    assert made and not made.volumes
    assert [annotations(each)[SELECTED_NODE] for each in made.claims] == ["n1"]
    kept = needed(user("data"), storage(waiting(class_name="by-hand"), volume(storage_class="by-hand")))
    assert kept and not kept.claims
    assert [spec(each)["claimRef"]["name"] for each in kept.volumes] == ["data"]
    assert not needed(user("data"), storage(bound(), volume()))


def test_what_is_written_already_is_waited_for_only() -> None:
    again = needed(user("data"), storage(waiting(annotations={SELECTED_NODE: "n1"})))
    assert again.waits and not again.claims and not again.volumes
    reserved = volume(storage_class="by-hand", claim=waiting())
    again = needed(user("data"), storage(waiting(class_name="by-hand"), reserved))
    assert again.waits and not again.claims and not again.volumes


def test_each_claim_gets_a_volume_of_its_own() -> None:
    claims = [waiting("small", "1Gi", "by-hand"), waiting("large", "5Gi", "by-hand")]
    there = [volume("large-pv", "5Gi", storage_class="by-hand"), volume("small-pv", "2Gi", storage_class="by-hand")]
    found = needed(user("large", "small"), storage(*claims, *there))
    assert {name(each): spec(each)["claimRef"]["name"] for each in found.volumes} == {
        "small-pv": "small",
        "large-pv": "large",
    }
    assert volumes.bindings(user("large", "small"), node("n1").place, storage(*claims, there[0])) is None


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ([bound(), volume()], "bound"),
        ([waiting(annotations={SELECTED_NODE: "n1"})], "pending"),
        ([waiting(), volume(claim=waiting(), storage_class="standard")], "pending"),
        ([waiting(), volume(storage_class="standard")], "lost"),
        ([waiting(annotations={SELECTED_NODE: "n2"})], "lost"),
        ([going()], "lost"),
        ([], "lost"),
    ],
)
def test_what_becomes_of_a_pod_that_waits(known: list[Object], found: str) -> None:
    assert volumes.outlook(user("data"), "n1", storage(*known)) == found


def test_what_is_expected_counts_until_there_is_news() -> None:
    cluster, old = Cluster(), waiting()
    cluster.put_stored(PERSISTENT_VOLUME_CLAIM, old)
    expected = volumes.with_node(old, "n1")
    cluster.expect(PERSISTENT_VOLUME_CLAIM, expected)
    assert cluster.snapshot().storage.claims[key(old)] is expected
    cluster.forget_expected(PERSISTENT_VOLUME_CLAIM, expected)
    assert cluster.snapshot().storage.claims[key(old)] is old
    cluster.expect(PERSISTENT_VOLUME_CLAIM, expected)
    news = bound()
    cluster.put_stored(PERSISTENT_VOLUME_CLAIM, news)
    assert cluster.storage().claims[key(old)] is news
    cluster.remove_stored(PERSISTENT_VOLUME_CLAIM, news)
    assert not cluster.storage().claims
