"""The keywords of a schema, each for itself and beside the others at the same place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.api.crd.node import EMBEDDED, LIST_MAP_KEYS, LIST_TYPE, MAP_TYPE, PRESERVE, TYPE_AND_METADATA
from orchestrator.api.crd.shape import below
from orchestrator.api.errors import FieldError, forbidden, invalid, not_supported, required
from orchestrator.api.meta import Object

Errors = Iterator[FieldError]

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_ATOMIC_ITEM = "must be atomic as item of a list with x-kubernetes-list-type=set"
_IS_KEY = "this property is in x-kubernetes-list-map-keys, so it"


def problems(schema: Object, path: str) -> list[FieldError]:
    return list(_problems(schema, path, is_root=True, in_metadata=False, no_defaults=""))


def _problems(schema: Object, path: str, *, is_root: bool, in_metadata: bool, no_defaults: str) -> Errors:
    """`no_defaults` says where defaults are forbidden; "" where they are not."""
    if schema.get("default") is not None and no_defaults:
        yield forbidden(f"{path}.default", f"must not be set {no_defaults}")
    if in_metadata and schema.get(EMBEDDED):
        yield forbidden(f"{path}.{EMBEDDED}", "must not be used inside of resource meta")
    yield from _keywords(schema, path)
    yield from _list(schema, path)
    yield from _map(schema, path)
    for place, inner in below(schema, path):
        name = (
            place.removeprefix(f"{path}.properties[").removesuffix("]") if ".properties[" in place[len(path) :] else ""
        )
        about = name in TYPE_AND_METADATA and (is_root or bool(schema.get(EMBEDDED)))
        within, forbids = in_metadata or about, no_defaults
        if about and is_root:
            forbids = f"in top-level {name}"
        elif in_metadata and place == f"{path}.additionalProperties":
            forbids = "inside additionalProperties applying to object metadata"
        yield from _problems(inner, place, is_root=False, in_metadata=within, no_defaults=forbids)


def _keywords(schema: Object, path: str) -> Errors:
    get = schema.get
    kind = get("type")
    if kind == "null":
        yield forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    elif kind and kind not in _TYPES:
        yield not_supported(f"{path}.type", kind, _TYPES)
    for name in _UNSUPPORTED:
        if get(name):
            yield forbidden(f"{path}.{name}", f"{name} is not supported")
    if get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{path}.uniqueItems", why)
    if isinstance(get("items"), list):
        yield forbidden(f"{path}.items", "items must be a schema object and not an array")
    field = f"{path}.additionalProperties"
    if get("additionalProperties") is False:
        yield forbidden(field, "additionalProperties cannot be set to false")
    if get("properties") and isinstance(get("additionalProperties"), dict):
        yield forbidden(field, "additionalProperties and properties are mutual exclusive")
    if get(PRESERVE) is False:
        yield invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")


def _map(schema: Object, path: str) -> Errors:
    if (kind := schema.get(MAP_TYPE)) is None:
        return
    yield from _of_type(schema, path, "object", MAP_TYPE)
    if kind not in ("atomic", "granular"):
        yield not_supported(f"{path}.{MAP_TYPE}", kind, ("atomic", "granular"))


def _of_type(schema: Object, path: str, wanted: str, keyword: str) -> Errors:
    kind, why = schema.get("type"), f"must be {wanted} if {keyword} is specified"
    if not kind:
        yield required(f"{path}.type", why)
    elif kind != wanted:
        yield invalid(f"{path}.type", kind, why)


def _list(schema: Object, path: str) -> Errors:
    kind, keys = schema.get(LIST_TYPE), schema.get(LIST_MAP_KEYS) or []
    if keys and kind != "map":
        field, why = f"{path}.{LIST_TYPE}", "must be map if x-kubernetes-list-map-keys is non-empty"
        yield required(field, why) if kind is None else invalid(field, kind, why)
    if kind is None:
        return
    yield from _of_type(schema, path, "array", LIST_TYPE)
    if kind not in ("atomic", "set", "map"):
        yield not_supported(f"{path}.{LIST_TYPE}", kind, ("atomic", "set", "map"))
    items = schema.get("items")
    if kind in ("set", "map") and isinstance(items, dict):
        if items.get("nullable"):
            yield forbidden(f"{path}.items.nullable", f"cannot be nullable when x-kubernetes-list-type is {kind}")
        yield from (_set(items, path) if kind == "set" else _list_map(items, keys, path))
    if kind == "map" and not keys:
        yield required(f"{path}.{LIST_MAP_KEYS}", "must not be empty if x-kubernetes-list-type is map")
    if kind == "map" and items is None:
        yield required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map")


def _set(items: Object, path: str) -> Errors:
    if items.get("type") == "array" and items.get(LIST_TYPE) not in (None, "atomic"):
        yield invalid(f"{path}.items.{LIST_TYPE}", items[LIST_TYPE], _ATOMIC_ITEM)
    if items.get("type") == "object" and items.get(MAP_TYPE) != "atomic":
        yield invalid(f"{path}.items.{MAP_TYPE}", items.get(MAP_TYPE), _ATOMIC_ITEM)


def _list_map(items: Object, keys: list[str], path: str) -> Errors:
    if items.get("type") != "object":
        why = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid(f"{path}.items.type", items.get("type") or "", why)
        return
    if len(set(keys)) < len(keys):
        yield invalid(f"{path}.{LIST_MAP_KEYS}", keys, "must not contain duplicate entries")
    properties: dict[str, Any] = items.get("properties") or {}
    for key in dict.fromkeys(keys):
        field, inner = f"{path}.items.properties[{key}]", properties.get(key)
        if inner is None:
            yield invalid(f"{path}.{LIST_MAP_KEYS}", keys, "entries must all be names of item properties")
            continue
        if inner.get("type") in ("array", "object"):
            why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            yield invalid(f"{field}.type", inner["type"], why)
        if key not in (items.get("required") or ()) and inner.get("default") is None:
            yield required(f"{field}.default", f"{_IS_KEY} must have a default or be a required property")
        if inner.get("nullable"):
            yield forbidden(f"{field}.nullable", f"{_IS_KEY} cannot be nullable")
