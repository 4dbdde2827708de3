"""Whether a schema is of the form of a JSONSchemaProps at all: what reads it later need not ask again.

The body of a request is checked against the type of a CustomResourceDefinition, but that type leaves `items` and
`additionalProperties` open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.api.crd.node import RULES
from orchestrator.api.errors import FieldError, invalid
from orchestrator.api.meta import Object

#: Deeper than this no schema is, and what walks it need not fear for its stack.
MAX_DEPTH = 60

_Check = Callable[[Any], bool]


def _is(*types: type) -> _Check:
    return lambda value: type(value) in types


def _list_of(*types: type) -> _Check:
    return lambda value: isinstance(value, list) and all(type(item) in types for item in value)


_string, _boolean, _integer, _number, _object = _is(str), _is(bool), _is(int), _is(int, float), _is(dict)
_strings = _list_of(str)
#: Keyword -> (what it must be, in words, and as a check). Others are not Kubernetes', and are pruned from the CRD.
_KEYWORDS: dict[str, tuple[str, _Check]] = {
    **dict.fromkeys(
        ("$ref", "$schema", "description", "format", "id", "pattern", "title", "type"), ("a string", _string)
    ),
    **dict.fromkeys(("x-kubernetes-list-type", "x-kubernetes-map-type"), ("a string", _string)),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "nullable", "uniqueItems"), ("a boolean", _boolean)),
    **dict.fromkeys(
        (
            "x-kubernetes-embedded-resource",
            "x-kubernetes-int-or-string",
            "x-kubernetes-preserve-unknown-fields",
        ),
        ("a boolean", _boolean),
    ),
    **dict.fromkeys(
        ("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"), ("an integer", _integer)
    ),
    **dict.fromkeys(("maximum", "minimum"), ("a number", _number)),
    "multipleOf": ("a number greater than 0", lambda value: _number(value) and value > 0),
    "enum": ("a list", _is(list)),
    **dict.fromkeys(("required", "x-kubernetes-list-map-keys"), ("a list of strings", _strings)),
    RULES: ("a list of objects", _list_of(dict)),
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), ("a list of objects", _list_of(dict))),
    **dict.fromkeys(("not", "properties"), ("an object", _object)),
    "items": ("an object", _is(dict, list)),
    "additionalProperties": ("an object or a boolean", _is(dict, bool)),
}
_RULE: dict[str, tuple[str, _Check]] = {
    **dict.fromkeys(("fieldPath", "message", "messageExpression", "reason", "rule"), ("a string", _string)),
    "optionalOldSelf": ("a boolean", _boolean),
}


def problems(schema: Any, path: str) -> list[FieldError]:
    """What has a wrong type, and what nests too deep."""
    errors: list[FieldError] = []
    level = [(path, schema)]
    for _ in range(MAX_DEPTH):
        errors += [error for place, inner in level for error in _of_one(inner, place)]
        if errors or not level:
            return errors
        level = [child for place, inner in level for child in below(inner, place)]
    return [invalid(path, "...", f"must not nest deeper than {MAX_DEPTH} levels")]


def _of_one(schema: Any, path: str) -> Iterator[FieldError]:
    if not isinstance(schema, dict):
        yield invalid(path, schema, "must be an object")
        return
    errors = list(_typed(schema, _KEYWORDS, path))
    yield from errors
    for index, rule in enumerate(() if errors else schema.get(RULES) or ()):
        yield from _typed(rule, _RULE, f"{path}.{RULES}[{index}]")


def _typed(obj: Object, table: dict[str, tuple[str, _Check]], path: str) -> Iterator[FieldError]:
    for name, (wanted, holds) in table.items():
        if (value := obj.get(name)) is not None and not holds(value):
            yield invalid(f"{path}.{name}", value, f"must be {wanted}")


def below(schema: Object, path: str) -> Iterator[tuple[str, Any]]:
    """The schemas within a schema, with their paths."""
    for name in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(name), dict):
            yield f"{path}.{name}", schema[name]
    for name, inner in (schema.get("properties") or {}).items():
        yield f"{path}.properties[{name}]", inner
    for name in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(name) or ()):
            yield f"{path}.{name}[{index}]", inner
