"""Which pods go first when the node is short of something, and what they are told. Pure.

The order is the kubelet's: those that use more than they requested before those that do not, the lower priority before
the higher, the larger excess before the smaller. The sentences are the kubelet's, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agent.eviction.config import Threshold
from agent.eviction.signals import RESOURCES, Observations
from orchestrator.api import pods
from orchestrator.api.meta import Object
from orchestrator.api.quantity import canonical, format_binary, integer

#: Resources that pods can request; of the others the one that uses most goes first.
_REQUESTED = frozenset({"memory", "ephemeral-storage"})


@dataclass(frozen=True, slots=True)
class PodUse:
    """How much of one resource a pod uses, and each of its containers by name: bytes, inodes or processes."""

    pod: Object
    total: int
    containers: Mapping[str, int] = field(default_factory=dict)


def rank(uses: Iterable[PodUse], resource: str) -> list[PodUse]:
    """The pods that may be evicted, the first to go first."""
    return sorted((use for use in uses if not pods.is_critical(use.pod)), key=lambda use: _standing(use, resource))


def _standing(use: PodUse, resource: str) -> tuple[bool, int, int]:
    requested = int(pods.requests(use.pod).get(resource, 0)) if resource in _REQUESTED else 0
    excess = use.total - requested
    within = resource in _REQUESTED and excess <= 0
    return within, pods.priority(use.pod), -excess


def message(use: PodUse, threshold: Threshold, found: Observations) -> str:
    resource, seen = RESOURCES[threshold.signal], found[threshold.signal]
    least, left = _amount(threshold.value.of(seen.capacity), resource), _amount(seen.available, resource)
    text = f"The node was low on resource: {resource}. Threshold quantity: {least}, available: {left}. "
    if resource not in _REQUESTED:
        return text
    for container in pods.containers(use.pod):
        used = use.containers.get(container["name"], 0)
        request = ((container.get("resources") or {}).get("requests") or {}).get(resource, 0)
        if used > integer(request):
            amounts = f"was using {_amount(used, resource)}, request is {canonical(request)}"
            text += f"Container {container['name']} {amounts}, has larger consumption of {resource}. "
    return text


def _amount(number: int, resource: str) -> str:
    return format_binary(number) if resource in _REQUESTED else str(number)
