"""The small languages of the API and the CLI: whatever comes is understood or refused, in bounded time."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api import cron, quantity, schema
from orchestrator.api.errors import ApiError, BadRequest
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import POD, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.patch import json_patch
from orchestrator.api.selectors import parse_field_selector, parse_label_selector
from orchestrator.api.strategic_merge import strategic_merge
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import jsonpath, manifests
from orchestrator.client.client import Client
from tests.fakes.api import local_api

from .bounded import bounded, texts

_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "b", "rv")), inner, max_size=3),
    max_leaves=6,
)


@bounded
@given(texts("a", "b/c", " in ", "(", ")", ",", "!", "=", "==", "!=", "notin", ">", "<", "1", "x" * 70, "\\"))
def test_label_selectors(text: str) -> None:
    with suppress(BadRequest):
        selector = parse_label_selector(text)
        assert selector.matches({"a": "1"}) in (True, False)


@bounded
@given(texts("a", "metadata.name", ",", "!=", "=", "==", "\\", "\\,", "\\=", "b"))
def test_field_selectors(text: str) -> None:
    with suppress(BadRequest):
        selector = parse_field_selector(text)
        assert selector.matches({"a": "b"}) in (True, False)


@pytest.fixture(scope="module")
def client() -> Client:
    return local_api()[1]


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


_TOKENS = (
    st.text()
    | _values.map(_encoded)
    | st.fixed_dictionaries({"rv": st.integers(-2, 3) | _values, "after": st.just("/configmaps/") | _values}).map(
        _encoded
    )
)


@bounded
@given(_TOKENS)
def test_continue_tokens(client: Client, token: str) -> None:
    """Of a list, and the answer is a page or a sentence that says what to do."""
    with suppress(ApiError):
        client.list(POD, limit="1", **{"continue": token})


@bounded
@given(texts("*", "/", "-", ",", "?", "5", "60", " ", "@every ", "1h", "@daily", "mon", "9" * 400, ".", "\xb5s", "TZ="))
def test_schedules(text: str) -> None:
    with suppress(ValueError):
        found = cron.parse(text)
        assert (isinstance(found, cron.Every) and found.seconds >= 1) or isinstance(found, cron.Times)


@bounded
@given(texts("1", "9" * 30, "e", "E", "Ki", "m", "n", "-", "+", ".", "10", "000", "k", "e999999999"))
def test_quantities(text: str) -> None:
    with suppress(ValueError):
        amount = quantity.parse(text)
        assert abs(quantity.parse(quantity.canonical(text)) - amount) <= max(Fraction(1, 10**9), 1)


@bounded
@given(
    texts(
        *("{", "}", ".a", "[", "]", "..", "range ", "end", "'", '"', "@", "?(", "==", "*", ":", "0", "-", "\\", "$"),
        *("{range .a}", "{end}", '\\"', "[0:", "9" * 5000, "[?(@.a==1)]", "[*]", "['a']"),
    ),
    _values,
)
def test_templates(text: str, value: Any) -> None:
    with suppress(Failure):
        assert isinstance(jsonpath.template(text)(value), str)


@bounded
@given(texts("a", ":", ",", ".a", "[", "{", "}", "\\", "[*]"), _values)
def test_custom_columns(text: str, value: Any) -> None:
    with suppress(Failure):
        assert jsonpath.columns(text, [{"a": value}], headers=True)


_WORDS = (
    *("$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers"),
    *("$setElementOrder/finalizers", "$setElementOrder/ports", "name", "containers", "ports", "spec", "metadata"),
    *("labels", "finalizers", "containerPort", "template", "env", "volumes", "tolerations", "hostAliases", "ip"),
    *("delete", "replace", "merge", "x"),
)
_patched = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(_WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=4),
    max_leaves=8,
)
_object = st.dictionaries(st.sampled_from(_WORDS), _patched, max_size=5)


@bounded
@given(st.sampled_from((POD, DEPLOYMENT, SERVICE)), _object, _object)
def test_strategic_merges(kind: Kind, obj: dict[str, Any], patch: dict[str, Any]) -> None:
    before = orjson.dumps([obj, patch])
    struct = schema.load().of(kind)
    assert struct is not None
    with suppress(BadRequest):
        assert isinstance(strategic_merge(obj, patch, struct), dict)
    assert orjson.dumps([obj, patch]) == before


_pointers = texts("/", "a", "0", "-", "~0", "~1", "~", "01", "9" * 30)
_operations = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(("add", "remove", "replace", "move", "copy", "test", "x")),
        "path": _pointers | _values,
        "from": _pointers | _values,
        "value": _values,
    },
)


@bounded
@given(st.dictionaries(st.sampled_from("ab01-"), _values), st.lists(_values | _operations, max_size=4))
def test_json_patches(obj: dict[str, Any], patch: list[Any]) -> None:
    try:
        obj = orjson.loads(orjson.dumps(obj))
    except TypeError:
        return  # a number that no JSON of ours has
    before = orjson.dumps(obj)
    with suppress(ApiError):
        assert isinstance(json_patch(obj, patch), dict)
    assert orjson.dumps(obj) == before


_LINES = (
    *(
        b"---\n",
        b"a: ",
        b"- ",
        b"apiVersion: v1\n",
        b"kind: List\n",
        b"items:\n",
        b"metadata: ",
        b"{",
        b"}",
        b"[",
        b"]",
    ),
    *(b"&x ", b"*x", b"\n", b"...\n", b"%YAML 1.1\n", b"\xff", b"\0", b"!!python/x ", b"? ", b"null", b"kind: 1\n"),
    b'{"kind":"List","apiVersion":"v1","items":[{"kind":1}]}',
)


@bounded
@given(st.lists(st.sampled_from(_LINES), max_size=20).map(b"".join) | st.binary(max_size=40))
def test_manifests(content: bytes) -> None:
    with suppress(Failure):
        for document in manifests.parse("web.yaml", content):
            assert isinstance(document.obj["kind"], str) and document.place.startswith("web.yaml, document ")
