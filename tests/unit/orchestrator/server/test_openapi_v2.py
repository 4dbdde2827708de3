from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.kinds import Kind, Kinds
from orchestrator.api.meta import Object
from orchestrator.server import openapi_v2, openapi_v2_protobuf
from tests.fakes import kubectl_descriptors

from .test_openapi import references

PREFIX = "#/definitions/"
DEFINES = {"CustomResourceDefinition"}
DEPLOYMENT = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


@pytest.fixture(scope="module")
def document() -> Object:
    return openapi_v2.document(BUILTIN)


def test_every_reference_leads_somewhere(document: Object) -> None:
    found = {reference.removeprefix(PREFIX) for reference in references(document)}
    assert found and found == document["definitions"].keys()


def test_all_kinds_are_in_one_document(document: Object) -> None:
    for kind in BUILTIN:
        path = f"/{kind.plural}/{{name}}" if kind.stored else f"/{kind.plural}"
        assert any(served.endswith(path) for served in document["paths"]), kind.kind


def test_nothing_of_v3_is_left() -> None:
    # The schema of a definition has properties of these names.
    text = orjson.dumps(openapi_v2.document(Kinds(kind for kind in BUILTIN if kind.kind not in DEFINES))).decode()
    for word in ('"oneOf"', '"allOf"', '"components"', '"requestBody"', '"content"'):
        assert word not in text


def test_what_kubectl_looks_up_before_it_applies(document: Object) -> None:
    patch = document["paths"][DEPLOYMENT]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert "application/strategic-merge-patch+json" in patch["consumes"]
    parameters = {entry["name"]: entry for entry in patch["parameters"]}
    assert parameters["fieldValidation"]["in"] == "query" and parameters["fieldValidation"]["type"] == "string"
    assert parameters["body"]["schema"] == {"$ref": f"{PREFIX}io.k8s.apimachinery.pkg.apis.meta.v1.Patch"}


def test_references_have_their_description_beside_them(document: Object) -> None:
    template = document["definitions"]["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["template"]
    assert template["$ref"] == f"{PREFIX}io.k8s.api.core.v1.PodTemplateSpec"
    assert template["description"]
    either = document["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]
    assert (either["type"], either["format"]) == ("string", "int-or-string")


@pytest.mark.kubectl
def test_gnostic_reads_the_protobuf_form(document: Object, kubectl: Path) -> None:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(kubectl_descriptors.openapi_v2(kubectl).SerializeToString())
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName("openapi.v2.Document"))
    read: Any = message.FromString(openapi_v2_protobuf.encode(document))
    assert not list(unknown_fields(read))
    assert (read.swagger, read.info.title) == ("2.0", "Kubernetes")
    paths = {entry.name: entry.value for entry in read.paths.path}
    assert paths.keys() == document["paths"].keys()
    patch = paths[DEPLOYMENT].patch
    query = [entry.parameter.non_body_parameter.query_parameter_sub_schema for entry in patch.parameters[:-1]]
    assert {"dryRun", "fieldValidation"} <= {each.name for each in query}
    assert {(each.type, each.unique_items) for each in query} == {("string", True), ("boolean", True)}
    assert patch.parameters[-1].parameter.body_parameter.schema._ref.endswith("v1.Patch")
    extensions = {entry.name: orjson.loads(entry.value.yaml) for entry in patch.vendor_extension}
    assert extensions["x-kubernetes-group-version-kind"]["kind"] == "Deployment"
    assert patch.responses.response_code[0].value.response.schema.schema._ref.endswith("v1.Deployment")
    schemas = {entry.name: entry.value for entry in read.definitions.additional_properties}
    assert schemas.keys() == document["definitions"].keys()
    spec = schemas["io.k8s.api.apps.v1.DeploymentSpec"]
    replicas = next(entry.value for entry in spec.properties.additional_properties if entry.name == "replicas")
    assert (list(replicas.type.value), replicas.format) == (["integer"], "int32")
    assert list(spec.required) == ["selector", "template"]


def unknown_fields(message: Message) -> Iterator[int]:
    """Numbers that are in the data and not in the descriptor."""
    yield from (each.field_number for each in UnknownFieldSet(message))
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for inner in [value] if isinstance(value, Message) else value:
                yield from unknown_fields(inner)


def test_kinds_of_the_user_can_be_written_too() -> None:
    lamps = Kinds((Kind("example.com", "v1", "Lamp", "lamps"),))
    assert b"lamps" in openapi_v2_protobuf.encode(openapi_v2.document(lamps))
