"""One step of a DaemonSet's rolling update. Pure.

Without surge: delete old pods, no more than leave `maxUnavailable` nodes without a pod that serves; the nodes get new
ones afterwards. With surge: make up to `maxSurge` new pods beside old ones, and delete an old one when its successor
serves. Old pods that do not serve are replaced at once: nobody misses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.api.meta import Object, is_deleting, spec
from orchestrator.api.strategies.shares import is_zero
from orchestrator.controllers.availability import is_available
from orchestrator.controllers.daemonset_nodes import Fitness
from orchestrator.controllers.deployment_sizes import int_or_percent
from orchestrator.controllers.replicaset_plan import min_ready_seconds
from orchestrator.controllers.revision_plan import revision_label


@dataclass(frozen=True, slots=True)
class Step:
    """Nodes to make a pod for, and pods to delete."""

    create: Sequence[str] = ()
    delete: Sequence[Object] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """The pods of a node that are to stay, by whether they are of the newest revision. `serves` is true when one of
    them is available."""

    name: str
    fit: Fitness
    new: Sequence[Object]
    old: Sequence[Object]
    new_serves: bool
    old_serves: bool


@dataclass(frozen=True, slots=True)
class Rollout:
    """Every node that should have a pod, or has one."""

    nodes: Sequence[Node]
    surge: int
    unavailable: int

    @classmethod
    def of(
        cls,
        ds: Object,
        nodes: Mapping[str, Fitness],
        placed: Mapping[str, Sequence[Object]],
        hashed: str,
        now: float,
    ) -> Rollout:
        wanted = sum(fit.should_run for fit in nodes.values())
        surge, unavailable = limits(ds, wanted)
        return cls(list(_nodes(ds, nodes, placed, hashed, now)), surge, unavailable)


def _nodes(
    ds: Object, nodes: Mapping[str, Fitness], placed: Mapping[str, Sequence[Object]], hashed: str, now: float
) -> Iterator[Node]:
    seconds = min_ready_seconds(ds)
    for name, fit in nodes.items():
        if name not in placed and not fit.should_run:
            continue
        staying = [pod for pod in placed.get(name, ()) if not is_deleting(pod)]
        new = [pod for pod in staying if revision_label(pod) == hashed]
        old = [pod for pod in staying if revision_label(pod) != hashed]
        serve = (any(is_available(pod, seconds, now) for pod in pods) for pods in (new, old))
        yield Node(name, fit, new, old, *serve)


def limits(ds: Object, wanted: int) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) for `wanted` nodes, both rounded up. When both come to 0 nothing could ever move, so
    one node may be without."""
    rolling = _rolling(ds)
    surge = int_or_percent(rolling.get("maxSurge", 0), wanted, round_up=True)
    unavailable = int_or_percent(rolling.get("maxUnavailable", 1), wanted, round_up=True)
    return surge, unavailable if surge or unavailable else 1


def allows_surge(ds: Object) -> bool:
    """Two pods may be on a node while one replaces the other."""
    strategy = spec(ds).get("updateStrategy") or {}
    return strategy.get("type") == "RollingUpdate" and not is_zero(_rolling(ds).get("maxSurge", 0))


def _rolling(ds: Object) -> Object:
    return (spec(ds).get("updateStrategy") or {}).get("rollingUpdate") or {}


def rolling_step(rollout: Rollout) -> Step:
    return _surge(rollout) if rollout.surge else _replace(rollout)


def _replace(rollout: Rollout) -> Step:
    lone = [node for node in rollout.nodes if len(node.old) == 1 and not node.new]
    without = sum(not node.old_serves if node in lone else not _is_done(node) for node in rollout.nodes)
    sick = [node.old[0] for node in lone if not node.old_serves]
    candidates = [node.old[0] for node in lone if node.old_serves]
    return Step(delete=[*sick, *candidates[: max(0, rollout.unavailable - without)]])


def _is_done(node: Node) -> bool:
    """One new pod, which serves, and no other."""
    return len(node.new) == 1 and not node.old and node.new_serves


def _surge(rollout: Rollout) -> Step:
    """A node with more pods than a rolling update makes is being cleaned up, and counts as one with a surplus pod."""
    crowded = [node for node in rollout.nodes if len(node.new) > 1 or len(node.old) > 1]
    others = [node for node in rollout.nodes if node not in crowded and node.old]
    surging = [node for node in others if node.new and not node.new_serves]
    lone = [node for node in others if not node.new and node.fit.should_run]
    sick = [node.name for node in lone if not node.old_serves]
    candidates = [node.name for node in lone if node.old_serves]
    spare = max(0, rollout.surge - len(crowded) - len(surging))
    done = [node.old[0] for node in others if node.new_serves]
    return Step(create=[*sick, *candidates[:spare]], delete=done)
