"""What the agent measures, and how it tells it."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from agent import machine_usage
from agent.resource_metrics import resource_metrics
from agent.runtime.base import Stats
from agent.runtime.fake import FakeRuntime
from agent.stats import PERIOD, ContainerUsage, NodeUsage, PodUsage, Rate, Usage, UsageMeter, rate
from agent.summary import summary
from orchestrator.util import pki
from orchestrator.util.clock import FakeClock, SystemClock
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
    )
    found = machine_usage.read(NOW, tmp_path)
    assert found == Stats(200 * 10**7, 500 * 1024, NOW)
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
    lines = resource_metrics(NodeUsage(machine, (PodUsage(WEB, (APP,)),))).splitlines()
    at = int((NOW + 30) * 1000)
    assert f"node_cpu_usage_seconds_total 5.0 {at}" in lines
    assert f'pod_memory_working_set_bytes{{namespace="default",pod="web"}} 4096 {at}' in lines
    labels = '{container="app",namespace="default",pod="web"}'
    assert f"container_cpu_usage_seconds_total{labels} 2.0 {at}" in lines
    assert f"container_start_time_seconds{labels} {NOW!r}" in lines
    assert "# TYPE container_cpu_usage_seconds_total counter" in lines
    assert lines[-1] == "resource_scrape_error 0.0"
    assert resource_metrics(NodeUsage()).splitlines()[-1] == "resource_scrape_error 1.0"


def test_both_are_served(world: Lab) -> None:
    assert world.agent is not None
    identity = pki.ensure(world.settings.pki, "apiserver", "kube-apiserver")
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)

    def get(path: str) -> bytes:
        assert world.agent is not None
        connection = http.client.HTTPSConnection("127.0.0.1", world.agent.port, context=context, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()

    # The agent's first sample is taken as it starts.
    eventually(lambda: b"node_cpu_usage_seconds_total " in get("/metrics/resource"))
    assert orjson.loads(get("/stats/summary"))["node"]["nodeName"] == "n1"
