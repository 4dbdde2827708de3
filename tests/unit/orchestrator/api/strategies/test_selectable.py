"""The fields that each kind can be selected by: those of Kubernetes, each with its value."""

from __future__ import annotations

import pytest

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.errors import BadRequest
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.server.selection import selection

_ABOUT = {
    "kind": "Pod",
    "namespace": "default",
    "name": "web",
    "uid": "u-1",
    "apiVersion": "v1",
    "resourceVersion": "7",
    "fieldPath": "spec.containers{main}",
}
_EVENT = {
    "involvedObject": _ABOUT,
    "reason": "Pulled",
    "reportingComponent": "kubelet",
    "source": {"component": "kubelet"},
    "type": "Normal",
}
_POD_SPEC = {
    "nodeName": "n1",
    "restartPolicy": "Never",
    "schedulerName": "default-scheduler",
    "serviceAccountName": "default",
    "hostNetwork": True,
}
_POD_STATUS = {"phase": "Running", "podIP": "10.1.0.2", "nominatedNodeName": "n2", "podIPs": [{"ip": "10.1.0.2"}]}

#: Kind -> an object, and what it is found by; all kinds that are not here have no fields of their own.
_FIELDS: dict[str, tuple[Object, dict[str, str]]] = {
    "pods": (
        {"spec": _POD_SPEC, "status": _POD_STATUS},
        {
            "spec.nodeName": "n1",
            "spec.host": "n1",
            "spec.restartPolicy": "Never",
            "spec.schedulerName": "default-scheduler",
            "spec.serviceAccountName": "default",
            "spec.hostNetwork": "true",
            "status.phase": "Running",
            "status.podIP": "10.1.0.2",
            # Taken, and never filled in.
            "status.podIPs": "",
            "status.nominatedNodeName": "n2",
        },
    ),
    "events": (
        _EVENT,
        {
            **{f"involvedObject.{field}": value for field, value in _ABOUT.items()},
            "reason": "Pulled",
            "reportingComponent": "kubelet",
            "source": "kubelet",
            "type": "Normal",
        },
    ),
    "events.events.k8s.io": (
        {"regarding": _ABOUT, "reason": "Pulled", "reportingController": "kubelet", "type": "Normal"},
        {
            **{f"regarding.{field}": value for field, value in _ABOUT.items()},
            "reason": "Pulled",
            "reportingController": "kubelet",
            "type": "Normal",
        },
    ),
    "secrets": ({"type": "Opaque"}, {"type": "Opaque"}),
    "namespaces": ({"status": {"phase": "Active"}}, {"status.phase": "Active"}),
    "nodes": ({"spec": {"unschedulable": True}}, {"spec.unschedulable": "true"}),
    "replicasets.apps": ({"status": {"replicas": 3}}, {"status.replicas": "3"}),
    "replicationcontrollers": ({"status": {"replicas": 3}}, {"status.replicas": "3"}),
    "jobs.batch": ({"status": {"succeeded": 2}}, {"status.successful": "2"}),
    "certificatesigningrequests.certificates.k8s.io": (
        {"spec": {"signerName": "example.com/x"}},
        {"spec.signerName": "example.com/x"},
    ),
    "services": (
        {"spec": {"clusterIP": "10.96.0.1", "type": "ClusterIP"}},
        {"spec.clusterIP": "10.96.0.1", "spec.type": "ClusterIP"},
    ),
}
_STORED = [kind for kind in BUILTIN if kind.stored]


@pytest.mark.parametrize("kind", _STORED, ids=str)
def test_what_a_kind_is_selected_by(kind: Kind) -> None:
    obj, fields = _FIELDS.get(kind.resource, ({}, {}))
    assert kind.strategy.selectable == fields.keys()
    for field, value in {**fields, "metadata.name": "x", "metadata.namespace": "default"}.items():
        found = {"metadata": {"name": "x", "namespace": "default"}, **obj}
        assert selection(kind, {"fieldSelector": f"{field}={value}"}).matches(found), field
        assert not selection(kind, {"fieldSelector": f"{field}!={value}"}).matches(found), field
        assert not selection(kind, {"fieldSelector": f"{field}=other"}).matches(found), field


@pytest.mark.parametrize("kind", _STORED, ids=str)
def test_fields_of_an_empty_object_have_values(kind: Kind) -> None:
    fields = kind.strategy.fields({"metadata": {"name": "x"}})
    assert fields.keys() <= kind.strategy.selectable
    assert all(isinstance(value, str) for value in fields.values())


@pytest.mark.parametrize("kind", _STORED, ids=str)
def test_other_fields_are_refused(kind: Kind) -> None:
    sentence = "field label not supported: spec.x" if kind.resource in _FIELDS else '"spec.x" is not a known field'
    with pytest.raises(BadRequest, match=sentence):
        selection(kind, {"fieldSelector": "spec.x=1"})
