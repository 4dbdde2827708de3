"""Pruning and defaulting, and the type that server-side apply sees."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.typed.merge import merge
from tests.unit.orchestrator.api.crd.schemas import of_field, of_spec, read, resource

_STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "value", "kept", "dropped"),
    [
        ({"type": "object", "properties": {"a": _STRING}}, {"a": "1", "b": "2"}, {"a": "1"}, ["spec.x.b"]),
        ({"type": "object"}, {"a": {"b": 1}}, {}, ["spec.x.a"]),
        ({"type": "object", "additionalProperties": _STRING}, {"a": "1"}, {"a": "1"}, []),
        ({"type": "object", "additionalProperties": True}, {"a": {"b": 1}}, {"a": {}}, ["spec.x.a.b"]),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": _STRING}}},
            [{"a": "1"}, {"b": "2"}],
            [{"a": "1"}, {}],
            ["spec.x[1].b"],
        ),
        (
            {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": True,
                "properties": {"a": {"type": "object", "properties": {"b": _STRING}}},
            },
            {"a": {"b": "1", "c": "2"}, "d": {"e": 1}},
            {"a": {"b": "1"}, "d": {"e": 1}},
            ["spec.x.a.c"],
        ),
    ],
)
def test_unknown_fields_go(schema: dict[str, Any], value: Any, kept: Any, dropped: list[str]) -> None:
    obj = resource({"x": value})
    assert read(of_field(schema)).prune(obj) == dropped
    assert obj == resource({"x": kept})


def test_type_and_metadata_stay_whatever_the_schema_says() -> None:
    obj = resource({})
    obj["extra"] = 1
    assert read({"type": "object"}).prune(obj) == ["extra", "spec"]
    assert obj == {key: value for key, value in resource({}).items() if key != "spec"}


@pytest.mark.parametrize(
    ("schema", "spec", "filled"),
    [
        ({"type": "integer", "default": 3}, {}, {"x": 3}),
        ({"type": "integer", "default": 3}, {"x": 4}, {"x": 4}),
        ({"type": "integer", "default": 3}, {"x": None}, {"x": 3}),
        ({"type": "integer", "default": 3, "nullable": True}, {"x": None}, {"x": None}),
        ({"type": "integer"}, {"x": None}, {}),
        ({"type": "object", "default": {}, "properties": {"y": {**_STRING, "default": "z"}}}, {}, {"x": {"y": "z"}}),
        ({"type": "object", "properties": {"y": {**_STRING, "default": "z"}}}, {}, {}),
        ({"type": "array", "items": {"type": "integer", "default": 1}}, {"x": [None, 2]}, {"x": [1, 2]}),
        (
            {
                "type": "object",
                "additionalProperties": {"type": "object", "properties": {"y": {**_STRING, "default": "z"}}},
            },
            {"x": {"k": {}, "n": None}},
            {"x": {"k": {"y": "z"}}},
        ),
    ],
)
def test_defaults_are_filled_in(schema: dict[str, Any], spec: Any, filled: Any) -> None:
    obj = resource(spec)
    read(of_field(schema)).default(obj)
    assert obj == resource(filled)


def test_a_default_belongs_to_one_object() -> None:
    schema = read(of_field({"type": "array", "items": _STRING, "default": []}))
    first, second = resource({}), resource({})
    schema.default(first)
    first["spec"]["x"].append("mine")
    schema.default(second)
    assert second["spec"] == {"x": []}


def test_server_side_apply_merges_by_the_list_types() -> None:
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["port", "protocol"],
        "items": {
            "type": "object",
            "required": ["port"],
            "properties": {
                "port": {"type": "integer"},
                "protocol": {**_STRING, "default": "UDP"},
                "name": _STRING,
            },
        },
    }
    fields = {
        "ports": ports,
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": _STRING},
        "list": {"type": "array", "items": _STRING},
        "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": _STRING},
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    }
    live = {
        "ports": [{"port": 1, "protocol": "UDP", "name": "a"}],
        "set": ["a"],
        "list": ["a"],
        "whole": {"a": "1"},
        "open": {"a": {"b": 1}},
    }
    applied = {
        "ports": [{"port": 1, "name": "b"}],
        "set": ["b"],
        "list": ["b"],
        "whole": {"b": "2"},
        "open": {"a": {"c": 2}},
    }
    shape = read(of_spec({"type": "object", "properties": fields})).type
    assert merge(shape, resource(live), resource(applied)) == resource(
        {
            "ports": [{"port": 1, "protocol": "UDP", "name": "b"}],
            "set": ["a", "b"],
            "list": ["b"],
            "whole": {"b": "2"},
            "open": {"a": {"b": 1, "c": 2}},
        }
    )
