"""An openAPIV3Schema as a tree of nodes, read once, so that objects can be walked beside it.

A node is one place of the objects: its structure (what is below), its extensions (`x-kubernetes-*`) and the checks of
its value. What stands in `allOf`, `anyOf`, `oneOf` and `not` checks values only; it has no say in the structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orchestrator.api.meta import Object

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"
LIST_TYPE: Final = "x-kubernetes-list-type"
LIST_MAP_KEYS: Final = "x-kubernetes-list-map-keys"
MAP_TYPE: Final = "x-kubernetes-map-type"
RULES: Final = "x-kubernetes-validations"
#: What an object has that is a resource (the root, and embedded ones), whatever its schema says.
TYPE_AND_METADATA: Final = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One place of the objects. `schema` is its JSON; its checks are read from there (`values.py`, `rules.py`).

    `additional` is the node of a map's values; `any_additional` is true for `additionalProperties: true`, which allows
    any key and knows nothing of the values. `default` is None where there is none: null is no default.
    """

    schema: Object
    properties: dict[str, Node]
    items: Node | None = None
    additional: Node | None = None
    any_additional: bool = False
    default: Any = None
    nullable: bool = False
    preserve: bool = False
    embedded: bool = False

    @property
    def list_type(self) -> str:
        return self.schema.get(LIST_TYPE) or "atomic"

    @property
    def list_map_keys(self) -> tuple[str, ...]:
        return tuple(self.schema.get(LIST_MAP_KEYS) or ())

    @property
    def has_granular_map(self) -> bool:
        return self.schema.get(MAP_TYPE) != "atomic"

    def under(self, key: str) -> Node | None:
        """The node of an object's field, or of a map's value."""
        return self.properties.get(key) or self.additional


def read(schema: Object, *, embedded: bool = False) -> Node:
    """The node of a schema that is structural (`structural.py`). `embedded` is true for the root."""
    items, additional = schema.get("items"), schema.get("additionalProperties")
    return Node(
        schema,
        {name: read(inner) for name, inner in (schema.get("properties") or {}).items()},
        items=read(items) if isinstance(items, dict) else None,
        additional=read(additional) if isinstance(additional, dict) else None,
        any_additional=additional is True,
        default=schema.get("default"),
        nullable=bool(schema.get("nullable")),
        preserve=bool(schema.get(PRESERVE)),
        embedded=embedded or bool(schema.get(EMBEDDED)),
    )
