"""The kinds whose rules are few."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import CONFIG_MAP, ENDPOINTS, EVENT, NAMESPACE, NODE, SECRET
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from tests.unit.orchestrator.api.strategies.rows import changed, defaulted, problems, sentences


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def event(involved: str, namespace: str) -> Object:
    return {"metadata": {"namespace": namespace}, "involvedObject": {"namespace": involved}}


def taint(**fields: str) -> Object:
    return {"spec": {"taints": [{"key": "a", "effect": "NoSchedule", **fields}]}}


def subset(**fields: Any) -> Object:
    return {"subsets": [fields]}


def slice_of(kind: str = "IPv4", address: str = "10.0.0.1", **fields: Any) -> Object:
    return {"addressType": kind, "endpoints": [{"addresses": [address]}], **fields}


RIGHT: list[tuple[Kind, Object]] = [
    (CONFIG_MAP, {"data": {"nginx.conf": "x" * 1024 * 1024}}),
    (SECRET, {"data": {"a": encoded("b")}}),
    (SECRET, {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "", "tls.key": ""}}),
    (SECRET, {"type": "kubernetes.io/basic-auth", "stringData": {"username": "a"}}),
    (SECRET, {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{}"}}),
    (EVENT, event("default", "default")),
    (EVENT, event("", "default")),
    (LEASE, {"spec": {"leaseDurationSeconds": 10, "leaseTransitions": 0}}),
    (NODE, taint()),
    (ENDPOINTS, subset(addresses=[{"ip": "10.0.0.1"}], ports=[{"port": 80}])),
    (ENDPOINT_SLICE, slice_of(ports=[{"port": 80}])),
    (ENDPOINT_SLICE, slice_of("FQDN", "example.com")),
]
WRONG: list[tuple[Kind, Object, str]] = [
    (CONFIG_MAP, {"data": {"a/b": ""}}, 'data[a/b]: Invalid value: "a/b": a valid config key must consist of'),
    (CONFIG_MAP, {"data": {"a": ""}, "binaryData": {"a": ""}}, "duplicate of key present in binaryData"),
    (CONFIG_MAP, {"data": {"a": "x" * (1024 * 1024 + 1)}}, "data: Too long: may not be more than 1048576 bytes"),
    (SECRET, {"data": {"..": ""}}, "data[..]: Invalid value"),
    (SECRET, {"type": "kubernetes.io/ssh-auth"}, "data[ssh-privatekey]: Required value"),
    (SECRET, {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "a"}}, "data[tls.key]: Required value"),
    (
        SECRET,
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "secret"}},
        'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>"',
    ),
    (SECRET, {"type": "kubernetes.io/service-account-token"}, "metadata.annotations[kubernetes.io/service-account.na"),
    (EVENT, event("other", "default"), 'involvedObject.namespace: Invalid value: "other": does not match event.name'),
    (LEASE, {"spec": {"leaseDurationSeconds": 0}}, "spec.leaseDurationSeconds: Invalid value: 0: must be greater than"),
    (LEASE, {"spec": {"leaseTransitions": -1}}, "spec.leaseTransitions: Invalid value: -1: must be greater than or"),
    (NODE, taint(effect="X"), 'spec.taints[0].effect: Unsupported value: "X": supported values: "NoSchedule", "Prefe'),
    (NODE, taint(key="a b"), 'spec.taints[0].key: Invalid value: "a b"'),
    (NODE, taint(value="a b"), 'spec.taints[0].value: Invalid value: "a b"'),
    (NODE, {"spec": {"taints": taint()["spec"]["taints"] * 2}}, "spec.taints[1]: Duplicate value"),
    (NODE, {"status": {"capacity": {"cpu": "-1"}, "allocatable": {"cpu": "1"}}}, "status.capacity[cpu]: Invalid valu"),
    (NAMESPACE, {"metadata": {}, "spec": {"finalizers": ["x"]}}, 'spec.finalizers: Invalid value: "x": name is neith'),
    (ENDPOINTS, subset(ports=[{"port": 80}]), "subsets[0]: Required value: must specify `addresses` or `notReadyAddr"),
    (ENDPOINTS, subset(addresses=[{"ip": "x"}]), "subsets[0].addresses[0].ip: Invalid value"),
    (
        ENDPOINTS,
        subset(addresses=[{"ip": "10.0.0.1"}], ports=[{"port": 80, "name": "a"}, {"port": 81}]),
        "subsets[0].ports[1].name: Required value",
    ),
    (ENDPOINT_SLICE, slice_of("X", "10.0.0.1", endpoints=[]), 'addressType: Unsupported value: "X": supported values'),
    (ENDPOINT_SLICE, slice_of("IPv6"), 'endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 ad'),
    (ENDPOINT_SLICE, slice_of(endpoints=[{}]), "endpoints[0].addresses: Required value: must contain at least 1 addre"),
    (ENDPOINT_SLICE, slice_of(ports=[{"port": 1}, {"port": 2}]), 'ports[1].name: Duplicate value: ""'),
    (ENDPOINT_SLICE, slice_of(endpoints=[{"addresses": ["10.0.0.1"]}] * 1001), "endpoints: Too many: 1001: must have"),
]
FROZEN = {"immutable": True, "data": {"a": "eA=="}}
CHANGES: list[tuple[Kind, Object, Object, str]] = [
    (CONFIG_MAP, {"immutable": True, "data": {"a": "2"}}, FROZEN, "data: Forbidden: field is immutable when `immutabl"),
    (CONFIG_MAP, {"data": FROZEN["data"]}, FROZEN, "immutable: Forbidden: field is immutable when `immutable` is set"),
    (SECRET, {"immutable": True}, FROZEN, "data: Forbidden: field is immutable when `immutable` is set"),
    (SECRET, {}, {"type": "a/b"}, 'type: Invalid value: "Opaque": field is immutable'),
    (ENDPOINT_SLICE, slice_of("IPv6", "::1"), slice_of(), 'addressType: Invalid value: "IPv6": field is immutable'),
    (
        NODE,
        {"spec": {"providerID": "b"}},
        {"spec": {"providerID": "a"}},
        'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
    ),
    (
        EVENT,
        {"reason": "b", "eventTime": "2026-01-31T10:00:00.000000Z"},
        {"reason": "a", "eventTime": "2026-01-31T10:00:00.000000Z"},
        'reason: Invalid value: "b": field is immutable',
    ),
]


@pytest.mark.parametrize(("kind", "obj"), RIGHT)
def test_right(kind: Kind, obj: Object) -> None:
    assert problems(kind, obj) == []


@pytest.mark.parametrize(("kind", "obj", "expected"), WRONG)
def test_wrong(kind: Kind, obj: Object, expected: str) -> None:
    found = problems(kind, obj)
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(("kind", "new", "old", "expected"), CHANGES)
def test_wrong_changes(kind: Kind, new: Object, old: Object, expected: str) -> None:
    found = sentences(kind.strategy.validate_update(changed(kind, new, old), old))
    assert len(found) == 1, found
    assert expected in found[0]


def test_a_configmap_may_become_immutable() -> None:
    assert CONFIG_MAP.strategy.validate_update(FROZEN, {"data": {"a": "1"}}) == []


def test_string_data_becomes_data() -> None:
    obj = {"data": {"a": encoded("old"), "b": encoded("b")}, "stringData": {"a": "new"}}
    assert defaulted(SECRET, obj) == {"type": "Opaque", "data": {"a": encoded("new"), "b": encoded("b")}}


def test_a_new_namespace() -> None:
    obj: Object = {"metadata": {"name": "lab"}, "status": {"phase": "Terminating"}}
    NAMESPACE.strategy.default(obj)
    NAMESPACE.strategy.prepare_create(obj, 0)
    assert obj == {
        "metadata": {"name": "lab", "labels": {"kubernetes.io/metadata.name": "lab"}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def test_a_namespace_keeps_its_finalizers_until_it_is_finalized() -> None:
    old = {"metadata": {"name": "lab"}, "spec": {"finalizers": ["kubernetes"]}}
    assert changed(NAMESPACE, {"metadata": {"name": "lab"}, "spec": {}}, old)["spec"] == old["spec"]


def test_a_namespace_that_is_deleted_says_so() -> None:
    obj = {"status": {"phase": "Active"}}
    NAMESPACE.strategy.prepare_delete(obj)
    assert NAMESPACE.strategy.fields(obj) == {"status.phase": "Terminating"}


def test_a_node_can_give_all_it_has() -> None:
    obj = defaulted(NODE, {"status": {"capacity": {"cpu": "2"}}})
    assert obj["status"]["allocatable"] == {"cpu": "2"}


def test_a_node_registers_with_its_status() -> None:
    obj = {"status": {"capacity": {"cpu": "2"}}}
    NODE.strategy.prepare_create(obj, 0)
    assert obj["status"]["capacity"] == {"cpu": "2"}


def test_events_are_found_by_their_object() -> None:
    fields = EVENT.strategy.fields(
        {"involvedObject": {"kind": "Pod", "name": "web"}, "source": {"component": "kubelet"}}
    )
    assert (fields["involvedObject.name"], fields["source"]) == ("web", "kubelet")
