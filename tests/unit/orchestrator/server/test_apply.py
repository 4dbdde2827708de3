from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from orchestrator.api import last_applied
from orchestrator.api.errors import ApiError, BadRequest, Conflict, Invalid, NotFound
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import CONFIG_MAP, POD, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.request import APPLY_PATCH, Request
from orchestrator.client.client import Client
from orchestrator.server.resources import Resources
from orchestrator.server.results import Single
from orchestrator.util.clock import FakeClock
from tests.fakes.api import ADMIN

from .objects import config_map, deployment, pod, service


class Applier:
    """Applies as one manager."""

    def __init__(self, resources: Resources, manager: str = "ann") -> None:
        self._resources = resources
        self._manager = manager

    def request(self, kind: Kind, configuration: Any, **options: str) -> Request:
        meta = configuration["metadata"]
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **configuration}
        options = {"fieldManager": self._manager, **options}
        return Request(
            "patch", kind, meta["namespace"], meta["name"], options=options, body=body, content_type=APPLY_PATCH
        )

    def send(self, request: Request) -> Single:
        answer = self._resources.handle(request, ADMIN)
        assert isinstance(answer, Single)
        return answer

    def __call__(self, kind: Kind, configuration: Any, **options: str) -> Object:
        return self.send(self.request(kind, configuration, **options)).object()


@pytest.fixture
def ann(resources: Resources) -> Applier:
    return Applier(resources)


@pytest.fixture
def bob(resources: Resources) -> Applier:
    return Applier(resources, "bob")


def owners(obj: Object) -> dict[tuple[str, str, str], Any]:
    return {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields", [])
    }


DATA_A = {"f:data": {"f:a": {}}}


def test_an_object_that_is_not_there_is_created(ann: Applier) -> None:
    answer = ann.send(ann.request(DEPLOYMENT, deployment()))
    assert answer.code == 201
    made = answer.object()
    assert made["spec"]["strategy"]["type"] == "RollingUpdate"
    fields = owners(made)["ann", "Apply", ""]
    assert set(fields["f:spec"]) == {"f:replicas", "f:selector", "f:template"}, "defaults have no owner"
    assert ann.send(ann.request(DEPLOYMENT, deployment())).code == 200


def test_applying_the_same_again_writes_nothing(resources: Resources, ann: Applier, clock: FakeClock) -> None:
    for kind, body in ((DEPLOYMENT, deployment()), (SERVICE, service()), (POD, pod()), (CONFIG_MAP, config_map())):
        first = ann(kind, body)
        before = resources.backend.store.revision
        clock.advance(60)
        assert ann(kind, body) == first
        assert resources.backend.store.revision == before


def test_only_what_changes_is_written(ann: Applier) -> None:
    ann(SERVICE, service(port={"name": "web"}))
    address = ann(SERVICE, service())["spec"]["clusterIP"]
    assert address
    changed = ann(SERVICE, service(port={"targetPort": 8080}))
    assert changed["spec"]["clusterIP"] == address
    assert changed["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 8080}]


def test_conflict_and_force(ann: Applier, bob: Applier) -> None:
    ann(CONFIG_MAP, config_map())
    other = {**config_map(), "data": {"a": "2"}}
    with pytest.raises(Conflict, match=r'Apply failed with 1 conflict: conflict with "ann": .data.a'):
        bob(CONFIG_MAP, other)
    forced = bob(CONFIG_MAP, other, force="true")
    assert forced["data"] == {"a": "2"}
    assert owners(forced) == {("bob", "Apply", ""): DATA_A}


def test_dry_run(resources: Resources, ann: Applier, client: Client) -> None:
    before = resources.backend.store.revision
    assert ann(CONFIG_MAP, config_map(), dryRun="All")["data"] == {"a": "1"}
    assert resources.backend.store.revision == before
    ann(CONFIG_MAP, config_map())
    assert ann(CONFIG_MAP, {**config_map(), "data": {"b": "1"}}, dryRun="All")["data"] == {"b": "1"}
    assert client.get(CONFIG_MAP, "settings", "default")["data"] == {"a": "1"}


def test_the_status_has_owners_of_its_own(ann: Applier, client: Client) -> None:
    ann(DEPLOYMENT, {**deployment(), "status": {"replicas": 9}})
    assert client.get(DEPLOYMENT, "web", "default")["status"] == {}
    request = replace(
        ann.request(DEPLOYMENT, {**deployment(replicas=7), "status": {"replicas": 2}}), subresource="status"
    )
    answer = ann.send(request).object()
    assert (answer["status"], answer["spec"]["replicas"]) == ({"replicas": 2}, 2)
    assert owners(answer)["ann", "Apply", "status"] == {"f:status": {"f:replicas": {}}}
    with pytest.raises(NotFound):
        ann.send(replace(request, name="other", body={**request.body, "metadata": {}}))


def test_the_scale(ann: Applier, bob: Applier, client: Client) -> None:
    ann(DEPLOYMENT, deployment())
    scale = {"metadata": {"name": "web", "namespace": "default"}, "spec": {"replicas": 5}}
    body = {"apiVersion": "autoscaling/v1", "kind": "Scale", **scale}
    request = replace(bob.request(DEPLOYMENT, scale), subresource="scale", body=body)
    with pytest.raises(Conflict, match=r'conflict with "ann": .spec.replicas'):
        bob.send(request)
    answer = bob.send(replace(request, options={**request.options, "force": "true"})).object()
    assert (answer["kind"], answer["spec"]) == ("Scale", {"replicas": 5})
    owned = owners(client.get(DEPLOYMENT, "web", "default"))
    assert owned["bob", "Apply", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in owned["ann", "Apply", ""]["f:spec"]


BODY: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}


@pytest.mark.parametrize(
    ("body", "options", "error", "sentence"),
    [
        (
            BODY,
            {},
            Invalid,
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply',
        ),
        (BODY, {"fieldManager": "x" * 129}, Invalid, "fieldManager: Invalid value: .*: may not be longer than 128"),
        (BODY, {"fieldManager": "a\n"}, Invalid, "should only contain printable characters"),
        ([], {}, BadRequest, "error decoding YAML"),
        (
            {**BODY, "apiVersion": "apps/v1"},
            {},
            BadRequest,
            "Incorrect version specified in apply patch. Specified patch version: apps/v1, expected: v1",
        ),
        ({**BODY, "kind": "Pod"}, {}, BadRequest, r"kind in the data \(Pod\) does not match"),
        ({**BODY, "metadata": {"managedFields": [{}]}}, {}, BadRequest, "^metadata.managedFields must be nil$"),
        ({**BODY, "metadata": "x"}, {}, BadRequest, "cannot unmarshal string"),
        ({**BODY, "metadata": None, "data": 1}, {}, BadRequest, "cannot unmarshal number"),
        ({**BODY, "metadata": {"name": "other"}}, {}, BadRequest, "does not match the name on the URL"),
        (
            {**BODY, "metadata": {"namespace": "other"}},
            {"fieldManager": "a"},
            BadRequest,
            "does not match the namespace",
        ),
        (
            {**BODY, "metadata": {"uid": "u"}},
            {"fieldManager": "a"},
            Conflict,
            "uid mismatch: .* uid u, and no existing",
        ),
        (
            {**BODY, "dota": {}},
            {"fieldValidation": "Ignore"},
            BadRequest,
            r"failed to create typed patch object \(default/settings; v1, Kind=ConfigMap\): "
            ".dota: field not declared in schema",
        ),
        (
            {**BODY, "metadata": {"finalizers": ["a/b", "a/b"]}},
            {},
            BadRequest,
            "duplicate entries for key",
        ),
    ],
)
def test_what_is_refused(
    resources: Resources, body: Any, options: dict[str, str], error: type[ApiError], sentence: str
) -> None:
    request = Request("patch", CONFIG_MAP, "default", "settings", options=options, body=body, content_type=APPLY_PATCH)
    with pytest.raises(error, match=sentence):
        resources.handle(request, ADMIN)


def test_fields_given_twice(ann: Applier) -> None:
    request = replace(ann.request(CONFIG_MAP, config_map(), fieldValidation="Strict"), duplicates=("data.a",))
    with pytest.raises(BadRequest, match=r'error strict decoding YAML: duplicate field "data.a"'):
        ann.send(request)
    warned = ann.send(replace(request, options={"fieldManager": "ann"}))
    assert warned.warnings == ('duplicate field "data.a"',)


def test_a_version_that_is_named_must_be_current(ann: Applier) -> None:
    old = ann(CONFIG_MAP, config_map())["metadata"]["resourceVersion"]
    ann(CONFIG_MAP, {**config_map(), "data": {"a": "2"}})
    with pytest.raises(Conflict, match="the object has been modified"):
        ann(CONFIG_MAP, {**config_map(resourceVersion=old), "data": {"a": "3"}})


def test_force_is_for_applies(client: Client, resources: Resources) -> None:
    client.create(CONFIG_MAP, config_map())
    request = Request("patch", CONFIG_MAP, "default", "settings", options={"force": "true"}, body={})
    with pytest.raises(Invalid, match="force: Forbidden: may not be specified for non-apply patch"):
        resources.handle(replace(request, content_type="application/merge-patch+json"), ADMIN)


def test_creating_owns_what_was_given_and_defaulted(client: Client) -> None:
    fields = owners(client.create(DEPLOYMENT, deployment()))["kubernetes-admin", "Update", ""]
    assert "f:status" not in fields
    assert "f:metadata" not in fields
    assert fields["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"main"}']["f:imagePullPolicy"] == {}


def test_every_write_moves_what_it_changes(resources: Resources, client: Client) -> None:
    client.create(DEPLOYMENT, deployment())

    def send(verb: Any, manager: str, body: Object, subresource: str = "") -> None:
        request = Request(
            verb,
            DEPLOYMENT,
            "default",
            "web",
            subresource,
            options={"fieldManager": manager},
            body=body,
            content_type="application/merge-patch+json",
        )
        resources.handle(request, ADMIN)

    send("patch", "patcher", {"metadata": {"labels": {"x": "y"}}})
    send("update", "updater", deployment(replicas=4))
    send("patch", "scaler", {"spec": {"replicas": 5}}, "scale")
    send("patch", "reporter", {"status": {"replicas": 1}}, "status")
    owned = owners(client.get(DEPLOYMENT, "web", "default"))
    assert set(owned) == {
        ("kubernetes-admin", "Update", ""),
        ("scaler", "Update", "scale"),
        ("reporter", "Update", "status"),
    }
    assert owned["scaler", "Update", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert owned["reporter", "Update", "status"] == {"f:status": {"f:replicas": {}}}


def test_the_user_agent_is_the_manager_unless_one_is_named(resources: Resources) -> None:
    request = Request("create", CONFIG_MAP, "default", body=config_map(), agent="kubectl")
    made = resources.handle(request, ADMIN)
    assert isinstance(made, Single)
    assert list(owners(made.object())) == [("kubectl", "Update", "")]


def test_no_change_leaves_owners_and_their_times(resources: Resources, client: Client, clock: FakeClock) -> None:
    first = client.create(CONFIG_MAP, config_map())
    clock.advance(60)
    request = Request("update", CONFIG_MAP, "default", "settings", body=config_map(), options={"fieldManager": "other"})
    answer = resources.handle(request, ADMIN)
    assert isinstance(answer, Single)
    assert answer.object() == first


def test_clients_may_take_owners_off_and_set_them(client: Client, bob: Applier) -> None:
    first = client.create(CONFIG_MAP, config_map())
    without = client.update(CONFIG_MAP, config_map())
    assert without["metadata"]["managedFields"] == first["metadata"]["managedFields"], "left out is no change"
    entry = {**first["metadata"]["managedFields"][0], "manager": "else"}
    moved = client.patch(CONFIG_MAP, "settings", {"metadata": {"managedFields": [entry]}}, "default")
    assert list(owners(moved)) == [("else", "Update", "")]
    unreadable = [{"manager": "x", "operation": "y"}]
    same = client.patch(CONFIG_MAP, "settings", {"metadata": {"managedFields": unreadable}}, "default")
    assert same == moved
    reset = client.patch(CONFIG_MAP, "settings", {"metadata": {"managedFields": [{}]}}, "default")
    assert "managedFields" not in reset["metadata"]
    untracked = client.update(CONFIG_MAP, {**config_map(), "data": {"a": "2"}})
    assert "managedFields" not in untracked["metadata"]
    applied = bob(CONFIG_MAP, {**config_map(), "data": {"a": "2"}})
    assert set(owners(applied)) == {("bob", "Apply", ""), ("before-first-apply", "Update", "")}


def test_binding_has_no_owner(client: Client) -> None:
    made = client.create(POD, pod())
    client.bind(made, "n1", POD)
    bound = client.get(POD, "web", "default")
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["metadata"]["managedFields"] == made["metadata"]["managedFields"]


def test_kubectl_takes_over_what_it_applied_itself(resources: Resources, client: Client) -> None:
    """As kubectl before 1.26, which left the migration to the server."""
    told = {**config_map(), "data": {"a": "1", "b": "1"}}
    first = {
        **told,
        "metadata": {**told["metadata"], "annotations": {last_applied.ANNOTATION: orjson.dumps(told).decode()}},
    }
    client.create(CONFIG_MAP, first)
    client.patch(CONFIG_MAP, "settings", {"data": {"b": "changed"}}, "default")
    with pytest.raises(Conflict, match=r"1 conflict: .*: .data.b"):
        Applier(resources, "kubectl")(CONFIG_MAP, {**config_map(), "data": {"a": "2", "b": "2"}})
    applied = Applier(resources, "kubectl")(CONFIG_MAP, {**config_map(), "data": {"a": "2"}})
    assert applied["data"] == {"a": "2", "b": "changed"}
    annotation = orjson.loads(applied["metadata"]["annotations"][last_applied.ANNOTATION])
    assert annotation["data"] == {"a": "2"}


def test_an_object_that_appears_meanwhile_is_applied_to(resources: Resources, ann: Applier, client: Client) -> None:
    """Somebody creates the object between the look for it and its creation."""
    store, create = resources.backend.store, resources.backend.store.begin_create

    def slow(key: str, obj: Object, *, by: str = "") -> object:
        store.begin_create = create  # type: ignore[method-assign]
        client.create(CONFIG_MAP, {**config_map(), "data": {"b": "1"}})
        return create(key, obj, by=by)

    store.begin_create = slow  # type: ignore[method-assign, assignment]
    assert ann(CONFIG_MAP, config_map())["data"] == {"a": "1", "b": "1"}
