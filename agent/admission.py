"""Whether the node begins a pod that was assigned to it, with the kubelet's reasons when it does not.

The scheduler has asked the same before; a pod bound by hand, or by a scheduler with an older view, comes unasked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from fractions import Fraction

from agent.runtime.node import Abilities
from agent.unfit import unfit
from agent.verdict import EVICTED, Verdict, rejection
from orchestrator.api.meta import Object, labels, name, spec, status, uid
from orchestrator.api.node_terms import selector_terms
from orchestrator.api.pods import HostPort, Resources, host_ports, is_critical, qos_class, requests
from orchestrator.api.quantity import parse
from orchestrator.api.taints import NO_EXECUTE, NO_SCHEDULE, tolerated_by

MEMORY_PRESSURE = "MemoryPressure"
_MEMORY_TAINT = {"key": "node.kubernetes.io/memory-pressure", "effect": NO_SCHEDULE}
#: In the order of which a shortage is told.
_RESOURCES = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True, slots=True)
class NodeView:
    """What admission has to know of the node. `node` is its object, with `status.allocatable` as of now; `pressures`
    the conditions it has."""

    node: Object
    abilities: Abilities = field(default_factory=Abilities)
    pressures: Set[str] = frozenset()
    shutting_down: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """What a pod takes of its node."""

    requests: Resources
    ports: frozenset[HostPort]


def demand(pod: Object) -> Demand:
    return Demand(requests(pod), host_ports(pod))


class Admission:
    """`view` is asked at each pod. For one thread at a time."""

    def __init__(self, view: Callable[[], NodeView]) -> None:
        self._view = view
        #: By uid, each with the spec that it was taken from: a hundred pods need not be read anew for the next one.
        self._demands: dict[str, tuple[Object, Demand]] = {}

    def judge(self, pod: Object, others: Iterable[Object]) -> Verdict | None:
        """`others` are the pods that run here or are about to."""
        known = self._demands
        self._demands = {}
        for other in others:
            before = known.get(uid(other))
            same = before is not None and before[0] is spec(other)
            self._demands[uid(other)] = before if before and same else (spec(other), demand(other))
        return judge(pod, [taken for _, taken in self._demands.values()], self._view())


def judge(pod: Object, others: Sequence[Demand], view: NodeView) -> Verdict | None:
    """None when the pod may begin."""
    if view.shutting_down:
        return rejection("NodeShutdown", "Pod was rejected as the node is shutting down.")
    if view.pressures and not _bears(pod, view.pressures):
        return rejection(EVICTED, f"The node had condition: [{' '.join(sorted(view.pressures))}]. ")
    return (
        unfit(pod, view.abilities)
        or next(_shortages(pod, others, view.node), None)
        or next(_mismatches(pod, others, view.node), None)
    )


def _bears(pod: Object, pressures: Set[str]) -> bool:
    """Under pressure of memory alone, pods that asked for some of it may still come."""
    if is_critical(pod):
        return True
    if set(pressures) != {MEMORY_PRESSURE}:
        return False
    return qos_class(pod) != "BestEffort" or bool(tolerated_by(spec(pod).get("tolerations") or (), _MEMORY_TAINT))


def _shortages(pod: Object, others: Sequence[Demand], node: Object) -> Iterator[Verdict]:
    allocatable = {resource: parse(amount) for resource, amount in (status(node).get("allocatable") or {}).items()}
    most = allocatable.get("pods", Fraction(0))
    if len(others) + 1 > most:
        yield _shortage("pods", Fraction(1), Fraction(len(others)), most)
    wanted = requests(pod)
    for resource in sorted(wanted, key=_rank):
        # Of devices and huge pages a node has none unless it says so.
        most = allocatable.get(resource, Fraction(0))
        used = sum((other.requests.get(resource, Fraction(0)) for other in others), Fraction(0))
        if wanted[resource] and wanted[resource] > most - used:
            yield _shortage(resource, wanted[resource], used, most)


def _rank(resource: str) -> tuple[int, str]:
    return (_RESOURCES.index(resource) if resource in _RESOURCES else len(_RESOURCES), resource)


def _shortage(resource: str, wanted: Fraction, used: Fraction, capacity: Fraction) -> Verdict:
    """CPU in thousandths of a core, as the kubelet counts it."""
    unit = 1000 if resource == "cpu" else 1
    figures = f"requested: {int(wanted * unit)}, used: {int(used * unit)}, capacity: {int(capacity * unit)}"
    return rejection(f"OutOf{resource}", f"Node didn't have enough resource: {resource}, {figures}")


def _mismatches(pod: Object, others: Sequence[Demand], node: Object) -> Iterator[Verdict]:
    if not _suits(pod, node):
        yield _mismatch("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    wanted = host_ports(pod)
    if any(port.collides(taken) for port in wanted for other in others for taken in other.ports):
        yield _mismatch("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    taints = [taint for taint in spec(node).get("taints") or () if taint.get("effect") == NO_EXECUTE]
    tolerations: Collection[Object] = spec(pod).get("tolerations") or ()
    if any(not tolerated_by(tolerations, taint) for taint in taints):
        yield _mismatch("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def _mismatch(predicate: str, why: str) -> Verdict:
    return rejection(predicate, f"Predicate {predicate} failed: {why}")


def _suits(pod: Object, node: Object) -> bool:
    """Before the node's labels are known, which it never is without, the scheduler's word stands."""
    if not labels(node):
        return True
    selector = spec(pod).get("nodeSelector") or {}
    if not selector.items() <= labels(node).items():
        return False
    affinity = (spec(pod).get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(term.matches(name(node), labels(node)) for term in selector_terms(required))
