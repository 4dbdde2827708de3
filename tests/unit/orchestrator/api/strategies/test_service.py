from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.api.groups.core import SERVICE
from orchestrator.api.meta import Object
from tests.unit.orchestrator.api.strategies.rows import changed, defaulted, problems, sentences

PORT = {"port": 80}


def service(**spec: Any) -> Object:
    return copy.deepcopy({"metadata": {"name": "web"}, "spec": {"ports": [PORT], **spec}})


def given(address: str = "10.96.0.9", **spec: Any) -> Object:
    """A service that has its address."""
    return service(clusterIP=address, clusterIPs=[address], **spec)


def test_defaults() -> None:
    assert defaulted(SERVICE, service())["spec"] == {
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "sessionAffinity": "None",
        "type": "ClusterIP",
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"type": "NodePort"}, {"externalTrafficPolicy": "Cluster"}),
        ({"type": "LoadBalancer"}, {"externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": True}),
        ({"externalIPs": ["1.2.3.4"]}, {"externalTrafficPolicy": "Cluster"}),
        ({"sessionAffinity": "ClientIP"}, {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}}),
        ({"clusterIP": "None"}, {"clusterIPs": ["None"]}),
        ({"clusterIPs": ["10.96.0.9"]}, {"clusterIP": "10.96.0.9"}),
        (
            {"ports": [{"port": 80, "targetPort": "http"}]},
            {"ports": [PORT | {"protocol": "TCP", "targetPort": "http"}]},
        ),
    ],
)
def test_more_defaults(spec: Object, expected: Object) -> None:
    assert defaulted(SERVICE, service(**spec))["spec"].items() >= expected.items()


def test_an_external_name_has_no_addresses() -> None:
    spec = defaulted(SERVICE, {"spec": {"type": "ExternalName", "externalName": "example.com"}})["spec"]
    assert spec.keys() == {"type", "externalName", "sessionAffinity"}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"clusterIP": "None", "ports": []},
        {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]},
        {"type": "ExternalName", "externalName": "example.com.", "ports": []},
        {"ports": [{"port": 53, "name": "a"}, {"port": 53, "name": "b", "protocol": "UDP"}]},
        {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]},
    ],
)
def test_right(spec: Object) -> None:
    assert problems(SERVICE, service(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"ports": []}, "spec.ports: Required value"),
        ({"type": "X"}, 'spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBal'),
        (
            {"ports": [{"port": 0, "targetPort": 80}]},
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 6553",
        ),
        ({"ports": [{"port": 1, "targetPort": "Web"}]}, 'spec.ports[0].targetPort: Invalid value: "Web"'),
        ({"ports": [{"port": 1, "protocol": "X"}]}, "spec.ports[0].protocol: Unsupported value"),
        ({"ports": [{"port": 1, "name": "a"}, {"port": 2}]}, "spec.ports[1].name: Required value"),
        ({"ports": [{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]}, 'spec.ports[1].name: Duplicate value: "a"'),
        (
            {"ports": [{"port": 1, "name": "a"}, {"port": 1, "name": "b"}]},
            'spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}',
        ),
        (
            {"ports": [{"port": 1, "nodePort": 30000}]},
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            {
                "type": "NodePort",
                "ports": [{"port": 1, "nodePort": 30000, "name": "a"}, {"port": 2, "nodePort": 30000, "name": "b"}],
            },
            "spec.ports[1].nodePort: Duplicate value: 30000",
        ),
        ({"selector": {"a b": ""}}, 'spec.selector: Invalid value: "a b"'),
        ({"sessionAffinity": "X"}, 'spec.sessionAffinity: Unsupported value: "X": supported values: "ClientIP", "None'),
        (
            {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}},
            "timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400",
        ),
        (
            {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}},
            "spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None",
        ),
        ({"clusterIP": "x"}, 'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address'),
        ({"clusterIP": "None", "type": "NodePort"}, "may not be set to 'None' for NodePort services"),
        ({"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.2"]}, "first value must match `clusterIP`"),
        ({"externalIPs": ["127.0.0.1"]}, "may not be in the loopback range"),
        ({"type": "ExternalName"}, "spec.externalName: Required value"),
        (
            {"type": "ExternalName", "externalName": "a", "clusterIPs": ["10.96.0.1"]},
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
        ),
        ({"externalTrafficPolicy": "Local"}, "may only be set for externally-accessible services"),
        ({"internalTrafficPolicy": "X"}, "spec.internalTrafficPolicy: Unsupported value"),
        ({"allocateLoadBalancerNodePorts": True}, "may only be used when `type` is 'LoadBalancer'"),
        ({"loadBalancerSourceRanges": ["10.0.0.0/8"]}, "may only be used when `type` is 'LoadBalancer'"),
        ({"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0"]}, "must be a valid CIDR value"),
    ],
)
def test_wrong(spec: Object, expected: str) -> None:
    found = problems(SERVICE, service(**spec))
    assert len(found) == 1, found
    assert expected in found[0]


def test_an_update_keeps_the_address_and_the_node_ports() -> None:
    old = given(type="NodePort", ports=[{"port": 80, "name": "a", "nodePort": 30080}])
    new = changed(SERVICE, service(type="NodePort", ports=[{"port": 81, "name": "a"}, {"port": 82, "name": "b"}]), old)
    assert (new["spec"]["clusterIP"], new["spec"]["clusterIPs"]) == ("10.96.0.9", ["10.96.0.9"])
    assert [port.get("nodePort") for port in new["spec"]["ports"]] == [30080, None]
    assert SERVICE.strategy.validate_update(new, old) == []


def test_a_node_port_that_moves_to_another_port_is_not_kept_twice() -> None:
    old = given(type="NodePort", ports=[{"port": 80, "name": "a", "nodePort": 30080}])
    ports = [{"port": 80, "name": "a"}, {"port": 81, "name": "b", "nodePort": 30080}]
    new = changed(SERVICE, service(type="NodePort", ports=ports), old)
    assert [port.get("nodePort") for port in new["spec"]["ports"]] == [None, 30080]


@pytest.mark.parametrize(
    ("before", "after", "gone"),
    [
        ("NodePort", "ClusterIP", {"externalTrafficPolicy"}),
        ("LoadBalancer", "NodePort", {"allocateLoadBalancerNodePorts"}),
        ("LoadBalancer", "ClusterIP", {"allocateLoadBalancerNodePorts", "externalTrafficPolicy"}),
        (
            "ClusterIP",
            "ExternalName",
            {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"},
        ),
    ],
)
def test_another_type_drops_what_it_has_no_use_for(before: str, after: str, gone: set[str]) -> None:
    old = defaulted(SERVICE, given(type=before))
    new = copy.deepcopy(old)
    new["spec"] |= {"type": after, "externalName": "example.com"}
    changed(SERVICE, new, old)
    assert old["spec"].keys() - new["spec"].keys() == gone
    assert SERVICE.strategy.validate(new) == []
    assert SERVICE.strategy.validate_update(new, old) == []


def test_a_cluster_ip_service_gives_its_node_ports_back() -> None:
    old = defaulted(SERVICE, given(type="NodePort", ports=[{"port": 80, "nodePort": 30080}]))
    new = copy.deepcopy(old)
    new["spec"]["type"] = "ClusterIP"
    changed(SERVICE, new, old)
    assert "nodePort" not in new["spec"]["ports"][0]


@pytest.mark.parametrize("address", ["10.96.0.10", "None"])
def test_the_address_stays(address: str) -> None:
    old = given()
    new = changed(SERVICE, service(clusterIP=address), old)
    assert sentences(SERVICE.strategy.validate_update(new, old)) == [
        f'spec.clusterIPs[0]: Invalid value: ["{address}"]: may not change once set'
    ]


def test_fields_and_first_status() -> None:
    obj = given(type="NodePort")
    SERVICE.strategy.prepare_create(obj, 0)
    assert obj["status"] == {"loadBalancer": {}}
    assert SERVICE.strategy.fields(obj) == {"spec.clusterIP": "10.96.0.9", "spec.type": "NodePort"}
