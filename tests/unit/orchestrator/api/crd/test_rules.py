"""`x-kubernetes-validations` on real CEL."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.orchestrator.api.crd.schemas import errors_of, of_field, read, resource, told

_NUMBERS = {"type": "array", "maxItems": 10_000, "items": {"type": "integer"}}


def _with(schema: dict[str, Any], rule: str, **more: Any) -> dict[str, Any]:
    return {**schema, "x-kubernetes-validations": [{"rule": rule, **more}]}


@pytest.mark.parametrize(
    ("schema", "rule", "right", "wrong"),
    [
        ({"type": "integer"}, "self > 1", 2, 1),
        ({"type": "number"}, "self > 1.5", 2, 1),
        ({"type": "string"}, "self.startsWith('a') && self.size() < 3", "ab", "b"),
        (
            {"type": "string", "format": "date-time"},
            "self < timestamp('2024-01-01T00:00:00Z')",
            "2023-01-01T00:00:00Z",
            "2025-01-01T00:00:00Z",
        ),
        ({"type": "string", "format": "duration"}, "self >= duration('1h')", "90m", "1m"),
        ({"x-kubernetes-int-or-string": True}, "type(self) == int ? self > 0 : self != ''", 1, ""),
        (_NUMBERS, "self.all(n, n > 0)", [1, 2], [0]),
        (_NUMBERS, "self.exists_one(n, n == 1)", [1, 2], [1, 1]),
        (_NUMBERS, "self.isSorted() && self.sum() == 6 && self.max() == 3", [1, 2, 3], [3, 2, 1]),
        (_NUMBERS, "self.indexOf(2) == 1 && self.lastIndexOf(2) == 2", [1, 2, 2], [2, 1, 2]),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            "self.all(k, self[k] in ['a', 'b'])",
            {"k": "a"},
            {"k": "c"},
        ),
        ({"type": "object", "properties": {"a-b": {"type": "string"}}}, "has(self.a__dash__b)", {"a-b": "1"}, {}),
        (
            {"type": "object", "properties": {"namespace": {"type": "string"}}},
            "self.__namespace__ == 'a'",
            {"namespace": "a"},
            {"namespace": "b"},
        ),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, "self.?a.orValue(1) == 1", {}, {"a": 2}),
        ({"type": "string"}, "self.find('[0-9]+') == '12' && self.findAll('[0-9]', 1) == ['1']", "a12b", "ab"),
        (
            {"type": "string"},
            "isURL(self) && url(self).getHostname() == '::1' && url(self).getPort() == '80'",
            "https://[::1]:80/a",
            "a b",
        ),
        ({"type": "string"}, "isURL(self) && url(self).getQuery()['q'] == ['1', '2']", "/a?q=1&q=2", "/a?q=1"),
        ({"type": "string"}, "isQuantity(self) && quantity(self).isGreaterThan(quantity('1G'))", "1Gi", "1M"),
        ({"type": "string"}, "quantity(self).add(quantity('1')).sub(1) == quantity('1000m')", "1", "2"),
        ({"type": "string"}, "isIP(self) && ip(self).family() == 6 && ip(self).isLoopback()", "::1", "127.0.0.1"),
        (
            {"type": "string"},
            "isCIDR(self) && cidr(self).containsIP('10.0.0.1') && cidr(self).prefixLength() == 8",
            "10.0.0.0/8",
            "11.0.0.0/8",
        ),
        (
            {"type": "string"},
            "cidr('10.0.0.0/8').containsCIDR(self) && string(cidr(self).masked()) == '10.1.0.0/16'",
            "10.1.2.3/16",
            "10.1.2.3/17",
        ),
        ({"type": "string"}, "self.split(',').map(s, s.trim().upperAscii()).join('-') == 'A-B'", "a, b", "a"),
        (
            {"type": "string"},
            "self.replace('a', 'b').substring(1).charAt(0) == 'b' && self.indexOf('a') == 1",
            "xa",
            "ax",
        ),
        ({"type": "string"}, "'%s %d %.2f %x'.format([self, 5, 1.0, 255]) == 'a 5 1.00 ff'", "a", "b"),
    ],
)
def test_a_rule_decides(schema: dict[str, Any], rule: str, right: Any, wrong: Any) -> None:
    assert errors_of(_with(schema, rule), right) == []
    assert len(errors_of(_with(schema, rule), wrong)) == 1


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, 'spec.x: Invalid value: "integer": failed rule: self > 1'),
        ({"message": "too small"}, 'spec.x: Invalid value: "integer": too small'),
        ({"messageExpression": "'is ' + string(self)"}, 'spec.x: Invalid value: "integer": is 1'),
        (
            {"messageExpression": "string(1 / (self - 1))", "message": "plain"},
            'spec.x: Invalid value: "integer": plain',
        ),
        ({"reason": "FieldValueForbidden", "message": "no"}, "spec.x: Forbidden: no"),
        ({"reason": "FieldValueRequired", "message": "do"}, "spec.x: Required value: do"),
        ({"reason": "FieldValueDuplicate"}, 'spec.x: Duplicate value: "integer"'),
    ],
)
def test_a_broken_rule_says_why(more: dict[str, Any], error: str) -> None:
    assert errors_of(_with({"type": "integer"}, "self > 1", **more), 1) == [error]


def test_field_path_leads_on_from_the_rule() -> None:
    schema = _with({"type": "object", "properties": {"y": {"type": "integer"}}}, "self.y > 1", fieldPath=".y")
    assert errors_of(schema, {"y": 1}) == ['spec.x.y: Invalid value: "object": failed rule: self.y > 1']


@pytest.mark.parametrize(
    ("rule", "value", "sentence"),
    [
        ("self.y > 1", {}, "no such key: y evaluating rule: self.y > 1"),
        ("self.y / 0 > 1", {"y": 1}, "divide by zero evaluating rule: self.y / 0 > 1"),
        (
            "self.y.z == 1",
            {"y": 1},
            "Applying SELECT to non-message type evaluating rule: self.y.z == 1",
        ),
    ],
)
def test_a_rule_that_fails_refuses(rule: str, value: Any, sentence: str) -> None:
    schema = _with({"type": "object", "properties": {"y": {"type": "integer"}}}, rule)
    assert errors_of(schema, value) == [f'spec.x: Invalid value: "object": {sentence}']


def test_a_transition_rule_needs_an_old_value() -> None:
    schema = _with({"type": "integer"}, "self >= oldSelf", message="only grows")
    assert errors_of(schema, 1) == []
    assert errors_of(schema, 2, 1) == []
    assert errors_of(schema, 1, 2) == ['spec.x: Invalid value: "integer": only grows']


def test_a_rule_may_take_the_old_value_as_an_optional() -> None:
    schema = _with(
        {"type": "integer"}, "oldSelf.hasValue() ? self == oldSelf.value() : self == 1", optionalOldSelf=True
    )
    assert errors_of(schema, 1) == []
    assert len(errors_of(schema, 2)) == 1
    assert errors_of(schema, 5, 5) == []
    assert len(errors_of(schema, 6, 5)) == 1


def test_what_did_not_change_is_not_judged_again() -> None:
    assert errors_of(_with({"type": "integer"}, "self > 1"), 1, 1) == []


def test_rules_wait_for_right_types() -> None:
    errors = errors_of(_with({"type": "integer"}, "self > 1"), "a")
    assert errors[1].startswith("<nil>: Invalid value: null: some validation rules were not checked")


def test_items_and_map_values_have_rules_of_their_own() -> None:
    item = _with({"type": "integer"}, "self > 1", message="small")
    assert errors_of({"type": "array", "items": item}, [2, 1]) == ['spec.x[1]: Invalid value: "integer": small']
    in_map = {"type": "object", "additionalProperties": item}
    assert errors_of(in_map, {"a": 1}) == ['spec.x[a]: Invalid value: "integer": small']


def test_no_rule_runs_for_ever() -> None:
    rule = "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"
    [error] = errors_of(_with(_NUMBERS, rule), list(range(2000)))
    assert "call cost exceeds limit for rule" in error


def test_there_is_an_end_to_the_rules_that_one_object_is_judged_by() -> None:
    schema = {"type": "array", "items": _with({"type": "integer"}, "self >= 0")}
    [error] = errors_of(schema, [0] * 60_000)
    assert "running out of cost budget" in error


def test_the_root_shows_its_name_and_no_more_of_its_metadata() -> None:
    schema = {
        **of_field({"type": "string"}),
        **_with({}, "self.metadata.name == self.spec.x && !has(self.metadata.labels)"),
    }
    obj = resource({"x": "thing"})
    obj["metadata"]["labels"] = {"a": "b"}
    assert read(schema).validate(obj, None) == []
    assert told(read(schema).validate(resource({"x": "other"}), None))[0].startswith('<nil>: Invalid value: "object"')
