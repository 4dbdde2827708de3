from __future__ import annotations

import pytest

from orchestrator.api.errors import BadRequest, Conflict, Invalid
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import REPLICATION_CONTROLLER
from orchestrator.api.meta import Object
from orchestrator.client.client import Client

from .objects import deployment


@pytest.fixture
def scale(client: Client) -> Object:
    client.create(DEPLOYMENT, deployment())
    return client.get(DEPLOYMENT, "web", "default", subresource="scale")


def test_shows_the_replicas(scale: Object) -> None:
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 0, "selector": "app=web"}


def test_put_and_patch(client: Client, scale: Object) -> None:
    scale["spec"]["replicas"] = 5
    assert client.update(DEPLOYMENT, scale, subresource="scale")["spec"]["replicas"] == 5
    patched = client.patch(DEPLOYMENT, "web", {"spec": {"replicas": 7}}, "default", subresource="scale")
    assert patched["spec"]["replicas"] == 7
    whole = client.get(DEPLOYMENT, "web", "default")
    assert (whole["spec"]["replicas"], whole["metadata"]["generation"]) == (7, 3)
    with pytest.raises(Conflict):
        client.update(DEPLOYMENT, scale, subresource="scale")


def test_refused(client: Client, scale: Object) -> None:
    with pytest.raises(Invalid, match=r"spec\.replicas: Invalid value: -1: must be greater than or equal to 0"):
        client.patch(DEPLOYMENT, "web", {"spec": {"replicas": -1}}, "default", subresource="scale")
    scale["kind"] = "Deployment"
    with pytest.raises(BadRequest, match="does not match the expected kind"):
        client.update(DEPLOYMENT, scale, subresource="scale")


def test_a_selector_that_is_a_map_of_labels(client: Client) -> None:
    client.create(REPLICATION_CONTROLLER, {**deployment(), "spec": {"template": deployment()["spec"]["template"]}})
    scale = client.patch(REPLICATION_CONTROLLER, "web", {"spec": {"replicas": 3}}, "default", subresource="scale")
    assert (scale["spec"], scale["status"]) == ({"replicas": 3}, {"replicas": 0, "selector": "app=web"})
