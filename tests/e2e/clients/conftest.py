"""One cluster for all clients, and the official Python client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

from tests.e2e.harness import RealCluster, eventually, two_nodes


@pytest.fixture(scope="package")
def cluster(engine: str, kubectl: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """Two nodes, up."""
    with two_nodes(tmp_path_factory.mktemp("podlab"), "clients", kubectl) as under_test:
        yield under_test


@pytest.fixture(scope="package")
def api(cluster: RealCluster) -> client.ApiClient:
    return config.new_client_from_config(str(cluster.kubeconfig))


@pytest.fixture(scope="package")
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


@pytest.fixture(scope="package")
def apps(api: client.ApiClient) -> client.AppsV1Api:
    return client.AppsV1Api(api)


@pytest.fixture
def space(core: client.CoreV1Api, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, gone after it."""
    name = request.node.name.replace("_", "-").removeprefix("test-")[:40]
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    eventually(lambda: core.list_namespaced_service_account(name).items)
    yield name
    core.delete_namespace(name)
