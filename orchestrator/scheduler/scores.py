"""Which of the nodes that would do is best: each score gives every node 0 to 100.

The formulas and weights are those of Kubernetes' scheduler plugins. To add a score, write a function and add it to
SCORES with its weight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from orchestrator.api.taints import tolerated_by
from orchestrator.scheduler.interpod import preferred_pod_affinity
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot
from orchestrator.scheduler.spread import even_spread

#: A value for each node, in their order; None when the score tells nothing about this pod.
Score = Callable[[PodInfo, Snapshot, Sequence[NodeInfo]], list[float] | None]

_RESOURCES = ("cpu", "memory")
#: An image smaller than the first counts nothing, one larger than the second (per container) no more: bytes.
_SMALL_IMAGE, _LARGE_IMAGE = 23 << 20, 1000 << 20


def tolerated_taints(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> list[float] | None:
    """The fewer untolerated PreferNoSchedule taints, the better."""
    if not any(node.taints for node in nodes):
        return None
    counts = [
        sum(t.get("effect") == "PreferNoSchedule" and not tolerated_by(pod.tolerations, t) for t in node.taints)
        for node in nodes
    ]
    return [100 - value for value in _share_of_highest(counts)]


def preferred_node_affinity(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> list[float] | None:
    """The sum of the weights of the preferences that the node fulfils."""
    if not pod.preferred_nodes:
        return None
    return _share_of_highest(
        [sum(w for w, term in pod.preferred_nodes if term.matches(node.name, node.labels)) for node in nodes]
    )


def least_allocated(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> list[float]:
    """The share of CPU and memory that stays free."""
    return [_left(pod, node) for node in nodes]


def _left(pod: PodInfo, node: NodeInfo) -> float:
    shares = [
        max(0.0, 1 - (node.weight.get(resource, 0) + pod.weight.get(resource, 0)) / allocatable)
        for resource in _RESOURCES
        if (allocatable := node.allocatable.get(resource, 0))
    ]
    return 100 * sum(shares) / len(shares) if shares else 0.0


def balanced_allocation(pod: PodInfo, _: Snapshot, nodes: Sequence[NodeInfo]) -> list[float] | None:
    """CPU and memory used to like shares: 100 minus the standard deviation of the shares, in percent."""
    if not any(pod.requests.get(resource) for resource in _RESOURCES):
        return None
    return [_balance(pod, node) for node in nodes]


def _balance(pod: PodInfo, node: NodeInfo) -> float:
    shares = [
        min(1.0, (node.requested.get(resource, 0) + pod.requests.get(resource, 0)) / allocatable)
        for resource in _RESOURCES
        if (allocatable := node.allocatable.get(resource, 0))
    ]
    # Of two values the standard deviation is half their distance.
    return 100 * (1 - (max(shares) - min(shares)) / 2) if shares else 0.0


def image_locality(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> list[float] | None:
    """The bytes of the pod's images that the node has already; an image that few nodes have draws less, or they would
    be swamped."""
    images = [_with_tag(image) for image in pod.images]
    holders = Counter(image for node in snapshot.nodes for image in set(images) if image in node.images)
    if not holders:
        return None
    high = _LARGE_IMAGE * len(images)

    def score(node: NodeInfo) -> float:
        held = sum(node.images.get(image, 0) * holders[image] / len(snapshot.nodes) for image in images)
        return 100 * (min(max(held, _SMALL_IMAGE), high) - _SMALL_IMAGE) / (high - _SMALL_IMAGE)

    return [score(node) for node in nodes]


def _with_tag(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def _share_of_highest(values: Sequence[float]) -> list[float]:
    highest = max(values)
    return [100 * value / highest if highest else 0.0 for value in values]


SCORES: tuple[tuple[Score, int], ...] = (
    (tolerated_taints, 3),
    (preferred_node_affinity, 2),
    (even_spread, 2),
    (preferred_pod_affinity, 2),
    (least_allocated, 1),
    (balanced_allocation, 1),
    (image_locality, 1),
)
