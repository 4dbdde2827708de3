"""The group `scheduling.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.priorityclass import PriorityClassStrategy

PRIORITY_CLASS = Kind(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
    namespaced=False,
    short_names=("pc",),
    strategy=PriorityClassStrategy(),
)

KINDS = (PRIORITY_CLASS,)
