from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.runtime.docker import DockerRuntime
from tests.e2e.harness import RealCluster, two_nodes
from tests.fakes import images


@pytest.fixture(scope="session")
def nginx_image(engine: str) -> str:
    return images.nginx(DockerRuntime(engine))


@pytest.fixture(scope="session")
def busybox_image(engine: str) -> str:
    return images.busybox(DockerRuntime(engine))


@pytest.fixture(scope="module")
def cluster(engine: str, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Two nodes, up."""
    with two_nodes(tmp_path_factory.mktemp("podlab"), "e2e", kubectl) as under_test:
        yield under_test


@pytest.fixture(params=["1.33", "1.27"])
def user(request: pytest.FixtureRequest, cluster: RealCluster) -> RealCluster:
    """The cluster, driven by a kubectl of that version."""
    binary = cluster.kubectl_binary.with_name(f"kubectl.{request.param}")
    if not binary.exists():
        pytest.skip(f"{binary.name} is not there")
    return replace(cluster, kubectl_binary=binary)
