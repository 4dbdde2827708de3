"""The group `node.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

RUNTIME_CLASS = Kind(
    "node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", namespaced=False, rules="runtimeclass:RuntimeClassStrategy"
)

KINDS = (RUNTIME_CLASS,)
