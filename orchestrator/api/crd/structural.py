"""Whether a schema is structural: every field has one type, told outside of `allOf`, `anyOf`, `oneOf` and `not`.

After `k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.api.crd import patterns
from orchestrator.api.crd.node import EMBEDDED, INT_OR_STRING, LIST_MAP_KEYS, LIST_TYPE, MAP_TYPE, PRESERVE, RULES
from orchestrator.api.errors import FieldError, forbidden, invalid, required
from orchestrator.api.meta import Object

Errors = Iterator[FieldError]

_EITHER = [{"type": "integer"}, {"type": "string"}]
_MUST_BE_OBJECT = "must be object if x-kubernetes-embedded-resource is true"
_ONLY_NAMES = "must not specify anything other than name and generateName, but metadata is implicitly specified"
_UNTYPED = {
    "root": "must not be empty at the root",
    "items": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
#: What may not stand where only values are validated, and what it must be instead.
_FORBIDDEN_NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "externalDocs": "must be undefined to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    LIST_MAP_KEYS: "must be empty to be structural",
    LIST_TYPE: "must be undefined to be structural",
    MAP_TYPE: "must be undefined to be structural",
    RULES: "must be empty to be structural",
}
#: Keywords that say nothing of metadata's values beside those of its fields.
_METADATA_MAY = {"type", "description", "properties", "default"}


def problems(schema: Object, path: str) -> list[FieldError]:
    """Everything that keeps a schema from being structural, sorted as Kubernetes sorts it."""
    errors = [*_spine(schema, path, "root"), *_completeness(schema, path)]
    return sorted(errors, key=lambda error: (error.field, error.message))


def _spine(schema: Object, path: str, level: str) -> Errors:
    """Where the structure is told. `level` is "root", "items" or "field"."""
    get = schema.get
    if get("type") == "array" and get("items") is None:
        yield required(f"{path}.items", "must be specified")
    if isinstance(get("items"), dict):
        yield from _spine(schema["items"], f"{path}.items", "items")
    for name, inner in (get("properties") or {}).items():
        yield from _spine(inner, f"{path}.properties[{name}]", "field")
    yield from _additional(schema, path, level)
    yield from _extensions(schema, path)
    yield from _validations(schema, path, either=True)
    yield from _types(schema, path, level)
    yield from _metadata(schema, path, level)


def _additional(schema: Object, path: str, level: str) -> Errors:
    additional, field = schema.get("additionalProperties"), f"{path}.additionalProperties"
    if additional is not None and level == "root":
        yield forbidden(field, "must not be used at the root")
    if additional is not None and schema.get(EMBEDDED):
        yield forbidden(field, "must not be used if x-kubernetes-embedded-resource is set")
    if isinstance(additional, dict):
        yield from _spine(additional, field, "field")


def _extensions(schema: Object, path: str) -> Errors:
    if schema.get(INT_OR_STRING):
        for name in (PRESERVE, EMBEDDED):
            if schema.get(name):
                yield invalid(f"{path}.{name}", True, "must be false if x-kubernetes-int-or-string is true")
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not schema.get("properties"):
        why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        yield required(f"{path}.properties", why)


def _types(schema: Object, path: str, level: str) -> Errors:
    kind, field = schema.get("type") or "", f"{path}.type"
    if schema.get(EMBEDDED) and kind != "object":
        yield invalid(field, kind, _MUST_BE_OBJECT) if kind else required(field, _MUST_BE_OBJECT)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield required(field, _UNTYPED[level])
    if level == "root" and kind and kind != "object":
        yield invalid(field, kind, "must be object at the root")


def _metadata(schema: Object, path: str, level: str) -> Errors:
    if level != "root" and not schema.get(EMBEDDED):
        return
    properties = schema.get("properties") or {}
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        if name in properties and properties[name].get("type") != wanted:
            kind = properties[name].get("type") or ""
            yield invalid(f"{path}.properties[{name}].type", kind, f"must be {wanted}")
    metadata = properties.get("metadata")
    if level == "root" and metadata is not None:
        inner = set(metadata.get("properties") or ())
        said = {name for name, value in metadata.items() if value not in (None, False, "", [], {})}
        if not inner <= {"name", "generateName"} or not said <= _METADATA_MAY or metadata.get("description"):
            yield forbidden(f"{path}.properties[metadata]", _ONLY_NAMES)


def _validations(schema: Object, path: str, *, either: bool) -> Errors:
    """The validations of values. `either` allows the two forms in which int-or-string tells its types there."""
    any_of, all_of = schema.get("anyOf") or [], schema.get("allOf") or []
    if not (either and any_of == _EITHER):
        for index, inner in enumerate(any_of):
            yield from _nested(inner, f"{path}.anyOf[{index}]")
    for index, inner in enumerate(all_of):
        in_first = either and index == 0 and inner.get("anyOf") == _EITHER
        yield from _nested(inner, f"{path}.allOf[{index}]", either=in_first)
    for index, inner in enumerate(schema.get("oneOf") or ()):
        yield from _nested(inner, f"{path}.oneOf[{index}]")
    if schema.get("not") is not None:
        yield from _nested(schema["not"], f"{path}.not")
    if pattern := schema.get("pattern"):
        try:
            patterns.matcher(pattern)
        except ValueError as error:
            yield invalid(f"{path}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}")


def _nested(schema: Object, path: str, *, either: bool = False) -> Errors:
    """Within `allOf` and its kin: values may be validated, nothing may be told of the structure."""
    yield from _validations(schema, path, either=either)
    if isinstance(schema.get("items"), dict):
        yield from _nested(schema["items"], f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        yield from _nested(inner, f"{path}.properties[{name}]")
    for name, why in _FORBIDDEN_NESTED.items():
        if schema.get(name) not in (None, False, "", []):
            yield forbidden(f"{path}.{name}", why)
    if "metadata" in (schema.get("properties") or {}):
        yield forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _completeness(schema: Object, path: str) -> Errors:
    """What is validated anywhere is a field of the structure, too."""
    for inner, place in _junctors(schema, path):
        yield from _covered(inner, schema, place, path)


def _junctors(schema: Object, path: str) -> Iterator[tuple[Object, str]]:
    for name in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(name) or ()):
            yield inner, f"{path}.{name}[{index}]"
    if schema.get("not") is not None:
        yield schema["not"], f"{path}.not"


def _covered(nested: Object, spine: Any, place: str, path: str) -> Errors:
    """`path` is where, in the structure, what `nested` tells of should be."""
    for inner, below in _junctors(nested, place):
        yield from _covered(inner, spine, below, path)
    if isinstance(nested.get("items"), dict):
        yield from _covered_at(nested["items"], spine.get("items"), f"{place}.items", f"{path}.items")
    known = spine.get("properties") or {}
    for name, inner in (nested.get("properties") or {}).items():
        step = f".properties[{name}]"
        yield from _covered_at(inner, known.get(name), f"{place}{step}", f"{path}{step}")


def _covered_at(nested: Object, spine: Any, place: str, path: str) -> Errors:
    if isinstance(spine, dict):
        yield from _covered(nested, spine, place, path)
    else:
        yield required(path, f"because it is defined in {place}")
