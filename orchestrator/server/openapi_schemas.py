"""The `components.schemas` of an OpenAPI v3 document, made of the JSON schemas that Kubernetes' types are kept in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.api.meta import Object
from orchestrator.api.schema import Definitions

_PREFIX = "#/components/schemas/"
_DEFINITION = "#/$defs/"
#: Types that are more than one JSON type, written as kubectl knows them.
_UNIONS: dict[str, Object] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "format": "int-or-string",
    },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
}


def reference(definition: str) -> Object:
    return {"$ref": f"{_PREFIX}{definition}"}


def closure(definitions: Definitions, root: Any, custom: Definitions) -> Object:
    """Every schema that `root` refers to, and that those refer to; `custom` are ready as they are."""
    schemas: Object = {}
    missing = set(_references(root))
    while missing:
        name = missing.pop()
        schemas[name] = custom.get(name) or _convert(definitions[name]) | _UNIONS.get(name, {})
        missing |= set(_references(schemas[name])) - schemas.keys()
    return dict(sorted(schemas.items()))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix(_PREFIX)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _convert(node: Object) -> Object:
    """One schema node: nulls are not types in OpenAPI v3.0, and a reference has no siblings."""
    converted = {key: _value(key, value) for key, value in node.items() if key not in ("$ref", "enum")}
    if "$ref" not in node:
        return converted
    target = reference(node["$ref"].removeprefix(_DEFINITION))
    return {**converted, "allOf": [target]} if converted else target


def _value(key: str, value: Any) -> Any:
    match key:
        case "type":
            return value[0] if isinstance(value, list) else value
        case "properties":
            return {name: _convert(node) for name, node in value.items()}
        case "items" | "additionalProperties" if isinstance(value, dict):
            return _convert(value)
        case "oneOf":
            return [_convert(node) for node in value]
    return value
