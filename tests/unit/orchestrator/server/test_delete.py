from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.errors import BadRequest, Conflict, Forbidden, Invalid, MethodNotAllowed, NotFound
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE, POD
from orchestrator.api.meta import Object
from orchestrator.api.request import Request
from orchestrator.client.client import Client
from orchestrator.server.delete import mark
from orchestrator.server.options import DeleteOptions
from orchestrator.server.resources import Resources
from orchestrator.util.clock import FakeClock
from tests.fakes.api import ADMIN

from .objects import config_map, deployment, job, pod

HELD = ["example.com/hold"]


@pytest.fixture
def running(client: Client) -> Object:
    """A pod on a node, whose deletion has a grace period of 30 s."""
    client.create(POD, pod(nodeName="n1"))
    return client.get(POD, "web", "default")


def test_what_nothing_holds_goes_at_once(client: Client) -> None:
    made = client.create(CONFIG_MAP, config_map())
    answer = client.delete(CONFIG_MAP, "settings", "default")
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"]["uid"] == made["metadata"]["uid"]
    with pytest.raises(NotFound):
        client.get(CONFIG_MAP, "settings", "default")
    with pytest.raises(NotFound):
        client.delete(CONFIG_MAP, "settings", "default")


def test_a_running_pod_gets_its_grace(client: Client, running: Object, clock: FakeClock) -> None:
    marked = client.delete(POD, "web", "default")["metadata"]
    assert marked["deletionGracePeriodSeconds"] == 30
    assert marked["deletionTimestamp"] == "2023-11-14T22:13:50Z"  # 30 s from now
    clock.advance(5)
    again = client.delete(POD, "web", "default")
    assert again["metadata"] == marked
    longer = client.delete(POD, "web", "default", grace_seconds=60)
    assert longer["metadata"] == marked
    shorter = client.delete(POD, "web", "default", grace_seconds=10)["metadata"]
    assert shorter["deletionGracePeriodSeconds"] == 10
    assert shorter["deletionTimestamp"] == "2023-11-14T22:13:30Z"  # 10 s from the first delete
    gone = client.delete(POD, "web", "default", grace_seconds=0)
    assert (gone["kind"], gone["metadata"]["uid"]) == ("Pod", marked["uid"])
    with pytest.raises(NotFound):
        client.get(POD, "web", "default")


def test_a_pod_without_a_node_goes_at_once(client: Client) -> None:
    client.create(POD, pod())
    client.delete(POD, "web", "default")
    with pytest.raises(NotFound):
        client.get(POD, "web", "default")


def test_finalizers_hold_until_the_last_is_gone(client: Client) -> None:
    client.create(CONFIG_MAP, config_map(finalizers=[*HELD, "example.com/other"]))
    marked = client.delete(CONFIG_MAP, "settings", "default")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    assert client.delete(CONFIG_MAP, "settings", "default") == marked
    client.patch(CONFIG_MAP, "settings", {"metadata": {"finalizers": HELD}}, "default")
    assert client.get(CONFIG_MAP, "settings", "default")["metadata"]["finalizers"] == HELD
    client.patch(CONFIG_MAP, "settings", {"metadata": {"finalizers": None}}, "default")
    with pytest.raises(NotFound):
        client.get(CONFIG_MAP, "settings", "default")


def test_a_deletion_cannot_be_taken_back_nor_held_anew(client: Client) -> None:
    client.create(CONFIG_MAP, config_map(finalizers=HELD))
    client.delete(CONFIG_MAP, "settings", "default")
    kept = client.patch(CONFIG_MAP, "settings", {"metadata": {"deletionTimestamp": None}}, "default")
    assert kept["metadata"]["deletionTimestamp"]
    with pytest.raises(Invalid, match="no new finalizers can be added"):
        client.patch(CONFIG_MAP, "settings", {"metadata": {"finalizers": [*HELD, "example.com/new"]}}, "default")


@pytest.mark.parametrize(
    ("propagation", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"])],
)
def test_propagation_becomes_a_finalizer(client: Client, propagation: str, finalizers: list[str]) -> None:
    client.create(DEPLOYMENT, deployment())
    marked = client.delete(DEPLOYMENT, "web", "default", propagation=propagation)["metadata"]
    assert marked["finalizers"] == finalizers
    assert marked["deletionTimestamp"]
    assert marked["generation"] == 2


@pytest.mark.parametrize(("propagation", "kept"), [("", True), ("Orphan", True), ("Background", False)])
def test_a_plain_delete_of_a_job_leaves_its_pods(
    client: Client, resources: Resources, propagation: str, kept: bool
) -> None:
    client.create(JOB, job())
    options = {"propagationPolicy": propagation} if propagation else {}
    answer = resources.handle(Request("delete", JOB, "default", "pi", options=options), ADMIN)
    assert (answer.object().get("metadata", {}).get("finalizers") == ["orphan"]) == kept  # type: ignore[union-attr]
    warned = "child pods are preserved by default" in str(answer.warnings)  # type: ignore[union-attr]
    assert warned == (not propagation)


def test_background_needs_none(client: Client) -> None:
    client.create(DEPLOYMENT, deployment())
    assert client.delete(DEPLOYMENT, "web", "default", propagation="Background")["status"] == "Success"


@pytest.mark.parametrize(
    ("preconditions", "sentence"),
    [
        ({"uid": "other"}, "the UID in the precondition .other. does not match the UID in record"),
        ({"resource_version": "1"}, "the ResourceVersion in the precondition .1. does not match"),
    ],
)
def test_preconditions(client: Client, preconditions: dict[str, Any], sentence: str) -> None:
    made = client.create(CONFIG_MAP, config_map())["metadata"]
    with pytest.raises(Conflict, match=sentence):
        client.delete(CONFIG_MAP, "settings", "default", **preconditions)
    client.delete(CONFIG_MAP, "settings", "default", uid=made["uid"], resource_version=made["resourceVersion"])


def test_options_come_from_the_query_without_a_body(resources: Resources, client: Client, running: Object) -> None:
    request = Request("delete", POD, "default", "web", options={"gracePeriodSeconds": "7"})
    resources.handle(request, ADMIN)
    assert client.get(POD, "web", "default")["metadata"]["deletionGracePeriodSeconds"] == 7


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], BadRequest),
        ({"gracePeriodSeconds": "soon"}, BadRequest),
        ({"propagationPolicy": "Sideways"}, Invalid),
    ],
)
def test_bad_options(resources: Resources, client: Client, body: object, error: type[Exception]) -> None:
    client.create(CONFIG_MAP, config_map())
    with pytest.raises(error):
        resources.handle(Request("delete", CONFIG_MAP, "default", "settings", body=body), ADMIN)


def test_dry_run(resources: Resources, client: Client, running: Object) -> None:
    before = resources.backend.store.revision
    resources.handle(Request("delete", POD, "default", "web", body={"dryRun": ["All"]}), ADMIN)
    resources.handle(Request("delete", POD, "default", "web", options={"dryRun": "All"}), ADMIN)
    assert resources.backend.store.revision == before


def test_a_collection(resources: Resources, client: Client) -> None:
    for name, app in (("a", "x"), ("b", "x"), ("c", "y")):
        client.create(CONFIG_MAP, config_map(name, labels={"app": app}))
    request = Request("deletecollection", CONFIG_MAP, "default", options={"labelSelector": "app=x"})
    resources.handle(request, ADMIN)
    assert [item["metadata"]["name"] for item in client.list(CONFIG_MAP, "default").items] == ["c"]


def test_namespaces_are_deleted_one_by_one(resources: Resources) -> None:
    with pytest.raises(MethodNotAllowed):
        resources.handle(Request("deletecollection", NAMESPACE), ADMIN)


def test_namespaces_stay_until_they_are_finalized(resources: Resources, client: Client) -> None:
    client.create(NAMESPACE, {"metadata": {"name": "blue"}})
    marked = client.delete(NAMESPACE, "blue")
    assert marked["status"]["phase"] == "Terminating"
    with pytest.raises(Forbidden, match="because it is being terminated") as caught:
        client.create(CONFIG_MAP, config_map(namespace="blue"))
    assert caught.value.details["causes"][0]["reason"] == "NamespaceTerminating"
    marked["spec"]["finalizers"] = []
    client.update(NAMESPACE, marked, subresource="finalize")
    with pytest.raises(NotFound):
        client.get(NAMESPACE, "blue")


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_cannot_go(client: Client, name: str) -> None:
    with pytest.raises(Forbidden, match="this namespace may not be deleted"):
        client.delete(NAMESPACE, name)


def test_marking_a_marked_object_changes_nothing() -> None:
    obj: Object = {"metadata": {"name": "x", "finalizers": HELD}}
    assert not mark(CONFIG_MAP, obj, DeleteOptions(), 100.0)
    first = {**obj["metadata"]}
    assert not mark(CONFIG_MAP, obj, DeleteOptions(grace_seconds=0, propagation="Orphan"), 200.0)
    assert obj["metadata"] == first
