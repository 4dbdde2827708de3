"""Pod affinity and anti-affinity: which pods must, may not, should or should not run near which.

Near means on nodes with the same value of a label, the topology key. Rules bind both ways: a pod that is there can
refuse, attract or repel the one that comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from orchestrator.scheduler.affinity import PodTerm
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot

#: A part of the cluster: topology key and value.
_Domain = tuple[str, str]

#: What a required affinity of a pod that is there adds to the score (`hardPodAffinityWeight`).
_HARD_WEIGHT = 1

_AFFINITY = "node(s) didn't match pod affinity rules"
_ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
_EXISTING = "node(s) didn't satisfy existing pods anti-affinity rules"


def inter_pod_affinity(pod: PodInfo, snapshot: Snapshot) -> Callable[[NodeInfo], tuple[str, ...]] | None:
    refusing = _refusing(pod, snapshot)
    required, forbidden = pod.affinity.required, pod.affinity.forbidden
    if not refusing and not required and not forbidden:
        return None
    near = _domains(required, snapshot)
    # The first of pods that want to be together has nobody to be with.
    first = not near and all(term.selects(pod, snapshot.namespaces) for term in required)
    far = {domain for term in forbidden for domain in _domains([term], snapshot)}

    def check(node: NodeInfo) -> tuple[str, ...]:
        if not all(_near(term, node, near, first=first) for term in required):
            return (_AFFINITY,)
        if any(_domain(term.topology_key, node) in far for term in forbidden):
            return (_ANTI_AFFINITY,)
        return (_EXISTING,) if any(node.labels.get(key) == value for key, value in refusing) else ()

    return check


def _near(term: PodTerm, node: NodeInfo, near: set[_Domain], *, first: bool) -> bool:
    domain = _domain(term.topology_key, node)
    return domain is not None and (first or domain in near)


def _refusing(pod: PodInfo, snapshot: Snapshot) -> set[_Domain]:
    """Where pods run that do not want this one near."""
    return {
        domain
        for node, other in snapshot.affine()
        for term in other.affinity.forbidden
        if term.selects(pod, snapshot.namespaces) and (domain := _domain(term.topology_key, node))
    }


def _domains(terms: Sequence[PodTerm], snapshot: Snapshot) -> set[_Domain]:
    """Where pods run that all of `terms` select, by the topology keys of `terms`."""

    def selected(pod: PodInfo) -> bool:
        return all(term.selects(pod, snapshot.namespaces) for term in terms)

    nodes = [node for node in snapshot.nodes if any(map(selected, node.pods.values()))] if terms else []
    return {domain for node in nodes for term in terms if (domain := _domain(term.topology_key, node))}


def _domain(key: str, node: NodeInfo) -> _Domain | None:
    value = node.labels.get(key)
    return None if value is None else (key, value)


def preferred_pod_affinity(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> list[float] | None:
    """0 to 100, by the weights of all preferences that a node fulfils, of this pod and of those that are there."""
    weights: Counter[_Domain] = Counter()
    if pod.affinity.preferred:
        for node, other in snapshot.pods():
            _add(weights, node, _wishes(pod, other, snapshot))
    for node, other in snapshot.affine():
        _add(weights, node, _wishes(other, pod, snapshot))
        hard = other.affinity.required
        _add(weights, node, ((_HARD_WEIGHT, t) for t in hard if t.selects(pod, snapshot.namespaces)))
    if not weights:
        return None
    totals = [sum(weight for (key, value), weight in weights.items() if n.labels.get(key) == value) for n in nodes]
    low, high = min(totals), max(totals)
    return [100 * (total - low) / (high - low) if high > low else 0.0 for total in totals]


def _wishes(who: PodInfo, about: PodInfo, snapshot: Snapshot) -> Iterable[tuple[int, PodTerm]]:
    return ((weight, term) for weight, term in who.affinity.preferred if term.selects(about, snapshot.namespaces))


def _add(weights: Counter[_Domain], node: NodeInfo, wishes: Iterable[tuple[int, PodTerm]]) -> None:
    for weight, term in wishes:
        if domain := _domain(term.topology_key, node):
            weights[domain] += weight
