from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.cluster import Cluster, check_ranges
from orchestrator.cli.failure import Failure
from orchestrator.cli.processes import Component, stop
from orchestrator.util.settings import Settings


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of which something runs, under the name of its master."""
    cluster = Cluster(Settings(home=tmp_path / "first", cluster="first"))
    cluster.settings.save()
    process = Component("master", cluster.home, "timeit", ("-n1", "-r1", "import time; time.sleep(600)"))
    process.start()
    yield cluster
    stop([process], grace=0.1)


def second(tmp_path: Path, service_cidr: str, load_balancer_cidr: str) -> Cluster:
    settings = Settings(tmp_path / "second", "second", service_cidr=service_cidr, load_balancer_cidr=load_balancer_cidr)
    settings.save()
    return Cluster(settings)


def test_two_running_clusters_need_their_own_addresses(running: Cluster, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"cluster 'first' is running on 10\.96\.0\.0/16 too"):
        check_ranges(second(tmp_path, "10.96.128.0/24", "10.99.0.0/24"))
    check_ranges(second(tmp_path, "10.98.0.0/16", "10.99.0.0/24"))


def test_a_cluster_that_is_down_uses_no_addresses(running: Cluster, tmp_path: Path) -> None:
    stop([running.control_plane()[0]], grace=0.1)
    check_ranges(second(tmp_path, "10.96.0.0/16", "10.97.0.0/24"))


def test_nodes_are_folders_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    cluster = Cluster(Settings(home=tmp_path / "lab"))
    assert cluster.nodes == []
    for name in ("node-10", "node-2", "node-1"):
        cluster.add_node(name)
    assert cluster.nodes == ["node-1", "node-2", "node-10"]
    cluster.remove_node("node-2")
    assert cluster.nodes == ["node-1", "node-10"]


def test_split_makes_three_processes_of_the_control_plane(tmp_path: Path) -> None:
    names = [c.name for c in Cluster(Settings(home=tmp_path, split=True)).control_plane()]
    assert names == ["api", "scheduler", "controllers"]
    assert [c.name for c in Cluster(Settings(home=tmp_path)).control_plane()] == ["master"]
