from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.core import NAMESPACE, POD, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.validation import validate_metadata, validate_metadata_update, validate_selector

OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1"}


def problems(kind: Kind, **metadata: Any) -> list[str]:
    meta = {"name": "web", **({"namespace": "default"} if kind.namespaced else {}), **metadata}
    return [f"{error.field}: {error.message}" for error in validate_metadata(kind, {"metadata": meta})]


@pytest.mark.parametrize(
    ("kind", "metadata"),
    [
        (POD, {}),
        (POD, {"name": "web.1"}),
        (POD, {"generateName": "web-"}),
        (POD, {"labels": {"app.kubernetes.io/name": "Web_1", "empty": ""}}),
        (POD, {"annotations": {"Example.com/Any": "thing \n at all"}}),
        (POD, {"finalizers": ["example.com/mine", "orphan"]}),
        (POD, {"ownerReferences": [{**OWNER, "controller": True}, OWNER]}),
        (NAMESPACE, {}),
    ],
)
def test_right(kind: Kind, metadata: dict[str, Any]) -> None:
    assert problems(kind, **metadata) == []


@pytest.mark.parametrize(
    ("kind", "metadata", "expected"),
    [
        (POD, {"name": ""}, "metadata.name: Required value: name or generateName is required"),
        (POD, {"name": "Web"}, 'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must'),
        (SERVICE, {"name": "1web"}, 'metadata.name: Invalid value: "1web": a DNS-1035 label must'),
        (NAMESPACE, {"name": "a.b"}, 'metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must'),
        (POD, {"generateName": "W-"}, 'metadata.generateName: Invalid value: "W-": a lowercase RFC 1123 subdomain'),
        (POD, {"namespace": ""}, "metadata.namespace: Required value"),
        (NAMESPACE, {"namespace": "x"}, "metadata.namespace: Forbidden: not allowed on this type"),
        (POD, {"labels": {"a b": "c"}}, 'metadata.labels: Invalid value: "a b": name part must consist of'),
        (POD, {"labels": {"a": "b c"}}, 'metadata.labels: Invalid value: "b c": a valid label must be'),
        (POD, {"annotations": {"a b": ""}}, 'metadata.annotations: Invalid value: "a b": name part must'),
        (POD, {"annotations": {"a": "x" * 262144}}, "metadata.annotations: Too long: may not be more than 262144 byte"),
        (POD, {"finalizers": ["mine"]}, 'metadata.finalizers: Invalid value: "mine": name is neither a standard'),
        (POD, {"finalizers": ["orphan", "foregroundDeletion"]}, "finalizer orphan and foregroundDeletion cannot be"),
        (POD, {"ownerReferences": [{**OWNER, "uid": ""}]}, "metadata.ownerReferences[0].uid: Invalid value"),
        (
            POD,
            {"ownerReferences": [{**OWNER, "controller": True}, {**OWNER, "name": "b", "controller": True}]},
            'Only one reference can have Controller set to true. Found "true" in references for a and b',
        ),
    ],
)
def test_wrong(kind: Kind, metadata: dict[str, Any], expected: str) -> None:
    found = problems(kind, **metadata)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ({"uid": "2"}, {"uid": "1"}, 'metadata.uid: Invalid value: "2": field is immutable'),
        ({}, {"deletionTimestamp": "x"}, "metadata.deletionTimestamp: Invalid value: null: field is immutable"),
        (
            {"deletionTimestamp": "x", "finalizers": ["a/b"]},
            {"deletionTimestamp": "x"},
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted",
        ),
        ({"generation": 1}, {"generation": 2}, "metadata.generation: Invalid value: 1: must not be decremented"),
    ],
)
def test_wrong_changes(new: dict[str, Any], old: dict[str, Any], expected: str) -> None:
    errors = validate_metadata_update({"metadata": {"name": "a", **new}}, {"metadata": {"name": "a", **old}})
    assert [expected in f"{error.field}: {error.message}" for error in errors] == [True]


def test_a_finalizer_may_go_while_the_object_is_deleted() -> None:
    old = {"metadata": {"deletionTimestamp": "x", "finalizers": ["a/b", "c/d"]}}
    new = {"metadata": {"deletionTimestamp": "x", "finalizers": ["c/d"]}}
    assert validate_metadata_update(new, old) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "a", "operator": "In", "values": ["b"]}, ""),
        ({"key": "a", "operator": "Exists"}, ""),
        ({"key": "a", "operator": "In"}, "s.matchExpressions[0].values: Required value: must be specified when"),
        (
            {"key": "a", "operator": "Exists", "values": ["b"]},
            "s.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists'",
        ),
        ({"key": "a", "operator": "Is"}, 's.matchExpressions[0].operator: Invalid value: "Is": not a valid selector'),
        ({"key": "", "operator": "Exists"}, 's.matchExpressions[0].key: Invalid value: "": name part must be non-em'),
        ({"key": "a", "operator": "In", "values": ["b c"]}, 's.matchExpressions[0].values[0]: Invalid value: "b c"'),
    ],
)
def test_selector_expressions(expression: dict[str, Any], expected: str) -> None:
    errors = [f"{error.field}: {error.message}" for error in validate_selector({"matchExpressions": [expression]}, "s")]
    assert bool(errors) == bool(expected)
    assert all(expected in errors[0] for _ in errors)
