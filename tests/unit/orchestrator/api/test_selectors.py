from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.errors import BadRequest
from orchestrator.api.selectors import (
    FieldSelector,
    label_selector,
    parse_field_selector,
    parse_label_selector,
    selector_text,
)

WEB = {"app": "web", "tier": "front", "generation": "3", "empty": ""}

MATCHES = [
    ("", True),
    ("app=web", True),
    ("app==web,tier=front", True),
    ("app=db", False),
    ("app!=db", True),
    ("missing!=x", True),
    ("app", True),
    ("!app", False),
    ("!missing", True),
    (" app in ( web , db ) , tier notin (back) ", True),
    ("app in (db)", False),
    ("missing notin (a)", True),
    ("empty=", True),
    ("empty in (,a)", True),
    ("generation>2", True),
    ("generation<3", False),
    ("app>2", False),
    ("example.com/name=x", False),
]


@pytest.mark.parametrize(("text", "expected"), MATCHES)
def test_label_selector_text(text: str, expected: bool) -> None:
    selector = parse_label_selector(text)
    assert selector.matches(WEB) is expected
    assert selector.empty is (text == "")


REFUSED = [
    ("app in", "unable to parse requirement: found '', expected: '('"),
    ("app in (a", "unable to parse requirement: found '', expected: ',' or ')'"),
    ("app foo", "unable to parse requirement: found 'foo', expected: in, notin, =, ==, !=, gt, lt"),
    ("a,", "unable to parse requirement: found '', expected: identifier after ','"),
    ("=a", "unable to parse requirement: found '=', expected: !, identifier, or 'end of string'"),
    ("!a=b", "unable to parse requirement: found '=', expected: ',' or 'end of string'"),
    ("a>x", "for 'Gt', 'Lt' operators, the value must be an integer"),
    ("a in ()", "values set can't be empty"),
    ("-a=b", 'unable to parse requirement: key: Invalid value: "-a": name part must consist of'),
    ("a=b_", 'unable to parse requirement: values[0][a]: Invalid value: "b_": a valid label must be'),
    ("a=" + "x" * 64, "must be no more than 63 bytes"),
    ("/a", "prefix part must be non-empty"),
    ("Bad_/a", "prefix part a lowercase RFC 1123 subdomain"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_label_selector_text_refused(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_label_selector(text)
    assert message in caught.value.message


OBJECTS: list[tuple[Mapping[str, Any] | None, bool]] = [
    (None, False),
    ({}, True),
    ({"matchLabels": {"app": "web"}}, True),
    ({"matchLabels": {"app": "db"}}, False),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
    ({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}, True),
    ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, False),
]


@pytest.mark.parametrize(("selector", "expected"), OBJECTS)
def test_label_selector_object(selector: dict[str, Any] | None, expected: bool) -> None:
    assert label_selector(selector).matches(WEB) is expected


def test_label_selector_object_refused() -> None:
    with pytest.raises(BadRequest, match='"Is" is not a valid label selector operator'):
        label_selector({"matchExpressions": [{"key": "a", "operator": "Is"}]})
    with pytest.raises(BadRequest, match="values set must be empty"):
        label_selector({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]})


FIELDS = {"metadata.name": "web-1", "status.phase": "Running", "reason": r"a,b=c\d"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("metadata.name=web-1", True),
        ("metadata.name==web-1,status.phase!=Failed", True),
        ("status.phase!=Running", False),
        ("spec.nodeName=", True),
        ("spec.nodeName!=", False),
        (r"reason=a\,b\=c\\d", True),
        (",metadata.name=web-1,", True),
    ],
)
def test_field_selector(text: str, expected: bool) -> None:
    assert parse_field_selector(text).matches(FIELDS) is expected


def test_field_selector_parts() -> None:
    selector = parse_field_selector("a=1,b!=2")
    assert selector.fields == {"a", "b"}
    assert (selector.value("a"), selector.value("b"), selector.value("c")) == ("1", None, None)
    assert FieldSelector().empty
    assert not selector.empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name", "invalid selector: 'name'; can't understand 'name'"),
        (r"a=b\c", "invalid escape sequence: \\c"),
        ("a=b=c", "can't understand 'a=b=c'"),
    ],
)
def test_field_selector_refused(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_field_selector(text)
    assert message in caught.value.message


@given(st.text())
def test_any_text_is_a_selector_or_a_bad_request(text: str) -> None:
    for parse in (parse_label_selector, parse_field_selector):
        try:
            parse(text).matches(WEB)
        except BadRequest as error:
            assert error.message


@given(st.text(min_size=1))
def test_an_escaped_value_is_matched_whole(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
    assert parse_field_selector(f"f={escaped}").matches({"f": value})


def test_selector_text() -> None:
    expressions = [
        {"key": "a", "operator": "In", "values": ["2", "1"]},
        {"key": "b", "operator": "NotIn", "values": ["3"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    selector = {"matchLabels": {"z": "1", "y": "2"}, "matchExpressions": expressions}
    assert selector_text(selector) == "a in (1,2),b notin (3),c,!d,y=2,z=1"
