from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api import body
from orchestrator.api.errors import BadRequest, UnsupportedMediaType

JSON = "application/json"
YAML = "application/yaml"


@pytest.mark.parametrize(
    ("data", "content_type", "value", "duplicates"),
    [
        (b'{"a": 1}', "", {"a": 1}, ()),
        (b'[{"op": "test"}]', "application/json-patch+json; charset=utf-8", [{"op": "test"}], ()),
        (b'{"a": 1, "a": 2}', JSON, {"a": 2}, ("a",)),
        (b'{"a":1,"a":2}', JSON, {"a": 2}, ("a",)),
        (b'{"a b": 1,\r\n\t"ab": "x y"}\n', JSON, {"a b": 1, "ab": "x y"}, ()),
        (b'{"\\u0061": 1.0, "b": 1e2, "a": 1.0}', JSON, {"a": 1.0, "b": 100.0}, ("a",)),
        (b'{"s": {"l": [{}, {"x": 1, "x": 1, "x": 1}]}, "s2": {"y": 1, "y": 2}}', JSON,
         {"s": {"l": [{}, {"x": 1}]}, "s2": {"y": 2}}, ("s.l[1].x", "s2.y")),
        (b"a: 1\nb: [x, {c: yes}]\n", YAML, {"a": 1, "b": ["x", {"c": True}]}, ()),
        (b"a: {b: 1, b: 2}\nl: [{c: 1, c: 2}]", "application/apply-patch+yaml", {"a": {"b": 2}, "l": [{"c": 2}]},
         ("a.b", "l[0].c")),
        (b"1: a\ntrue: b\n1.5: c", YAML, {"1": "a", "true": "b", "1.5": "c"}, ()),
        (b"day: 2020-01-01\nmode: 0644\nnone: ~\nbig: 99999999999999999999", YAML,
         {"day": "2020-01-01", "mode": 420, "none": None, "big": 1e20}, ()),
        (b"x: &x {k: 1, j: 1}\ny: {<<: *x, k: 2}\nz: {<<: [{k: 3}, *x]}", YAML,
         {"x": {"k": 1, "j": 1}, "y": {"k": 2, "j": 1}, "z": {"k": 3, "j": 1}}, ()),
        (b'{"a": 1}', YAML, {"a": 1}, ()),
        (b"", YAML, None, ()),
    ],
)  # fmt: skip
def test_decode(data: bytes, content_type: str, value: Any, duplicates: tuple[str, ...]) -> None:
    assert body.decode(data, content_type) == body.Body(value, duplicates)


@pytest.mark.parametrize(
    ("data", "content_type", "message"),
    [
        (b"", JSON, "json parse error"),
        (b"{", JSON, "json parse error"),
        (b'{"a": NaN}', JSON, "json parse error"),
        (b"a: 1", JSON, "json parse error"),
        (b"\xff", JSON, "json parse error"),
        (b"[" * 200 + b"]" * 200, JSON, "exceeded max depth"),
        (b"[" * 100_000, JSON, "json parse error"),
        (b"[" * 200 + b"]" * 200, YAML, "exceeded max depth"),
        (b"[" * 100_000, YAML, "error converting YAML to JSON"),
        (b"a: [", YAML, "error converting YAML to JSON"),
        (b"a: 1\n---\nb: 2", YAML, "expected a single document"),
        (b"a: &a {b: *a}", YAML, "exceeded max depth"),
        (b"a: .nan", YAML, "cannot be written as JSON"),
        (b"a: !!binary aGk=", YAML, "cannot be written as JSON"),
        (b"a: !!python/object:os.system x", YAML, "could not determine a constructor"),
        (b"[a, b]: 1", YAML, "a key of a mapping must be"),
        (b"a: {<<: 1}", YAML, "map merge requires map"),
    ],
)
def test_refused(data: bytes, content_type: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        body.decode(data, content_type)
    assert message in caught.value.message


@pytest.mark.parametrize("leaf", ["x", "x" * 100_000])
def test_aliases_cannot_fill_the_memory(leaf: str) -> None:
    lines = [f"a0: &a0 {leaf}"] + [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(8)]
    with pytest.raises(BadRequest, match="excessive aliasing"):
        body.decode("\n".join(lines).encode(), YAML)


def test_other_media_types_are_named() -> None:
    with pytest.raises(UnsupportedMediaType, match=r"application/json.*application/yaml"):
        body.decode(b"{}", "text/html")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_what_was_encoded_comes_back(value: Any) -> None:
    for option in (0, orjson.OPT_INDENT_2):
        assert body.decode(orjson.dumps(value, option=option), JSON) == body.Body(value)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_value_or_a_bad_request(data: bytes) -> None:
    for content_type in (JSON, YAML):
        try:
            orjson.dumps(body.decode(data, content_type).value)
        except BadRequest as error:
            assert error.message
