"""The resize subresource of pods: what it takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.errors import Forbidden, Invalid
from orchestrator.api.groups.core import LIMIT_RANGE, POD, RESOURCE_QUOTA
from orchestrator.api.meta import Object
from orchestrator.api.request import APPLY_PATCH, STRATEGIC_PATCH, Request, User
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from orchestrator.util.clock import FakeClock
from tests.fakes.api import local_api

BURSTABLE = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}


@pytest.fixture
def client(clock: FakeClock) -> Client:
    return local_api(clock)[1]


def create(client: Client, **fields: Any) -> Object:
    app = {"name": "app", "image": "nginx", "resources": BURSTABLE, **fields}
    setup = {"name": "setup", "image": "nginx", "resources": BURSTABLE}
    side = {"name": "side", "image": "nginx", "restartPolicy": "Always", "resources": BURSTABLE}
    spec = {"containers": [app], "initContainers": [setup, side]}
    made: Object = client.create(POD, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    return made


def resize(client: Client, resources: Object, name: str = "app", field: str = "containers") -> Object:
    patch = {"spec": {field: [{"name": name, "resources": resources}]}}
    return client.patch(POD, "web", patch, "default", subresource="resize", content_type=STRATEGIC_PATCH)


def test_resources_change_and_make_a_new_generation(client: Client) -> None:
    before = create(client)
    after = resize(client, {"requests": {"cpu": "200m"}, "limits": {"memory": "1Gi"}})
    assert after["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "200m", "memory": "64Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert resize(client, {"requests": {"cpu": "150m"}}, "side", "initContainers")


def test_nothing_else_changes_by_it(client: Client) -> None:
    create(client)
    patch = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"activeDeadlineSeconds": 9, "containers": [{"name": "app", "image": "other"}]},
    }
    after = client.patch(POD, "web", patch, "default", subresource="resize", content_type=STRATEGIC_PATCH)
    assert after["spec"]["containers"][0]["image"] == "nginx"
    assert "activeDeadlineSeconds" not in after["spec"]
    assert "labels" not in after["metadata"]


def test_by_put(client: Client) -> None:
    pod = create(client)
    pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "300m"
    after = client.update(POD, pod, subresource="resize")
    assert after["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "300m"


def test_by_apply(clock: FakeClock) -> None:
    resources, client = local_api(clock)
    create(client)
    wanted = {"name": "app", "image": "other", "resources": {"requests": {"cpu": "300m"}}}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [wanted]}}
    options = {"fieldManager": "sizer", "force": "true"}
    request = Request("patch", POD, "default", "web", "resize", options=options, body=body, content_type=APPLY_PATCH)
    after = LocalTransport(resources, User("admin", ("system:masters",))).call(request)
    (app,) = after["spec"]["containers"]
    assert (app["resources"]["requests"]["cpu"], app["image"]) == ("300m", "nginx")
    (owner,) = (entry for entry in after["metadata"]["managedFields"] if entry["manager"] == "sizer")
    assert owner["subresource"] == "resize"


def test_the_pod_itself_takes_no_other_resources(client: Client) -> None:
    create(client)
    patch = {"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "2m"}}}]}}
    with pytest.raises(Invalid, match="pod updates may not change fields other than"):
        client.patch(POD, "web", patch, "default", content_type=STRATEGIC_PATCH)


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ({"limits": {"memory": "64Mi"}}, "memory limits cannot be decreased unless resizePolicy is RestartContainer"),
        ({"limits": {"cpu": None}}, "resource limits cannot be removed"),
        ({"requests": {"ephemeral-storage": "1Gi"}}, "only cpu and memory resources are mutable"),
        ({"requests": {"cpu": "9"}}, "must be less than or equal to cpu limit of 1"),
    ],
)
def test_what_is_refused(client: Client, resources: Object, why: str) -> None:
    create(client)
    with pytest.raises(Invalid, match=why):
        resize(client, resources)


def test_the_class_stays(client: Client) -> None:
    pod = {"containers": [{"name": "app", "image": "nginx", "resources": BURSTABLE}]}
    client.create(POD, {"metadata": {"name": "web", "namespace": "default"}, "spec": pod})
    with pytest.raises(Invalid, match="Pod QOS Class may not change as a result of resizing"):
        resize(client, {"requests": {"cpu": "1", "memory": "128Mi"}})


def test_a_memory_limit_may_fall_with_a_restart(client: Client) -> None:
    create(client, resizePolicy=[{"resourceName": "memory", "restartPolicy": "RestartContainer"}])
    assert resize(client, {"limits": {"memory": "64Mi"}})


def test_of_init_containers_only_sidecars(client: Client) -> None:
    create(client)
    with pytest.raises(Invalid, match="only sidecars among the init containers"):
        resize(client, {"requests": {"cpu": "1m"}}, "setup", "initContainers")


def test_containers_stay(client: Client) -> None:
    pod = create(client)
    pod["spec"]["containers"][0]["name"] = "renamed"
    with pytest.raises(Invalid, match="containers may not be added, removed, reordered or renamed"):
        client.update(POD, pod, subresource="resize")


@pytest.mark.parametrize(
    ("policy", "restart", "why"),
    [
        ([{"resourceName": "gpu", "restartPolicy": "NotRequired"}], "Always", "Unsupported value"),
        ([{"resourceName": "cpu", "restartPolicy": "Sometimes"}], "Always", "Unsupported value"),
        ([{"resourceName": "cpu", "restartPolicy": "NotRequired"}] * 2, "Always", "Duplicate value"),
        ([{"resourceName": "cpu", "restartPolicy": "RestartContainer"}], "Never", "must be 'NotRequired'"),
    ],
)
def test_policies(client: Client, policy: list[Object], restart: str, why: str) -> None:
    app = {"name": "app", "image": "nginx", "resizePolicy": policy}
    spec = {"containers": [app], "restartPolicy": restart}
    with pytest.raises(Invalid, match=why):
        client.create(POD, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})


@pytest.mark.parametrize(
    ("system", "signal", "why"),
    [
        ({}, "SIGUSR1", "may not be set for containers with empty `spec.os.name`"),
        ({"os": {"name": "linux"}}, "SIGNOPE", "Unsupported value"),
    ],
)
def test_stop_signals(client: Client, system: Object, signal: str, why: str) -> None:
    app = {"name": "app", "image": "nginx", "lifecycle": {"stopSignal": signal}}
    with pytest.raises(Invalid, match=why):
        client.create(
            POD, {"metadata": {"name": "web", "namespace": "default"}, "spec": {"containers": [app], **system}}
        )


def test_quotas_and_limit_ranges_hold_for_it(client: Client) -> None:
    create(client)
    meta = {"name": "most", "namespace": "default"}
    client.create(RESOURCE_QUOTA, {"metadata": meta, "spec": {"hard": {"requests.memory": "1Gi"}}})
    client.patch(
        RESOURCE_QUOTA,
        "most",
        {"status": {"hard": {"requests.memory": "1Gi"}, "used": {"requests.memory": "128Mi"}}},
        "default",
        subresource="status",
    )
    with pytest.raises(Forbidden, match=r"exceeded quota: most, requested: requests\.memory="):
        resize(client, {"requests": {"memory": "2Gi"}, "limits": {"memory": "2Gi"}})
    assert resize(client, {"requests": {"memory": "96Mi"}})
    limits = [{"type": "Container", "max": {"cpu": "2"}}]
    client.create(LIMIT_RANGE, {"metadata": meta, "spec": {"limits": limits}})
    with pytest.raises(Forbidden, match="maximum cpu usage per Container is 2"):
        resize(client, {"limits": {"cpu": "3"}})
