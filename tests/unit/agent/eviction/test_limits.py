"""Pods that use more disk than they may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.eviction.limits import DiskUse, PodStorage, excess, is_limited
from agent.eviction.storage import disk_use
from orchestrator.api.meta import Object
from tests.fakes.pods import container, pod

MIB = 1 << 20


def limited(name: str, limit: str) -> Object:
    return container(name, resources={"limits": {"ephemeral-storage": limit}})


SCRATCH = {"name": "scratch", "emptyDir": {"sizeLimit": "10Mi"}}
SIZED = pod("sized", volumes=[SCRATCH])
MEMORY = pod("memory", volumes=[{"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "5Mi"}}])
TWO = pod("two", limited("a", "10Mi"), limited("b", "20Mi"), volumes=[{"name": "free", "emptyDir": {}}])
#: Only one of its containers is limited, so all of it is not.
HALF = pod("half", limited("a", "10Mi"), container("b"))


def volume(name: str, size: int) -> dict[str, DiskUse]:
    return {name: DiskUse(size * MIB, 1)}


@pytest.mark.parametrize(
    ("obj", "storage", "message"),
    [
        (SIZED, PodStorage(volume("scratch", 10)), ""),
        (SIZED, PodStorage(volume("scratch", 11)), 'Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". '),
        (SIZED, PodStorage(layers={"app": 999 * MIB}), ""),
        (MEMORY, PodStorage(volume("m", 6)), 'Usage of EmptyDir volume "m" exceeds the limit "5Mi". '),
        (TWO, PodStorage(layers={"a": 10 * MIB, "b": 20 * MIB}), ""),
        (
            TWO,
            PodStorage(layers={"a": 9 * MIB}, logs={"a": 2 * MIB}),
            'Container a exceeded its local ephemeral storage limit "10Mi". ',
        ),
        (
            TWO,
            PodStorage(volume("free", 25), {"a": 6 * MIB}),
            "Pod ephemeral local storage usage exceeds the total limit of containers 30Mi. ",
        ),
    ],
)
def test_what_a_pod_is_told(obj: Object, storage: PodStorage, message: str) -> None:
    found = excess(obj, storage)
    assert (found.message if found else "") == message
    assert is_limited(obj)


def test_a_volume_in_memory_is_no_disk_use() -> None:
    storage = PodStorage(volume("m", 4), {"app": 1})
    assert storage.total(MEMORY) == 1


def test_who_has_no_limit() -> None:
    assert not is_limited(pod("free", volumes=[{"name": "free", "emptyDir": {}}]))


def test_a_folder_is_counted_as_du_does(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_bytes(b"x" * 100_000)
    os.link(tmp_path / "sub" / "file", tmp_path / "again")
    (tmp_path / "link").symlink_to("/usr")
    with (tmp_path / "hole").open("wb") as sparse:
        sparse.truncate(1 << 30)
    found = disk_use(tmp_path)
    assert 100_000 <= found.size < 200_000
    assert found.inodes == 4
    assert disk_use(tmp_path / "none") == DiskUse()
