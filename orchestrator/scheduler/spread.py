"""Topology spread: pods of a kind evenly over zones, nodes, or whatever a label tells apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.scheduler.constraints import SpreadConstraint
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import HOSTNAME, ZONE, NodeInfo, Snapshot
from orchestrator.scheduler.suitable import affinity_allows, untolerated_taint

_REASON = "node(s) didn't match pod topology spread constraints"
_MISSING = f"{_REASON} (missing required label)"

#: What pods of one controller get without constraints of their own: topology key and maxSkew, as Kubernetes' defaults.
_DEFAULTS = ((HOSTNAME, 3), (ZONE, 5))

#: Which of the nodes that are there count, and how many pods on one.
_CountsNode = Callable[[NodeInfo], bool]
_Count = Callable[[NodeInfo], int]


@dataclass(frozen=True, slots=True)
class _Preference:
    """Few of the pods that count, in the domains of `topology_key` on the nodes that count."""

    topology_key: str
    max_skew: int
    nodes: _CountsNode
    pods: _Count


def pod_topology_spread(pod: PodInfo, snapshot: Snapshot) -> Callable[[NodeInfo], tuple[str, ...]] | None:
    hard = [constraint for constraint in pod.spread if constraint.hard]
    if not hard:
        return None
    nodes = [node for node in snapshot.nodes if all(c.topology_key in node.labels for c in hard)]
    rules = [(constraint, *_skew(constraint, pod, nodes)) for constraint in hard]

    def check(node: NodeInfo) -> tuple[str, ...]:
        for constraint, numbers, fewest in rules:
            value = node.labels.get(constraint.topology_key)
            if value is None:
                return (_MISSING,)
            itself = constraint.selector.matches(pod.labels)
            if numbers.get(value, 0) + itself - fewest > constraint.max_skew:
                return (_REASON,)
        return ()

    return check


def _skew(constraint: SpreadConstraint, pod: PodInfo, nodes: Sequence[NodeInfo]) -> tuple[dict[str, int], int]:
    """Matching pods by domain, and the least of these numbers (0 where there are too few domains)."""
    counted = list(filter(_counted(constraint, pod), nodes))
    numbers = _numbers(constraint.topology_key, counted, _selected(constraint, pod))
    return numbers, min(numbers.values()) if numbers and len(numbers) >= constraint.min_domains else 0


def _counted(constraint: SpreadConstraint, pod: PodInfo) -> _CountsNode:
    def counts(node: NodeInfo) -> bool:
        if constraint.honor_affinity and not affinity_allows(pod, node):
            return False
        return not (constraint.honor_taints and untolerated_taint(pod, node) is not None)

    return counts


def _selected(constraint: SpreadConstraint, pod: PodInfo) -> _Count:
    def counts(other: PodInfo) -> bool:
        return other.namespace == pod.namespace and not other.deleting and constraint.selector.matches(other.labels)

    return lambda node: sum(map(counts, node.pods.values()))


def _numbers(key: str, nodes: Sequence[NodeInfo], count: _Count) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for node in nodes:
        value = node.labels.get(key)
        if value is not None:
            numbers[value] = numbers.get(value, 0) + count(node)
    return numbers


def even_spread(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> list[float] | None:
    """0 to 100, the more the fewer matching pods run in the node's domains.

    By the pod's ScheduleAnyway constraints; without any constraint, by the pods of the same controller.
    """
    preferences = _preferences(pod)
    if not preferences:
        return None
    totals: list[float | None] = [0.0] * len(nodes)
    for preference in preferences:
        key = preference.topology_key
        numbers = _numbers(key, list(filter(preference.nodes, snapshot.nodes)), preference.pods)
        # A constraint over many domains weighs more: there each has fewer pods.
        weight = math.log(len(numbers) + 2)
        for index, node in enumerate(nodes):
            value, total = node.labels.get(key), totals[index]
            if value is not None and total is not None:
                totals[index] = total + numbers.get(value, 0) * weight + preference.max_skew - 1
            elif pod.spread:
                totals[index] = None
    return _evenness(totals)


def _preferences(pod: PodInfo) -> list[_Preference]:
    if pod.spread:
        return [
            _Preference(c.topology_key, c.max_skew, _counted(c, pod), _selected(c, pod))
            for c in pod.spread
            if not c.hard
        ]
    if not pod.owner:
        return []

    def siblings(node: NodeInfo) -> int:
        return node.siblings.get(pod.owner, 0)

    return [_Preference(key, skew, lambda _: True, siblings) for key, skew in _DEFAULTS]


def _evenness(totals: Sequence[float | None]) -> list[float]:
    """Few pods is 100, most pods near 0; a node without the label (None) gets 0."""
    known = [total for total in totals if total is not None]
    if not known:
        return [0.0] * len(totals)
    low, high = min(known), max(known)
    return [0.0 if t is None else 100.0 if high == 0 else 100 * (high + low - t) / high for t in totals]
