"""In-place resize: which of the wanted resources a pod is granted, and what of them holds already. Pure.

What is granted is the pod's allocation: the pod is run by it, whatever its spec wants meanwhile. Rules and sentences
are the kubelet's (`pkg/kubelet/allocation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from agent.actions import resize_slot
from agent.observed import Observed, ResizeRefusal, is_running
from agent.runtime import limits
from orchestrator.api import pods
from orchestrator.api.meta import Object, spec
from orchestrator.api.quantity import parse

#: `resources` by container.
Allocation = Mapping[str, Object]

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
_RESOURCES = ("cpu", "memory")


def resizable(pod: Object) -> list[Object]:
    """The containers that run for as long as the pod."""
    return [*(init for init in pods.init_containers(pod) if pods.is_sidecar(init)), *pods.containers(pod)]


def wanted(pod: Object) -> Allocation:
    return {container["name"]: container.get("resources") or {} for container in resizable(pod)}


def known_allocation(pod: Object) -> Allocation:
    """What an earlier agent granted, by the status that it wrote; of a new pod what it wants."""
    told = pods.container_statuses(pod)
    return {name: told.get(name, {}).get("resources", resources) for name, resources in wanted(pod).items()}


def with_allocation(pod: Object, allocation: Allocation) -> Object:
    """The pod as it is to be run."""
    if all(allocation.get(name, resources) == resources for name, resources in wanted(pod).items()):
        return pod
    lists = {
        field: [_allocated(container, allocation) for container in spec(pod)[field]]
        for field in ("initContainers", "containers")
        if spec(pod).get(field)
    }
    return {**pod, "spec": spec(pod) | lists}


def _allocated(container: Object, allocation: Allocation) -> Object:
    granted = allocation.get(container["name"])
    return container if granted is None else {**container, "resources": granted}


def refusal(pod: Object, others: Iterable[Object], allocatable: Mapping[str, str]) -> ResizeRefusal | None:
    """Why the pod cannot have what it wants beside `others` (pods with their allocation), or None."""
    asked, taken = pods.requests(pod), [pods.requests(other) for other in others if not pods.is_terminal(other)]
    room = {name: parse(allocatable[name]) for name in _RESOURCES if name in allocatable and asked.get(name)}
    for name, capacity in room.items():
        if asked[name] > capacity:
            figures = f"requested: {_figure(name, asked[name])}, capacity: {_figure(name, capacity)}"
            return ResizeRefusal("Infeasible", f"Node didn't have enough capacity: {name}, {figures}")
    for name, capacity in room.items():
        used = sum((requests.get(name, Fraction()) for requests in taken), Fraction())
        if asked[name] + used > capacity:
            amounts = {"requested": asked[name], "used": used, "capacity": capacity}
            figures = ", ".join(f"{what}: {_figure(name, amount)}" for what, amount in amounts.items())
            return ResizeRefusal("Deferred", f"Node didn't have enough resource: {name}, {figures}")
    return None


def _figure(resource: str, amount: Fraction) -> int:
    """Thousandths of a core, bytes."""
    return int(amount * 1000) if resource == "cpu" else int(amount)


def increases(pod: Object, allocation: Allocation) -> bool:
    """Whether it asks for more than it has: less is always granted."""
    asked, has = pods.requests(pod), pods.requests(with_allocation(pod, allocation))
    return any(asked.get(name, 0) > has.get(name, 0) for name in _RESOURCES)


def unfinished(pod: Object, seen: Observed) -> Iterator[str]:
    """Running containers whose limits are not (yet) those of their allocation."""
    for container in resizable(pod):
        instance = seen.newest(container["name"])
        if instance is not None and is_running(instance) and limits.unlike(container, instance.resources):
            yield container["name"]


def conditions(pod: Object, seen: Observed) -> list[Object]:
    """PodResizePending and PodResizeInProgress, where they hold."""
    found = []
    if seen.resize_refused is not None:
        why = {"reason": seen.resize_refused.reason, "message": seen.resize_refused.message}
        found.append({"type": PENDING, "status": "True", **why})
    if names := list(unfinished(pod, seen)):
        failed = [setback for name in names if (setback := seen.setbacks.get(resize_slot(name)))]
        error = {"reason": "Error", "message": failed[0].message} if failed else {}
        found.append({"type": IN_PROGRESS, "status": "True", **error})
    return found
