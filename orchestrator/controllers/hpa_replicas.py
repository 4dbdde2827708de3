"""How many pods would bring what they use to what is aimed at. Pure.

The formula is Kubernetes': as many times more pods as they use more than they should, rounded up; nothing where that
is within the tolerance. What is not known is taken as what holds a change back, and never turns it round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from orchestrator.api.meta import Object, name
from orchestrator.api.pods import containers, init_containers, is_sidecar
from orchestrator.api.quantity import format_milli, milli
from orchestrator.controllers.hpa_pods import Groups, NoFigures


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much a ratio may be off 1 before anything is done."""

    down: float
    up: float

    def allows(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


class Aim(Protocol):
    """What the pods should use. `used` is in thousandths, by pod, of one pod at least."""

    def reading(self, used: Mapping[str, int]) -> tuple[float, Object]:
        """What they use in proportion to that, and in the words of a MetricValueStatus. Raises NoFigures."""

    def assumed(self, pod: str) -> int:
        """What a pod that nothing is known of uses at most."""


@dataclass(frozen=True, slots=True)
class AverageValue:
    """So many thousandths a pod."""

    milli: int

    def reading(self, used: Mapping[str, int]) -> tuple[float, Object]:
        average = sum(used.values()) // len(used)
        return average / self.milli, {"averageValue": format_milli(average)}

    def assumed(self, pod: str) -> int:
        return self.milli


@dataclass(frozen=True, slots=True)
class Utilization:
    """So many percent of what the pods request together. `requests` has every pod, in thousandths."""

    percent: int
    requests: Mapping[str, int]

    def reading(self, used: Mapping[str, int]) -> tuple[float, Object]:
        requested = sum(self.requests[pod] for pod in used)
        if not requested:
            raise NoFigures("no metrics returned matched known pods")
        total = sum(used.values())
        percent = total * 100 // requested
        value = {"averageUtilization": percent, "averageValue": format_milli(total // len(used))}
        return percent / self.percent, value

    def assumed(self, pod: str) -> int:
        return self.requests[pod] * max(100, self.percent) // 100


def requests(pods: Iterable[Object], resource: str, container: str) -> dict[str, int]:
    """What each pod requests in all, or for one `container`, in thousandths. Raises NoFigures where one does not."""
    return {name(pod): sum(_requests(pod, resource, container)) for pod in pods}


def _requests(pod: Object, resource: str, container: str) -> Iterator[int]:
    running = [*containers(pod), *filter(is_sidecar, init_containers(pod))]
    asked = [each for each in running if container in ("", each["name"])]
    if not asked:
        raise NoFigures(f"container {container} not found in Pod {name(pod)}")
    for each in asked:
        amount = ((each.get("resources") or {}).get("requests") or {}).get(resource)
        if amount is None:
            raise NoFigures(f"missing request for {resource} in container {each['name']} of Pod {name(pod)}")
        yield milli(amount)


def proposed(groups: Groups, aim: Aim, tolerance: Tolerance, current: int) -> tuple[int, Object]:
    """How many there should be, and what is used now. `groups.used` is not empty. Raises NoFigures."""
    ratio, value = aim.reading(groups.used)
    unready = groups.unready if ratio > 1 else frozenset()
    if not unready and not groups.missing:
        return current if tolerance.allows(ratio) else ceil(ratio * len(groups.used)), value
    used = dict(groups.used)
    if ratio < 1:
        used |= {pod: aim.assumed(pod) for pod in groups.missing}
    elif ratio > 1:
        used |= dict.fromkeys(groups.missing | unready, 0)
    damped, _ = aim.reading(used)
    wanted = ceil(damped * len(used))
    turned = (ratio < 1 < damped) or (damped < 1 < ratio)
    backwards = (damped < 1 and wanted > current) or (damped > 1 and wanted < current)
    return current if tolerance.allows(damped) or turned or backwards else wanted, value
