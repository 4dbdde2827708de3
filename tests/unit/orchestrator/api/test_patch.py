from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api import patch
from orchestrator.api.errors import ApiError, BadRequest, Invalid, RequestTooLarge, UnsupportedMediaType
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.kinds import Kind
from orchestrator.api.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH

values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=3), values, max_size=4)

# The table of RFC 7386, appendix A, as far as it is about objects.
MERGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("obj", "change", "expected"), MERGES)
def test_merge_patch(obj: dict[str, Any], change: dict[str, Any], expected: dict[str, Any]) -> None:
    assert patch.merge_patch(obj, change) == expected


@given(objects, objects)
def test_merge_patch_is_idempotent_and_changes_nothing_in_place(obj: dict[str, Any], change: dict[str, Any]) -> None:
    before = (repr(obj), repr(change))
    once = patch.merge_patch(obj, change)
    assert patch.merge_patch(once, change) == once
    assert patch.merge_patch(obj, {}) == obj
    assert (repr(obj), repr(change)) == before


JSON_PATCHES: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
    ([], {"a": {"b": [1, 2]}, "c": "x"}),
    ([{"op": "add", "path": "/a/b/-", "value": 3}], {"a": {"b": [1, 2, 3]}, "c": "x"}),
    ([{"op": "add", "path": "/a/b/0", "value": 0}], {"a": {"b": [0, 1, 2]}, "c": "x"}),
    ([{"op": "remove", "path": "/c"}], {"a": {"b": [1, 2]}}),
    ([{"op": "replace", "path": "/a/b/1", "value": 9}], {"a": {"b": [1, 9]}, "c": "x"}),
    ([{"op": "move", "from": "/c", "path": "/a/d"}], {"a": {"b": [1, 2], "d": "x"}}),
    ([{"op": "copy", "from": "/a", "path": "/e"}], {"a": {"b": [1, 2]}, "c": "x", "e": {"b": [1, 2]}}),
    ([{"op": "test", "path": "/c", "value": "x"}], {"a": {"b": [1, 2]}, "c": "x"}),
    ([{"op": "add", "path": "/a~1b~0c", "value": 1}], {"a": {"b": [1, 2]}, "c": "x", "a/b~c": 1}),
]


@pytest.mark.parametrize(("change", "expected"), JSON_PATCHES)
def test_json_patch(change: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    obj = {"a": {"b": [1, 2]}, "c": "x"}
    assert patch.json_patch(obj, change) == expected
    assert obj == {"a": {"b": [1, 2]}, "c": "x"}


@pytest.mark.parametrize(
    ("change", "error", "cause"),
    [
        ({}, BadRequest, "a JSON patch is a list"),
        ([5], BadRequest, "an operation of a JSON patch is an object"),
        ([{"path": "/a"}], BadRequest, "error decoding patch"),
        ([{"op": "jump", "path": "/a"}], BadRequest, "error decoding patch"),
        ([{"op": "add", "path": "/a"}], BadRequest, "error decoding patch"),
        ([{"op": "remove", "path": "/x"}], Invalid, "remove operation on '/x'"),
        ([{"op": "replace", "path": "/a/x", "value": 1}], Invalid, "replace operation on '/a/x'"),
        ([{"op": "add", "path": "/x/y", "value": 1}], Invalid, "add operation on '/x/y'"),
        ([{"op": "test", "path": "/c", "value": "y"}], Invalid, "testing value /c failed: test failed"),
        ([{"op": "test", "path": "/x", "value": "y"}], Invalid, "testing value /x failed: test failed"),
        ([{"op": "add", "path": "/a/b/9", "value": 1}], Invalid, "add operation on '/a/b/9'"),
        ([{"op": "replace", "path": "", "value": 1}], Invalid, "the patch leaves no object"),
        ([{"op": "test", "path": "/c", "value": "x"}] * 10001, RequestTooLarge, "10000, got 10001"),
        ([{"op": "copy", "from": "", "path": f"/{i}"} for i in range(40)], RequestTooLarge, "copies"),
        ([{"op": "copy", "from": "", "path": "/d"}] * 9999, Invalid, "copy operation on '/d'"),
    ],
)
def test_json_patch_refused(change: Any, error: type[ApiError], cause: str) -> None:
    with pytest.raises(error) as caught:
        patch.json_patch({"a": {"b": [1, 2]}, "c": "x"}, change)
    causes = [cause["message"] for cause in caught.value.details.get("causes", [])]
    assert cause in " ".join([caught.value.message, *causes])


paths = st.sampled_from(["", "/", "/a", "/a/b", "/a/b/0", "/a/b/-", "/a/b/x", "/c", "/c/d", "x", "/a~2"]) | values
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]) | values, "path": paths},
    optional={"from": paths, "value": values},
)


@given(st.lists(operations, max_size=4))
def test_any_json_patch_works_or_is_refused(change: list[dict[str, Any]]) -> None:
    try:
        assert isinstance(patch.json_patch({"a": {"b": [1, 2]}, "c": "x"}, change), dict)
    except ApiError as error:
        assert error.code in (400, 413, 422)


def test_apply_goes_by_the_media_type() -> None:
    obj = {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}
    change: dict[str, Any] = {"spec": {"template": {"spec": {"containers": [{"name": "b"}]}}}}
    merged = patch.apply(DEPLOYMENT, obj, change, MERGE_PATCH + "; charset=utf-8")
    strategic = patch.apply(DEPLOYMENT, obj, change, STRATEGIC_PATCH)
    assert [c["name"] for c in merged["spec"]["template"]["spec"]["containers"]] == ["b"]
    assert [c["name"] for c in strategic["spec"]["template"]["spec"]["containers"]] == ["b", "a"]
    assert patch.apply(DEPLOYMENT, obj, [], JSON_PATCH) == obj


def test_apply_knows_no_other_media_type() -> None:
    with pytest.raises(UnsupportedMediaType, match="strategic-merge-patch"):
        patch.apply(DEPLOYMENT, {}, {}, "text/plain")
    with pytest.raises(UnsupportedMediaType):
        patch.apply(Kind("example.com", "v1", "Lamp", "lamps"), {}, {}, STRATEGIC_PATCH)
