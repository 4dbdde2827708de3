"""The official Python client's dynamic objects: what a kind is, it asks the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, ResourceNotFoundError

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


@pytest.fixture
def dynamic(api: client.ApiClient, tmp_path: Path) -> DynamicClient:
    """It keeps what it discovered in a file; of the test's own, or it would find another cluster's."""
    return DynamicClient(api, cache_file=str(tmp_path / "discovered.json"))


def manifest(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_dynamic_objects(dynamic: DynamicClient) -> None:
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    made = maps.create(body=manifest("free", a="1"), namespace="default")
    since = made.metadata.resourceVersion
    for content_type, body in [
        ("application/strategic-merge-patch+json", {"data": {"b": "2"}}),
        ("application/merge-patch+json", {"data": {"a": None}}),
        ("application/json-patch+json", [{"op": "add", "path": "/data/c", "value": "3"}]),
    ]:
        patched = maps.patch(name="free", namespace="default", body=body, content_type=content_type)
    assert patched.data.to_dict() == {"b": "2", "c": "3"}
    events = maps.watch(namespace="default", name="free", resource_version=since, timeout=1)
    assert [(each["type"], len(each["object"].data.to_dict())) for each in events] == [
        ("MODIFIED", 2),
        ("MODIFIED", 1),
        ("MODIFIED", 2),
    ]
    listed = maps.get(namespace="default", field_selector="metadata.name=free").items
    assert [each.metadata.name for each in listed] == ["free"]
    done = maps.delete(name="free", namespace="default", body={"propagationPolicy": "Background"})
    assert (done.status, done.details.kind, done.details.uid) == ("Success", "configmaps", made.metadata.uid)
    with pytest.raises(NotFoundError) as missing:
        maps.get(name="free", namespace="default")
    assert (missing.value.reason, missing.value.summary()) == ("Not Found", 'configmaps "free" not found')


def test_dynamic_apply(dynamic: DynamicClient) -> None:
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    for manager in ("one", "two"):
        applied = maps.server_side_apply(
            body=manifest("shared", **{manager: "1"}), namespace="default", field_manager=manager
        )
    assert {each.manager for each in applied.metadata.managedFields} == {"one", "two"}
    with pytest.raises(ConflictError) as refused:
        maps.server_side_apply(body=manifest("shared", one="2"), namespace="default", field_manager="two")
    assert refused.value.summary() == 'Apply failed with 1 conflict: conflict with "one": .data.one'
    forced = maps.server_side_apply(
        body=manifest("shared", one="2"), namespace="default", field_manager="two", force_conflicts=True
    )
    assert forced.data.to_dict() == {"one": "2"}
    maps.delete(name="shared", namespace="default")


def test_dynamic_discovery(dynamic: DynamicClient, api: client.ApiClient, tmp_path: Path) -> None:
    """Read once, it is found in the file, by kind, short name and plural."""
    assert (tmp_path / "discovered.json").exists()
    again = DynamicClient(api, cache_file=str(tmp_path / "discovered.json"))
    assert again.version["kubernetes"]["gitVersion"].startswith("v1.")
    assert again.resources.get(short_names=["deploy"]).kind == "Deployment"
    assert again.resources.get(name="leases").group_version == "coordination.k8s.io/v1"
    assert {each.kind for each in again.resources.search(group="batch")} >= {"Job", "CronJob"}
    with pytest.raises(ResourceNotFoundError):
        again.resources.get(kind="Unheard")


def test_dynamic_subresources(dynamic: DynamicClient) -> None:
    deployments = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
    container = {"name": "main", "image": "none"}
    body = {
        "metadata": {"name": "sized"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "sized"}},
            "template": {"metadata": {"labels": {"app": "sized"}}, "spec": {"containers": [container]}},
        },
    }
    deployments.create(body=body, namespace="default")
    for found in (
        deployments.scale.patch(name="sized", namespace="default", body={"spec": {"replicas": 0}}),
        deployments.scale.get(name="sized", namespace="default"),
    ):
        assert (found.kind, found.spec.replicas) == ("Scale", 0)
    assert deployments.status.get(name="sized", namespace="default").metadata.name == "sized"
    deployments.delete(name="sized", namespace="default")
    accounts = dynamic.resources.get(api_version="v1", kind="ServiceAccount")
    token = accounts.token.create(name="default", namespace="default", body={"spec": {"expirationSeconds": 600}})
    assert token.status.token.count(".") == 2
