"""Pods' files are counted, and not too often."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.eviction.limits import PodStorage
from agent.eviction.storage import StorageMeter
from agent.runtime.base import DiskUsage
from agent.runtime.fake import FakeRuntime
from agent.volume_folders import volume_folders
from orchestrator.util.clock import FakeClock, SystemClock
from tests.fakes.agent import NODE, eventually, lab
from tests.fakes.pods import pod


class _Slow:
    """An engine that takes a second to count."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.asked = clock, 0

    def __call__(self, _id: str) -> DiskUsage:
        self.asked += 1
        self.clock.advance(1.0)
        return DiskUsage(self.asked, 1)


def test_counting_takes_a_fiftieth_of_the_time_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lab(tmp_path, runtime=FakeRuntime(SystemClock())) as world:
        agent, clock = world.start(), FakeClock()
        for name in ("a", "b"):
            world.create(pod(name))
        eventually(lambda: world.ready("a") and world.ready("b"))
        slow = _Slow(clock)
        monkeypatch.setattr(world.runtime, "disk_usage", slow)
        meter = StorageMeter(world.runtime, volume_folders(world.settings.node_dir(NODE), world.runtime), clock)
        first, second = agent.kubelet.workers()
        begun = clock.monotonic()
        for _ in range(600):
            meter.measure(first)
            meter.measure(second)
            clock.advance(1.0)
        assert slow.asked <= (clock.monotonic() - begun) / 50 + 2
        assert slow.asked > 8
        found = meter.measure(first, max_age=10_000)
        assert isinstance(found, PodStorage) and found.logs == {"app": 1}
