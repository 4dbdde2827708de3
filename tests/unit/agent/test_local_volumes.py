"""The folders of deleted volumes, on one node of a whole API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.local_volumes import LocalVolumes, is_to_go
from agent.volume_folders import VolumeError, VolumeFolders
from orchestrator.api.claims import FOLDER_FINALIZER, VOLUME_PROTECTION
from orchestrator.api.groups.core import PERSISTENT_VOLUME
from orchestrator.api.meta import Object, finalizers
from orchestrator.util.clock import SystemClock
from tests.fakes.api import local_api
from tests.fakes.volumes import claim, local_volume, volume


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


class Bench:
    def __init__(self, root: Path) -> None:
        self.folders = VolumeFolders(root)
        self.client = local_api()[1]
        self._running: list[LocalVolumes] = []

    def start(self, node: str = "n1") -> None:
        volumes = LocalVolumes(self.client, self.folders, node, SystemClock())
        self._running.append(volumes)
        volumes.start()

    def stop(self) -> None:
        for volumes in self._running:
            volumes.stop()

    def folder(self, name: str = "pv") -> Path:
        folder = self.folders.persistent / name
        folder.mkdir(parents=True)
        (folder / "data").write_text("x")
        return folder

    def create(self, path: Path, name: str = "pv", **fields: Any) -> None:
        made = local_volume(str(path), claim(), name=name, **fields)
        del made["metadata"]["uid"], made["status"]
        self.client.create(PERSISTENT_VOLUME, made)

    def delete(self, name: str = "pv") -> None:
        """And let go, as the controllers do."""
        self.client.delete(PERSISTENT_VOLUME, name)
        self.client.patch(PERSISTENT_VOLUME, name, {"metadata": {"finalizers": [FOLDER_FINALIZER]}})

    def gone(self, name: str = "pv") -> bool:
        return name not in [each["metadata"]["name"] for each in self.client.list(PERSISTENT_VOLUME).items]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.stop()


def test_the_folder_goes_with_its_volume(bench: Bench) -> None:
    bench.start()
    folder = bench.folder()
    bench.create(folder)
    bench.delete()
    eventually(bench.gone)
    assert not folder.exists()


def test_what_was_deleted_while_the_agent_was_away(bench: Bench) -> None:
    folder = bench.folder()
    bench.create(folder)
    bench.delete()
    bench.start()
    eventually(bench.gone)
    assert not folder.exists()


def test_a_volume_that_was_never_used_has_no_folder(bench: Bench) -> None:
    bench.create(bench.folders.persistent / "pv")
    bench.delete()
    bench.start()
    eventually(bench.gone)


def test_what_is_to_be_retained_stays(bench: Bench) -> None:
    folder = bench.folder()
    bench.create(folder, policy="Retain")
    bench.delete()
    bench.start()
    eventually(bench.gone)
    assert (folder / "data").exists()


def test_a_path_that_is_not_the_nodes_own_is_never_removed(bench: Bench, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    bench.create(precious, "bad")
    bench.create(bench.folder(), "good")
    for each in ("bad", "good"):
        bench.delete(each)
    bench.start()
    eventually(lambda: bench.gone("good"))
    assert precious.exists() and not bench.gone("bad")


@pytest.mark.parametrize("path", ["", "..", ".", "../x", "a/b"])
def test_no_path_leads_out(bench: Bench, path: str) -> None:
    with pytest.raises(VolumeError, match="is no folder of a volume"):
        bench.folders.remove_persistent(Path(f"{bench.folders.persistent}/{path}"))


def deleted(**changes: Any) -> Object:
    made = local_volume("/volumes/pv", claim(), **changes)
    made["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return made


def test_whose_folder_is_to_go() -> None:
    assert is_to_go(deleted(), "n1")
    assert not is_to_go(deleted(), "n2")
    assert not is_to_go(local_volume("/volumes/pv", claim()), "n1")
    assert not is_to_go(volume(), "n1")
    protected = deleted()
    finalizers(protected).append(VOLUME_PROTECTION)
    assert not is_to_go(protected, "n1")


def test_a_purged_node_keeps_none(bench: Bench) -> None:
    folder = bench.folder()
    bench.folders.clear()
    assert not folder.exists()
