"""Any structural schema and any JSON value: pruning, defaulting and validating hold together."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.api.crd.definition import schema_problems
from orchestrator.api.crd.schema import CustomSchema

_NAMES = st.sampled_from(["a", "b", "c", "apiVersion", "kind", "metadata"])
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=12,
)
_SCALARS = st.sampled_from(
    [
        {"type": "integer", "minimum": 0},
        {"type": "integer", "default": 1},
        {"type": "number", "multipleOf": 0.5, "nullable": True},
        {"type": "string", "maxLength": 2, "pattern": "^[a-z]*$", "default": "d"},
        {"type": "string", "enum": ["a", "b"], "format": "uuid"},
        {"type": "boolean", "not": {"enum": [False]}},
        {"type": "integer", "x-kubernetes-validations": [{"rule": "self + 1 > 0 && self != 3"}]},
        {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]},
        {"type": "string", "format": "duration", "x-kubernetes-validations": [{"rule": "self > duration('1s')"}]},
        {"x-kubernetes-int-or-string": True, "x-kubernetes-validations": [{"rule": "self == 1"}]},
        {"x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "additionalProperties": True},
    ]
)


def _containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(_NAMES.filter(lambda name: name in "abc"), inner, max_size=3)
    objects = st.builds(
        lambda fields, needed: {"type": "object", "properties": fields, "required": sorted(needed & set(fields))},
        properties,
        st.sets(st.sampled_from("abc")),
    )
    lists = st.builds(lambda item: {"type": "array", "items": item, "x-kubernetes-list-type": "atomic"}, inner)
    return objects | lists | st.builds(lambda item: {"type": "object", "additionalProperties": item}, inner)


_SCHEMAS = st.builds(
    lambda fields: {"type": "object", "properties": fields},
    st.dictionaries(st.sampled_from("abc"), st.recursive(_SCALARS, _containers, max_leaves=6), max_size=3),
).filter(lambda schema: not schema_problems(schema, "schema"))
_OBJECTS = st.dictionaries(_NAMES, _JSON, max_size=4)


@settings(deadline=None, max_examples=150)
@given(_SCHEMAS, _OBJECTS, st.none() | _OBJECTS)
def test_every_object_gets_an_answer(schema: dict[str, Any], obj: dict[str, Any], old: dict[str, Any] | None) -> None:
    custom = CustomSchema(schema)
    custom.prune(obj)
    custom.default(obj)
    for error in custom.validate(obj, old):
        assert error.field
        assert error.reason.startswith("FieldValue")


@settings(deadline=None, max_examples=150)
@given(_SCHEMAS, _OBJECTS)
def test_pruning_and_defaulting_are_done_once(schema: dict[str, Any], obj: dict[str, Any]) -> None:
    custom = CustomSchema(schema)
    custom.prune(obj)
    custom.default(obj)
    done = copy.deepcopy(obj)
    assert custom.prune(obj) == []
    custom.default(obj)
    assert obj == done


@settings(deadline=None, max_examples=150)
@given(_SCHEMAS, _OBJECTS)
@example(
    {
        "type": "object",
        "properties": {"a": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}},
    },
    {"a": False},
)
def test_an_update_that_changes_nothing_is_valid(schema: dict[str, Any], obj: dict[str, Any]) -> None:
    custom = CustomSchema(schema)
    custom.prune(obj)
    custom.default(obj)
    errors = custom.validate(obj, copy.deepcopy(obj))
    # Metadata of embedded resources is judged always, as Kubernetes does.
    assert all(".apiVersion" in error.field or ".kind" in error.field or ".metadata" in error.field for error in errors)


@settings(deadline=None)
@given(_JSON)
def test_anything_may_be_sent_as_a_schema(schema: Any) -> None:
    for keyword in ("properties", "items", "allOf", "default", "x-kubernetes-validations", "enum", "required"):
        schema_problems({"type": "object", keyword: schema}, "schema")
        schema_problems({"type": "object", "properties": {"a": {"type": "array", keyword: schema}}}, "schema")
