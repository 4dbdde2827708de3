"""What several parts need to know of a pod. Pure; quantities are in base units (cores, bytes, counts)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from orchestrator.api.meta import Object, condition, is_deleting, metadata, spec, status
from orchestrator.api.quantity import parse

Resources = dict[str, Fraction]

#: The phases that a pod never leaves.
TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})
#: The resources that decide the quality-of-service class.
_QOS_RESOURCES = ("cpu", "memory")
#: Priorities from here on belong to the system (`system-cluster-critical`).
SYSTEM_CRITICAL_PRIORITY = 2_000_000_000
#: Annotation of a pod that shows a static one: the uid of that, which is a hash of its file.
MIRROR = "kubernetes.io/config.mirror"
#: Annotation that says where a static pod comes from; its mirror has it too.
SOURCE = "kubernetes.io/config.source"


class HostPort(NamedTuple):
    """A port that a pod takes on its node; `ip` is `0.0.0.0` for all addresses."""

    ip: str
    protocol: str
    port: int

    def collides(self, other: HostPort) -> bool:
        """A port on all addresses collides with the same one on any."""
        same = (self.protocol, self.port) == (other.protocol, other.port)
        return same and (self.ip == other.ip or "0.0.0.0" in (self.ip, other.ip))


def phase(pod: Object) -> str:
    return str(status(pod).get("phase") or "")


def is_ready(pod: Object) -> bool:
    """The pod's Ready condition is True."""
    return (condition(pod, "Ready") or {}).get("status") == "True"


def is_terminal(pod: Object) -> bool:
    """The pod has finished for good."""
    return phase(pod) in TERMINAL_PHASES


def is_active(pod: Object) -> bool:
    """The pod counts for its controller: neither finished nor being deleted."""
    return not is_terminal(pod) and not is_deleting(pod)


def priority(pod: Object) -> int:
    return int(spec(pod).get("priority") or 0)


def is_critical(pod: Object) -> bool:
    """The cluster or its node needs the pod: it is not evicted, and comes even under pressure."""
    own = metadata(pod).get("annotations") or {}
    return priority(pod) >= SYSTEM_CRITICAL_PRIORITY or MIRROR in own or own.get(SOURCE) == "file"


def is_sidecar(init_container: Object) -> bool:
    """An init container that keeps running beside the containers (`restartPolicy: Always`)."""
    return init_container.get("restartPolicy") == "Always"


def containers(pod: Object) -> list[Object]:
    return spec(pod).get("containers") or []


def init_containers(pod: Object) -> list[Object]:
    return spec(pod).get("initContainers") or []


def ephemeral_containers(pod: Object) -> list[Object]:
    return spec(pod).get("ephemeralContainers") or []


def container_statuses(pod: Object) -> dict[str, Object]:
    """The status of every container that has one, by name: init, main and ephemeral containers."""
    lists = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    return {str(entry.get("name")): entry for field in lists for entry in status(pod).get(field) or []}


def host_ports(pod: Object) -> frozenset[HostPort]:
    """The node's ports that the pod needs for itself."""
    return frozenset(
        HostPort(port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", int(port["hostPort"]))
        for container in _long_running(pod)
        for port in container.get("ports") or []
        if port.get("hostPort")
    )


def requests(pod: Object) -> Resources:
    """What the scheduler must find free on a node.

    Containers and sidecars run together, so they add up; init containers run one after another, each beside the
    sidecars started before it, so of those only the largest counts. The overhead comes on top.
    """
    return _sum((_together(pod, _requests), _quantities(spec(pod).get("overhead"))))


def limits(pod: Object) -> Resources:
    """What the pod may use at most, of the resources that are limited; counted like its requests."""
    total = _together(pod, _limits)
    overhead = _quantities(spec(pod).get("overhead"))
    return _sum((total, {name: amount for name, amount in overhead.items() if total.get(name)}))


def qos_class(pod: Object) -> str:
    """`Guaranteed` when every container's CPU and memory requests equal its limits, `BestEffort` when none has any,
    else `Burstable`."""
    everything = [*init_containers(pod), *containers(pod)]
    asked = [_positive(_requests(container)) for container in everything]
    limited = [_positive(_limits(container)) for container in everything]
    if not any(asked) and not any(limited):
        return "BestEffort"
    guaranteed = all(len(limits) == len(_QOS_RESOURCES) for limits in limited) and asked == limited
    return "Guaranteed" if guaranteed else "Burstable"


def _long_running(pod: Object) -> Iterator[Object]:
    yield from (container for container in init_containers(pod) if is_sidecar(container))
    yield from containers(pod)


def _together(pod: Object, of: Callable[[Object], Resources]) -> Resources:
    """What `of` says of each container, for the whole pod at its greatest."""
    running = _sum(of(container) for container in containers(pod))
    sidecars: Resources = {}
    starting: Resources = {}
    for container in init_containers(pod):
        step = _sum((sidecars, of(container)))
        starting = _max(starting, step)
        if is_sidecar(container):
            sidecars = step
    return _max(_sum((running, sidecars)), starting)


def _requests(container: Object) -> Resources:
    return _quantities((container.get("resources") or {}).get("requests"))


def _limits(container: Object) -> Resources:
    return _quantities((container.get("resources") or {}).get("limits"))


def _quantities(resources: Object | None) -> Resources:
    return {name: parse(quantity) for name, quantity in (resources or {}).items()}


def _positive(resources: Resources) -> Resources:
    return {name: resources[name] for name in _QOS_RESOURCES if resources.get(name)}


def _sum(parts: Iterable[Resources]) -> Resources:
    total: Resources = {}
    for part in parts:
        for name, quantity in part.items():
            total[name] = total.get(name, Fraction(0)) + quantity
    return total


def _max(a: Resources, b: Resources) -> Resources:
    return {name: max(a.get(name, Fraction(0)), b.get(name, Fraction(0))) for name in a | b}
