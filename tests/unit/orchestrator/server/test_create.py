from __future__ import annotations

import random

import pytest

from orchestrator.api.errors import AlreadyExists, BadRequest, Invalid, NotFound
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE
from orchestrator.api.request import Request
from orchestrator.client.client import Client
from orchestrator.server.generated_names import generate_name
from orchestrator.server.resources import Resources
from tests.fakes.api import ADMIN

from .objects import config_map, deployment, job


def test_stamps_what_only_the_server_may_say(client: Client) -> None:
    wanted = config_map(uid="mine", creationTimestamp="2001-01-01T00:00:00Z", deletionTimestamp="2001-01-01T00:00:00Z")
    made = client.create(CONFIG_MAP, wanted)
    meta = made["metadata"]
    assert (made["apiVersion"], made["kind"]) == ("v1", "ConfigMap")
    assert meta["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert len(meta["uid"]) == 36
    assert "deletionTimestamp" not in meta
    assert meta["resourceVersion"].isdigit()
    assert client.get(CONFIG_MAP, "settings", "default") == made


def test_generation_begins_at_one(client: Client) -> None:
    assert client.create(DEPLOYMENT, deployment())["metadata"]["generation"] == 1


def test_a_taken_name(client: Client) -> None:
    client.create(CONFIG_MAP, config_map())
    with pytest.raises(AlreadyExists, match='configmaps "settings" already exists') as caught:
        client.create(CONFIG_MAP, config_map())
    assert caught.value.details == {"name": "settings", "group": "", "kind": "configmaps"}


def test_generated_names_avoid_taken_ones(client: Client) -> None:
    # The fixture's generator starts from a fixed seed: the first suffix is taken beforehand.
    probe = random.Random(1)
    names = {
        client.create(CONFIG_MAP, {"metadata": {"generateName": "web-", "namespace": "default"}})["metadata"]["name"]
        for _ in range(50)
    }
    assert len(names) == 50
    assert all(len(name) == len("web-") + 5 for name in names)
    assert len(generate_name("x" * 100, probe)) == 63


def test_what_follows_from_a_generated_name_is_made_anew_with_it(client: Client, resources: Resources) -> None:
    wanted = {**job(), "metadata": {"generateName": "pi-", "namespace": "default"}}
    resources.backend.rng.seed(7)
    taken = client.create(JOB, wanted)
    resources.backend.rng.seed(7)
    made = client.create(JOB, wanted)
    assert made["metadata"]["name"] != taken["metadata"]["name"]
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels["batch.kubernetes.io/job-name"] == made["metadata"]["name"]
    assert labels["batch.kubernetes.io/controller-uid"] == made["metadata"]["uid"]


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        ({"metadata": {"name": "x", "resourceVersion": "7"}}, BadRequest, "resourceVersion should not be set"),
        ({"metadata": {"name": "x", "namespace": "other"}}, BadRequest, "does not match the namespace sent on"),
        ({"metadata": {"name": "x"}, "kind": "Secret"}, BadRequest, "kind in the data"),
        ({"metadata": {"name": "x"}, "apiVersion": "v2"}, BadRequest, "does not match the expected API version"),
        ({"metadata": {}}, Invalid, "name or generateName is required"),
        ({"metadata": {"name": "Not_OK"}}, Invalid, 'metadata.name: Invalid value: "Not_OK"'),
        ({"metadata": {"name": "x"}, "data": {"a": 1}}, BadRequest, "cannot unmarshal number"),
        ([], BadRequest, "the body must be an object"),
    ],
)
def test_refused(resources: Resources, body: object, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        resources.handle(Request("create", CONFIG_MAP, "default", body=body), ADMIN)


def test_unknown_fields_warn_or_refuse(resources: Resources) -> None:
    body = {"metadata": {"name": "x"}, "dta": {}}
    warned = resources.handle(Request("create", CONFIG_MAP, "default", body=body), ADMIN)
    assert warned.warnings == ('unknown field "dta"',)  # type: ignore[union-attr]
    strict = Request("create", CONFIG_MAP, "default", body=body, options={"fieldValidation": "Strict"})
    with pytest.raises(BadRequest, match='strict decoding error: unknown field "dta"'):
        resources.handle(strict, ADMIN)


def test_dry_run_checks_and_writes_nothing(client: Client, resources: Resources) -> None:
    before = resources.backend.store.revision
    made = client.create(CONFIG_MAP, config_map(), dryRun="All")
    assert made["metadata"]["uid"]
    assert resources.backend.store.revision == before
    client.create(CONFIG_MAP, config_map())
    with pytest.raises(AlreadyExists):
        client.create(CONFIG_MAP, config_map(), dryRun="All")
    with pytest.raises(Invalid, match="dryRun: Unsupported value"):
        client.create(CONFIG_MAP, config_map("y"), dryRun="Some")


def test_the_namespace_must_be_there(client: Client) -> None:
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        client.create(CONFIG_MAP, config_map(namespace="nowhere"))


def test_cluster_scoped_objects_have_no_namespace(client: Client) -> None:
    assert "namespace" not in client.create(NAMESPACE, {"metadata": {"name": "blue"}})["metadata"]


def test_the_callers_object_is_left_alone(client: Client) -> None:
    wanted = deployment()
    client.create(DEPLOYMENT, wanted)
    assert wanted == deployment()
