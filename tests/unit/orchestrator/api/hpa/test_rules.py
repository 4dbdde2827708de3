from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER as HPA
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER_V1 as HPA_V1
from orchestrator.api.hpa.targets import targets
from orchestrator.api.meta import Object
from tests.unit.orchestrator.api.hpa.test_v1 import ALL, CPU, MEMORY, PODS


def autoscaler(**spec: Any) -> Object:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {"metadata": {"name": "web"}, "spec": {"maxReplicas": 3, "scaleTargetRef": reference, **spec}}


def problems(**spec: Any) -> list[str]:
    obj = autoscaler(**spec)
    HPA.strategy.default(obj)
    return [f"{error.field}: {error.message}" for error in HPA.strategy.validate(obj)]


def metric(source: str, **fields: Any) -> dict[str, Any]:
    return {"metrics": [{"type": source[:1].upper() + source[1:], source: fields}]}


def up(**rules: Any) -> dict[str, Any]:
    return {"behavior": {"scaleUp": rules}}


def test_defaults() -> None:
    obj = autoscaler(behavior={"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}})
    HPA.strategy.default(obj)
    assert obj["spec"]["minReplicas"] == 1
    assert obj["spec"]["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 80}
    behavior = obj["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleUp"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    assert behavior["scaleDown"]["policies"] == [{"type": "Percent", "value": 100, "periodSeconds": 15}]
    assert "stabilizationWindowSeconds" not in behavior["scaleDown"]


def test_all_metrics_are_allowed() -> None:
    assert problems(metrics=ALL) == []


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"maxReplicas": 0}, "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
        ({"minReplicas": 0}, "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"),
        ({"minReplicas": 4}, "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"),
        ({"scaleTargetRef": {"name": "web"}}, "spec.scaleTargetRef.kind: Required value"),
        ({"scaleTargetRef": {"kind": "a/b", "name": "web"}}, "spec.scaleTargetRef.kind: Invalid value"),
        ({"metrics": [{}]}, "spec.metrics[0].type: Required value: must specify a metric source type"),
        ({"metrics": [{"type": "Odd"}]}, 'spec.metrics[0].type: Unsupported value: "Odd"'),
        ({"metrics": [{"type": "Pods"}]}, "spec.metrics[0].pods: Required value: must populate information for"),
        ({"metrics": [{**CPU, "pods": PODS["pods"]}]}, "spec.metrics[0].pods: Forbidden: must populate the given"),
        (metric("resource", target={"type": "Value"}), "spec.metrics[0].resource.name: Required value"),
        (metric("resource", name="cpu", target={"type": "Value"}), "must set either a target raw value"),
        (metric("containerResource", name="cpu", target=CPU["resource"]["target"]), "must specify a container"),
        (metric("pods", metric={"name": "x"}, target={"type": "Value"}), "must specify a positive target averageValue"),
        (metric("external", target={}), "spec.metrics[0].external.metric.name: Required value: must specify a metric"),
        (metric("object", metric={"name": "x"}, target={"type": "Value"}), "must set either a target value for metric"),
        (up(policies=[]), "spec.behavior.scaleUp.policies: Required value: must specify at least one Policy"),
        (up(tolerance="-0.1"), "spec.behavior.scaleUp.tolerance: Invalid value: "),
        (up(selectPolicy="Odd"), 'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Odd"'),
        (up(stabilizationWindowSeconds=3601), "must be less than or equal to 3600"),
        (up(policies=[{"type": "Pods", "value": 0, "periodSeconds": 1}]), "value: Invalid value: 0: must be greater"),
        (up(policies=[{"type": "Pods", "value": 1, "periodSeconds": 1801}]), "must be less than or equal to 1800"),
    ],
)  # fmt: skip
def test_each_rule(spec: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in problems(**spec)), problems(**spec)


def test_a_tolerance_needs_no_policies() -> None:
    assert problems(**up(policies=[], tolerance="50m")) == []


def test_the_older_version_has_the_same_rules() -> None:
    obj = autoscaler(minReplicas=4) | {"apiVersion": "autoscaling/v1"}
    assert [error.field for error in HPA_V1.strategy.validate(obj)] == ["spec.maxReplicas"]


def test_the_cell_of_targets() -> None:
    now = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 12}}}
    assert targets([CPU], [now]) == "cpu: 12%/50%"
    assert targets([CPU, MEMORY, PODS], []) == "cpu: <unknown>/50%, memory: <unknown>/64Mi + 1 more..."
    assert targets([], []) == "<none>"
