"""The Node object, its registration, and its lease."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import node_facts, node_object
from agent.lease import NAMESPACE, NodeLease
from agent.node_agent import NodeAgent, NodeIdentity, NodeState
from agent.node_facts import Machine
from agent.node_resources import Quantities
from agent.proxy.anyip import Routes
from agent.runtime.base import EngineInfo, Image
from agent.runtime.fake import FakeRuntime
from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import NODE
from orchestrator.api.meta import Object, condition, find_condition, labels, owner_references, uid
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.api.times import rfc3339, rfc3339_micro
from orchestrator.client.client import Client
from orchestrator.util.clock import FakeClock
from tests.fakes.agent import eventually
from tests.fakes.api import local_api
from tests.fakes.store_api import FakeApi

ROUTED = Routes(True, "service addresses are routed")
CALM: frozenset[str] = frozenset()


def conditions(
    pressures: frozenset[str] = CALM,
    problem: str = "",
    routes: Routes = ROUTED,
    now: float = 0.0,
    old: list[Object] | None = None,
) -> dict[str, Object]:
    made = node_object.node_conditions(old or [], pressures, problem, routes, now)
    return {entry["type"]: entry for entry in made}


def test_a_healthy_node() -> None:
    made = conditions()
    assert {type: entry["status"] for type, entry in made.items()} == {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "ServiceAddresses": "True",
        "Ready": "True",
    }
    assert (made["Ready"]["reason"], made["Ready"]["message"]) == ("KubeletReady", "kubelet is posting ready status")


@pytest.mark.parametrize(
    ("type", "status", "problem", "routes", "message"),
    [
        ("Ready", "False", "no engine at /run/docker.sock", ROUTED, "no engine at /run/docker.sock"),
        ("ServiceAddresses", "False", "", Routes(False, "run podlab as root"), "run podlab as root"),
    ],
)
def test_trouble_is_a_condition(type: str, status: str, problem: str, routes: Routes, message: str) -> None:
    entry = conditions(CALM, problem, routes)[type]
    assert entry["status"] == status
    assert message in entry["message"]


@pytest.mark.parametrize(
    ("type", "reason", "otherwise"),
    [
        ("MemoryPressure", "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory"),
        ("DiskPressure", "KubeletHasDiskPressure", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "KubeletHasInsufficientPID", "KubeletHasSufficientPID"),
    ],
)
def test_pressure_is_a_condition(type: str, reason: str, otherwise: str) -> None:
    assert (conditions(frozenset({type}))[type]["status"], conditions()[type]["status"]) == ("True", "False")
    assert (conditions(frozenset({type}))[type]["reason"], conditions()[type]["reason"]) == (reason, otherwise)


def test_a_change_of_pressure_is_an_event() -> None:
    before, after = conditions().values(), conditions(frozenset({"DiskPressure"})).values()
    told = list(node_object.condition_events("n1", before, after))
    assert told == [("NodeHasDiskPressure", "Node n1 status is now: NodeHasDiskPressure")]
    assert [reason for reason, _ in node_object.condition_events("n1", after, before)] == ["NodeHasNoDiskPressure"]
    assert list(node_object.condition_events("n1", after, after)) == []
    assert list(node_object.condition_events("n1", (), after)) == []


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    old = list(conditions(now=100).values())
    made = conditions(problem="gone", now=200, old=old)
    assert made["Ready"]["lastTransitionTime"] == rfc3339(200)
    assert made["DiskPressure"]["lastTransitionTime"] == rfc3339(100)
    assert made["DiskPressure"]["lastHeartbeatTime"] == rfc3339(200)


def test_the_largest_images_are_named() -> None:
    found = [Image(f"sha256:{n}", (f"image:{n}",), (), n) for n in range(60)] + [Image("sha256:none", (), (), 99)]
    named = node_object.images(found)
    assert len(named) == node_object.MAX_IMAGES
    assert named[0] == {"names": ["image:59"], "sizeBytes": 59}


def test_this_machine_is_measured(tmp_path: Path) -> None:
    engine = node_facts.engineless()
    machine = node_facts.machine(None, tmp_path)
    assert engine.cpus >= 1
    assert engine.memory > 1 << 20
    assert machine.storage > 0
    assert machine.address.count(".") == 3


def resources(engine: EngineInfo, _machine: Machine) -> tuple[Quantities, Quantities]:
    return {"cpu": str(engine.cpus), "pods": "9"}, {"cpu": "1", "pods": "9"}


STATE = NodeState(resources)


class Bench:
    def __init__(self, clock: FakeClock, home: Path) -> None:
        self.clock, self.runtime = clock, FakeRuntime(clock)
        _, self.client = local_api(clock)
        self.agent = NodeAgent(
            self.client, self.runtime, NodeIdentity("n1", 10250, home, home / "volumes"), lambda: ROUTED, clock, STATE
        )

    @property
    def node(self) -> Object:
        return self.client.get(NODE, "n1")

    def ready(self) -> str:
        return str((condition(self.node, "Ready") or {}).get("status"))


@pytest.fixture
def bench(clock: FakeClock, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(clock, tmp_path)
    yield made
    made.agent.stop()


def test_a_node_is_registered_ready(bench: Bench) -> None:
    bench.agent.register()
    node = bench.node
    assert bench.ready() == "True"
    assert labels(node)["kubernetes.io/hostname"] == "n1"
    assert node["status"]["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert {"type": "Hostname", "address": "n1"} in node["status"]["addresses"]
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"] == "docker://0"


def test_a_node_that_is_there_is_brought_up_to_date(bench: Bench) -> None:
    bench.client.create(NODE, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"mine": "1"}}})
    bench.agent.register()
    assert bench.ready() == "True"
    assert labels(bench.node)["mine"] == "1"
    assert labels(bench.node)["kubernetes.io/os"] == "linux"


def test_a_new_agent_keeps_the_times_of_the_conditions(bench: Bench) -> None:
    bench.agent.register()
    begun = bench.clock.now()
    bench.clock.advance(100)
    NodeAgent(
        bench.client,
        bench.runtime,
        NodeIdentity("n1", 1, Path("/"), Path("/volumes")),
        lambda: ROUTED,
        bench.clock,
        STATE,
    ).register()
    ready = condition(bench.node, "Ready")
    assert ready is not None
    assert ready["lastTransitionTime"] == rfc3339(begun)
    assert bench.node["status"]["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 1}}


def test_without_an_engine_the_node_is_there_and_not_ready(bench: Bench) -> None:
    bench.runtime.break_off()
    bench.agent.start()
    eventually(lambda: bench.agent.registered.is_set())
    ready = condition(bench.node, "Ready")
    assert ready is not None
    assert ready["status"] == "False"
    assert "switched off" in ready["message"]
    bench.runtime.unreachable = False
    bench.agent.engine_reports("")
    eventually(lambda: bench.ready() == "True")


def test_nothing_new_is_not_written_until_the_heartbeat(bench: Bench) -> None:
    bench.agent.register()
    written = bench.node["metadata"]["resourceVersion"]
    bench.clock.advance(299)
    bench.agent.publish()
    assert bench.node["metadata"]["resourceVersion"] == written
    bench.clock.advance(1)
    bench.agent.publish()
    ready = find_condition(bench.node["status"]["conditions"], "Ready")
    assert ready is not None
    assert ready["lastHeartbeatTime"] == rfc3339(bench.clock.now())


def test_a_living_agent_contradicts_who_takes_its_node_for_lost(bench: Bench) -> None:
    bench.agent.start()
    eventually(lambda: bench.agent.registered.is_set())
    lost = {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}
    bench.client.patch(NODE, "n1", {"status": lost}, subresource="status", content_type=STRATEGIC_PATCH)
    eventually(lambda: bench.ready() == "True")


def test_without_a_node_there_is_no_lease(clock: FakeClock) -> None:
    _, client = local_api(clock)
    NodeLease(client, "n1", 8, clock).renew()
    assert not client.list(LEASE, NAMESPACE).items


def test_the_lease_is_made_then_renewed(clock: FakeClock) -> None:
    _, client = local_api(clock)
    node = client.create(NODE, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    lease = NodeLease(client, "n1", 8, clock)
    for _ in range(2):
        lease.renew()
        spec = client.get(LEASE, "n1", NAMESPACE)["spec"]
        assert spec == {
            "holderIdentity": "n1",
            "leaseDurationSeconds": 8,
            "renewTime": rfc3339_micro(clock.now()),
        }
        clock.advance(2)
    (owner,) = owner_references(client.get(LEASE, "n1", NAMESPACE))
    assert owner["uid"] == uid(node)


def test_a_master_that_is_away_is_told_once(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    api = FakeApi(clock)
    lease = NodeLease(Client(api), "n1", 8, clock)
    api.failure = ServiceUnavailable("away")
    for _ in range(3):
        lease.renew()
    api.failure = None
    lease.renew()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
