import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api import schema
from orchestrator.api.errors import BadRequest
from orchestrator.api.strategic_merge import strategic_merge

POD_SPEC = schema.load().named("io.k8s.api.core.v1.PodSpec")
META = schema.load().named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
DEPLOYMENT = schema.load().named("io.k8s.api.apps.v1.DeploymentSpec")


def names(*items: str) -> dict[str, Any]:
    return {"containers": [{"name": name} for name in items]}


#: What the case shows -> (type, object, patch, result).
CASES: dict[str, tuple[schema.Struct, Any, Any, Any]] = {
    "a scalar is replaced": (POD_SPEC, {"nodeName": "a"}, {"nodeName": "b"}, {"nodeName": "b"}),
    "null removes": (POD_SPEC, {"nodeName": "a", "hostname": "h"}, {"nodeName": None}, {"hostname": "h"}),
    "null of what is not there does nothing": (POD_SPEC, {}, {"nodeName": None}, {}),
    "an object is merged": (
        POD_SPEC,
        {"securityContext": {"runAsUser": 1}},
        {"securityContext": {"fsGroup": 2}},
        {"securityContext": {"runAsUser": 1, "fsGroup": 2}},
    ),
    "a map is merged by key": (
        META,
        {"labels": {"a": "1", "b": "2"}},
        {"labels": {"b": None, "c": "3"}},
        {"labels": {"a": "1", "c": "3"}},
    ),
    "a list without a merge key is replaced": (
        POD_SPEC,
        {"tolerations": [{"key": "a"}]},
        {"tolerations": [{"key": "b"}]},
        {"tolerations": [{"key": "b"}]},
    ),
    "a list merges by its key": (
        POD_SPEC,
        {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]},
        {"containers": [{"name": "b", "image": "z"}]},
        {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "z"}]},
    ),
    "a new item goes first": (POD_SPEC, names("a", "b"), names("c"), names("c", "a", "b")),
    "the patch's order wins among its own": (POD_SPEC, names("a", "b"), names("b", "a"), names("b", "a")),
    "lists merge in depth": (
        POD_SPEC,
        {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}]},
        {"containers": [{"name": "a", "env": [{"name": "Y", "value": "3"}]}]},
        {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "3"}]}]},
    ),
    "an item is deleted": (
        POD_SPEC,
        names("a", "b"),
        {"containers": [{"$patch": "delete", "name": "a"}]},
        names("b"),
    ),
    "deleting what is not there does nothing": (
        POD_SPEC,
        names("a"),
        {"containers": [{"$patch": "delete", "name": "x"}]},
        names("a"),
    ),
    "a list is replaced whole": (
        POD_SPEC,
        names("a", "b"),
        {"containers": [{"$patch": "replace"}, {"name": "c"}]},
        names("c"),
    ),
    "a list is emptied": (POD_SPEC, names("a"), {"containers": [{"$patch": "replace"}]}, {"containers": []}),
    "an object is replaced": (
        POD_SPEC,
        {"securityContext": {"runAsUser": 1}},
        {"securityContext": {"$patch": "replace", "fsGroup": 2}},
        {"securityContext": {"fsGroup": 2}},
    ),
    "an object is emptied": (
        POD_SPEC,
        {"securityContext": {"runAsUser": 1}},
        {"securityContext": {"$patch": "delete"}},
        {"securityContext": {}},
    ),
    "merge may be said": (
        POD_SPEC,
        {"securityContext": {"runAsUser": 1}},
        {"securityContext": {"$patch": "merge", "fsGroup": 2}},
        {"securityContext": {"runAsUser": 1, "fsGroup": 2}},
    ),
    "only the retained keys stay": (
        DEPLOYMENT,
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
        {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
        {"strategy": {"type": "Recreate"}},
    ),
    "an item's retained keys": (
        POD_SPEC,
        {"volumes": [{"name": "v", "emptyDir": {}}]},
        {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]},
        {"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]},
    ),
    "the order of a list is set": (
        POD_SPEC,
        names("a", "b", "c"),
        {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]},
        names("b", "c", "a"),
    ),
    "an ordered patch adds where it says": (
        POD_SPEC,
        names("a", "b"),
        {"$setElementOrder/containers": [{"name": "a"}, {"name": "n"}, {"name": "b"}], "containers": [{"name": "n"}]},
        names("a", "n", "b"),
    ),
    "primitives are added once": (
        META,
        {"finalizers": ["a", "b"]},
        {"finalizers": ["b", "c"]},
        {"finalizers": ["a", "b", "c"]},
    ),
    "primitives are deleted": (
        META,
        {"finalizers": ["a", "b", "c"]},
        {"$deleteFromPrimitiveList/finalizers": ["b", "x"]},
        {"finalizers": ["a", "c"]},
    ),
    "primitives are ordered": (
        META,
        {"finalizers": ["a", "b"]},
        {"$setElementOrder/finalizers": ["c", "b", "a"], "finalizers": ["c"]},
        {"finalizers": ["c", "b", "a"]},
    ),
    "directives and nulls do not get into what is new": (
        POD_SPEC,
        {},
        {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"name": "a", "image": None}, {"name": "b", "$patch": "delete"}],
            "securityContext": {"$retainKeys": ["fsGroup"], "fsGroup": 1, "runAsUser": None},
        },
        {"containers": [{"name": "a"}], "securityContext": {"fsGroup": 1}},
    ),
    "a list that is new is not replaced by a directive": (
        POD_SPEC,
        {},
        {"containers": [{"$patch": "replace"}, {"name": "a"}]},
        names("a"),
    ),
    "the first of equal keys is merged": (
        schema.load().named("io.k8s.api.core.v1.ServiceSpec"),
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {"ports": [{"port": 53, "name": "dns"}]},
        {"ports": [{"port": 53, "protocol": "UDP", "name": "dns"}, {"port": 53, "protocol": "TCP"}]},
    ),
    "another type is taken as it is": (POD_SPEC, {"nodeName": "a"}, {"nodeName": {"b": 1}}, {"nodeName": {"b": 1}}),
    "an unknown field merges as plain JSON": (
        POD_SPEC,
        {"x": {"a": 1, "l": [1]}},
        {"x": {"b": 2, "l": [2]}},
        {"x": {"a": 1, "b": 2, "l": [2]}},
    ),
}


@pytest.mark.parametrize(("struct", "obj", "change", "expected"), CASES.values(), ids=CASES)
def test_cases(struct: schema.Struct, obj: Any, change: Any, expected: Any) -> None:
    before = copy.deepcopy((obj, change))
    assert strategic_merge(obj, change, struct) == expected
    assert (obj, change) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ([], "is an object"),
        ({"$patch": "explode"}, "unknown patch type found: explode"),
        ({"containers": [{"$patch": "explode", "name": "a"}]}, "unknown patch type found: explode"),
        ({"containers": [{"image": "x"}]}, "does not contain declared merge key: name"),
        ({"containers": ["a"]}, "must be objects"),
        ({"containers": [{"name": {}}]}, "name must be a string"),
        ({"$retainKeys": "a"}, "$retainKeys must be a list"),
        ({"$setElementOrder/containers": "a"}, "$setElementOrder/containers must be a list"),
    ],
)
def test_refused(change: Any, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        strategic_merge(names("a"), change, POD_SPEC)
    assert message in caught.value.message


containers = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcdef")}, optional={"image": st.sampled_from("xyz")}),
    max_size=5,
    unique_by=lambda item: item["name"],
)
finalizers = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


@given(containers, containers)
def test_keys_stay_unique_and_the_patch_is_idempotent(old: Any, new: Any) -> None:
    merged = strategic_merge({"containers": old}, {"containers": new}, POD_SPEC)
    keys = [item["name"] for item in merged["containers"]]
    assert len(keys) == len(set(keys))
    assert set(keys) == {item["name"] for item in old + new}
    assert strategic_merge(merged, {"containers": new}, POD_SPEC) == merged


@given(containers, finalizers)
def test_identity(old: Any, values: Any) -> None:
    assert strategic_merge({"containers": old}, {}, POD_SPEC) == {"containers": old}
    assert strategic_merge({"containers": old}, {"containers": old}, POD_SPEC) == {"containers": old}
    assert strategic_merge({"finalizers": values}, {"finalizers": values}, META) == {"finalizers": values}


@given(containers, containers, st.permutations("abcdef"))
def test_a_whole_element_order_is_the_order(old: Any, new: Any, order: list[str]) -> None:
    change = {"containers": new, "$setElementOrder/containers": [{"name": name} for name in order]}
    merged = strategic_merge({"containers": old}, change, POD_SPEC)
    keys = [item["name"] for item in merged["containers"]]
    assert keys == [name for name in order if name in keys]


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "delete", "replace", "merge"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers"),
                    *("containers", "finalizers", "name", "metadata", "env", "ports", "containerPort"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(junk)
def test_any_patch_works_or_is_a_bad_request(change: Any) -> None:
    obj = {"containers": [{"name": "a", "env": [{"name": "a"}]}], "finalizers": ["a"], "metadata": {}}
    try:
        assert isinstance(strategic_merge(obj, change, POD_SPEC), dict)
    except BadRequest as error:
        assert error.message
