"""What a DaemonSet does next: one pod on every suitable node, and none elsewhere. Pure.

The rules are those of Kubernetes' daemon controller (`daemon_controller.go`, `update.go`): first every node gets as
many pods as it should have; only when nothing is to be done about that may a rolling update go on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.api.meta import Object, is_deleting, labels, spec
from orchestrator.api.pods import is_ready, is_terminal, phase
from orchestrator.controllers.availability import is_available
from orchestrator.controllers.daemonset_nodes import Fitness
from orchestrator.controllers.daemonset_pods import by_seniority, target_node
from orchestrator.controllers.daemonset_update import Rollout, allows_surge, rolling_step
from orchestrator.controllers.replicaset_plan import min_ready_seconds
from orchestrator.controllers.revision_plan import POD_REVISION

#: At most this many pods are created, and as many deleted, in one sync.
BURST = 250


@dataclass(slots=True)
class Plan:
    #: The nodes to make a pod for.
    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    #: Of those to delete, the ones that have ended by themselves.
    ended: list[Object] = field(default_factory=list)
    #: Nodes whose failed pod stays for now, as earlier ones failed shortly before.
    waiting: list[str] = field(default_factory=list)


def by_node(pods: Sequence[Object]) -> dict[str, list[Object]]:
    """Pods by the node that they are on or meant for. Those that have ended and are on their way out are left out, as
    are those that nobody can tell a node of."""
    found: dict[str, list[Object]] = {}
    for pod in pods:
        if (node := target_node(pod)) and not (is_terminal(pod) and is_deleting(pod)):
            found.setdefault(node, []).append(pod)
    return found


def plan(
    ds: Object,
    pods: Sequence[Object],
    nodes: Mapping[str, Fitness],
    hashed: str,
    patient: Collection[str],
    now: float,
) -> Plan:
    """`pods` are its own, `hashed` the hash of its template's revision; on the nodes in `patient` failed pods stay."""
    placed = by_node(pods)
    result = Plan()
    for node, fit in nodes.items():
        _manage(ds, node, fit, placed.get(node), hashed, patient, now, result)
    # Nobody else will ever remove a pod that waits for a node that is gone.
    strays = (pod for node, there in placed.items() if node not in nodes for pod in there)
    result.delete += [pod for pod in strays if not spec(pod).get("nodeName") and not is_deleting(pod)]
    if not result.create and not result.delete and _is_rolling(ds):
        step = rolling_step(Rollout.of(ds, nodes, placed, hashed, now))
        result.create, result.delete = list(step.create), list(step.delete)
    del result.create[BURST:], result.delete[BURST:]
    return result


def _is_rolling(ds: Object) -> bool:
    return (spec(ds).get("updateStrategy") or {}).get("type") != "OnDelete"


def _manage(
    ds: Object,
    node: str,
    fit: Fitness,
    pods: Sequence[Object] | None,
    hashed: str,
    patient: Collection[str],
    now: float,
    result: Plan,
) -> None:
    """A pod that is being deleted keeps its node taken, unless the DaemonSet may have two there anyway."""
    if pods is None:
        if fit.should_run:
            result.create.append(node)
        return
    staying = [pod for pod in pods if not is_deleting(pod)]
    if not fit.may_stay:
        result.delete += staying
        return
    ended = [pod for pod in staying if is_terminal(pod)]
    failed = [pod for pod in ended if phase(pod) == "Failed"]
    if failed and node in patient:
        result.waiting.append(node)
        ended = [pod for pod in ended if phase(pod) != "Failed"]
    result.ended += ended
    result.delete += ended
    running = by_seniority(pod for pod in staying if not is_terminal(pod))
    if not allows_surge(ds):
        result.delete += running[1:]
    elif not running and fit.should_run and not failed:
        result.create.append(node)
    elif len(running) > 1:
        result.delete += _surplus(running, hashed, min_ready_seconds(ds), now)


def _surplus(running: Sequence[Object], hashed: str, min_ready: int, now: float) -> list[Object]:
    """Two pods may be there only while the old one serves and the new one does not yet. Of each kind one that is
    ready is kept, so that a second update in the middle of the first takes away nothing that serves."""
    running = sorted(running, key=is_ready, reverse=True)
    new = [pod for pod in running if labels(pod).get(POD_REVISION) == hashed]
    old = [pod for pod in running if labels(pod).get(POD_REVISION) != hashed]
    surplus = new[1:] + old[1:]
    if new and old and (not is_ready(old[0]) or is_available(new[0], min_ready, now)):
        surplus.append(old[0])
    return surplus
