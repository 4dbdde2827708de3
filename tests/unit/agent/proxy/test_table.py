"""Which addresses a Service is served on, and where its connections go."""

from __future__ import annotations

from typing import Any

import pytest

from agent.proxy.table import AFFINITY_SECONDS, ANY, Backend, Frontend, Route, diff, merge, routes, service_of
from orchestrator.api.meta import Object
from tests.fakes.services import HTTP, endpoint, endpoint_slice, service

ONE, TWO = Backend("172.17.0.2", 8080), Backend("172.17.0.3", 8080)
CLUSTER_IP = Frontend("10.96.0.20", 80, "TCP")
NODE_PORT = {**HTTP, "nodePort": 30080}
READY = endpoint_slice(endpoint(ONE.ip), endpoint(TWO.ip))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {CLUSTER_IP}),
        ({"clusterIPs": ["10.96.0.20", "fd00::20"]}, {CLUSTER_IP}),
        ({"clusterIP": "None"}, set()),
        ({"clusterIP": ""}, set()),
        ({"type": "ExternalName", "externalName": "example.org", "clusterIP": None}, set()),
        ({"externalIPs": ["192.0.2.7", "fd00::7"]}, {CLUSTER_IP, Frontend("192.0.2.7", 80)}),
        ({"ports": [NODE_PORT]}, {CLUSTER_IP}),
        ({"type": "NodePort", "ports": [NODE_PORT]}, {CLUSTER_IP, Frontend(ANY, 30080)}),
        ({"ports": [{**HTTP, "protocol": "SCTP"}]}, set()),
        ({"ports": [{**HTTP, "protocol": "UDP"}]}, {Frontend("10.96.0.20", 80, "UDP")}),
        (
            {"ports": [{**HTTP, "port": 80}, {**HTTP, "name": "tls", "port": 443}]},
            {CLUSTER_IP, Frontend("10.96.0.20", 443)},
        ),
    ],
)
def test_addresses_of_a_service(spec: dict[str, Any], expected: set[Frontend]) -> None:
    assert set(routes(service(**spec), [READY], "node-1")) == expected


def test_load_balancer_is_served_on_its_ingress_addresses() -> None:
    balanced = service(type="LoadBalancer", ports=[NODE_PORT])
    ingress = [{"ip": "10.97.0.1"}, {"ip": "10.97.0.2", "ipMode": "Proxy"}, {"hostname": "lb.example.org"}]
    balanced["status"] = {"loadBalancer": {"ingress": ingress}}
    assert set(routes(balanced, [READY], "node-1")) == {CLUSTER_IP, Frontend(ANY, 30080), Frontend("10.97.0.1", 80)}


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([endpoint(ONE.ip), endpoint(TWO.ip)], (ONE, TWO)),
        ([endpoint(ONE.ip, ready=None)], (ONE,)),
        ([endpoint(ONE.ip), endpoint(TWO.ip, ready=False, serving=True, terminating=True)], (ONE,)),
        ([endpoint(ONE.ip, ready=False), endpoint(TWO.ip, ready=False, serving=True, terminating=True)], (TWO,)),
        ([endpoint(ONE.ip, ready=False, serving=False, terminating=True)], ()),
        ([endpoint(ONE.ip), endpoint(ONE.ip)], (ONE,)),
        ([{"addresses": [], "conditions": {}}, {"addresses": ["fd00::1"], "conditions": {}}], ()),
        ([], ()),
    ],
    ids=[
        "ready",
        "unset is ready",
        "ready first",
        "terminating as a last resort",
        "not serving",
        "twice",
        "bad",
        "none",
    ],
)
def test_endpoints_that_get_connections(endpoints: list[Object], expected: tuple[Backend, ...]) -> None:
    table = routes(service(), [endpoint_slice(*endpoints)], "node-1")
    assert table[CLUSTER_IP].backends == expected


def test_slices_are_joined_and_ports_matched_by_name() -> None:
    slices = [
        endpoint_slice(endpoint(ONE.ip)),
        endpoint_slice(endpoint(TWO.ip)),
        endpoint_slice(endpoint("172.17.0.4"), name="metrics", port=9090),
        {**endpoint_slice(endpoint("172.17.0.5")), "addressType": "FQDN"},
    ]
    assert routes(service(), slices, "node-1")[CLUSTER_IP].backends == (ONE, TWO)


def test_an_unnamed_port_matches_an_unnamed_port() -> None:
    unnamed = service(ports=[{"port": 80}])
    assert routes(unnamed, [endpoint_slice(endpoint(ONE.ip), name="")], "n")[CLUSTER_IP].backends == (ONE,)


def test_local_policies_keep_to_the_node_and_listen_only_where_there_are_endpoints() -> None:
    spread = endpoint_slice(endpoint(ONE.ip, node="node-1"), endpoint(TWO.ip, node="node-2"))
    local = service(type="NodePort", ports=[NODE_PORT], externalTrafficPolicy="Local")
    assert routes(local, [spread], "node-1")[Frontend(ANY, 30080)].backends == (ONE,)
    assert routes(local, [spread], "node-1")[CLUSTER_IP].backends == (ONE, TWO)
    assert set(routes(local, [spread], "node-3")) == {CLUSTER_IP}
    inner = service(internalTrafficPolicy="Local")
    assert routes(inner, [spread], "node-2")[CLUSTER_IP].backends == (TWO,)
    assert routes(inner, [spread], "node-3") == {}


def test_affinity() -> None:
    sticky = service(sessionAffinity="ClientIP")
    assert routes(sticky, [READY], "n")[CLUSTER_IP].affinity == AFFINITY_SECONDS
    sticky["spec"]["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 60}}
    assert routes(sticky, [READY], "n")[CLUSTER_IP].affinity == 60
    assert routes(service(), [READY], "n")[CLUSTER_IP].affinity == 0


def test_source_ranges_guard_the_load_balancer_address_only() -> None:
    guarded = service(type="LoadBalancer", ports=[HTTP], loadBalancerSourceRanges=["192.0.2.0/24 "])
    guarded["status"] = {"loadBalancer": {"ingress": [{"ip": "10.97.0.1"}]}}
    table = routes(guarded, [READY], "n")
    front = table[Frontend("10.97.0.1", 80)]
    assert (front.admits("192.0.2.9"), front.admits("198.51.100.1")) == (True, False)
    assert table[CLUSTER_IP].admits("198.51.100.1")


def test_a_source_range_that_is_none_lets_nobody_in() -> None:
    guarded = service(type="LoadBalancer", ports=[HTTP], loadBalancerSourceRanges=["nonsense"])
    guarded["status"] = {"loadBalancer": {"ingress": [{"ip": "10.97.0.1"}]}}
    assert not routes(guarded, [READY], "n")[Frontend("10.97.0.1", 80)].admits("192.0.2.9")


def test_two_services_on_one_external_ip_the_first_has_it() -> None:
    shared = Frontend("192.0.2.7", 80)
    parts = [
        routes(service(name, ip=ip, externalIPs=[shared.ip]), [], "n")
        for name, ip in (("b", "10.96.0.2"), ("a", "10.96.0.1"))
    ]
    assert merge(parts)[shared].service == "default/a"
    assert merge(reversed(parts)) == merge(parts)


def test_diff_tells_what_to_open_close_and_change() -> None:
    kept, closed, opened = Frontend("10.96.0.1", 1), Frontend("10.96.0.2", 1), Frontend("10.96.0.3", 1)
    a = service_of(READY)
    old = {kept: Route(a, (ONE, TWO)), closed: Route(a, (ONE,))}
    new = {kept: Route(a, (TWO,)), opened: Route(a, (TWO,))}
    change = diff(old, new)
    assert change.closed == {closed}
    assert change.changed == {kept: new[kept]}
    assert change.opened == {opened: new[opened]}
    assert change.gone == {ONE}
