"""How a value falls into parts, by its type."""

from __future__ import annotations

from typing import Any

import orjson

from orchestrator.api import schema
from orchestrator.api.kinds import Kind
from orchestrator.api.schema import Field

#: The type of a value. Of a custom resource without a schema nothing is known: objects are maps, the rest is whole.
Shape = Field | None

#: What a key of a list's items means where it is left out; of other keys that may be, the empty string.
_KEY_DEFAULTS = {"protocol": "TCP"}


def of(kind: Kind) -> Shape:
    if kind.schema is not None:
        return kind.schema.type
    struct = schema.load().of(kind)
    return None if struct is None else struct.whole


def is_map(shape: Shape, value: Any) -> bool:
    """True for an object whose fields have owners of their own."""
    return isinstance(value, dict) and (shape is None or (shape.type != "list" and not shape.atomic))


def is_list(shape: Shape, value: Any) -> bool:
    """True for a list whose items have owners of their own."""
    return isinstance(value, list) and shape is not None and shape.type == "list" and not shape.atomic


def is_named(shape: Shape, key: str) -> bool:
    """True for a field of a struct, False for a key of a map."""
    return shape is not None and shape.struct is not None and key in shape.struct.fields


def under(shape: Shape, key: str) -> Shape:
    """The type of an object's field."""
    if shape is None:
        return None
    return shape.struct.fields.get(key) if shape.struct is not None else shape.items


def below(shape: Shape, element: str) -> Shape:
    """The type of what a path's element leads to."""
    return under(shape, element[2:]) if element.startswith("f:") else shape and shape.items


def item_element(shape: Field, item: Any) -> str:
    """The path element of a list's item; a key that is missing and has no default is null in it."""
    if shape.list_type == "set":
        return f"v:{orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()}"
    keys = {key: item_key(shape, item, key) for key in shape.list_map_keys}
    return f"k:{orjson.dumps(keys).decode()}"


def item_key(shape: Field, item: Any, key: str) -> Any:
    value = item.get(key) if isinstance(item, dict) else None
    if value is None and shape.items is not None and (struct := shape.items.struct) is not None:
        if key in struct.fields and struct.fields[key].default is not None:
            return struct.fields[key].default
        return None if key in struct.required else _KEY_DEFAULTS.get(key, "")
    return value


def items(shape: Field, values: list[Any]) -> dict[str, list[Any]]:
    """The items of a list by their elements. Of a valid list there is one under each, but not every list is valid."""
    groups: dict[str, list[Any]] = {}
    for item in values:
        groups.setdefault(item_element(shape, item), []).append(item)
    return groups
