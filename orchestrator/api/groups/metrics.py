"""The group `metrics.k8s.io`: what nodes and pods use. Computed from the agents' figures, and not kept."""

from __future__ import annotations

from orchestrator.api.kinds import COMPUTED, Kind

METRICS_GROUP = "metrics.k8s.io"
NODE_METRICS = Kind(
    METRICS_GROUP,
    "v1beta1",
    "NodeMetrics",
    "nodes",
    namespaced=False,
    verbs=COMPUTED,
    rules="metrics:NodeMetricsStrategy",
)
POD_METRICS = Kind(METRICS_GROUP, "v1beta1", "PodMetrics", "pods", verbs=COMPUTED, rules="metrics:PodMetricsStrategy")

KINDS = (
    NODE_METRICS,
    POD_METRICS,
)
