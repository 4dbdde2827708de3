from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, labels
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.controllers import endpoints_plan as plans
from orchestrator.controllers.endpoint import Port, endpoints, has_endpoints, ports, selects
from tests.unit.orchestrator.controllers.objects import pod, service


def listening(name: str, number: int, protocol: str = "TCP") -> list[Object]:
    return [{"name": "app", "image": "nginx", "ports": [{"name": name, "containerPort": number, "protocol": protocol}]}]


def wanted(made: Object, *pods: Object) -> Object:
    return plans.wanted(made, endpoints(made, pods), None)


@pytest.mark.parametrize(
    ("state", "publish", "expected"),
    [
        ({}, False, {"ready": True, "serving": True, "terminating": False}),
        ({"ready": False}, False, {"ready": False, "serving": False, "terminating": False}),
        ({"deleting": True}, False, {"ready": False, "serving": True, "terminating": True}),
        ({"ready": False}, True, {"ready": True, "serving": False, "terminating": False}),
        ({"deleting": True}, True, {"ready": True, "serving": True, "terminating": True}),
    ],
)
def test_conditions(state: Any, publish: bool, expected: dict[str, bool]) -> None:
    (found,) = endpoints(service(publishNotReadyAddresses=publish), [pod(ip="172.17.0.2", **state)])
    assert {field: getattr(found, field) for field in expected} == expected


def test_pods_without_address_and_finished_pods_are_no_endpoints() -> None:
    assert endpoints(service(), [pod(), pod(ip="172.17.0.2", phase="Succeeded")]) == []


@pytest.mark.parametrize(
    ("port", "containers", "expected"),
    [
        ({"port": 80}, [], (Port("", 80, "TCP"),)),
        ({"port": 80, "targetPort": 8080, "name": "web"}, [], (Port("web", 8080, "TCP"),)),
        ({"port": 80, "targetPort": "http"}, listening("http", 8081), (Port("", 8081, "TCP"),)),
        ({"port": 80, "targetPort": "http"}, listening("other", 8081), ()),
        ({"port": 53, "targetPort": "dns", "protocol": "UDP"}, listening("dns", 53), ()),
        ({"port": 53, "targetPort": "dns", "protocol": "UDP"}, listening("dns", 53, "UDP"), (Port("", 53, "UDP"),)),
        ({"port": 80, "appProtocol": "http"}, [], (Port("", 80, "TCP", "http"),)),
    ],
)
def test_ports(port: Object, containers: list[Object], expected: tuple[Port, ...]) -> None:
    assert ports(service(ports=[port]), pod(containers=containers)) == expected


def test_a_sidecars_port_counts() -> None:
    sidecar = {**listening("http", 9000)[0], "restartPolicy": "Always"}
    made = service(ports=[{"port": 80, "targetPort": "http"}])
    assert ports(made, pod(initContainers=[sidecar])) == (Port("", 9000, "TCP"),)
    assert ports(made, pod(initContainers=listening("http", 9000))) == ()


def test_services_that_somebody_else_looks_after() -> None:
    assert not has_endpoints(service(selector=None))
    assert not has_endpoints(service(type="ExternalName"))
    assert not selects(service(selector={}), pod())
    assert selects(service(), pod(labels={"app": "web", "tier": "front"}))


def test_ready_and_not_ready_addresses() -> None:
    made = wanted(
        service(),
        pod("b", ip="172.17.0.3"),
        pod("a", ip="172.17.0.2", ready=False),
        pod("gone", ip="172.17.0.4", deleting=True),
    )
    (subset,) = made["subsets"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert [address["ip"] for address in subset["addresses"]] == ["172.17.0.3"]
    assert [address["ip"] for address in subset["notReadyAddresses"]] == ["172.17.0.2"]
    assert subset["addresses"][0]["nodeName"] == "node-1"
    assert subset["addresses"][0]["targetRef"]["name"] == "b"


def test_addresses_are_grouped_by_their_ports() -> None:
    made = service(ports=[{"name": "http", "port": 80}, {"name": "admin", "port": 81, "targetPort": "admin"}])
    one, two = (
        pod("a", ip="172.17.0.2", containers=listening("admin", 9000)),
        pod("b", ip="172.17.0.3", containers=listening("admin", 9001)),
    )
    found = {
        tuple(port["port"] for port in subset["ports"]): [address["ip"] for address in subset["addresses"]]
        for subset in wanted(made, one, two)["subsets"]
    }
    assert found == {(80,): ["172.17.0.2", "172.17.0.3"], (9000,): ["172.17.0.2"], (9001,): ["172.17.0.3"]}


def test_a_headless_service_without_ports_has_addresses_and_hostnames() -> None:
    made = service(clusterIP="None", ports=[])
    result = wanted(made, pod(ip="172.17.0.2", hostname="db-0", subdomain="web"), pod(ip="172.17.0.3", hostname="x"))
    (subset,) = result["subsets"]
    assert "ports" not in subset
    assert [address.get("hostname") for address in subset["addresses"]] == ["db-0", None]
    assert labels(result)["service.kubernetes.io/headless"] == ""


def test_too_many_addresses_are_cut_and_say_so() -> None:
    many = [pod(f"pod-{n}", ip=f"10.0.{n // 250}.{n % 250}", ready=n % 2 == 0) for n in range(1100)]
    made = wanted(service(), *many)
    (subset,) = made["subsets"]
    assert (len(subset["addresses"]), len(subset["notReadyAddresses"])) == (550, 450)
    assert annotations_of(made)[plans.OVER_CAPACITY] == "truncated"


def test_nothing_changed_is_known() -> None:
    made = service()
    pods = [pod(ip="172.17.0.2"), pod(ip="172.17.0.3", ready=False)]
    first = wanted(made, *pods)
    first["metadata"] |= {"resourceVersion": "5", "uid": "x"}
    assert plans.is_current(plans.wanted(made, endpoints(made, pods[::-1]), first), first)
    assert not plans.is_current(plans.wanted(made, endpoints(made, pods[:1]), first), first)
    assert plans.wanted(made, [], first)["metadata"]["resourceVersion"] == "5"
