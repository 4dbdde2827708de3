"""The group `scheduling.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

PRIORITY_CLASS = Kind(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
    namespaced=False,
    short_names=("pc",),
    rules="priorityclass:PriorityClassStrategy",
)

KINDS = (PRIORITY_CLASS,)
