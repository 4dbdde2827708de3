"""Values against a schema's validations, in the words that kubectl's users know."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.crd.schema import CustomSchema
from tests.unit.orchestrator.api.crd.schemas import errors_of, of_field, of_spec, read, resource, told

_INT_OR_STRING = {"x-kubernetes-int-or-string": True}


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "integer"}, "a", 'Invalid value: "string": spec.x in body must be of type integer: "string"'),
        ({"type": "integer"}, 1.5, 'Invalid value: "number": spec.x in body must be of type integer: "number"'),
        ({"type": "string"}, True, 'Invalid value: "boolean": spec.x in body must be of type string: "boolean"'),
        ({"type": "boolean"}, 1, 'Invalid value: "integer": spec.x in body must be of type boolean: "integer"'),
        ({"type": "string"}, None, 'Invalid value: "null": spec.x in body must be of type string: "null"'),
        (_INT_OR_STRING, [], 'Invalid value: "array": spec.x in body must be of type integer,string: "array"'),
        (
            {"type": "integer", "maximum": 10},
            11,
            "Invalid value: 11: spec.x in body should be less than or equal to 10",
        ),
        (
            {"type": "number", "minimum": 0.5, "exclusiveMinimum": True},
            0.5,
            "Invalid value: 0.5: spec.x in body should be greater than 0.5",
        ),
        (
            {"type": "number", "multipleOf": 0.1},
            0.25,
            "Invalid value: 0.25: spec.x in body should be a multiple of 0.1",
        ),
        ({"type": "string", "maxLength": 2}, "äöü", "Too long: may not be more than 2 bytes"),
        ({"type": "string", "minLength": 2}, "ä", 'Invalid value: "ä": spec.x in body should be at least 2 chars long'),
        ({"type": "string", "pattern": "^a+$"}, "b", "Invalid value: \"b\": spec.x in body should match '^a+$'"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "integer", "enum": [1, 2]}, 3, 'Unsupported value: 3: supported values: "1", "2"'),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            [],
            "Invalid value: 0: spec.x in body should have at least 1 items",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 1},
            ["a", "b"],
            "Too many: 2: must have at most 1 items",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 0},
            {"a": "b"},
            "Too many: 1: must have at most 0 items",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
            {},
            "Invalid value: 0: spec.x in body should have at least 1 properties",
        ),
        (
            {"type": "string", "format": "date-time"},
            "today",
            'Invalid value: "today": spec.x in body must be of type date-time: "today"',
        ),
    ],
)
def test_a_wrong_value_is_named(schema: dict[str, Any], value: Any, sentence: str) -> None:
    assert errors_of(schema, value) == [f"spec.x: {sentence}"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.0),
        ({"type": "number"}, 1),
        ({"type": "string", "nullable": True}, None),
        ({"type": "string", "maxLength": 3}, "äöü"),
        ({"type": "number", "multipleOf": 0.1}, 0.3),
        ({"type": "number", "enum": [1]}, 1.0),
        ({"type": "string", "format": "no-such-format"}, "anything"),
        (_INT_OR_STRING, 80),
        (_INT_OR_STRING, "http"),
        ({"x-kubernetes-preserve-unknown-fields": True}, [{"any": 1}]),
    ],
)
def test_a_right_value_passes(schema: dict[str, Any], value: Any) -> None:
    assert errors_of(schema, value) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-02-29T10:00:00.5+01:00", "2024-02-30T10:00:00Z"),
        ("duration", "1h30m", "1 parsec"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "fe80::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("mac", "00:1a:2b:3c:4d:5e", "00:1a:2b:3c:4d"),
        ("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810"),
        ("uuid4", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("email", "a@example.com", "a at example.com"),
        ("hostname", "a.example.com", "a..example.com"),
        ("uri", "https://example.com/a", "example"),
        ("byte", "YQ==", "YQ"),
        ("hexcolor", "#ff0000", "#ff"),
        ("rgbcolor", "rgb(255, 0, 0)", "rgb(256,0,0)"),
        ("isbn", "978-0-306-40615-7", "978-0-306-40615-8"),
        ("isbn10", "0-306-40615-2", "0-306-40615-3"),
        ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        ("ssn", "123-45-6789", "123"),
        ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
    ],
)
def test_a_format_is_checked(name: str, right: str, wrong: str) -> None:
    schema = {"type": "string", "format": name}
    assert errors_of(schema, right) == []
    assert errors_of(schema, wrong) != []


def test_a_required_field_is_asked_for() -> None:
    schema = of_spec({"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}})
    assert told(read(schema).validate(resource({}), None)) == ["spec.x: Required value"]


@pytest.mark.parametrize(
    ("junctor", "right", "sentence"),
    [
        ({"anyOf": [{"minimum": 5}, {"maximum": 1}]}, 5, '"spec.x" must validate at least one schema (anyOf)'),
        (
            {"oneOf": [{"minimum": 5}, {"maximum": 1}]},
            1,
            '"spec.x" must validate one and only one schema (oneOf). Found none valid',
        ),
        (
            {"oneOf": [{"minimum": 1}, {"maximum": 5}]},
            6,
            '"spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
        ),
        ({"allOf": [{"minimum": 5}]}, 5, '"spec.x" must validate all the schemas (allOf)'),
        ({"not": {"minimum": 1}}, 0, '"spec.x" must not validate the schema (not)'),
    ],
)
def test_a_junctor_is_named_in_the_sentence(junctor: dict[str, Any], right: int, sentence: str) -> None:
    schema = {"type": "integer", **junctor}
    errors = errors_of(schema, 3)
    assert errors[0] == f'<nil>: Invalid value: "": {sentence}'
    assert errors_of(schema, right) == []


def test_what_an_update_leaves_as_it_was_may_stay_wrong() -> None:
    schema = CustomSchema(of_field({"type": "integer", "maximum": 1}, required=["x"]))
    assert schema.validate(resource({"x": 5}), resource({"x": 5})) == []
    assert told(schema.validate(resource({"x": 6}), resource({"x": 5}))) != []


def test_an_item_of_a_map_list_is_found_again_by_its_key() -> None:
    item = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "size": {"type": "integer", "maximum": 1}},
    }
    schema = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": item}
    old = [{"name": "a", "size": 5}]
    assert errors_of(schema, [{"name": "b"}, *old], old) == []
    assert errors_of({**schema, "x-kubernetes-list-type": "map"}, [{"name": "b", "size": 5}, *old], old) == [
        "spec.x[0].size: Invalid value: 5: spec.x[0].size in body should be less than or equal to 1"
    ]


def test_a_set_has_no_item_twice_unless_it_had() -> None:
    schema = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
    assert errors_of(schema, ["a", "b", "a"]) == ['spec.x[2]: Duplicate value: "a"']
    assert errors_of(schema, ["a", "b", "a"], ["b", "b"]) == []


def test_an_embedded_resource_has_a_type_and_right_metadata() -> None:
    schema = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    assert errors_of(schema, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}) == []
    errors = errors_of(schema, {"kind": "Pod", "metadata": {"labels": {"a b": "c"}}})
    assert errors[0] == "spec.x.apiVersion: Required value"
    assert errors[1].startswith('spec.x.metadata.labels: Invalid value: "a b": name part must consist of')


def test_embedded_metadata_is_pruned_of_what_is_none() -> None:
    schema = read(
        of_field(
            {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
        )
    )
    obj = resource({"x": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "colour": "red"}}})
    assert schema.prune(obj) == ["spec.x.metadata.colour"]
    assert obj["spec"]["x"]["metadata"] == {"name": "a"}


def test_a_pattern_that_would_never_end_elsewhere_ends() -> None:
    assert len(errors_of({"type": "string", "pattern": "^(a+)+$"}, "a" * 50_000 + "b")) == 1
