"""One pod, one snapshot, one decision. Pure: nothing is read or written elsewhere."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.scheduler.filters import FILTERS, Check, Reasons
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.scores import SCORES
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot
from orchestrator.scheduler.volumes import unready


@dataclass(frozen=True, slots=True)
class Decision:
    """The pod goes to `node`."""

    node: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """None of the `total` nodes will do; `reasons` counts why. `everywhere` is a reason that has nothing to do with
    nodes."""

    total: int
    reasons: Mapping[str, int]
    everywhere: str = ""

    @property
    def message(self) -> str:
        """In Kubernetes' words: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.`"""
        if not self.total:
            return "no nodes available to schedule pods"
        counted = sorted(f"{count} {reason}" for reason, count in self.reasons.items())
        if self.everywhere:
            counted = [self.everywhere]
        return f"0/{self.total} nodes are available: {', '.join(counted)}."


def decide(pod: PodInfo, snapshot: Snapshot, rng: random.Random) -> Decision | Refusal:
    """The best node for `pod`; of equally good ones, one by lot."""
    if why := unready(pod, snapshot.storage):
        return Refusal(len(snapshot.nodes), {}, why)
    nodes, reasons = feasible(pod, snapshot)
    return Decision(_best(pod, snapshot, nodes, rng).name) if nodes else Refusal(len(snapshot.nodes), reasons)


def feasible(pod: PodInfo, snapshot: Snapshot) -> tuple[list[NodeInfo], Mapping[str, int]]:
    """The nodes that would do, and how often which reason speaks against the others."""
    checks = [check for make in FILTERS if (check := make(pod, snapshot)) is not None]
    reasons: Counter[str] = Counter()
    nodes: list[NodeInfo] = []
    for node in snapshot.nodes:
        if refused := _refused(node, checks):
            reasons.update(refused)
        else:
            nodes.append(node)
    return nodes, dict(reasons)


def _refused(node: NodeInfo, checks: Sequence[Check]) -> Reasons:
    """Of the first check that the node fails."""
    return next((reasons for check in checks if (reasons := check(node))), ())


def _best(pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo], rng: random.Random) -> NodeInfo:
    if len(nodes) == 1:
        return nodes[0]
    totals = [0] * len(nodes)
    for score, weight in SCORES:
        # Whole points, as in Kubernetes: nodes that differ by less are equally good.
        for index, value in enumerate(score(pod, snapshot, nodes) or ()):
            totals[index] += weight * int(value)
    highest = max(totals)
    return rng.choice([node for node, total in zip(nodes, totals, strict=True) if total == highest])
