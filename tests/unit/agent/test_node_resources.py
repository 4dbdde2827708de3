"""What a node has, and what of it pods can have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.eviction.config import eviction_config
from agent.node_resources import allocatable, capacity, huge_pages, reserved
from orchestrator.util.settings import Settings, SettingsError

SETTINGS = Settings(Path("/x"), eviction_hard="memory.available<100Mi,nodefs.available<10%")
GIB = 1 << 30


def test_capacity_is_quantities() -> None:
    found = capacity(cpus=4, memory=8 * GIB, storage=100 * GIB, pods=110, huge_pages={2 << 20: 3, GIB: 0})
    assert found == {
        "cpu": "4",
        "memory": "8388608Ki",
        "ephemeral-storage": "104857600Ki",
        "pods": "110",
        "hugepages-2Mi": "6Mi",
        "hugepages-1Gi": "0",
    }


def test_pods_cannot_have_what_is_reserved_or_would_evict_them() -> None:
    whole = capacity(cpus=4, memory=8 * GIB, storage=100 * GIB, pods=5, huge_pages={2 << 20: 2})
    settings = replace(
        SETTINGS, kube_reserved="cpu=100m,memory=1Gi", system_reserved="cpu=400m,memory=1Gi,ephemeral-storage=10Gi"
    )
    assert allocatable(whole, reserved(settings), eviction_config(settings)) == {
        "cpu": "3500m",
        "memory": f"{6 * 1024 * 1024 - 100 * 1024 - 4 * 1024}Ki",
        "ephemeral-storage": f"{80 * 1024 * 1024}Ki",
        "pods": "5",
        "hugepages-2Mi": "4Mi",
    }


def test_pods_never_have_less_than_nothing() -> None:
    whole = capacity(cpus=1, memory=GIB, storage=GIB, pods=5, huge_pages={})
    settings = replace(SETTINGS, kube_reserved="cpu=2,memory=2Gi,ephemeral-storage=2Gi")
    found = allocatable(whole, reserved(settings), eviction_config(settings))
    assert (found["cpu"], found["memory"], found["ephemeral-storage"]) == ("0", "0Ki", "0Ki")


@pytest.mark.parametrize("text", ["cpu", "cpu=many", "gpu=1", "memory=-1Gi"])
def test_what_cannot_be_reserved(text: str) -> None:
    with pytest.raises(SettingsError, match=r"system_reserved has '.*': write RESOURCE=QUANTITY"):
        reserved(replace(SETTINGS, system_reserved=text))


def test_huge_pages_are_counted_by_size(tmp_path: Path) -> None:
    for size, count in ((1048576, 0), (2048, 7)):
        folder = tmp_path / f"hugepages-{size}kB"
        folder.mkdir()
        (folder / "nr_hugepages").write_text(f"{count}\n")
    assert huge_pages(tmp_path) == {2 << 20: 7, GIB: 0}
    assert huge_pages(tmp_path / "none") == {}
