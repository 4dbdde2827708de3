"""A schema as the type that server-side apply sees (`orchestrator.api.typed`)."""

from __future__ import annotations

from orchestrator.api import schema
from orchestrator.api.crd.node import MAP_TYPE, TYPE_AND_METADATA, Node
from orchestrator.api.schema import Field, Struct

_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
#: What nothing is known of: its objects are maps, the rest is whole.
_DEDUCED = Field("map")


def type_of(node: Node) -> Field:
    """The type of the values at a node."""
    if node.properties or node.embedded:
        return Field("struct", _struct(node), default=node.default)
    if node.schema.get("type") == "array":
        return Field(
            "list",
            items=type_of(node.items) if node.items is not None else _DEDUCED,
            list_type=node.list_type,
            list_map_keys=tuple(sorted(node.list_map_keys)),
            default=node.default,
        )
    if node.schema.get("type") == "object" or node.preserve:
        items = type_of(node.additional) if node.additional is not None else None
        return Field("map", items=items, map_type=node.schema.get(MAP_TYPE) or "granular", default=node.default)
    return Field("any", default=node.default)


def _struct(node: Node) -> Struct:
    struct = Struct("", "", atomic=not node.has_granular_map)
    struct.fields = {name: type_of(inner) for name, inner in node.properties.items()}
    if node.embedded:
        struct.fields |= dict.fromkeys(TYPE_AND_METADATA, Field("string"))
        struct.fields["metadata"] = schema.load().named(_METADATA).whole
    struct.required = frozenset(node.schema.get("required") or ())
    return struct
