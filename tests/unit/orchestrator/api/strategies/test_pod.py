from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object

strategy = POD.strategy


def pod(**spec: Any) -> Object:
    return {
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": "nginx"}], **spec},
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }


def test_a_new_pod_is_pending() -> None:
    obj = pod()
    strategy.default(obj)
    strategy.prepare_create(obj, 0)
    assert obj["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


@pytest.mark.parametrize(
    ("spec", "phase", "requested", "expected"),
    [
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", None, 30),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", 5, 5),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", 0, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", -5, 1),
        ({"nodeName": "n", "terminationGracePeriodSeconds": -1}, "Running", None, 1),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 0}, "Running", None, 0),
        ({"terminationGracePeriodSeconds": 30}, "Pending", None, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Succeeded", None, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Failed", 60, 0),
    ],
)
def test_grace(spec: Object, phase: str, requested: int | None, expected: int) -> None:
    assert strategy.grace_seconds({"spec": spec, "status": {"phase": phase}}, requested) == expected


def test_fields() -> None:
    obj = pod(nodeName="n1")
    strategy.default(obj)
    assert strategy.fields(obj) == {
        "spec.host": "n1",
        "spec.hostNetwork": "false",
        "spec.nodeName": "n1",
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": "",
        "status.nominatedNodeName": "",
        "status.phase": "Running",
        "status.podIP": "10.0.0.1",
        "status.podIPs": "",
    }


def test_a_name_that_is_no_host_name_is_worth_a_warning() -> None:
    assert strategy.warnings(pod()) == []
    (warning,) = strategy.warnings({"metadata": {"name": "a.b"}})
    assert warning.startswith("metadata.name: this is used in the Pod's hostname, which can result in surprising")


def test_an_update_may_change_the_image_only() -> None:
    old, image, node = pod(), pod(), pod(nodeSelector={"a": "b"})
    image["spec"]["containers"][0]["image"] = "nginx:2"
    assert strategy.validate_update(image, old) == []
    assert [error.field for error in strategy.validate_update(node, old)] == ["spec"]
