"""The cluster as one decision sees it: immutable values, of which a change makes new ones.

A node carries the sums over its pods, kept up to date pod by pod, so that a decision never adds up thousands of pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.api.pods import HostPort
from orchestrator.api.taints import NO_EXECUTE, NO_SCHEDULE
from orchestrator.scheduler.affinity import Namespaces
from orchestrator.scheduler.podinfo import Amounts, PodInfo, amount
from orchestrator.scheduler.volumes import Place, Storage

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"

#: The effects that keep a pod from being scheduled.
_HARD_EFFECTS = frozenset({NO_SCHEDULE, NO_EXECUTE})


@dataclass(frozen=True, slots=True, eq=False)
class NodeInfo:
    """`requested` and `weight` are the sums of the pods' (see PodInfo); `images` is image name -> bytes."""

    name: str
    labels: Mapping[str, str]
    unschedulable: bool
    taints: tuple[Object, ...]
    allocatable: Amounts
    images: Mapping[str, int]
    pods: Mapping[str, PodInfo] = field(default_factory=dict)
    requested: Amounts = field(default_factory=dict)
    weight: Amounts = field(default_factory=dict)
    ports: frozenset[HostPort] = frozenset()
    #: Those of the pods that have affinity rules: the only ones whose rules need a look.
    affine: tuple[PodInfo, ...] = ()
    #: How many of the pods each owner has here that wants its pods apart; those being deleted do not count.
    siblings: Mapping[str, int] = field(default_factory=dict)

    def with_pod(self, pod: PodInfo) -> NodeInfo:
        """Replaces the pod of the same uid, if there is one."""
        base = self.without_pod(pod.uid)
        return replace(
            base,
            pods={**base.pods, pod.uid: pod},
            requested=_plus(base.requested, pod.requests),
            weight=_plus(base.weight, pod.weight),
            ports=base.ports | pod.ports,
            affine=(*base.affine, pod) if pod.affinity else base.affine,
            siblings=_plus(base.siblings, _sibling(pod)),
        )

    def without_pod(self, uid: str) -> NodeInfo:
        """The node itself when it has no such pod."""
        gone = self.pods.get(uid)
        if gone is None:
            return self
        left = {other: pod for other, pod in self.pods.items() if other != uid}
        return replace(
            self,
            pods=left,
            requested=_minus(self.requested, gone.requests),
            weight=_minus(self.weight, gone.weight),
            ports=frozenset().union(*(pod.ports for pod in left.values())) if gone.ports else self.ports,
            affine=tuple(pod for pod in self.affine if pod is not gone) if gone.affinity else self.affine,
            siblings={owner: count for owner, count in _minus(self.siblings, _sibling(gone)).items() if count},
        )

    def with_pods_of(self, other: NodeInfo) -> NodeInfo:
        """This node with the pods, and the sums, of its earlier state."""
        return replace(
            self,
            pods=other.pods,
            requested=other.requested,
            weight=other.weight,
            ports=other.ports,
            affine=other.affine,
            siblings=other.siblings,
        )

    def same_as(self, other: NodeInfo) -> bool:
        """Nothing but the pods may differ."""
        return _static(self) == _static(other)

    @property
    def hard_taints(self) -> Iterator[Object]:
        return (taint for taint in self.taints if taint.get("effect") in _HARD_EFFECTS)

    @property
    def place(self) -> Place:
        return Place(self.name, self.labels)

    def free(self, resource: str) -> int:
        return self.allocatable.get(resource, 0) - self.requested.get(resource, 0)


def node_info(node: Object) -> NodeInfo:
    """A node without pods."""
    spec, status = meta.spec(node), meta.status(node)
    allocatable = status.get("allocatable") or status.get("capacity") or {}
    return NodeInfo(
        name=meta.name(node),
        labels=meta.labels(node),
        unschedulable=bool(spec.get("unschedulable")),
        taints=tuple(spec.get("taints") or ()),
        allocatable={resource: amount(resource, str(text)) for resource, text in allocatable.items()},
        images={
            name: int(image.get("sizeBytes") or 0)
            for image in status.get("images") or ()
            for name in image.get("names") or ()
        },
    )


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """`namespaces` is name -> labels."""

    nodes: tuple[NodeInfo, ...]
    namespaces: Namespaces = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)

    def pods(self) -> Iterator[tuple[NodeInfo, PodInfo]]:
        return ((node, pod) for node in self.nodes for pod in node.pods.values())

    def affine(self) -> Iterator[tuple[NodeInfo, PodInfo]]:
        """The pods with affinity rules."""
        return ((node, pod) for node in self.nodes for pod in node.affine)


def _sibling(pod: PodInfo) -> Mapping[str, int]:
    return {pod.owner: 1} if pod.owner and not pod.deleting else {}


def _static(node: NodeInfo) -> tuple[object, ...]:
    return (node.name, node.labels, node.unschedulable, node.taints, node.allocatable, node.images)


def _plus(sums: Amounts, amounts: Amounts) -> Amounts:
    return {name: sums.get(name, 0) + amounts.get(name, 0) for name in _names(sums, amounts)}


def _minus(sums: Amounts, amounts: Amounts) -> Amounts:
    return {name: sums.get(name, 0) - amounts.get(name, 0) for name in _names(sums, amounts)}


def _names(*amounts: Amounts) -> Iterable[str]:
    return dict.fromkeys(name for each in amounts for name in each)
