"""Defaults of a schema: what is filled in must itself be valid, and known to the schema."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from orchestrator.api.crd import embedded, node, prune, values
from orchestrator.api.crd.node import Node
from orchestrator.api.errors import FieldError, invalid
from orchestrator.api.meta import Object


def problems(schema: Object, path: str) -> list[FieldError]:
    return list(_walk(node.read(schema), path))


def _walk(place: Node, path: str) -> Iterator[FieldError]:
    if place.default is not None:
        yield from _one(place, f"{path}.default")
    for name, inner in place.properties.items():
        yield from _walk(inner, f"{path}.properties[{name}]")
    if place.items is not None:
        yield from _walk(place.items, f"{path}.items")
    if place.additional is not None:
        yield from _walk(place.additional, f"{path}.additionalProperties")


def _one(place: Node, field: str) -> Iterator[FieldError]:
    pruned = copy.deepcopy(place.default)
    prune.prune_value(place, pruned)
    if pruned != place.default:
        yield invalid(field, place.default, "must not have unknown fields")
    found = [*embedded.validate_at(place, place.default, field), *values.Check(place.schema).at("", place.default)]
    for error in found:
        inner = error.field if error.field.startswith(field) else _join(field, error.field)
        yield FieldError(inner, error.reason, error.message)


def _join(field: str, inner: str) -> str:
    return field if inner == "<nil>" else f"{field}.{inner}"
