from __future__ import annotations

import pytest

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.errors import NotFound
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION as CRD
from orchestrator.api.groups.core import POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.request import MERGE_PATCH, Request
from orchestrator.client.client import Client
from orchestrator.server import openapi, openapi_v2, openapi_v2_protobuf
from orchestrator.server.discovery import aggregated, resource_list
from orchestrator.server.resources import Resources
from orchestrator.server.served import ServedKinds
from tests.fakes.api import ADMIN, local_api
from tests.fakes.custom import GROUP, NAME, crontab, definition, version

ESTABLISHED = {"conditions": [{"type": "Established", "status": "True", "reason": "x", "message": "x"}]}
WHERE = f"apis/{GROUP}/v1"


@pytest.fixture
def api() -> tuple[Resources, Client]:
    resources, client = local_api()
    establish(client, definition(version(), version("v1beta1", storage=False)))
    return resources, client


def establish(client: Client, crd: Object) -> None:
    """As the controller does it."""
    made = client.create(CRD, crd)
    client.update_status(CRD, {**made, "status": {**ESTABLISHED, **accepted(made)}})


def accepted(crd: Object) -> Object:
    return {"acceptedNames": crd["spec"]["names"], "storedVersions": ["v1"]}


def kind(resources: Resources, version: str = "v1") -> Kind:
    found = resources.backend.kinds.by_path(GROUP, version, "crontabs")
    assert found is not None
    return found


def test_kinds_come_and_go_with_their_definition(api: tuple[Resources, Client]) -> None:
    resources, client = api
    kinds = resources.backend.kinds
    assert kinds.by_path("", "v1", "pods") is POD
    assert kinds.by_type(f"{GROUP}/v1", "CronTab") is kind(resources)
    assert [each.version for each in kinds.stored() if each.group == GROUP] == ["v1"]
    crd = client.get(CRD, NAME)
    crd["metadata"]["finalizers"] = []
    client.delete(CRD, NAME)
    client.update(CRD, {**client.get(CRD, NAME), "metadata": crd["metadata"] | {"resourceVersion": ""}})
    assert kinds.by_path(GROUP, "v1", "crontabs") is None


def test_a_server_that_starts_anew_serves_them(api: tuple[Resources, Client]) -> None:
    resources, _ = api
    assert ServedKinds(BUILTIN, resources.backend.store).by_path(GROUP, "v1beta1", "crontabs")


def test_a_change_of_the_status_alone_prepares_nothing_anew(api: tuple[Resources, Client]) -> None:
    resources, client = api
    before = kind(resources)
    crd = client.get(CRD, NAME)
    crd["status"]["conditions"].append({"type": "Other", "status": "True"})
    client.update_status(CRD, crd)
    assert kind(resources) is before
    crd["spec"]["versions"][0]["additionalPrinterColumns"] = []
    client.update(CRD, {**crd, "metadata": {"name": NAME}})
    assert kind(resources) is not before


def test_what_a_client_knows_of_a_kind_is_not_believed(api: tuple[Resources, Client]) -> None:
    _, client = api
    bare = Kind(GROUP, "v1", "CronTab", "crontabs")
    assert client.create(bare, crontab())["spec"]["replicas"] == 1
    with pytest.raises(NotFound, match="could not find the requested resource"):
        client.list(Kind(GROUP, "v7", "CronTab", "crontabs"))


def test_discovery_and_openapi(api: tuple[Resources, Client]) -> None:
    resources, _ = api
    kinds = resources.backend.kinds
    (crontabs, *subresources) = (resource_list(kinds, GROUP, "v1") or {})["resources"]
    assert (crontabs["shortNames"], crontabs["categories"]) == (["ct"], ["all"])
    assert [each["name"] for each in subresources] == ["crontabs/status", "crontabs/scale"]
    group = next(each for each in aggregated(kinds, core=False)["items"] if each["metadata"]["name"] == GROUP)
    assert [each["version"] for each in group["versions"]] == ["v1", "v1beta1"]
    assert WHERE in openapi.index(kinds)["paths"]
    text = (openapi.document(kinds, WHERE) or b"").decode()
    assert "com.example.stable.v1.CronTab" in text
    assert "What to run, and when." in text
    assert "strategic-merge-patch" not in text
    document = openapi_v2.document(kinds)
    assert document["definitions"]["com.example.stable.v1.CronTab"]["properties"]["spec"]["required"] == ["image"]
    assert openapi_v2_protobuf.encode(document)


def test_a_new_schema_is_a_new_document(api: tuple[Resources, Client]) -> None:
    resources, client = api
    before = openapi.etag(resources.backend.kinds, WHERE)
    crd = client.get(CRD, NAME)
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "Another."
    client.update(CRD, crd)
    assert openapi.etag(resources.backend.kinds, WHERE) != before


def test_a_watch_ends_with_its_kind(api: tuple[Resources, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.server.watch.STILL_SERVED_EVERY", 0.01)
    resources, client = api
    session = resources.watch(Request("watch", kind(resources), "default"), ADMIN)
    client.delete(CRD, NAME)
    client.patch(CRD, NAME, {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
    assert list(session.batches()) == []


def test_scale_of_what_holds_anything(api: tuple[Resources, Client]) -> None:
    resources, client = api
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    crd = client.get(CRD, NAME)
    crd["spec"]["versions"][0] |= {"schema": anything, "selectableFields": []}
    client.update(CRD, crd)
    odd = crontab() | {"spec": "text", "status": {"replicas": "many"}}
    client.create(kind(resources), odd)
    scale = client.get(kind(resources), "nightly", "default", subresource="scale")
    assert (scale["spec"], scale["status"]) == ({"replicas": 0}, {"replicas": 0, "selector": ""})
    client.patch(kind(resources), "nightly", {"spec": {"replicas": 2}}, "default", subresource="scale")
    assert client.get(kind(resources), "nightly", "default")["spec"] == {"replicas": 2}
