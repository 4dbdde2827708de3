from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api import claims
from orchestrator.api.meta import Object, name
from tests.fakes.volumes import claim, storage_class, volume

RWO, RWX = "ReadWriteOnce", "ReadWriteMany"
OTHER = claim("other")


@pytest.mark.parametrize(
    ("wanted", "volumes", "chosen"),
    [
        ({}, [], None),
        ({}, [volume("a", "5Gi"), volume("b", "2Gi"), volume("c", "3Gi")], "b"),
        ({}, [volume("b"), volume("a")], "a"),
        ({"size": "2Gi"}, [volume("a")], None),
        ({}, [volume("a", modes=(RWO, RWX)), volume("b", "9Gi")], "b"),
        ({"modes": (RWO, RWX)}, [volume("a"), volume("b", modes=(RWO, RWX))], "b"),
        ({}, [volume("a", storage_class="fast")], None),
        ({"storage_class": "fast"}, [volume("a"), volume("b", storage_class="fast")], "b"),
        ({}, [volume("a", volumeMode="Block")], None),
        ({}, [volume("a", phase="Released", claim=OTHER)], None),
        ({}, [volume("a", phase="Pending")], None),
        ({}, [volume("a", claim=OTHER)], None),
        ({"selector": {"matchLabels": {"disk": "ssd"}}}, [volume("a"), volume("b", labels={"disk": "ssd"})], "b"),
        # Kept for the claim, whatever else would fit better, and whatever its class.
        ({}, [volume("a"), volume("b", "9Gi", claim=claim(), storage_class="x")], "b"),
        ({"size": "2Gi"}, [volume("b", claim=claim())], None),
    ],
)
def test_the_best_match(wanted: dict[str, Any], volumes: list[Object], chosen: str | None) -> None:
    for order in (volumes, volumes[::-1]):
        found = claims.best_match(claim(**wanted), order)
        assert (name(found) if found else None) == chosen


def test_who_waits_gets_only_what_is_kept_for_it() -> None:
    assert claims.best_match(claim(), [volume()], wait=True) is None
    assert claims.best_match(claim(), [volume(claim=claim())], wait=True) is not None


def test_a_volume_that_is_going_is_no_match() -> None:
    going = volume()
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert claims.best_match(claim(), [going]) is None


def test_a_reference_without_uid_means_the_name() -> None:
    kept = volume(claim=claim())
    assert claims.belongs_to(kept, claim())
    assert not claims.belongs_to(kept, claim(uid="a-later-one"))
    assert not claims.belongs_to(kept, claim(namespace="shop"))
    del kept["spec"]["claimRef"]["uid"]
    assert claims.belongs_to(kept, claim(uid="a-later-one"))


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (volume(), ""),
        (volume(size="1Mi"), "requested PV is too small"),
        (volume(storage_class="x"), "storageClassName does not match"),
        (volume(volumeMode="Block"), "incompatible volumeMode"),
        (volume(modes=(RWX,)), "incompatible accessMode"),
    ],
)
def test_why_a_volume_does_not_fit(chosen: Object, why: str) -> None:
    assert claims.mismatch(chosen, claim()) == why


def test_where_a_volume_can_be_reached() -> None:
    assert claims.reachable(volume(), "n1", {})
    assert claims.reachable(volume(node="n1"), "n1", {"kubernetes.io/hostname": "n1"})
    assert not claims.reachable(volume(node="n1"), "n2", {"kubernetes.io/hostname": "n2"})


def test_where_a_class_makes_volumes() -> None:
    term = {"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]}
    limited = storage_class(allowedTopologies=[term])
    assert claims.topology_allows(storage_class(), {})
    assert claims.topology_allows(limited, {"zone": "a"})
    assert not claims.topology_allows(limited, {"zone": "c"})


def test_the_claims_of_a_pod() -> None:
    volumes = [
        {"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "b", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "c", "emptyDir": {}},
    ]
    pod = {"metadata": {"name": "web"}, "spec": {"volumes": volumes}}
    assert claims.pod_claims(pod) == {"a": "data", "b": "web-b"}
