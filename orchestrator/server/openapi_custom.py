"""The OpenAPI definitions of custom kinds: their schemas, with the type and the metadata that every object has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.schema import Definitions
from orchestrator.server.openapi_schemas import reference

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
#: Where the type's two fields are described, as in every built-in kind.
_TYPED = "io.k8s.api.core.v1.ConfigMap"
_TYPE_FIELDS = ("apiVersion", "kind")
#: What OpenAPI v2 can say of a custom resource; what it cannot is left to the server.
_V2 = ("description", "format", "required", "type")


def names(kinds: Iterable[Kind]) -> dict[tuple[str, str], str]:
    """(apiVersion, kind) -> definition name, the kinds' lists too."""
    return {
        (kind.api_version, each): _name(kind, each)
        for kind in kinds
        if kind.document is not None
        for each in (kind.kind, kind.list_kind)
    }


def definitions(kinds: Iterable[Kind], builtin: Definitions, *, v2: bool = False) -> Definitions:
    """Ready for `components.schemas`; for `v2` with only what that can say."""
    typed = builtin[_TYPED]["properties"]
    found: Definitions = {}
    for kind in kinds:
        if (document := kind.document) is not None:
            found[_name(kind, kind.kind)] = _object(kind, _reduced(document) if v2 else document, typed)
            found[_name(kind, kind.list_kind)] = _list(kind, typed)
    return found


def _name(kind: Kind, each: str) -> str:
    """`com.example.v1.Widget`."""
    return ".".join((*reversed(kind.group.split(".")), kind.version, each))


def _object(kind: Kind, document: Object, typed: Object) -> Object:
    properties = {**(document.get("properties") or {}), **_typed_fields(typed), "metadata": _meta("ObjectMeta")}
    return {**document, "type": "object", "properties": properties, **_gvk(kind, kind.kind)}


def _list(kind: Kind, typed: Object) -> Object:
    items: Object = {
        "description": f"List of {kind.plural}.",
        "type": "array",
        "items": reference(_name(kind, kind.kind)),
    }
    return {
        "description": f"{kind.list_kind} is a list of {kind.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {**_typed_fields(typed), "items": items, "metadata": _meta("ListMeta")},
        **_gvk(kind, kind.list_kind),
    }


def _typed_fields(typed: Object) -> Object:
    return {field: {"description": typed[field].get("description", ""), "type": "string"} for field in _TYPE_FIELDS}


def _meta(name: str) -> Object:
    return reference(f"{_META}.{name}")


def _gvk(kind: Kind, name: str) -> Object:
    return {"x-kubernetes-group-version-kind": [{"group": kind.group, "version": kind.version, "kind": name}]}


def _reduced(node: Object) -> Object:
    return dict(_reduced_fields(node))


def _reduced_fields(node: Object) -> Iterator[tuple[str, Any]]:
    """Of what may hold anything only the description stays, so that nobody checks it before the server does."""
    anything = node.get("x-kubernetes-preserve-unknown-fields") or node.get("nullable")
    for key, value in node.items():
        if key.startswith("x-") or key == "description":
            yield key, value
        elif anything:
            continue
        elif key in _V2:
            yield key, value
        elif key == "properties":
            yield key, {name: _reduced(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties"):
            yield key, _reduced(value) if isinstance(value, dict) else value
