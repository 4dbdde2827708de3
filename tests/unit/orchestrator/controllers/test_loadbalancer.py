from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from orchestrator.api.groups.core import SERVICE
from orchestrator.api.meta import Object
from orchestrator.controllers import loadbalancer_plan as plans
from orchestrator.controllers.loadbalancer import LoadBalancerController
from tests.unit.orchestrator.controllers.objects import service
from tests.unit.orchestrator.controllers.world import World

POOL = IPv4Network("10.97.0.0/30")


def balanced(name: str = "web", **spec: object) -> Object:
    made = service(name, type="LoadBalancer", **spec)
    del made["spec"]["clusterIP"]
    return made


def having(ip: str, **spec: object) -> Object:
    made = balanced(**spec)
    made["status"] = plans.next_status(made, ip)
    return made


@pytest.mark.parametrize(
    ("made", "taken", "expected"),
    [
        pytest.param(balanced(), (), "10.97.0.1", id="the first"),
        pytest.param(balanced(), ("10.97.0.1",), "10.97.0.2", id="the next"),
        pytest.param(balanced(), ("10.97.0.1", "10.97.0.2"), "", id="none is left"),
        pytest.param(having("10.97.0.2"), (), "10.97.0.2", id="it keeps its own"),
        pytest.param(having("10.97.0.2"), ("10.97.0.2",), "10.97.0.1", id="unless another has it"),
        pytest.param(having("192.0.2.1"), (), "10.97.0.1", id="or it is not ours"),
        pytest.param(balanced(loadBalancerIP="10.97.0.2"), (), "10.97.0.2", id="asked for"),
        pytest.param(balanced(loadBalancerIP="10.97.0.2"), ("10.97.0.2",), "", id="asked for and taken"),
        pytest.param(balanced(loadBalancerIP="8.8.8.8"), (), "", id="asked for and not ours"),
        pytest.param(having("10.97.0.1", loadBalancerIP="10.97.0.2"), (), "10.97.0.2", id="asked for later"),
    ],
)
def test_choice(made: Object, taken: tuple[str, ...], expected: str) -> None:
    assert plans.choose(made, POOL, taken) == expected


def test_whose_services_are_whose() -> None:
    assert plans.wants_address(balanced())
    assert not plans.wants_address(balanced(loadBalancerClass="example.com/lb"))
    assert not plans.wants_address(service())


def address(w: World, name: str) -> str:
    return plans.address(w.client.get(SERVICE, name, "default"))


def test_addresses_are_given_at_once_and_to_one_service_each() -> None:
    with World(LoadBalancerController).running() as w:
        for number in range(20):
            w.create(SERVICE, balanced(f"s{number}"))
        w.eventually(lambda: all(address(w, f"s{number}") for number in range(20)))
        assert len({address(w, f"s{number}") for number in range(20)}) == 20
        status = w.client.get(SERVICE, "s0", "default")["status"]["loadBalancer"]
        assert status == {"ingress": [{"ip": address(w, "s0"), "ipMode": "VIP"}]}
        # Told after the address is written.
        assert w.eventually(lambda: w.events.messages("EnsuredLoadBalancer") == ["Ensured load balancer"] * 20)


def test_an_address_is_given_back_and_passed_on() -> None:
    with World(LoadBalancerController, load_balancer_cidr="10.97.0.0/30").running() as w:
        for name in ("a", "b"):
            w.create(SERVICE, balanced(name))
        w.eventually(lambda: {address(w, "a"), address(w, "b")} == {"10.97.0.1", "10.97.0.2"})
        w.create(SERVICE, balanced("late"))
        w.eventually(lambda: w.events.messages("SyncLoadBalancerFailed"))
        assert address(w, "late") == ""
        freed = address(w, "a")
        w.client.delete(SERVICE, "a", "default")
        w.eventually(lambda: address(w, "late") == freed)
        freed = address(w, "b")
        w.client.patch(SERVICE, "b", {"spec": {"type": "ClusterIP"}}, "default")
        w.eventually(lambda: address(w, "b") == "")
        w.create(SERVICE, balanced("later", loadBalancerIP=freed))
        w.eventually(lambda: address(w, "later") == freed)
