"""What a node is to a pod, whatever else runs there: its taints and the pod's node affinity."""

from __future__ import annotations

from orchestrator.api.meta import Object
from orchestrator.api.taints import tolerated_by
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import NodeInfo


def untolerated_taint(pod: PodInfo, node: NodeInfo) -> Object | None:
    """The first taint that keeps the pod away, or None."""
    return next((taint for taint in node.hard_taints if not tolerated_by(pod.tolerations, taint)), None)


def affinity_allows(pod: PodInfo, node: NodeInfo) -> bool:
    """`nodeSelector` and the required node affinity both hold."""
    if any(node.labels.get(key) != value for key, value in pod.node_selector.items()):
        return False
    return pod.required_nodes is None or any(term.matches(node.name, node.labels) for term in pod.required_nodes)
