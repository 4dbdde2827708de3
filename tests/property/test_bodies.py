"""What a request's body decodes to, whatever its bytes: a JSON value, or BadRequest; in bounded time and memory."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.body import MAX_DEPTH, PROTOBUF, decode
from orchestrator.api.errors import ApiError, BadRequest
from orchestrator.api.patch import json_patch, merge_patch

JSON = "application/json"
YAML = "application/yaml"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
#: Text that looks like YAML more often than not.
_PIECES = [
    "a: ",
    "b: ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&x ",
    "*x",
    "<<: *x",
    "\n",
    "  ",
    "? ",
    "| ",
    "> ",
    "---\n",
    "#",
    "\t",
]
_SCALARS = [
    "!!int ",
    "!!bool ",
    "!!binary ",
    "!!python/none ",
    "0x1f",
    "1e999",
    "9" * 400,
    ".inf",
    "2024-01-01",
    "'",
    '"',
]
yaml_texts = st.lists(st.sampled_from(_PIECES) | st.sampled_from(_SCALARS), max_size=14).map("".join)


@pytest.mark.parametrize("content_type", [JSON, YAML, PROTOBUF])
@given(data=st.binary(max_size=200))
def test_any_bytes(content_type: str, data: bytes) -> None:
    decodes_or_refuses(data, content_type)


@given(data=st.binary(max_size=200))
def test_any_bytes_behind_the_mark_of_protobuf(data: bytes) -> None:
    decodes_or_refuses(b"k8s\x00" + data, PROTOBUF)


@given(text=yaml_texts)
def test_almost_yaml(text: str) -> None:
    decodes_or_refuses(text.encode(), YAML)


@given(value=json_values)
def test_json_is_read_as_it_is(value: Any) -> None:
    assert decode(orjson.dumps(value), JSON).value == value


def decodes_or_refuses(data: bytes, content_type: str) -> None:
    try:
        value = decode(data, content_type).value
    except BadRequest:
        return
    orjson.dumps(value)  # what is accepted can be stored


#: Each alias stands for nine of the one before.
_BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%b]\n" % (letter, letter, b",".join([b"*%c" % (letter - 1)] * 9)) for letter in range(98, 110)
)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        pytest.param(b"[" * 100_000, JSON, id="deep"),
        pytest.param(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), JSON, id="a bit too deep"),
        pytest.param(b'{"a":' * 2_000_000, JSON, id="megabytes deep"),
        pytest.param(b'"\\ud800"', JSON, id="half a character"),
        pytest.param(b"[" * 100_000, YAML, id="deep YAML"),
        pytest.param(b"- " * 10_000 + b"x", YAML, id="deep list"),
        pytest.param(_BOMB, YAML, id="bomb"),
        pytest.param(b"a: &a [*a]", YAML, id="endless"),
        pytest.param(b"a: 1" + b"0" * 400, YAML, id="huge int"),
        pytest.param(b"a: .nan", YAML, id="NaN"),
        pytest.param(b"a: !!int", YAML, id="no int"),
        pytest.param(b"a: !!bool maybe", YAML, id="no bool"),
        pytest.param(b"a: 1\n---\nb: 2", YAML, id="documents"),
        pytest.param(b"? [a]\n: b", YAML, id="complex key"),
        pytest.param(b"\xff\xff", YAML, id="not UTF-8"),
        pytest.param(b"k8s\x00" + b"\x12" * 1000, PROTOBUF, id="nested"),
        pytest.param(b"k8s\x00\x12" + b"\xff" * 9 + b"\x01", PROTOBUF, id="length of exabytes"),
    ],
)
def test_refused(data: bytes, content_type: str) -> None:
    with pytest.raises(BadRequest):
        decode(data, content_type)


objects = st.dictionaries(st.text(max_size=4), json_values, max_size=4)


@given(target=objects, patch=json_values)
def test_any_merge_patch(target: dict[str, Any], patch: Any) -> None:
    try:
        merged = merge_patch(target, patch)
    except BadRequest:
        assert not isinstance(patch, dict)
    else:
        assert all(key in merged or patch[key] is None for key in patch)


pointers = st.text(alphabet="/~01ab-9", max_size=8)
steps = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]) | json_values,
        "path": pointers | json_values,
        "from": pointers | json_values,
        "value": json_values,
    },
)


@given(target=objects, patch=st.lists(steps | json_values, max_size=4) | json_values)
def test_any_json_patch(target: dict[str, Any], patch: Any) -> None:
    try:
        json_patch(target, patch)
    except ApiError as error:
        assert 400 <= error.code < 500
