"""The rules of the kinds that rule: networks, priorities, runtimes, quotas, limits."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.core import LIMIT_RANGE, RESOURCE_QUOTA
from orchestrator.api.groups.networking import INGRESS, INGRESS_CLASS, NETWORK_POLICY
from orchestrator.api.groups.node import RUNTIME_CLASS
from orchestrator.api.groups.scheduling import PRIORITY_CLASS
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from tests.unit.orchestrator.api.strategies.rows import changed, defaulted, problems, sentences

SERVICE = {"service": {"name": "web", "port": {"number": 80}}}


def ingress(path: str = "/", kind: str | None = "Prefix", host: str = "a.io", **backend: Any) -> Object:
    entry: Object = {"path": path, "pathType": kind, "backend": backend or SERVICE}
    if kind is None:
        del entry["pathType"]
    return {"spec": {"rules": [{"host": host, "http": {"paths": [entry]}}]}}


def policy(**rule: Any) -> Object:
    return {"spec": {"podSelector": {}, "ingress": [rule]}}


def peer(**fields: Any) -> Object:
    return policy(**{"from": [fields]})


def port(**fields: Any) -> Object:
    return policy(ports=[fields])


def quota(hard: dict[str, str] | None = None, **spec: Any) -> Object:
    return {"spec": {"hard": hard or {"pods": "1"}, **spec}}


def scoped(scope: str, operator: str, *values: str) -> Object:
    expression = {"scopeName": scope, "operator": operator, **({"values": list(values)} if values else {})}
    return quota(scopeSelector={"matchExpressions": [expression]})


def limits(kind: str = "Container", **amounts: str) -> Object:
    return {"spec": {"limits": [{"type": kind, **{field: {"cpu": value} for field, value in amounts.items()}}]}}


def priority(name: str = "high", value: int = 7, **fields: Any) -> Object:
    return {"metadata": {"name": name}, "value": value, **fields}


RIGHT: list[tuple[Kind, Object]] = [
    (INGRESS, ingress()),
    (INGRESS, ingress(host="*.a.io")),
    (INGRESS, ingress("", "ImplementationSpecific")),
    (INGRESS, {"spec": {"defaultBackend": {"resource": {"kind": "Bucket", "name": "b"}}}}),
    (INGRESS_CLASS, {"spec": {"controller": "a.io/nginx"}}),
    (NETWORK_POLICY, {"spec": {"podSelector": {}}}),
    (NETWORK_POLICY, port(port="http")),
    (NETWORK_POLICY, port(port=80, endPort=90)),
    (NETWORK_POLICY, peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]})),
    (NETWORK_POLICY, peer(podSelector={}, namespaceSelector={})),
    (RESOURCE_QUOTA, quota({"count/jobs.batch": "1", "requests.example.com/gpu": "1", "requests.storage": "1Gi"})),
    (RESOURCE_QUOTA, quota({"hugepages-2Mi": "2Mi", "gold.storageclass.storage.k8s.io/requests.storage": "1Gi"})),
    (RESOURCE_QUOTA, quota(scopes=["BestEffort"])),
    (RESOURCE_QUOTA, scoped("PriorityClass", "In", "high")),
    (LIMIT_RANGE, limits(min="100m", default="1", max="2")),
    (LIMIT_RANGE, limits("Pod", max="2", maxLimitRequestRatio="3")),
    (PRIORITY_CLASS, priority()),
    (PRIORITY_CLASS, priority("system-node-critical", 2000001000)),
    (RUNTIME_CLASS, {"handler": "runc", "overhead": {"podFixed": {"cpu": "100m"}}}),
]
WRONG: list[tuple[Kind, Object, str]] = [
    (INGRESS, {}, "spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"),
    (INGRESS, ingress(kind=None), "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"),
    (
        INGRESS,
        ingress(kind="X"),
        'pathType: Unsupported value: "X": supported values: "Exact", "ImplementationSpecific"',
    ),
    (INGRESS, ingress("a"), 'spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path'),
    (INGRESS, ingress("/a//b"), "must not contain '//'"),
    (INGRESS, ingress("/a/.."), "cannot end with '/..'"),
    (INGRESS, ingress(host="a.*.io"), "a wildcard DNS-1123 subdomain must start with '*.'"),
    (INGRESS, ingress(host="10.0.0.1"), "must be a DNS name, not an IP address"),
    (INGRESS, ingress(service={"name": "web"}), "backend: Required value: port name or number is required"),
    (INGRESS, ingress(**SERVICE, resource={"kind": "A", "name": "a"}), "cannot set both resource and service backends"),
    (INGRESS_CLASS, {"spec": {"controller": "nginx"}}, "must be a domain-prefixed path"),
    (
        INGRESS_CLASS,
        {"spec": {"controller": "a/b", "parameters": {"kind": "A", "name": "a", "scope": "Namespace"}}},
        "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ),
    (NETWORK_POLICY, peer(), "spec.ingress[0].from[0]: Required value: must specify a peer"),
    (
        NETWORK_POLICY,
        peer(ipBlock={"cidr": "10.0.0.0/8"}, podSelector={}),
        "may not specify both ipBlock and another pe",
    ),
    (NETWORK_POLICY, peer(ipBlock={"cidr": "x"}), "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
    (
        NETWORK_POLICY,
        peer(ipBlock={"cidr": "10.0.0.0/8", "except": ["11.0.0.0/9"]}),
        "must be a strict subset of `cidr`",
    ),
    (NETWORK_POLICY, port(protocol="ICMP"), 'Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'),
    (NETWORK_POLICY, port(port=0), "spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535"),
    (NETWORK_POLICY, port(port=80, endPort=79), "must be greater than or equal to `port`"),
    (NETWORK_POLICY, port(endPort=79), "may not be specified when `port` is not specified"),
    (
        RESOURCE_QUOTA,
        quota({"widgets": "1"}),
        'spec.hard[widgets]: Invalid value: "widgets": must be a standard resource',
    ),
    (RESOURCE_QUOTA, quota({"pods": "1500m"}), 'spec.hard[pods]: Invalid value: "1500m": must be an integer'),
    (RESOURCE_QUOTA, quota({"pods": "-1"}), 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'),
    (RESOURCE_QUOTA, quota(scopes=["Sometimes"]), "unsupported scope"),
    (RESOURCE_QUOTA, quota(scopes=["BestEffort", "NotBestEffort"]), "conflicting scopes"),
    (RESOURCE_QUOTA, quota({"cpu": "1"}, scopes=["BestEffort"]), "unsupported scope applied to resource"),
    (RESOURCE_QUOTA, scoped("BestEffort", "In", "x"), "must be 'Exist' when scope is any of"),
    (RESOURCE_QUOTA, scoped("PriorityClass", "In"), "must be at least one value when `operator` is 'In' or 'NotIn'"),
    (RESOURCE_QUOTA, scoped("PriorityClass", "Exists", "x"), "must be no value when `operator` is 'Exist'"),
    (LIMIT_RANGE, limits("Pod", min="2", max="1"), 'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is great'),
    (LIMIT_RANGE, limits("Pod", default="1"), "may not be specified when `type` is 'Pod'"),
    (LIMIT_RANGE, limits("Tree"), "must be a standard limit type or fully qualified"),
    (LIMIT_RANGE, limits("Pod", maxLimitRequestRatio="500m"), "ratio 500m is less than 1"),
    (
        LIMIT_RANGE,
        limits("Pod", min="1", max="2", maxLimitRequestRatio="3"),
        "ratio 3 is greater than max/min = 2.000000",
    ),
    (LIMIT_RANGE, limits("PersistentVolumeClaim"), "either minimum or maximum storage value is required, but neither"),
    (
        PRIORITY_CLASS,
        priority(value=1000000001),
        "value: Forbidden: maximum allowed value of a user defined priority is",
    ),
    (PRIORITY_CLASS, priority("system-mine"), "priority class names with 'system-' prefix are reserved for system use"),
    (PRIORITY_CLASS, priority(preemptionPolicy="X"), 'preemptionPolicy: Unsupported value: "X"'),
    (RUNTIME_CLASS, {"handler": "A"}, 'handler: Invalid value: "A"'),
    (RUNTIME_CLASS, {"handler": "a", "overhead": {"podFixed": {"cpu": "-1"}}}, "overhead.limits[cpu]: Invalid value"),
]
CHANGES: list[tuple[Kind, Object, Object, str]] = [
    (PRIORITY_CLASS, priority(value=8), priority(), "value: Forbidden: may not be changed in an update."),
    (PRIORITY_CLASS, priority(preemptionPolicy="Never"), priority(), "preemptionPolicy: Invalid value"),
    (RUNTIME_CLASS, {"handler": "b"}, {"handler": "a"}, 'handler: Invalid value: "b": field is immutable'),
    (RESOURCE_QUOTA, quota(scopes=["BestEffort"]), quota(), "spec.scopes: Invalid value"),
    (INGRESS_CLASS, {"spec": {"controller": "b/c"}}, {"spec": {"controller": "a/c"}}, "spec.controller: Invalid value"),
]


@pytest.mark.parametrize(("kind", "obj"), RIGHT)
def test_right(kind: Kind, obj: Object) -> None:
    assert problems(kind, obj) == []


@pytest.mark.parametrize(("kind", "obj", "expected"), WRONG)
def test_wrong(kind: Kind, obj: Object, expected: str) -> None:
    found = problems(kind, obj)
    assert found
    assert expected in found[0]


@pytest.mark.parametrize(("kind", "new", "old", "expected"), CHANGES)
def test_wrong_changes(kind: Kind, new: Object, old: Object, expected: str) -> None:
    found = sentences(kind.strategy.validate_update(changed(kind, new, old), old))
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(
    ("spec", "types"),
    [({}, ["Ingress"]), ({"egress": [{}]}, ["Ingress", "Egress"]), ({"policyTypes": ["Egress"]}, ["Egress"])],
)
def test_which_way_a_policy_rules(spec: Object, types: list[str]) -> None:
    assert defaulted(NETWORK_POLICY, {"spec": spec})["spec"]["policyTypes"] == types


def test_a_limit_is_the_greatest_and_a_request_the_limit() -> None:
    [item] = defaulted(LIMIT_RANGE, limits(max="2"))["spec"]["limits"]
    assert (item["default"], item["defaultRequest"]) == ({"cpu": "2"}, {"cpu": "2"})
    [item] = defaulted(LIMIT_RANGE, limits(min="1"))["spec"]["limits"]
    assert item == {"type": "Container", "min": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}
    [item] = defaulted(LIMIT_RANGE, limits("Pod", max="2"))["spec"]["limits"]
    assert item == {"type": "Pod", "max": {"cpu": "2"}}


def test_what_is_not_enforced_says_so() -> None:
    assert "not enforced by podlab" in NETWORK_POLICY.strategy.warnings({})[0]
    assert "not enforced by podlab" in INGRESS.strategy.warnings(ingress())[0]
    annotated = {"metadata": {"annotations": {"kubernetes.io/ingress.class": "a"}}, "spec": {"ingressClassName": "b"}}
    assert "is deprecated" in INGRESS.strategy.warnings(annotated)[0]
    [error] = INGRESS.strategy.validate_create(annotated)
    assert "must match `ingressClassName` when both are specified" in error.message
