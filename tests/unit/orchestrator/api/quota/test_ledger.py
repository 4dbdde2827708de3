"""What objects use, which quotas concern them, and what the quotas say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, POD, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.quota.ledger import QuotaExceeded, charged, covers, lowers, measured
from orchestrator.api.quota.usage import usage


def pod(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, **spec: Any) -> Object:
    container = {"name": "main", "resources": {"requests": requests or {}, "limits": limits or {}}}
    return {"spec": {"containers": [container], **spec}}


def service(kind: str, ports: int = 2, **spec: Any) -> Object:
    return {"spec": {"type": kind, "ports": [{"port": 80 + n} for n in range(ports)], **spec}}


def claim(size: str, storage_class: str = "") -> Object:
    return {"spec": {"resources": {"requests": {"storage": size}}, "storageClassName": storage_class}}


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> Object:
    state = {"hard": hard, "used": used if used is not None else dict.fromkeys(hard, "0")}
    return {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}, "status": state}


USED: list[tuple[Kind, Object, dict[str, int | str]]] = [
    (CONFIG_MAP, {}, {"count/configmaps": 1, "configmaps": 1}),
    (DEPLOYMENT, {}, {"count/deployments.apps": 1}),
    (SERVICE, service("ClusterIP"), {"count/services": 1, "services": 1}),
    (SERVICE, service("NodePort"), {"count/services": 1, "services": 1, "services.nodeports": 2}),
    (
        SERVICE,
        service("LoadBalancer", allocateLoadBalancerNodePorts=False),
        {"count/services": 1, "services": 1, "services.loadbalancers": 1, "services.nodeports": 0},
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim("1Ki", "gold"),
        {
            "count/persistentvolumeclaims": 1,
            "persistentvolumeclaims": 1,
            "requests.storage": 1024,
            "gold.storageclass.storage.k8s.io/persistentvolumeclaims": 1,
            "gold.storageclass.storage.k8s.io/requests.storage": 1024,
        },
    ),
    (
        POD,
        pod({"cpu": "500m", "example.com/gpu": "1", "hugepages-2Mi": "2"}, {"memory": "1Ki", "example.com/gpu": "1"}),
        {
            "count/pods": 1,
            "pods": 1,
            "cpu": "1/2",
            "requests.cpu": "1/2",
            "requests.example.com/gpu": 1,
            "hugepages-2Mi": 2,
            "requests.hugepages-2Mi": 2,
            "limits.memory": 1024,
        },
    ),
    (POD, pod({"cpu": "1"}) | {"status": {"phase": "Succeeded"}}, {"count/pods": 1}),
]


@pytest.mark.parametrize(("kind", "obj", "expected"), USED)
def test_usage(kind: Kind, obj: Object, expected: dict[str, int | str]) -> None:
    assert usage(kind, obj) == {name: Fraction(amount) for name, amount in expected.items()}


AFFINE = {
    "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["a"], "topologyKey": "k"}]}
}


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ("Terminating", pod(activeDeadlineSeconds=1), pod()),
        ("NotTerminating", pod(), pod(activeDeadlineSeconds=1)),
        ("BestEffort", pod(), pod({"cpu": "1"})),
        ("NotBestEffort", pod({"cpu": "1"}), pod()),
        ("PriorityClass", pod(priorityClassName="high"), pod()),
        ("CrossNamespacePodAffinity", pod(affinity=AFFINE), pod()),
    ],
)
def test_scopes(scope: str, inside: Object, outside: Object) -> None:
    scoped = quota({"pods": "1"}, scopes=[scope])
    assert covers(scoped, POD, inside)
    assert not covers(scoped, POD, outside)
    assert not covers(scoped, CONFIG_MAP, {}), "a scope chooses pods"


@pytest.mark.parametrize(
    ("operator", "values", "chosen"),
    [
        ("In", ["high", "low"], ["high"]),
        ("NotIn", ["high"], ["", "other"]),
        ("Exists", [], ["high", "other"]),
        ("DoesNotExist", [], [""]),
    ],
)
def test_scope_selector(operator: str, values: list[str], chosen: list[str]) -> None:
    expression = {"scopeName": "PriorityClass", "operator": operator, "values": values}
    scoped = quota({"pods": "1"}, scopeSelector={"matchExpressions": [expression]})
    found = [each for each in ("", "high", "other") if covers(scoped, POD, pod(priorityClassName=each))]
    assert found == chosen


FULL = quota({"pods": "2", "requests.cpu": "1"}, {"pods": "2", "requests.cpu": "900m"})
REFUSED: list[tuple[Object, Kind, Object, str]] = [
    (
        FULL,
        POD,
        pod({"cpu": "200m"}),
        "exceeded quota: q, requested: pods=1,requests.cpu=200m, used: pods=2,requests.cpu=900m, "
        "limited: pods=2,requests.cpu=1",
    ),
    (
        quota({"requests.memory": "1Gi"}, {"requests.memory": "512Mi"}),
        POD,
        pod({"memory": "600Mi"}),
        "exceeded quota: q, requested: requests.memory=600Mi, used: requests.memory=512Mi, "
        "limited: requests.memory=1Gi",
    ),
    (
        quota({"limits.cpu": "1", "memory": "1"}),
        POD,
        pod(),
        "failed quota: q: must specify limits.cpu for: main; memory for: main",
    ),
    (quota({"pods": "1"}, {}), POD, pod(), "status unknown for quota: q, resources: pods"),
    (
        quota({"services.nodeports": "1"}),
        SERVICE,
        service("NodePort"),
        "exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1",
    ),
]


@pytest.mark.parametrize(("ledger", "kind", "obj", "message"), REFUSED)
def test_refused(ledger: Object, kind: Kind, obj: Object, message: str) -> None:
    with pytest.raises(QuotaExceeded) as refusal:
        charged(ledger, kind, obj, None)
    assert str(refusal.value) == message


def test_charged() -> None:
    ledger = quota(
        {"pods": "2", "requests.cpu": "1", "secrets": "3"}, {"pods": "1", "requests.cpu": "0", "secrets": "3"}
    )
    assert charged(ledger, POD, pod({"cpu": "1"}), None) == {"pods": "2", "requests.cpu": "1", "secrets": "3"}
    assert charged(FULL, CONFIG_MAP, {}, None) == FULL["status"]["used"]
    assert charged({"metadata": {"name": "new"}}, POD, pod(), None) == {}, "it has not been measured yet"


def test_only_what_is_more_is_charged() -> None:
    ledger = quota({"requests.storage": "3Gi"}, {"requests.storage": "1Gi"})
    assert charged(ledger, PERSISTENT_VOLUME_CLAIM, claim("3Gi"), claim("1Gi")) == {"requests.storage": "3Gi"}
    with pytest.raises(QuotaExceeded, match=r"requested: requests\.storage=3Gi, used: requests\.storage=1Gi"):
        charged(ledger, PERSISTENT_VOLUME_CLAIM, claim("4Gi"), claim("1Gi"))
    full = quota({"services.nodeports": "2"}, {"services.nodeports": "2"})
    assert charged(full, SERVICE, service("NodePort"), service("NodePort")) == {"services.nodeports": "2"}


def test_measured() -> None:
    ledger = quota({"pods": "5", "requests.memory": "1Gi", "count/configmaps": "9"}, scopes=[])
    things = [(POD, pod({"memory": "100Mi"})), (POD, pod({"memory": "28Mi"})), (CONFIG_MAP, {})]
    status = measured(ledger, things)
    assert status["hard"] == ledger["spec"]["hard"]
    assert status["used"] == {"pods": "2", "requests.memory": "128Mi", "count/configmaps": "1"}


def test_lowers() -> None:
    assert lowers({"pods": "1", "cpu": "2"}, {"pods": "2", "cpu": "1"})
    assert not lowers({"pods": "2", "memory": "0"}, {"pods": "2"})
