"""Defaults of a HorizontalPodAutoscaler, as in `k8s.io/kubernetes/pkg/apis/autoscaling/v2/defaults.go`."""

from __future__ import annotations

from copy import deepcopy

from orchestrator.api.meta import Object

MIN_REPLICAS = 1
#: Percent of the requested CPU that is aimed at where nothing else is.
CPU_UTILIZATION = 80
_EVERY = 15
_UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": _EVERY},
        {"type": "Percent", "value": 100, "periodSeconds": _EVERY},
    ],
}
_DOWN: Object = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": _EVERY}],
}


def cpu_metric(percent: int) -> Object:
    return {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}},
    }


def fill_spec(spec: Object) -> None:
    """In place."""
    if spec.get("minReplicas") is None:
        spec["minReplicas"] = MIN_REPLICAS
    if not spec.get("metrics"):
        spec["metrics"] = [cpu_metric(CPU_UTILIZATION)]
    if (behavior := spec.get("behavior")) is not None:
        behavior["scaleUp"] = deepcopy(_UP) | (behavior.get("scaleUp") or {})
        behavior["scaleDown"] = deepcopy(_DOWN) | (behavior.get("scaleDown") or {})
