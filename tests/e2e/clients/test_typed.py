"""The official Python client's typed API: lists, watches, and each way to write.

It checks what it reads against its own models, so an answer that lacks what Kubernetes promises fails here.
"""

from __future__ import annotations

import pytest
from kubernetes import client, watch

from tests.e2e.clients.objects import settings, web
from tests.e2e.harness import eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def test_lists_come_in_pages_of_one_moment(core: client.CoreV1Api, space: str) -> None:
    for number in range(7):
        core.create_namespaced_config_map(space, settings(f"page-{number}"))
    chosen = {"namespace": space, "label_selector": "made=here", "limit": 3}
    page = core.list_namespaced_config_map(**chosen)
    assert page.metadata.remaining_item_count is None
    names = [each.metadata.name for each in page.items]
    core.delete_namespaced_config_map("page-6", space)
    revisions = {page.metadata.resource_version}
    while token := page.metadata._continue:
        page = core.list_namespaced_config_map(**chosen, _continue=token)
        names += [each.metadata.name for each in page.items]
        revisions.add(page.metadata.resource_version)
    assert names == [f"page-{number}" for number in range(7)]
    assert len(revisions) == 1
    with pytest.raises(client.ApiException) as refused:
        core.list_namespaced_config_map(space, _continue="nonsense")
    assert refused.value.status == 400


def test_watch_from_a_list_on(core: client.CoreV1Api, space: str) -> None:
    first = core.create_namespaced_config_map(space, settings("first"))
    since = core.list_namespaced_config_map(space).metadata.resource_version
    core.patch_namespaced_config_map("first", space, {"data": {"a": "1"}})
    core.delete_namespaced_config_map("first", space)
    events = watch.Watch().stream(
        core.list_namespaced_config_map, space, resource_version=since, timeout_seconds=1, allow_watch_bookmarks=True
    )
    seen = [(each["type"], each["object"]) for each in events]
    changes = [(kind, each.metadata.uid) for kind, each in seen if kind != "BOOKMARK"]
    assert changes == [("MODIFIED", first.metadata.uid), ("DELETED", first.metadata.uid)]
    assert seen[-1][0] == "BOOKMARK"


def test_watch_of_no_revision_at_all(core: client.CoreV1Api, space: str) -> None:
    with pytest.raises(client.ApiException) as refused:
        list(watch.Watch().stream(core.list_namespaced_config_map, space, resource_version="x", timeout_seconds=1))
    assert (refused.value.status, refused.value.reason) == (400, "Bad Request")


def test_each_way_to_write(core: client.CoreV1Api, space: str) -> None:
    made = core.create_namespaced_config_map(space, settings("one", a="1"))
    with pytest.raises(client.ApiException) as refused:
        core.create_namespaced_config_map(space, settings("one"))
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    core.patch_namespaced_config_map("one", space, {"data": {"b": "2"}})
    core.patch_namespaced_config_map("one", space, [{"op": "remove", "path": "/data/a"}])
    read = core.read_namespaced_config_map("one", space)
    assert read.data == {"b": "2"}
    made.data = {"late": "yes"}
    with pytest.raises(client.ApiException) as refused:
        core.replace_namespaced_config_map("one", space, made)
    assert refused.value.status == 409
    read.data = {"c": "3"}
    assert core.replace_namespaced_config_map("one", space, read, dry_run="All").data == {"c": "3"}
    assert core.read_namespaced_config_map("one", space).data == {"b": "2"}
    assert core.replace_namespaced_config_map("one", space, read).data == {"c": "3"}


def test_deletes_on_conditions(core: client.CoreV1Api, space: str) -> None:
    made = core.create_namespaced_config_map(space, settings("one"))
    with pytest.raises(client.ApiException) as refused:
        core.delete_namespaced_config_map("one", space, body=only("another"))
    assert refused.value.status == 409
    core.delete_namespaced_config_map("one", space, body=only(made.metadata.uid))
    for name in ("two", "three"):
        core.create_namespaced_config_map(space, settings(name))
    core.create_namespaced_config_map(space, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="kept")))
    core.delete_collection_namespaced_config_map(space, label_selector="made=here")
    assert [each.metadata.name for each in core.list_namespaced_config_map(space).items] == ["kept", "kube-root-ca.crt"]


def only(uid: str) -> client.V1DeleteOptions:
    return client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=uid))


def test_deletes_with_or_without_dependents(
    core: client.CoreV1Api, apps: client.AppsV1Api, space: str, nginx_image: str
) -> None:
    apps.create_namespaced_deployment(space, web(nginx_image, 1))
    [owned] = eventually(lambda: apps.list_namespaced_replica_set(space).items)
    apps.delete_namespaced_deployment("web", space, propagation_policy="Orphan")
    eventually(lambda: not apps.list_namespaced_deployment(space).items)
    assert apps.read_namespaced_replica_set(owned.metadata.name, space).metadata.owner_references is None
    foreground = client.V1DeleteOptions(propagation_policy="Foreground", grace_period_seconds=0)
    apps.delete_namespaced_replica_set(owned.metadata.name, space, body=foreground)
    eventually(lambda: not apps.list_namespaced_replica_set(space).items)
    assert not core.list_namespaced_pod(space).items


@pytest.fixture
def deployment(apps: client.AppsV1Api, space: str, nginx_image: str) -> str:
    """`web`, with two pods that are ready; the namespace."""
    apps.create_namespaced_deployment(space, web(nginx_image, 2))
    eventually(lambda: apps.read_namespaced_deployment_status("web", space).status.ready_replicas == 2)
    return space


def test_scale(core: client.CoreV1Api, apps: client.AppsV1Api, deployment: str) -> None:
    scale = apps.read_namespaced_deployment_scale("web", deployment)
    assert (scale.spec.replicas, scale.status.selector) == (2, "app=web")
    apps.patch_namespaced_deployment_scale("web", deployment, {"spec": {"replicas": 3}})
    scale.spec.replicas = 0
    with pytest.raises(client.ApiException) as refused:
        apps.replace_namespaced_deployment_scale("web", deployment, scale)
    assert refused.value.status == 409
    scale.metadata.resource_version = None
    apps.replace_namespaced_deployment_scale("web", deployment, scale)
    eventually(lambda: not core.list_namespaced_pod(deployment).items)


def test_status_and_events(core: client.CoreV1Api, apps: client.AppsV1Api, deployment: str) -> None:
    condition = {"type": "Checked", "status": "True", "reason": "Looked", "message": "looked at"}
    patched = apps.patch_namespaced_deployment_status("web", deployment, {"status": {"conditions": [condition]}})
    assert {"Checked", "Available"} <= {each.type for each in patched.status.conditions}
    wanted = {"ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Started"}
    eventually(lambda: wanted <= {each.reason for each in core.list_namespaced_event(deployment).items})


def test_eviction(core: client.CoreV1Api, deployment: str) -> None:
    gone = core.list_namespaced_pod(deployment).items[0].metadata.name
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name=gone, namespace=deployment))
    core.create_namespaced_pod_eviction(gone, deployment, eviction)

    def replaced() -> bool:
        names = {each.metadata.name for each in core.list_namespaced_pod(deployment).items}
        return gone not in names and len(names) == 2

    eventually(replaced)
