"""Pods that leave a node before it runs short: over a whole agent with an engine in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.eviction.config import Amount, EvictionConfig, Threshold
from agent.eviction.manager import EvictionManager, EvictionTools
from agent.eviction.signals import MEMORY, NODE_DISK, Observation
from agent.eviction.storage import StorageMeter
from agent.runtime.fake import FakeRuntime
from agent.volume_folders import volume_folders
from orchestrator.api.groups.core import NODE as NODE_KIND
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, condition, status
from orchestrator.util.clock import FakeClock, SystemClock
from tests.fakes.agent import NODE, Lab, eventually, lab
from tests.fakes.pods import container, pod

GIB = 1 << 30
CONFIG = EvictionConfig(
    (
        Threshold(MEMORY, Amount("1Gi")),
        Threshold(NODE_DISK, Amount("1Gi"), reclaim=Amount("1Gi")),
        Threshold(MEMORY, Amount("2Gi"), grace=60),
    ),
    transition=30,
    longest_grace=7,
)


class Bench:
    """A node whose memory and disk are what the test says."""

    def __init__(self, world: Lab, clock: FakeClock) -> None:
        assert world.agent is not None
        self.world, self.clock = world, clock
        self.left = {MEMORY: Observation(4 * GIB, 8 * GIB), NODE_DISK: Observation(50 * GIB, 100 * GIB)}
        self.told: list[tuple[str, str]] = []
        self.changes = 0
        self.signals: list[str] = []
        self.reclaimed = 0
        folders = volume_folders(world.settings.node_dir(NODE), world.runtime)
        self.folders = folders
        tools = EvictionTools(
            kubelet=world.agent.kubelet,
            runtime=world.runtime,
            storage=StorageMeter(world.runtime, folders, clock),
            clock=clock,
            observe=lambda: self.left,
            tell=lambda reason, message: self.told.append((reason, message)),
            changed=self.changed,
            evicted=self.signals.append,
            reclaim=[self.reclaim],
        )
        self.manager = EvictionManager(CONFIG, tools)

    def changed(self) -> None:
        self.changes += 1

    def reclaim(self) -> None:
        """Of the images that nobody needs; a GiB each time."""
        self.reclaimed += 1
        disk = self.left[NODE_DISK]
        self.left[NODE_DISK] = Observation(disk.available + GIB, disk.capacity)

    def short_of(self, signal: str, available: int) -> None:
        self.left = self.left | {signal: Observation(available, self.left[signal].capacity)}

    def run(self, name: str, *containers: Object, **spec: object) -> None:
        self.world.create(pod(name, *containers, node=NODE, **spec))
        eventually(lambda: self.world.ready(name))

    def failed(self, name: str) -> Object:
        """Its status, once it is over."""
        return eventually(lambda: found if (found := status(self.world.pod(name)))["phase"] == "Failed" else None)

    def phase(self, name: str) -> str:
        return str(status(self.world.pod(name))["phase"])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with lab(tmp_path, runtime=FakeRuntime(SystemClock())) as world:
        world.start()
        yield Bench(world, FakeClock())


def test_the_first_pod_to_go_goes_alone(bench: Bench) -> None:
    bench.run("guaranteed", container(resources={"requests": {"memory": "1Gi"}}))
    bench.run("best-effort")
    bench.short_of(MEMORY, GIB - 1)
    bench.manager.synchronize()
    bench.manager.synchronize()
    gone = bench.failed("best-effort")
    assert gone["reason"] == "Evicted"
    assert gone["message"] == (
        "The node was low on resource: memory. Threshold quantity: 1Gi, available: 1073741823. "
        "Container app was using 1Mi, request is 0, has larger consumption of memory. "
    )
    target = condition(bench.world.pod("best-effort"), "DisruptionTarget")
    assert target is not None
    assert (target["status"], target["reason"]) == ("True", "TerminationByKubelet")
    assert target["message"] == gone["message"]
    eventually(lambda: bench.world.told("best-effort", "Evicted") == gone["message"])
    assert bench.told[0] == ("EvictionThresholdMet", "Attempting to reclaim memory")
    assert bench.signals == [MEMORY]
    assert bench.phase("guaranteed") == "Running"
    assert bench.manager.conditions == {"MemoryPressure"}
    assert bench.changes == 1


def test_what_an_evicted_pod_held_is_given_back(bench: Bench) -> None:
    bench.run("web", volumes=[{"name": "scratch", "emptyDir": {}}])
    folder = bench.folders.on_disk(bench.world.pod("web")["metadata"]["uid"], "scratch")
    assert folder.is_dir()
    bench.short_of(MEMORY, 1)
    bench.manager.synchronize()
    bench.failed("web")
    eventually(lambda: not bench.world.containers("web") and not folder.exists())
    ended = bench.world.entry("web")["state"]["terminated"]
    assert ended["exitCode"] == 143


def test_a_pod_that_does_not_end_is_killed_at_once(bench: Bench) -> None:
    """A hard threshold leaves no time for the pod's own grace period."""
    bench.run("stubborn", container(args=["stubborn"]), terminationGracePeriodSeconds=600)
    bench.short_of(MEMORY, 1)
    bench.manager.synchronize()
    assert bench.failed("stubborn")["reason"] == "Evicted"


def test_nobody_else_goes_while_one_is_leaving(bench: Bench) -> None:
    bench.run("first", container(args=["stubborn"]))
    bench.run("second", container(resources={"requests": {"memory": "1Gi"}}))
    bench.short_of(MEMORY, 1)
    bench.manager.synchronize()
    bench.manager.synchronize()
    assert bench.signals == [MEMORY]
    bench.failed("first")
    bench.manager.synchronize()
    assert bench.failed("second")["reason"] == "Evicted"


def test_a_soft_threshold_waits_for_its_grace_period(bench: Bench) -> None:
    bench.run("web")
    bench.short_of(MEMORY, 2 * GIB - 1)
    bench.manager.synchronize()
    assert bench.manager.conditions == {"MemoryPressure"} and not bench.signals
    bench.clock.advance(60)
    bench.manager.synchronize()
    assert "Threshold quantity: 2Gi" in bench.failed("web")["message"]


def test_images_go_before_pods(bench: Bench) -> None:
    bench.run("web")
    bench.short_of(NODE_DISK, GIB - 1)
    bench.manager.synchronize()
    assert bench.reclaimed == 1
    assert bench.signals == [NODE_DISK], "one GiB more was not the two that there must be"
    bench.failed("web")


def test_enough_reclaimed_spares_the_pods(bench: Bench) -> None:
    bench.run("web")
    bench.short_of(NODE_DISK, GIB - 1)
    bench.manager.look()
    bench.short_of(NODE_DISK, GIB + 1)
    bench.manager.synchronize()
    assert (bench.reclaimed, bench.signals) == (1, [])
    assert bench.phase("web") == "Running"


def test_the_largest_use_of_disk_over_its_request_goes_first(bench: Bench) -> None:
    for name, size in (("small", 1000), ("large", 5000)):
        bench.run(name, container(args=[f"fill:{size}"]))
    bench.short_of(NODE_DISK, 1)
    bench.manager.synchronize()
    assert "Container app was using 5000, request is 0" in bench.failed("large")["message"]
    assert bench.phase("small") == "Running"


def test_a_container_over_its_limit_of_disk(bench: Bench) -> None:
    limits = {"limits": {"ephemeral-storage": "1Ki"}}
    bench.run("over", container(args=["fill:1025"], resources=limits))
    bench.run("within", container(args=["fill:1024"], resources=limits))
    bench.manager.synchronize()
    found = bench.failed("over")
    assert found["message"] == "Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. "
    assert bench.phase("within") == "Running"
    assert bench.told == [], "the node itself is short of nothing"
    assert bench.signals == ["ephemeralpodfs.limit"]


def test_an_empty_dir_over_its_limit(bench: Bench) -> None:
    bench.run("web", volumes=[{"name": "scratch", "emptyDir": {"sizeLimit": "64Ki"}}])
    folder = bench.folders.on_disk(bench.world.pod("web")["metadata"]["uid"], "scratch")
    bench.manager.synchronize()
    assert bench.phase("web") == "Running"
    (folder / "file").write_bytes(b"x" * (65 << 10))
    bench.manager.synchronize()
    assert bench.failed("web")["message"] == 'Usage of EmptyDir volume "scratch" exceeds the limit "64Ki". '
    assert bench.signals == ["emptydirfs.limit"]


def test_an_engine_away_ends_no_pod(bench: Bench) -> None:
    bench.run("web")
    assert isinstance(bench.world.runtime, FakeRuntime)
    bench.short_of(MEMORY, 1)
    bench.world.runtime.unreachable = True
    bench.manager.synchronize()
    bench.world.runtime.unreachable = False
    assert bench.signals == []


def test_a_pod_that_cannot_be_is_rejected(bench: Bench) -> None:
    bench.world.create(pod("huge", container(resources={"requests": {"cpu": "64"}})))
    found = bench.failed("huge")
    assert found["reason"] == "OutOfcpu"
    message = "Node didn't have enough resource: cpu, requested: 64000, used: 0, capacity: 4000"
    assert found["message"] == f"Pod was rejected: {message}"
    assert "containerStatuses" not in found and condition(bench.world.pod("huge"), "DisruptionTarget") is None
    eventually(lambda: bench.world.told("huge", "OutOfcpu") == message)
    assert bench.world.containers("huge") == []
    bench.world.client.delete(POD, "huge", "default")
    eventually(lambda: bench.world.gone("huge"))


def test_a_rejected_pod_stays_so_when_the_agent_starts_anew(bench: Bench) -> None:
    bench.world.create(pod("huge", container(resources={"requests": {"cpu": "64"}})))
    before = bench.failed("huge")
    bench.world.stop()
    bench.world.start()
    bench.run("other")
    assert status(bench.world.pod("huge")) == before


def test_pods_that_run_are_not_judged_again(bench: Bench) -> None:
    """The agent starts anew, and the node has become smaller than what runs on it."""
    bench.run("web", container(resources={"requests": {"cpu": "3"}}))
    bench.world.stop()
    world = bench.world
    world.settings = replace(world.settings, kube_reserved="cpu=2")
    world.start()
    world.create(pod("small", container(resources={"requests": {"cpu": "1"}})))
    assert bench.failed("small")["message"].endswith("requested: 1000, used: 3000, capacity: 2000")
    assert bench.phase("web") == "Running"
    allocatable = world.client.get(NODE_KIND, NODE)["status"]["allocatable"]
    assert allocatable["cpu"] == "2"
