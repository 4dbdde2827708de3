"""OpenAPI v2 ("Swagger"), which older kubectls read: all group-versions in one document, made of their v3 parts."""

from __future__ import annotations

from typing import Any

from orchestrator import KUBERNETES_VERSION
from orchestrator.api import schema
from orchestrator.api.kinds import Kinds
from orchestrator.api.meta import Object
from orchestrator.server import openapi_custom, openapi_schemas
from orchestrator.server.openapi_paths import paths

_V3_PREFIX = openapi_schemas.reference("")["$ref"]
_V2_PREFIX = "#/definitions/"


def document(kinds: Kinds) -> Object:
    definitions = schema.read_definitions()
    described = paths(list(kinds), schema.types(definitions) | openapi_custom.names(kinds))
    custom = openapi_custom.definitions(kinds, definitions, v2=True)
    schemas = openapi_schemas.closure(definitions, described, custom)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": f"v{KUBERNETES_VERSION}"},
        "paths": {path: _item(item) for path, item in described.items()},
        "definitions": {name: _schema(node) for name, node in schemas.items()},
    }


def _item(item: Object) -> Object:
    return {key: _parameters(value) if key == "parameters" else _operation(value) for key, value in item.items()}


def _operation(operation: Object) -> Object:
    """A body is one parameter among the others, and media types belong to the operation."""
    converted = {key: value for key, value in operation.items() if key != "requestBody"}
    converted["parameters"] = _parameters(operation["parameters"])
    if body := operation.get("requestBody"):
        media_types, node = _one_schema(body["content"])
        converted["consumes"] = media_types
        required = body.get("required", False)
        converted["parameters"].append({"name": "body", "in": "body", "required": required, "schema": node})
    converted["responses"] = {code: _response(answer) for code, answer in operation["responses"].items()}
    return converted


def _one_schema(content: Object) -> tuple[list[str], Object]:
    """The media types and what they all carry."""
    return list(content), _schema(next(iter(content.values()))["schema"])


def _parameters(parameters: list[Object]) -> list[Object]:
    """Of query and path: their type stands beside their name."""
    return [
        {key: value for key, value in parameter.items() if key != "schema"} | parameter["schema"]
        for parameter in parameters
    ]


def _response(answer: Object) -> Object:
    _, node = _one_schema(answer["content"])
    return {"description": answer["description"], "schema": node}


def _schema(node: Object) -> Object:
    """References may have siblings; a type that is more than one JSON type is a string."""
    converted: Object = {}
    for key, value in node.items():
        match key:
            case "allOf":
                converted |= _schema(value[0])
            case "oneOf":
                converted["type"] = "string"
            case _:
                converted[key] = _value(key, value)
    return converted


def _value(key: str, value: Any) -> Any:
    match key:
        case "$ref":
            return _V2_PREFIX + value.removeprefix(_V3_PREFIX)
        case "properties":
            return {name: _schema(node) for name, node in value.items()}
        case "items" | "additionalProperties" if isinstance(value, dict):
            return _schema(value)
    return value
