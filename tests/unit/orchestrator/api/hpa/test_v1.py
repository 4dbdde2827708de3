from __future__ import annotations

from copy import deepcopy

import orjson
import pytest

from orchestrator.api.hpa.v1 import to_v1, to_v2
from orchestrator.api.meta import Object

CPU: Object = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}
MEMORY: Object = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "64Mi"}},
}
PODS: Object = {
    "type": "Pods",
    "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "10"}},
}
OBJECT = {
    "type": "Object",
    "object": {
        "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "web"},
        "metric": {"name": "rps", "selector": {"matchLabels": {"a": "b"}}},
        "target": {"type": "Value", "value": "1k"},
    },
}
EXTERNAL = {
    "type": "External",
    "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}},
}
CONTAINER = {
    "type": "ContainerResource",
    "containerResource": {
        "name": "cpu",
        "container": "app",
        "target": {"type": "Utilization", "averageUtilization": 60},
    },
}
ALL = [MEMORY, PODS, OBJECT, EXTERNAL, CONTAINER, CPU]


def v2(*metrics: Object, **spec: object) -> Object:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"maxReplicas": 3, "metrics": list(metrics), **spec},
    }


def v1(**spec: object) -> Object:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"maxReplicas": 3, **spec},
    }


def test_the_cpu_has_a_field_of_its_own() -> None:
    assert to_v1(v2(CPU)) == v1(targetCPUUtilizationPercentage=50)
    assert to_v2(v1(targetCPUUtilizationPercentage=50)) == v2(CPU)


def test_without_any_metric_it_is_the_cpu() -> None:
    assert to_v2(v1())["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80


def test_all_else_travels_in_annotations() -> None:
    behavior = {"scaleDown": {"selectPolicy": "Disabled"}}
    whole = v2(*ALL, behavior=behavior)
    shown = to_v1(deepcopy(whole))
    assert shown["spec"] == {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    notes = shown["metadata"]["annotations"]
    metrics = orjson.loads(notes["autoscaling.alpha.kubernetes.io/metrics"])
    assert metrics[0] == {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "64Mi"}}
    assert metrics[2]["object"] == {
        "target": {"apiVersion": "v1", "kind": "Service", "name": "web"},
        "metricName": "rps",
        "targetValue": "1k",
        "selector": {"matchLabels": {"a": "b"}},
    }
    assert orjson.loads(notes["autoscaling.alpha.kubernetes.io/behavior"]) == behavior
    assert to_v2(shown) == whole


def test_the_status_too() -> None:
    whole = v2(CPU)
    whole["status"] = {
        "currentReplicas": 1,
        "desiredReplicas": 2,
        "currentMetrics": [
            {"type": "Pods", "pods": {"metric": {"name": "rps"}, "current": {"averageValue": "7"}}},
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12}}},
        ],
        "conditions": [{"type": "AbleToScale", "status": "True"}],
    }
    shown = to_v1(deepcopy(whole))
    assert shown["status"] == {"currentReplicas": 1, "desiredReplicas": 2, "currentCPUUtilizationPercentage": 12}
    assert to_v2(shown) == whole


@pytest.mark.parametrize(
    "text", ["{", "7", "[7]", "null", '[{"type": 7}]', '[{"type": "Resource", "resource": {"name": []}}]']
)
def test_an_annotation_that_cannot_be_read_is_dropped(text: str) -> None:
    obj = v1(targetCPUUtilizationPercentage=50)
    obj["metadata"]["annotations"] = {"autoscaling.alpha.kubernetes.io/metrics": text, "kept": "yes"}
    found = to_v2(obj)
    assert found["metadata"]["annotations"] == {"kept": "yes"}
    assert found["spec"].get("metrics", [CPU])[-1:] == [CPU]
