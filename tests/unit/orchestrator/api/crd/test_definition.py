"""What a schema may not say, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.crd.definition import schema_problems
from tests.unit.orchestrator.api.crd.schemas import of_field, told

_X = "schema.properties[spec].properties[x]"
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_LIST, _KEYS, _MAP = "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"
_OBJECTS = {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}}


def _rule(**rule: Any) -> dict[str, Any]:
    return {"type": "integer", "x-kubernetes-validations": [rule]}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({}, ".type: Required value: must not be empty for specified object fields"),
        ({"type": "array"}, ".items: Required value: must be specified"),
        ({"type": "array", "items": {}}, ".items.type: Required value: must not be empty for specified array items"),
        ({"type": "null"}, ".type: Forbidden: type cannot be set to null, use nullable as an alternative"),
        (
            {"type": "text"},
            ".type: Unsupported value: "
            '"text": supported values: "array", "boolean", "integer", "number", "object", "string"',
        ),
        ({"type": "string", "$ref": "#/a"}, ".$ref: Forbidden: $ref is not supported"),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            {"type": "object", "additionalProperties": False},
            ".additionalProperties: Forbidden: additionalProperties cannot be set to false",
        ),
        ({"type": "object", _PRESERVE: False}, f".{_PRESERVE}: Invalid value: false: must be true or undefined"),
        (
            {"type": "string", "pattern": "("},
            '.pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: missing ): (',
        ),
        (
            {"type": "string", "pattern": "(?=a)"},
            ".pattern: Invalid value: "
            '"(?=a)": must be a valid regular expression, but isn\'t: invalid perl operator: (?=',
        ),
        (
            {"type": "string", "anyOf": [{"type": "string"}]},
            ".anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        ({"type": "string", "not": {"default": "a"}}, ".not.default: Forbidden: must be undefined to be structural"),
        ({"type": "string", _LIST: "set"}, f'.type: Invalid value: "string": must be array if {_LIST} is specified'),
        ({**_OBJECTS, _LIST: "bag"}, f'.{_LIST}: Unsupported value: "bag": supported values: "atomic", "set", "map"'),
        (
            {**_OBJECTS, _LIST: "set"},
            f".items.{_MAP}: Invalid value: null: must be atomic as item of a list with {_LIST}=set",
        ),
        ({**_OBJECTS, _LIST: "map"}, f".{_KEYS}: Required value: must not be empty if {_LIST} is map"),
        (
            {**_OBJECTS, _LIST: "map", _KEYS: ["j"]},
            f'.{_KEYS}: Invalid value: ["j"]: entries must all be names of item properties',
        ),
        (
            {**_OBJECTS, _LIST: "map", _KEYS: ["k"]},
            f".items.properties[k].default: Required value: "
            f"this property is in {_KEYS}, so it must have a default or be a required property",
        ),
        ({**_OBJECTS, _KEYS: ["k"]}, f".{_LIST}: Required value: must be map if {_KEYS} is non-empty"),
        ({"type": "string", _MAP: "atomic"}, f'.type: Invalid value: "string": must be object if {_MAP} is specified'),
        (
            {"x-kubernetes-int-or-string": True, _PRESERVE: True},
            f".{_PRESERVE}: Invalid value: true: must be false if x-kubernetes-int-or-string is true",
        ),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            f".properties: Required value: "
            f"must not be empty if x-kubernetes-embedded-resource is true without {_PRESERVE}",
        ),
        (
            {"type": "integer", "default": "a"},
            '.default: Invalid value: "string":  in body must be of type integer: "string"',
        ),
        ({"type": "object", "default": {"a": 1}}, '.default: Invalid value: {"a":1}: must not have unknown fields'),
        ({"type": "integer", "multipleOf": 0}, ".multipleOf: Invalid value: 0: must be a number greater than 0"),
        ({"type": "integer", "maximum": "1"}, '.maximum: Invalid value: "1": must be a number'),
        (_rule(rule=""), ".x-kubernetes-validations[0].rule: Required value: rule is not specified"),
        (
            _rule(rule="self >\n1"),
            ".x-kubernetes-validations[0].message: Required value: "
            "message must be specified if rule contains line breaks",
        ),
        (
            _rule(rule="self > 1", message=" "),
            '.x-kubernetes-validations[0].message: Invalid value: " ": message must be non-empty if specified',
        ),
        (
            _rule(rule="self > 1", reason="Why"),
            ".x-kubernetes-validations[0].reason: Unsupported value: "
            '"Why": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", '
            '"FieldValueRequired"',
        ),
        (
            _rule(rule="self > 1", fieldPath=".a"),
            '.x-kubernetes-validations[0].fieldPath: Invalid value: ".a": fieldPath must be a valid path',
        ),
        (
            _rule(rule="self > 1", optionalOldSelf=True),
            ".x-kubernetes-validations[0].optionalOldSelf: Invalid value: "
            "true: may not be set if oldSelf is not used in rule",
        ),
    ],
)
def test_a_schema_is_refused(schema: dict[str, Any], problem: str) -> None:
    assert told(schema_problems(of_field(schema), "schema")) == [f"{_X}{problem}"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("self +", "compilation failed: ERROR: <input>:1:7: Syntax error"),
        ("self > 'a'", "compilation failed: ERROR: <input>:1:6: found no matching overload for '_>_'"),
        ("self > other", "compilation failed: ERROR: <input>:1:8: undeclared reference to 'other'"),
        ("self + 1", "compilation failed: cel expression must evaluate to a bool"),
        ("format.dns1123Label().validate(string(self)).hasValue()", "undeclared reference to 'format'"),
    ],
)
def test_a_rule_that_does_not_compile_is_refused(rule: str, said: str) -> None:
    [problem] = told(schema_problems(of_field(_rule(rule=rule)), "schema"))
    assert problem.startswith(f"{_X}.x-kubernetes-validations[0].rule: Invalid value: ")
    assert said in problem


def test_the_old_value_cannot_be_used_where_it_cannot_be_found() -> None:
    schema = {"type": "array", "items": _rule(rule="self == oldSelf")}
    [problem] = told(schema_problems(of_field(schema), "schema"))
    assert problem.endswith(f"oldSelf cannot be used on the uncorrelatable portion of the schema within {_X}")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({}, "schema.type: Required value: must not be empty at the root"),
        (
            {"type": "array", "items": {"type": "string"}},
            'schema.type: Invalid value: "array": must be object at the root',
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            "schema.additionalProperties: Forbidden: must not be used at the root",
        ),
        (
            {
                "type": "object",
                "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}},
            },
            "schema.properties[metadata]: Forbidden: "
            "must not specify anything other than name and generateName, but metadata is implicitly specified",
        ),
        (
            {"type": "object", "anyOf": [{"properties": {"a": {"minimum": 1}}}]},
            "schema.properties[a]: Required value: because it is defined in schema.anyOf[0].properties[a]",
        ),
        ("text", 'schema: Invalid value: "text": must be an object'),
    ],
)
def test_the_root_is_an_object_without_a_say_in_metadata(schema: Any, problem: str) -> None:
    assert told(schema_problems(schema, "schema")) == [problem]


def test_a_schema_that_nests_without_end_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(3000):
        schema = {"type": "object", "properties": {"a": schema}}
    assert told(schema_problems(schema, "schema")) == [
        'schema: Invalid value: "...": must not nest deeper than 60 levels'
    ]
