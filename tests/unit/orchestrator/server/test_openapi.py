from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.kinds import Kind, Kinds
from orchestrator.server import openapi

PREFIX = "#/components/schemas/"


@pytest.fixture(scope="module")
def apps() -> Any:
    data = openapi.document(BUILTIN, "apis/apps/v1")
    assert data is not None
    return orjson.loads(data)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_index_names_every_group_version() -> None:
    index = openapi.index(BUILTIN)["paths"]
    assert {"api/v1", "apis/apps/v1", "apis/coordination.k8s.io/v1"} <= index.keys()
    for where, entry in index.items():
        assert entry["serverRelativeURL"] == f"/openapi/v3/{where}?hash={openapi.etag(BUILTIN, where)}"


@pytest.mark.parametrize("where", ["", "api", "api/v2", "apis/apps", "apis/apps/v2", "apis/apps/v1/x"])
def test_there_is_no_document_for_what_is_not_served(where: str) -> None:
    assert openapi.document(BUILTIN, where) is None


def test_the_etag_tells_of_another_kind() -> None:
    fewer = Kinds(tuple(kind for kind in BUILTIN if kind.kind != "ReplicaSet"))
    assert openapi.etag(BUILTIN, "apis/apps/v1") != openapi.etag(fewer, "apis/apps/v1")
    assert openapi.etag(BUILTIN, "api/v1") == openapi.etag(fewer, "api/v1")


def test_every_reference_leads_somewhere(apps: Any) -> None:
    schemas = apps["components"]["schemas"]
    found = set(references(apps))
    assert found and {reference.removeprefix(PREFIX) for reference in found} == schemas.keys()


def test_what_kubectl_looks_up_before_it_applies(apps: Any) -> None:
    item = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    patch = item["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert patch["x-kubernetes-action"] == "patch"
    assert {"fieldValidation", "dryRun", "fieldManager"} <= {entry["name"] for entry in patch["parameters"]}
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


def test_what_kubectl_looks_up_to_explain(apps: Any) -> None:
    get = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["get"]
    assert get["x-kubernetes-group-version-kind"]["kind"] == "Deployment"
    spec = apps["components"]["schemas"]["io.k8s.api.apps.v1.DeploymentSpec"]
    assert spec["properties"]["replicas"]["type"] == "integer"
    assert spec["properties"]["replicas"]["description"]
    assert spec["properties"]["template"]["allOf"] == [{"$ref": f"{PREFIX}io.k8s.api.core.v1.PodTemplateSpec"}]


def test_what_strategic_merge_needs(apps: Any) -> None:
    containers = apps["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]


def test_types_are_openapis_not_json_schemas(apps: Any) -> None:
    schemas = apps["components"]["schemas"]
    assert schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["format"] == "int-or-string"
    assert '"null"' not in orjson.dumps(apps).decode()


def test_subresources_tell_their_own_kind(apps: Any) -> None:
    scale = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]
    assert scale["put"]["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert set(scale) == {"parameters", "get", "put", "patch"}


def test_cluster_scoped_paths_have_no_namespace() -> None:
    data = openapi.document(BUILTIN, "api/v1")
    assert data is not None
    paths = orjson.loads(data)["paths"]
    assert "/api/v1/nodes/{name}" in paths and "/api/v1/pods" in paths
    assert [entry["name"] for entry in paths["/api/v1/nodes/{name}"]["parameters"]] == ["name"]


def test_a_delete_is_answered_with_what_it_says() -> None:
    data = openapi.document(BUILTIN, "api/v1")
    assert data is not None
    paths = orjson.loads(data)["paths"]
    for path, definition in [
        ("pods", "io.k8s.api.core.v1.Pod"),
        ("configmaps", "io.k8s.apimachinery.pkg.apis.meta.v1.Status"),
    ]:
        answer = paths[f"/api/v1/namespaces/{{namespace}}/{path}/{{name}}"]["delete"]["responses"]["200"]
        assert answer["content"]["application/json"]["schema"]["$ref"].endswith(f"/{definition}")


def test_a_kind_without_a_schema_is_described_without() -> None:
    lamps = Kinds((Kind("example.com", "v1", "Lamp", "lamps"),))
    data = openapi.document(lamps, "apis/example.com/v1")
    assert data is not None
    document = orjson.loads(data)
    assert "patch" in document["paths"]["/apis/example.com/v1/namespaces/{namespace}/lamps/{name}"]
    assert f"{PREFIX}io.k8s.apimachinery.pkg.apis.meta.v1.Status" in set(references(document))
