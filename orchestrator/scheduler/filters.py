"""Which nodes a pod may run on. A filter looks at the pod and the cluster once, and gives a check for each node.

The names, the order and the reasons are those of Kubernetes' scheduler plugins. To add a filter, write a function and
add it to FILTERS.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.api.meta import make_key
from orchestrator.api.taints import NO_SCHEDULE, UNSCHEDULABLE, tolerated_by
from orchestrator.scheduler.interpod import inter_pod_affinity
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot
from orchestrator.scheduler.spread import pod_topology_spread
from orchestrator.scheduler.suitable import affinity_allows, untolerated_taint
from orchestrator.scheduler.volumes import IN_USE, conflict, wants_alone

#: Why a node will not do; empty when it will.
Reasons = tuple[str, ...]
Check = Callable[[NodeInfo], Reasons]
#: None when the pod asks for nothing that the filter could refuse.
Filter = Callable[[PodInfo, Snapshot], Check | None]


def node_unschedulable(pod: PodInfo, _: Snapshot) -> Check | None:
    if tolerated_by(pod.tolerations, {"key": UNSCHEDULABLE, "effect": NO_SCHEDULE}):
        return None
    return lambda node: ("node(s) were unschedulable",) if node.unschedulable else ()


def taint_toleration(pod: PodInfo, _: Snapshot) -> Check:
    def check(node: NodeInfo) -> Reasons:
        taint = untolerated_taint(pod, node)
        if taint is None:
            return ()
        return (f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value') or ''}}}",)

    return check


def node_affinity(pod: PodInfo, _: Snapshot) -> Check | None:
    if not pod.node_selector and pod.required_nodes is None:
        return None
    reason = "node(s) didn't match Pod's node affinity/selector"
    return lambda node: () if affinity_allows(pod, node) else (reason,)


def node_ports(pod: PodInfo, _: Snapshot) -> Check | None:
    if not pod.ports:
        return None
    reason = "node(s) didn't have free ports for the requested pod ports"
    return lambda node: (reason,) if any(a.collides(b) for a in pod.ports for b in node.ports) else ()


def node_resources_fit(pod: PodInfo, _: Snapshot) -> Check:
    wanted = [(resource, amount) for resource, amount in pod.requests.items() if amount > 0]

    def check(node: NodeInfo) -> Reasons:
        full = ("Too many pods",) if len(node.pods) + 1 > node.allocatable.get("pods", 0) else ()
        lacking = tuple(f"Insufficient {resource}" for resource, amount in wanted if amount > node.free(resource))
        return full + lacking

    return check


def dynamic_resources(pod: PodInfo, _: Snapshot) -> Check | None:
    """Nobody here makes or allocates ResourceClaims: a pod with one waits for it, as in a cluster without drivers."""
    if not pod.resource_claims:
        return None
    reason = f'resourceclaim "{pod.resource_claims[0]}" not found'
    return lambda _: (reason,)


def volume_restrictions(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    """A claim that only one pod may use is free on no node while there is such a pod."""
    alone = wants_alone(pod, snapshot.storage)
    if not alone:
        return None
    used = (make_key(other.namespace, name) for _, other in snapshot.pods() for name in other.claims)
    if alone.isdisjoint(used):
        return None
    return lambda _: (IN_USE,)


def volume_binding(pod: PodInfo, snapshot: Snapshot) -> Check | None:
    if not pod.claims:
        return None

    def check(node: NodeInfo) -> Reasons:
        why = conflict(pod, node.place, snapshot.storage)
        return (why,) if why else ()

    return check


FILTERS: tuple[Filter, ...] = (
    node_unschedulable,
    taint_toleration,
    node_affinity,
    node_ports,
    node_resources_fit,
    dynamic_resources,
    volume_restrictions,
    volume_binding,
    pod_topology_spread,
    inter_pod_affinity,
)
