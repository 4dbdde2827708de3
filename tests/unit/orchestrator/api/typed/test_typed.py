from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.fieldset import FieldSet
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import POD, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.typed import shape
from orchestrator.api.typed.check import problems
from orchestrator.api.typed.compare import compare
from orchestrator.api.typed.merge import merge, remove
from orchestrator.api.typed.sets import applied_fields, with_structs

WIDGET = Kind("example.com", "v1", "Widget", "widgets")


def pod(*containers: Any, **spec: Any) -> Any:
    return {"spec": {"containers": list(containers), **spec}}


def named(name: str, **fields: Any) -> Any:
    return {"name": name, **fields}


@pytest.mark.parametrize(
    ("kind", "value", "tree"),
    [
        # A struct is not owned, what is in it is.
        (DEPLOYMENT, {"spec": {"replicas": 1}}, {"f:spec": {"f:replicas": {}}}),
        # A key of a map is.
        (POD, {"metadata": {"labels": {"a": "b"}}}, {"f:metadata": {"f:labels": {"f:a": {}}}}),
        # So is the item of a list; a port without protocol is one of TCP.
        (
            SERVICE,
            {"spec": {"ports": [{"port": 80}]}},
            {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}},
        ),
        # A set's items are its values.
        (POD, {"metadata": {"finalizers": ["a/b"]}}, {"f:metadata": {"f:finalizers": {'v:"a/b"': {}}}}),
        # Atomic: a struct, a map and a list.
        (DEPLOYMENT, {"spec": {"selector": {"matchLabels": {"a": "b"}}}}, {"f:spec": {"f:selector": {}}}),
        (SERVICE, {"spec": {"selector": {"a": "b"}}}, {"f:spec": {"f:selector": {}}}),
        (POD, {"spec": {"tolerations": [{"key": "a"}]}}, {"f:spec": {"f:tolerations": {}}}),
        # Empty: an object is a leaf, a granular list is nothing.
        (POD, {"spec": {"securityContext": {}}}, {"f:spec": {"f:securityContext": {}}}),
        (POD, {"spec": {"containers": []}}, {}),
        # Nothing is known of a custom resource: objects are maps, lists are atomic.
        (WIDGET, {"spec": {"a": {"b": [1]}}}, {"f:spec": {".": {}, "f:a": {".": {}, "f:b": {}}}}),
    ],
)
def test_what_is_applied_is_owned(kind: Kind, value: Any, tree: Any) -> None:
    assert applied_fields(shape.of(kind), value).tree == tree


@pytest.mark.parametrize(
    ("old", "new", "added", "modified", "removed"),
    [
        (pod(named("a")), pod(named("a")), {}, {}, {}),
        (
            pod(named("a", image="x")),
            pod(named("a", image="y")),
            {},
            {"f:spec": {"f:containers": {'k:{"name":"a"}': {"f:image": {}}}}},
            {},
        ),
        (
            pod(named("a")),
            pod(named("b")),
            {"f:spec": {"f:containers": {'k:{"name":"b"}': {".": {}, "f:name": {}}}}},
            {},
            {"f:spec": {"f:containers": {'k:{"name":"a"}': {".": {}, "f:name": {}}}}},
        ),
        # Order is no change of an item.
        (pod(named("a"), named("b")), pod(named("b"), named("a")), {}, {}, {}),
        # What is new as a whole is a member at every level.
        ({}, {"metadata": {"labels": {"a": "b"}}}, {"f:metadata": {".": {}, "f:labels": {".": {}, "f:a": {}}}}, {}, {}),
        # An atomic list is one thing.
        (pod(tolerations=[]), pod(tolerations=[{"key": "a"}]), {}, {"f:spec": {"f:tolerations": {}}}, {}),
        # Items that cannot be told apart, too.
        (
            pod(named("a", env=[named("x", value="1"), named("x", value="2")])),
            pod(named("a", env=[named("x", value="1"), named("x", value="3")])),
            {},
            {"f:spec": {"f:containers": {'k:{"name":"a"}': {"f:env": {'k:{"name":"x"}': {}}}}}},
            {},
        ),
    ],
)
def test_compare(old: Any, new: Any, added: Any, modified: Any, removed: Any) -> None:
    changes = compare(shape.of(POD), old, new)
    assert (changes.added.tree, changes.modified.tree, changes.removed.tree) == (added, modified, removed)


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("ab", "ba", "ba"),
        ("abc", "ca", "bca"),
        ("ab", "axb", "axb"),
        ("ab", "xab", "xab"),
        ("aZb", "axb", "aZxb"),
        ("Zab", "xa", "Zxab"),
        ("", "ab", "ab"),
        ("ab", "", "ab"),
    ],
)
def test_the_order_of_merged_items(live: str, applied: str, merged: str) -> None:
    result = merge(shape.of(POD), pod(*map(named, live)), pod(*map(named, applied)))
    assert "".join(item["name"] for item in result["spec"]["containers"]) == merged


def test_items_merge_by_their_keys() -> None:
    live = {"spec": {"ports": [{"port": 80, "protocol": "TCP", "nodePort": 30000}, {"port": 80, "protocol": "UDP"}]}}
    merged = merge(shape.of(SERVICE), live, {"spec": {"ports": [{"port": 80, "name": "web"}]}})
    assert merged["spec"]["ports"] == [
        {"port": 80, "protocol": "TCP", "nodePort": 30000, "name": "web"},
        {"port": 80, "protocol": "UDP"},
    ]
    assert live["spec"]["ports"][0] == {"port": 80, "protocol": "TCP", "nodePort": 30000}


def test_what_is_removed_takes_what_is_empty_with_it() -> None:
    value = {"metadata": {"name": "p", "labels": {"a": "1"}}, **pod(named("a"), named("b", image="x"))}
    fields = FieldSet.of(
        [
            ("f:metadata", "f:labels", "f:a"),
            ("f:spec", "f:containers", 'k:{"name":"a"}'),
            ("f:spec", "f:containers", 'k:{"name":"b"}', "f:image"),
        ]
    )
    assert remove(shape.of(POD), value, fields) == {"metadata": {"name": "p"}, **pod(named("b"))}


def test_structs_live_as_long_as_what_is_in_them() -> None:
    fields = FieldSet.of([("f:metadata", "f:labels", "f:a")])
    assert set(with_structs(shape.of(POD), fields)) == {
        ("f:metadata",),
        ("f:metadata", "f:labels"),
        ("f:metadata", "f:labels", "f:a"),
    }


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            pod({"image": "x"}),
            ".spec.containers: element 0: associative list with keys has an element that omits key field "
            '"name" (and doesn\'t have default value)',
        ),
        (pod(named("a"), named("a")), '.spec.containers: duplicate entries for key [name="a"]'),
        ({"metadata": {"finalizers": ["a", "a"]}}, '.metadata.finalizers: duplicate entries for key [="a"]'),
        (
            pod(named("a", env=[named("x"), named("x")])),
            '.spec.containers[name="a"].env: duplicate entries for key [name="x"]',
        ),
    ],
)
def test_lists_that_do_not_tell_their_items_apart(value: Any, sentence: str) -> None:
    assert list(problems(shape.of(POD), value)) == [sentence]
