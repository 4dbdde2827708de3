"""Which nodes a DaemonSet's pods belong on. Pure; by the scheduler's own rules about taints and node affinity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.api.meta import Object, name, namespace, spec
from orchestrator.api.taints import NO_EXECUTE, tolerated_by
from orchestrator.controllers.daemonset_pods import tolerant_template
from orchestrator.scheduler.podinfo import PodInfo, pod_info
from orchestrator.scheduler.snapshot import NodeInfo, node_info
from orchestrator.scheduler.suitable import affinity_allows, untolerated_taint


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether a pod should be made on a node, and whether one that is there may stay."""

    should_run: bool
    may_stay: bool


def fitness(ds: Object, nodes: Iterable[Object]) -> dict[str, Fitness]:
    """By the node's name. Raises BadRequest when a selector is malformed."""
    template = tolerant_template(ds)
    pod = pod_info({**template, "metadata": {**(template.get("metadata") or {}), "namespace": namespace(ds)}})
    return {name(node): _fitness(pod, node_info(node)) for node in nodes}


def _fitness(pod: PodInfo, node: NodeInfo) -> Fitness:
    if pod.node not in ("", node.name) or not affinity_allows(pod, node):
        return Fitness(should_run=False, may_stay=False)
    if untolerated_taint(pod, node) is None:
        return Fitness(should_run=True, may_stay=True)
    # A taint that only keeps new pods away lets those that run go on.
    evicted = any(t.get("effect") == NO_EXECUTE and not tolerated_by(pod.tolerations, t) for t in node.taints)
    return Fitness(should_run=False, may_stay=not evicted)


def facts(node: Object) -> tuple[object, ...]:
    """What of a node decides."""
    return node["metadata"].get("labels"), spec(node).get("taints"), spec(node).get("unschedulable")
