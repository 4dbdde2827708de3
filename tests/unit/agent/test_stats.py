"""What the agent measures, and how it tells it."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from agent import machine_usage
from agent.eviction.limits import DiskUse, PodStorage
from agent.eviction.signals import Observation
from agent.metrics.page import page
from agent.metrics.resource import resource_metrics
from agent.network_usage import Interface, Traffic
from agent.node_figures import FileSystem, NodeFigures, PodFigures
from agent.runtime.base import Stats, StatsDetails
from agent.runtime.fake import FakeRuntime
from agent.stats import PERIOD, ContainerUsage, NodeUsage, PodUsage, Rate, Usage, UsageMeter, rate
from agent.summary import summary
from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.util import pki
from orchestrator.util.clock import FakeClock, SystemClock
from tests.fakes import volumes
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, pod

NOW = 1_700_000_000.0
BEFORE = Stats(1_000_000_000, 100, 50.0)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (Stats(2_000_000_000, 120, 54.0), Rate(0.25, 4.0)),
        (Stats(1_000_000_000, 120, 51.0), Rate(0.0, 1.0)),
        (Stats(1_100_000_000, 120, 50.9), None),
        (Stats(5, 120, 54.0), None),
    ],
)
def test_the_rate_between_two_samples(after: Stats, expected: Rate | None) -> None:
    assert rate(BEFORE, after) == expected


def test_the_machine(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  100 10 50 9999 99 5 5 30 77 7\ncpu0 1 1\nintr 1\nbtime 1700000000\n")
    (tmp_path / "meminfo").write_text(
        "MemTotal:       1000 kB\nMemFree:         300 kB\nInactive(file):  200 kB\nHugePages_Total: 0\n"
        "AnonPages: 11 kB\nCached: 22 kB\nSwapTotal: 9 kB\nSwapFree: 4 kB\n"
    )
    (tmp_path / "vmstat").write_text("nr_free_pages 1\npgfault 33\npgmajfault 44\n")
    found = machine_usage.read(NOW, tmp_path)
    details = StatsDetails(700 * 1024, 11 * 1024, 22 * 1024, 33, 44, swap=5 * 1024)
    assert found == Stats(200 * 10**7, 500 * 1024, NOW, details)
    assert machine_usage.booted_at(tmp_path) == NOW


class Machine:
    """Half a core, all the time."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def __call__(self) -> Stats:
        now = self._clock.now()
        return Stats(int((now - NOW) * 5e8), 1 << 30, now)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path, runtime=FakeRuntime(SystemClock())) as made:
        made.start()
        made.create(pod("web", container("app"), container("side")))
        eventually(lambda: made.ready("web"))
        yield made


class _Moving:
    """A runtime's counters at moments of the test's choosing."""

    def __init__(self, runtime: FakeRuntime) -> None:
        self.at, self.cpu, self._inner = 0.0, 0, runtime.stats

    def __call__(self, id: str) -> Stats:
        self._inner(id)
        return Stats(self.cpu, 1 << 20, self.at)


def test_samples_become_rates(world: Lab, clock: FakeClock) -> None:
    assert world.agent is not None and isinstance(world.runtime, FakeRuntime)
    runtime, started = world.runtime, world.running("web", "app")
    assert started is not None
    moving = _Moving(runtime)
    runtime.stats = moving  # type: ignore[method-assign]
    meter = UsageMeter(world.agent.kubelet, runtime, Machine(clock))
    assert meter.usage == NodeUsage()
    # An hour after their start there must be two samples.
    moving.at, moving.cpu = started.started_at + 3600, 7 * 10**9
    meter.sample()
    (web,) = meter.usage.pods
    assert sorted(c.name for c in web.containers) == ["app", "side"]
    assert web.total == Usage(Stats(14 * 10**9, 2 << 20, moving.at), None)
    assert meter.usage.machine is not None and meter.usage.machine.rate is None
    clock.advance(PERIOD)
    moving.at, moving.cpu = moving.at + 10, 8 * 10**9
    meter.sample()
    assert meter.usage.pods[0].containers[0].usage.rate == Rate(0.1, 10)
    assert meter.usage.pods[0].total.rate == Rate(0.2, 10)
    assert meter.usage.machine.rate == Rate(0.5, PERIOD)


def test_a_fresh_container_is_measured_from_its_start(world: Lab) -> None:
    assert world.agent is not None and isinstance(world.runtime, FakeRuntime)
    started = world.running("web", "app")
    assert started is not None
    moving = _Moving(world.runtime)
    moving.at, moving.cpu = started.started_at + 4, 10**9
    world.runtime.stats = moving  # type: ignore[method-assign]
    meter = UsageMeter(world.agent.kubelet, world.runtime, Machine(FakeClock()))
    meter.sample()
    found = meter.usage.pods[0].containers[0].usage.rate
    assert found is not None
    assert (found.cpu, found.window) == (pytest.approx(0.25, abs=0.02), pytest.approx(4, abs=0.1))


def test_what_ended_is_not_measured_and_an_engine_away_changes_nothing(world: Lab) -> None:
    assert world.agent is not None and isinstance(world.runtime, FakeRuntime)
    meter = UsageMeter(world.agent.kubelet, world.runtime, Machine(FakeClock()))
    meter.sample()
    world.runtime.unreachable = True
    before = meter.usage
    meter.sample()
    assert meter.usage is before
    world.runtime.unreachable = False
    side = world.running("web", "side")
    assert side is not None
    world.runtime.remove(side.id)
    meter.sample()
    assert "app" in [c.name for c in meter.usage.pods[0].containers]


APP = ContainerUsage("app", NOW, Usage(Stats(2 * 10**9, 4096, NOW + 30), Rate(0.25, 15.0)))
NEW = ContainerUsage("new", NOW + 29, Usage(Stats(10**9, 1024, NOW + 30), None))
WEB = pod("web")


def test_the_summary() -> None:
    machine = Usage(Stats(5 * 10**9, 1 << 30, NOW + 30), Rate(1.5, 15.0))
    made = summary("n1", NOW - 60, NodeUsage(machine, (PodUsage(WEB, (APP, NEW)),)))
    time = "2023-11-14T22:13:50Z"
    cpu = {"time": time, "usageCoreNanoSeconds": 2 * 10**9, "usageNanoCores": 250_000_000, "windowSeconds": 15.0}
    assert made["node"] == {
        "nodeName": "n1",
        "startTime": "2023-11-14T22:12:20Z",
        "cpu": cpu | {"usageCoreNanoSeconds": 5 * 10**9, "usageNanoCores": 1_500_000_000},
        "memory": {"time": time, "workingSetBytes": 1 << 30},
    }
    (web,) = made["pods"]
    assert web["podRef"] == {"name": "web", "namespace": "default", "uid": WEB["metadata"]["uid"]}
    assert web["containers"][0]["cpu"] == cpu
    assert web["containers"][1]["cpu"] == {"time": time, "usageCoreNanoSeconds": 10**9}
    assert web["cpu"] == {"time": time, "usageCoreNanoSeconds": 3 * 10**9}
    assert web["memory"] == {"time": time, "workingSetBytes": 5120}


def test_the_metrics_that_metrics_server_reads() -> None:
    machine = Usage(Stats(5 * 10**9, 1 << 30, NOW + 30), None)
    lines = read(NodeUsage(machine, (PodUsage(WEB, (APP,)),)))
    at = int((NOW + 30) * 1000)
    assert f"node_cpu_usage_seconds_total 5.0 {at}" in lines
    assert f'pod_memory_working_set_bytes{{namespace="default",pod="web"}} 4096.0 {at}' in lines
    labels = '{container="app",namespace="default",pod="web"}'
    assert f"container_cpu_usage_seconds_total{labels} 2.0 {at}" in lines
    assert f"container_start_time_seconds{labels} 1.7e+09" in lines
    assert "# TYPE container_cpu_usage_seconds_total counter" in lines
    assert lines[-1] == "resource_scrape_error 0.0"
    assert read(NodeUsage())[-1] == "resource_scrape_error 1.0"


def read(usage: NodeUsage) -> list[str]:
    return page(lambda: resource_metrics(usage)).decode().splitlines()


FILES = FileSystem(capacity=1000, available=400, used=500, inodes=100, inodes_free=90)
ETH0 = Interface("eth0", Traffic(1, 2, 3, 4), Traffic(5, 6, 7, 8))


def test_the_whole_summary() -> None:
    web = pod(
        "web",
        volumes=[
            {"name": "scratch", "emptyDir": {}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}},
            {"name": "config", "configMap": {"name": "cfg"}},
        ],
    )
    details = StatsDetails(9, 8, 7, 6, 5, swap=4, processes=3)
    app = ContainerUsage("app", NOW, Usage(Stats(2 * 10**9, 4096, NOW, details), None))
    storage = PodStorage({"scratch": DiskUse(30, 2)}, {"app": 20}, {"app": 10})
    own = PodFigures(storage, (ETH0,), {"data": FILES})
    figures = NodeFigures(FILES, FILES, Observation(70, 100), (ETH0,), {web["metadata"]["uid"]: own})
    made = summary("n1", NOW, NodeUsage(None, (PodUsage(web, (app,)),)), figures, NOW)
    node, (told,) = made["node"], made["pods"]
    time = "2023-11-14T22:13:20Z"
    whole = {"time": time, "availableBytes": 400, "capacityBytes": 1000, "usedBytes": 500}
    whole |= {"inodesFree": 90, "inodes": 100, "inodesUsed": 10}
    assert (node["fs"], node["runtime"]["imageFs"]) == (whole, whole)
    assert node["rlimit"] == {"time": time, "maxpid": 100, "curproc": 30}
    eth0 = {"name": "eth0", "rxBytes": 1, "rxErrors": 3, "txBytes": 5, "txErrors": 7}
    assert told["network"] == {"time": time, **eth0, "interfaces": [eth0]}
    part = {"time": time, "availableBytes": 400, "capacityBytes": 1000}
    assert told["ephemeral-storage"] == part | {"usedBytes": 60}
    assert told["process_stats"] == {"process_count": 3}
    assert told["volume"] == [
        {"name": "scratch", **part, "usedBytes": 30, "inodesUsed": 2},
        {"name": "data", "pvcRef": {"name": "mine", "namespace": "default"}, **whole},
    ]
    (container,) = told["containers"]
    assert (container["rootfs"], container["logs"]) == (part | {"usedBytes": 20}, part | {"usedBytes": 10})
    assert container["memory"]["rssBytes"] == 8
    assert container["swap"] == {"time": time, "swapUsageBytes": 4}


@pytest.fixture
def get(world: Lab) -> Callable[[str], bytes]:
    """A GET as the API server does it."""
    identity = pki.ensure(world.settings.pki, "apiserver", "kube-apiserver")
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)

    def read(path: str) -> bytes:
        assert world.agent is not None
        connection = http.client.HTTPSConnection("127.0.0.1", world.agent.port, context=context, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body

    return read


def test_summary_and_resources_are_served(get: Callable[[str], bytes]) -> None:
    # The agent's first sample is taken as it starts.
    eventually(lambda: b"node_cpu_usage_seconds_total " in get("/metrics/resource"))
    assert "fs" in orjson.loads(get("/stats/summary"))["node"]
    lean = orjson.loads(get("/stats/summary?only_cpu_and_memory=true"))["node"]
    assert lean["nodeName"] == "n1" and "fs" not in lean


def test_the_agents_own_doings_are_served(get: Callable[[str], bytes]) -> None:
    lines = get("/metrics").decode().splitlines()
    for line in (
        'kubelet_node_name{node="n1"} 1.0',
        "kubelet_running_pods 1.0",
        'kubelet_running_containers{container_state="running"} 2.0',
        "kubelet_pod_start_duration_seconds_count 1.0",
        'kubelet_runtime_operations_total{operation_type="start_container"} 2.0',
        'kubelet_runtime_operations_errors_total{operation_type="start_container"} 0.0',
        'kubelet_started_containers_total{container_type="container"} 2.0',
        "kubelet_started_pods_total 1.0",
        "kubelet_active_pods 1.0",
    ):
        assert line in lines, line
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)


def test_containers_are_served_as_cadvisor_does(world: Lab, get: Callable[[str], bytes]) -> None:
    assert world.agent is not None
    started = world.running("web", "app")
    assert started is not None
    world.agent.meter.sample()
    assert isinstance(world.runtime, FakeRuntime)
    world.runtime.exec(started.id, ["fill:4096"], 1)
    lines = get("/metrics/cadvisor").decode().splitlines()
    labels = f'id="/docker/{started.id}",image="nginx",name="{started.name}",namespace="default",pod="web"'
    memory = f'container_memory_working_set_bytes{{container="app",{labels}}} 1.048576e+06 '
    assert any(line.startswith(memory) for line in lines)
    assert any(
        line.startswith(f'container_cpu_usage_seconds_total{{container="app",cpu="total",{labels}}}') for line in lines
    )
    assert f'container_fs_usage_bytes{{container="app",{labels}}} 4096.0' in lines
    assert any(line.startswith("machine_cpu_cores ") for line in lines)
    # What the fake does not count is not told.
    assert not any(line.startswith("container_cpu_cfs_periods_total{") for line in lines)


def test_probes_are_served(world: Lab, get: Callable[[str], bytes]) -> None:
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    world.create(pod("probed", container("app", readinessProbe=probe)))
    eventually(lambda: world.ready("probed"))
    uid = world.pod("probed")["metadata"]["uid"]
    where = f'container="app",namespace="default",pod="probed",pod_uid="{uid}",probe_type="Readiness"'
    assert f'prober_probe_total{{{where},result="successful"}} 1.0' in get("/metrics/probes").decode().splitlines()
    world.client.delete(POD, "probed", "default", grace_seconds=0)
    eventually(lambda: b"probed" not in get("/metrics/probes"))


def test_the_volumes_of_claims_are_served(world: Lab, get: Callable[[str], bytes], tmp_path: Path) -> None:
    data = volumes.claim("mine", volume="pv")
    mine = world.client.create(
        PERSISTENT_VOLUME_CLAIM, {"metadata": {"name": "mine", "namespace": "default"}, "spec": data["spec"]}
    )
    world.client.update_status(PERSISTENT_VOLUME_CLAIM, {**mine, "status": {"phase": "Bound"}})
    behind = volumes.volume("pv", claim=mine, source={"hostPath": {"path": str(tmp_path)}})
    world.client.create(PERSISTENT_VOLUME, {"metadata": {"name": "pv"}, "spec": behind["spec"]})
    source = {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}}
    world.create(pod("db", container(volumeMounts=[{"name": "data", "mountPath": "/data"}]), volumes=[source]))
    eventually(lambda: world.ready("db"))
    wanted = 'kubelet_volume_stats_capacity_bytes{namespace="default",persistentvolumeclaim="mine"} '
    assert any(line.startswith(wanted) for line in get("/metrics").decode().splitlines())
