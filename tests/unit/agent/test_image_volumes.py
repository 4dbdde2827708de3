from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.image_volumes import ImageVolumes
from agent.runtime.base import Image
from agent.runtime.fake import FakeRuntime
from agent.runtime.node import NodeContext
from agent.volume_folders import VolumeFolders
from agent.volumes import VolumeManager
from orchestrator.api.meta import Object
from orchestrator.util.clock import SystemClock
from tests.fakes.lookup import FakeLookup


class Bench:
    def __init__(self, root: Path) -> None:
        self.runtime = FakeRuntime(SystemClock())
        self.runtime.add_image("data:1")
        self.folders = VolumeFolders(root)
        images = ImageVolumes(self.folders, self.runtime)
        self.manager = VolumeManager(self.folders, FakeLookup(), NodeContext("lab", "n", "", ""), images=images)
        self.asked: list[tuple[str, str]] = []

    def prepare(self, uid: str) -> Path:
        pod: Object = {
            "metadata": {"name": uid, "namespace": "shop", "uid": uid},
            "spec": {"volumes": [{"name": "data", "image": {"reference": "data:1", "pullPolicy": "Always"}}]},
        }
        source = self.manager.prepare(pod, self.find)["data"]
        assert source.path is not None and source.read_only
        return source.path

    def find(self, reference: str, policy: str) -> Image:
        self.asked.append((reference, policy))
        return self.runtime.image(reference)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.folders.clear()


def test_the_images_files_are_there_once_for_all_pods(bench: Bench) -> None:
    path = bench.prepare("u1")
    assert (path / "name").read_text() == "data:1"
    assert bench.prepare("u2") == path


def test_the_image_is_looked_for_once_a_pod(bench: Bench) -> None:
    for _ in range(2):
        bench.prepare("u1")
    assert bench.asked == [("data:1", "Always")]


def test_the_files_go_with_the_last_pod(bench: Bench) -> None:
    path = bench.prepare("u1")
    bench.prepare("u2")
    bench.manager.teardown("u1")
    assert path.exists()
    bench.manager.teardown("u2")
    assert not path.exists()
