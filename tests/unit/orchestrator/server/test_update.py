from __future__ import annotations

import copy

import pytest

from orchestrator.api.errors import BadRequest, Conflict, Invalid, MethodNotAllowed, NotFound
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import CONFIG_MAP, POD, POD_TEMPLATE
from orchestrator.api.meta import Object
from orchestrator.api.request import JSON_PATCH, STRATEGIC_PATCH, Request
from orchestrator.client.client import Client
from orchestrator.server.resources import Resources
from tests.fakes.api import ADMIN

from .objects import config_map, deployment, job, pod


def test_writes_over_the_version_it_names(client: Client) -> None:
    first = client.create(CONFIG_MAP, config_map())
    wanted = {**first, "data": {"a": "2"}}
    second = client.update(CONFIG_MAP, wanted)
    assert second["data"] == {"a": "2"}
    with pytest.raises(Conflict) as caught:
        client.update(CONFIG_MAP, wanted)
    assert caught.value.message == (
        'Operation cannot be fulfilled on configmaps "settings": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


def test_writes_over_any_version_without_one(client: Client) -> None:
    client.create(CONFIG_MAP, config_map())
    client.update(CONFIG_MAP, {**config_map(), "data": {"a": "2"}})
    assert client.update(CONFIG_MAP, {**config_map(), "data": {"a": "3"}})["data"] == {"a": "3"}


def test_no_change_writes_nothing(client: Client, resources: Resources) -> None:
    first = client.create(DEPLOYMENT, deployment())
    before = resources.backend.store.revision
    assert client.update(DEPLOYMENT, copy.deepcopy(first)) == first
    assert client.update(DEPLOYMENT, deployment()) == first
    assert client.patch(DEPLOYMENT, "web", {"spec": {"replicas": 2}}, "default") == first
    assert resources.backend.store.revision == before


def test_server_fields_cannot_be_changed(client: Client) -> None:
    first = client.create(CONFIG_MAP, config_map())
    wanted = config_map(creationTimestamp="2001-01-01T00:00:00Z", deletionTimestamp="2001-01-01T00:00:00Z")
    meta = client.update(CONFIG_MAP, {**wanted, "data": {}})["metadata"]
    assert meta["creationTimestamp"] == first["metadata"]["creationTimestamp"]
    assert meta["uid"] == first["metadata"]["uid"]
    assert "deletionTimestamp" not in meta


def test_another_uid_is_another_object(client: Client) -> None:
    client.create(CONFIG_MAP, config_map())
    with pytest.raises(Conflict, match="UID in precondition: other"):
        client.update(CONFIG_MAP, config_map(uid="other"))


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        (config_map("other"), BadRequest, r"name of the object \(other\) does not match the name on the URL"),
        (config_map(namespace="kube-system"), BadRequest, "does not match the namespace"),
    ],
)
def test_the_body_must_be_about_the_url(
    resources: Resources, client: Client, body: Object, error: type[Exception], sentence: str
) -> None:
    client.create(CONFIG_MAP, config_map())
    with pytest.raises(error, match=sentence):
        resources.handle(Request("update", CONFIG_MAP, "default", "settings", body=body), ADMIN)


def test_update_does_not_create(client: Client) -> None:
    with pytest.raises(NotFound):
        client.update(CONFIG_MAP, config_map())


def test_generation_counts_changes_of_the_spec(client: Client) -> None:
    client.create(DEPLOYMENT, deployment())
    labelled = client.patch(DEPLOYMENT, "web", {"metadata": {"labels": {"a": "b"}}}, "default")
    assert labelled["metadata"]["generation"] == 1
    scaled = client.patch(DEPLOYMENT, "web", {"spec": {"replicas": 5}}, "default")
    assert scaled["metadata"]["generation"] == 2


def test_status_and_the_rest_are_written_apart(client: Client) -> None:
    made = client.create(DEPLOYMENT, deployment())
    made["status"] = {"replicas": 7}
    made["spec"]["replicas"] = 9
    by_status = client.update_status(DEPLOYMENT, made)
    assert (by_status["status"], by_status["spec"]["replicas"]) == ({"replicas": 7}, 2)
    by_status["status"] = {"replicas": 8}
    by_status["spec"]["replicas"] = 3
    by_main = client.update(DEPLOYMENT, by_status)
    assert (by_main["status"], by_main["spec"]["replicas"]) == ({"replicas": 7}, 3)


def test_status_patch(client: Client) -> None:
    client.create(DEPLOYMENT, deployment())
    patch = {"status": {"replicas": 4}, "spec": {"replicas": 9}}
    patched = client.patch(DEPLOYMENT, "web", patch, "default", subresource="status")
    assert (patched["status"]["replicas"], patched["spec"]["replicas"]) == (4, 2)


def test_patches_of_each_kind(client: Client) -> None:
    client.create(DEPLOYMENT, deployment())
    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nginx:2"}]}}}}
    by_strategy = client.patch(DEPLOYMENT, "web", image, "default", content_type=STRATEGIC_PATCH)
    container = by_strategy["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:2"
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 6}]
    by_json = client.patch(DEPLOYMENT, "web", operations, "default", content_type=JSON_PATCH)
    assert by_json["spec"]["replicas"] == 6


def test_a_patch_that_names_an_old_version(client: Client) -> None:
    first = client.create(CONFIG_MAP, config_map())
    client.patch(CONFIG_MAP, "settings", {"data": {"a": "2"}}, "default")
    old = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}, "data": {"a": "3"}}
    with pytest.raises(Conflict, match="the object has been modified"):
        client.patch(CONFIG_MAP, "settings", old, "default")


def test_a_patch_is_tried_again_when_others_write(client: Client, resources: Resources) -> None:
    """A writer gets in between the patch's read and write, twice."""
    client.create(CONFIG_MAP, config_map())
    store, intrusions = resources.backend.store, iter("23")
    begin = store.begin_update

    def interrupted(key: str, obj: Object, expected: int, *, by: str = "") -> object:
        if value := next(intrusions, None):
            current = store.get(key)
            begin(key, {**current.object(), "data": {"a": value}}, current.revision).wait()
        return begin(key, obj, expected, by=by)

    store.begin_update = interrupted  # type: ignore[method-assign, assignment]
    patched = client.patch(CONFIG_MAP, "settings", {"data": {"b": "1"}}, "default")
    assert patched["data"] == {"a": "3", "b": "1"}


def test_dry_run(client: Client, resources: Resources) -> None:
    client.create(CONFIG_MAP, config_map())
    before = resources.backend.store.revision
    body = {**config_map(), "data": {"a": "9"}}
    request = Request("update", CONFIG_MAP, "default", "settings", body=body, options={"dryRun": "All"})
    answer = resources.handle(request, ADMIN)
    assert answer.object()["data"] == {"a": "9"}  # type: ignore[union-attr]
    assert resources.backend.store.revision == before


def test_rules_of_the_kind_hold_for_changes(client: Client) -> None:
    client.create(POD, pod())
    with pytest.raises(Invalid):
        client.patch(POD, "web", {"spec": {"restartPolicy": "Never"}}, "default")


def test_an_unknown_subresource(resources: Resources) -> None:
    with pytest.raises(NotFound):
        resources.handle(Request("get", CONFIG_MAP, "default", "x", "scale"), ADMIN)
    with pytest.raises(MethodNotAllowed):
        resources.handle(Request("delete", DEPLOYMENT, "default", "x", "scale"), ADMIN)


def test_a_status_that_breaks_the_kinds_rules(client: Client) -> None:
    made = client.create(JOB, job())
    with pytest.raises(Invalid, match=r"status\.ready: Invalid value: 3: cannot set more ready pods than active"):
        client.update_status(JOB, {**made, "status": {"ready": 3}})
    assert client.update_status(JOB, {**made, "status": {"active": 3, "ready": 3}})["status"]["ready"] == 3


def test_the_generation_follows_what_is_wanted(client: Client) -> None:
    meta = {"name": "web", "namespace": "default"}
    made = client.create(POD_TEMPLATE, {"metadata": meta, "template": pod()})
    labelled = client.update(POD_TEMPLATE, {**made, "metadata": {**made["metadata"], "labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 1
    changed = client.patch(POD_TEMPLATE, "web", {"template": {"spec": {"hostNetwork": True}}}, "default")
    assert changed["metadata"]["generation"] == 2
