"""Schemas and objects for the tests, with as little around them as there can be."""

from __future__ import annotations

from typing import Any

from orchestrator.api.crd.definition import schema_problems
from orchestrator.api.crd.schema import CustomSchema
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object


def of_spec(spec: Object) -> Object:
    """The schema of a resource whose `spec` has that schema."""
    return {"type": "object", "properties": {"spec": spec}}


def of_field(schema: Object, **spec: Any) -> Object:
    """The schema of a resource whose `spec.x` has that schema."""
    return of_spec({"type": "object", "properties": {"x": schema}, **spec})


def resource(spec: Any) -> Object:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "thing"}, "spec": spec}


def read(schema: Object) -> CustomSchema:
    """The schema at work; it must be one that a definition may have."""
    assert schema_problems(schema, "schema") == []
    return CustomSchema(schema)


def told(errors: list[FieldError]) -> list[str]:
    return [f"{error.field}: {error.message}" for error in errors]


def errors_of(schema: Object, x: Any, old: Any = None) -> list[str]:
    """What is wrong with a `spec.x`; of an update, when there was another."""
    before = None if old is None else resource({"x": old})
    return told(read(of_field(schema)).validate(resource({"x": x}), before))
