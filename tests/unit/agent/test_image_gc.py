from __future__ import annotations

from pathlib import Path

import pytest

from agent.image_gc import ImageCollector
from agent.image_gc_plan import GcPolicy
from agent.image_records import ImageRecords
from agent.images import ImageManager
from agent.puller import Puller
from agent.runtime.base import ContainerSpec, Disk, NoSuchImage, RuntimeFailure
from agent.runtime.fake import FakeRuntime
from orchestrator.util.clock import FakeClock

GIB = 1 << 30
EMPTY, FULL = Disk(100 * GIB, 90 * GIB), Disk(100 * GIB, 10 * GIB)
OLD = 3600.0


class Bench:
    def __init__(
        self, clock: FakeClock, folder: Path, policy: GcPolicy | None = None, runtime: FakeRuntime | None = None
    ) -> None:
        self.clock, self.runtime = clock, runtime or FakeRuntime(clock)
        self.records = ImageRecords(folder / "images.json", clock)
        puller = Puller(self.runtime, clock, self.records.pulled)
        self.images = ImageManager(self.runtime, puller, clock, lambda image: self.records.used([image.id]))
        self.warnings: list[tuple[str, str]] = []
        self.changes = 0
        self.collector = ImageCollector(
            self.runtime,
            self.records,
            policy or GcPolicy(),
            clock,
            lambda *event: self.warnings.append(event),
            self.changed,
        )

    def changed(self) -> None:
        self.changes += 1

    def pull(self, *references: str) -> None:
        """As pods do, one after the other."""
        for reference in references:
            self.images.ensure(reference, "IfNotPresent", (), lambda *_: None)
            self.clock.advance(1)

    def run(self, reference: str) -> str:
        return self.runtime.create(ContainerSpec(f"c-{reference}", reference, {}))

    @property
    def here(self) -> list[str]:
        return sorted(tag for image in self.runtime.images() for tag in image.tags)


@pytest.fixture
def bench(clock: FakeClock, tmp_path: Path) -> Bench:
    return Bench(clock, tmp_path)


def test_nothing_goes_while_there_is_room(bench: Bench) -> None:
    bench.pull("nginx:1")
    bench.clock.advance(OLD)
    bench.runtime.space = EMPTY
    bench.collector.collect()
    assert bench.here == ["nginx:1"]
    assert (bench.warnings, bench.changes) == ([], 0)


def test_a_full_disk_takes_what_no_container_uses(bench: Bench) -> None:
    bench.runtime.add_image("mine:1", size=20 * GIB)
    bench.pull("nginx:1", "busybox:1")
    bench.run("busybox:1")
    bench.clock.advance(OLD)
    bench.runtime.space = FULL
    bench.collector.collect()
    assert bench.here == ["busybox:1", "mine:1"]
    assert bench.changes == 1
    free = "Attempted to free 10737418240 bytes, but only found 1048576 bytes eligible to free."
    assert bench.warnings == [
        ("FreeDiskSpaceFailed", f"Failed to garbage collect required amount of images. {free}")
    ], "one failure alone is no ImageGCFailed"
    bench.collector.collect()
    assert [reason for reason, _ in bench.warnings[1:]] == ["FreeDiskSpaceFailed", "ImageGCFailed"]


def test_a_node_that_would_evict_pods_gives_up_all_that_may_go(bench: Bench) -> None:
    bench.pull("nginx:1", "busybox:1")
    bench.run("busybox:1")
    bench.clock.advance(OLD)
    bench.runtime.space = EMPTY
    bench.collector.remove_unused()
    assert bench.here == ["busybox:1"]
    bench.runtime.unreachable = True
    bench.collector.remove_unused()
    assert bench.warnings == [], "the eviction that follows is told of"


def test_it_stops_when_enough_is_freed(bench: Bench) -> None:
    bench.pull("a:1", "b:1", "c:1")
    bench.clock.advance(OLD)
    bench.pull("a:1")
    bench.clock.advance(OLD)
    bench.runtime.space = Disk(10 << 20, (2 << 20) - (1 << 19) - (1 << 18))
    bench.collector.collect()
    assert bench.here == ["a:1", "c:1"]
    assert bench.warnings == []


def test_what_is_about_to_be_used_stays(bench: Bench) -> None:
    bench.pull("nginx:1")
    bench.clock.advance(OLD)
    bench.pull("nginx:1")
    bench.runtime.space = FULL
    bench.collector.collect()
    assert bench.here == ["nginx:1"]


def test_use_by_containers_counts_from_when_it_was_last_seen(bench: Bench) -> None:
    bench.pull("nginx:1")
    id = bench.run("nginx:1")
    bench.clock.advance(OLD)
    bench.collector.collect()
    bench.runtime.remove(id)
    bench.clock.advance(60)
    bench.runtime.space = FULL
    bench.collector.collect()
    assert bench.here == ["nginx:1"]
    bench.clock.advance(61)
    bench.collector.collect()
    assert bench.here == []


def test_what_was_not_used_for_very_long_goes_from_an_empty_disk(clock: FakeClock, tmp_path: Path) -> None:
    bench = Bench(clock, tmp_path, GcPolicy(max_age=7200))
    bench.pull("nginx:1", "busybox:1")
    bench.clock.advance(OLD)
    bench.pull("busybox:1")
    bench.clock.advance(OLD)
    bench.collector.collect()
    assert bench.here == ["busybox:1"]


def test_an_image_that_cannot_be_removed_keeps_no_other(clock: FakeClock, tmp_path: Path) -> None:
    class Busy(FakeRuntime):
        def remove_image(self, reference: str) -> None:
            if reference == "a:1":
                raise RuntimeFailure("image has dependent child images")
            super().remove_image(reference)

    bench = Bench(clock, tmp_path, runtime=Busy(clock))
    bench.pull("a:1", "b:1")
    bench.clock.advance(OLD)
    bench.runtime.space = FULL
    bench.collector.collect()
    bench.collector.collect()
    assert bench.here == ["a:1"]
    reason, message = bench.warnings[-1]
    assert reason == "ImageGCFailed"
    assert "image has dependent child images" in message


def test_an_engine_that_is_away_is_tried_again(bench: Bench) -> None:
    bench.runtime.unreachable = True
    bench.collector.collect()
    assert bench.warnings == []
    bench.collector.collect()
    assert [reason for reason, _ in bench.warnings] == ["ImageGCFailed"]
    bench.runtime.unreachable = False
    bench.collector.collect()
    bench.runtime.unreachable = True
    bench.collector.collect()
    assert len(bench.warnings) == 1


def test_a_disk_out_of_sight_is_left_alone(bench: Bench) -> None:
    bench.pull("nginx:1")
    bench.clock.advance(OLD)
    bench.runtime.space = None
    bench.collector.collect()
    assert bench.here == ["nginx:1"]


def test_a_disk_without_size(bench: Bench) -> None:
    bench.runtime.space = Disk(0, 0)
    bench.collector.collect()
    assert bench.warnings == [("InvalidDiskCapacity", "invalid capacity 0 on image filesystem")]


def test_what_was_removed_is_pulled_again(bench: Bench) -> None:
    bench.pull("nginx:1")
    bench.clock.advance(OLD)
    bench.runtime.space = FULL
    bench.collector.collect()
    with pytest.raises(NoSuchImage):
        bench.runtime.image("nginx:1")
    bench.pull("nginx:1")
    assert bench.runtime.pulled == ["nginx:1"] * 2
