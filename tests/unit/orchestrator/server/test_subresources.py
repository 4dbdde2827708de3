from __future__ import annotations

import pytest

from orchestrator.api.errors import BadRequest, Conflict, NotFound
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import condition
from orchestrator.client.client import Client

from .objects import pod


def test_a_binding_gives_the_pod_its_node(client: Client) -> None:
    made = client.create(POD, pod())
    client.bind(made, "n1", POD)
    bound = client.get(POD, "web", "default")
    assert bound["spec"]["nodeName"] == "n1"
    assert (condition(bound, "PodScheduled") or {})["status"] == "True"


def test_a_pod_is_bound_once(client: Client) -> None:
    made = client.create(POD, pod())
    client.bind(made, "n1", POD)
    with pytest.raises(Conflict, match='on pods/binding "web": pod web is already assigned to node "n1"'):
        client.bind(made, "n2", POD)


def test_the_binding_is_for_this_very_pod(client: Client) -> None:
    made = client.create(POD, pod())
    client.delete(POD, "web", "default")
    client.create(POD, pod())
    with pytest.raises(Conflict, match="Precondition failed: UID"):
        client.bind(made, "n1", POD)


def test_a_pod_that_goes_is_not_bound(client: Client) -> None:
    held = pod()
    held["metadata"]["finalizers"] = ["example.com/hold"]
    made = client.create(POD, held)
    client.delete(POD, "web", "default")
    with pytest.raises(Conflict, match="is being deleted, cannot be assigned to a host"):
        client.bind(made, "n1", POD)


def test_a_binding_needs_a_target(client: Client) -> None:
    client.create(POD, pod())
    for body in ({}, {"target": {}}, {"target": {"name": 1}}):
        with pytest.raises(BadRequest, match=r"target\.name"):
            client.create_subresource(POD, "web", "binding", body, "default")


def test_an_eviction_is_a_graceful_deletion(client: Client) -> None:
    client.create(POD, pod(nodeName="n1"))
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web", "namespace": "default"}}
    answer = client.create_subresource(POD, "web", "eviction", eviction, "default")
    assert answer["status"] == "Success"
    assert client.get(POD, "web", "default")["metadata"]["deletionGracePeriodSeconds"] == 30
    eviction["deleteOptions"] = {"gracePeriodSeconds": 0}  # type: ignore[assignment]
    client.create_subresource(POD, "web", "eviction", eviction, "default")
    with pytest.raises(NotFound):
        client.create_subresource(POD, "web", "eviction", eviction, "default")
